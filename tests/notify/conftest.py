"""Fixtures of these tests."""

from tests.notify.outbox_world import world as world
from tests.support.databases import *  # noqa: F403
