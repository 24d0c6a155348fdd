"""Requests to put a version of a model in force, and their decisions."""

import sqlalchemy as sql
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the table; what it means stands in ``perfml.store.tables``."""
    op.create_table(
        "promotions",
        sql.Column("number", sql.Integer, primary_key=True, autoincrement=True),
        sql.Column("key", sql.Text, nullable=False, unique=True),
        sql.Column("subject", sql.Text, nullable=False, index=True),
        sql.Column("entry", sql.Text, nullable=False),
        sql.Column("entered_at", sql.Text, nullable=False),
        sqlite_autoincrement=True,
    )
