"""Public reference data."""
