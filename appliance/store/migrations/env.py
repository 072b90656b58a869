"""Run by Alembic. The connection comes from ``store.schema``, which has begun a transaction on it."""

from __future__ import annotations

from alembic import context

from appliance.store.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    # SQLite cannot alter a column: Alembic copies the table instead.
    render_as_batch=True,
    # Both databases undo a table that was made; Alembic takes SQLite for one that does not.
    transactional_ddl=True,
    compare_type=True,
    compare_server_default=True,
)
context.run_migrations()
