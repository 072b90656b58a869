"""Drafts and publications of flows, and calls that go by them."""
