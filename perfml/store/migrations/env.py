"""Alembic runs this module; the connection comes from :mod:`perfml.store.opening`."""

from alembic import context

from perfml.store.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
