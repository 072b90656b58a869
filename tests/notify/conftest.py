"""Fixtures of these tests."""

from tests.support.databases import *  # noqa: F403
