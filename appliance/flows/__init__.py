"""Flows: draft, check, publish, go back."""
