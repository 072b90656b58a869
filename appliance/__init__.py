"""The 400 gateway appliance: calls, CDRs, rating and the office beside them.

``docs/architecture.md`` draws the house; its walls are one import-linter contract in ``pyproject.toml``.
"""
