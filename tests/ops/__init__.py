"""Tests of the operation of a box."""
