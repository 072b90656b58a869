"""Migrations of the database, the same on SQLite and PostgreSQL. ``store.schema`` runs them."""
