"""Tables of entries, and the id of the store."""

import sqlalchemy as sql
from alembic import op

revision = "0001"
down_revision = None

TABLES = ("decisions", "interventions", "deliveries", "definitions", "holds", "disputes", "notices", "outbox")


def upgrade() -> None:
    """Create the tables; what they mean stands in ``perfml.store.tables``."""
    op.create_table("store", sql.Column("id", sql.Text, primary_key=True))
    for name in TABLES:
        op.create_table(
            name,
            sql.Column("number", sql.Integer, primary_key=True, autoincrement=True),
            sql.Column("key", sql.Text, nullable=False, unique=True),
            sql.Column("subject", sql.Text, nullable=False, index=True),
            sql.Column("entry", sql.Text, nullable=False),
            sql.Column("entered_at", sql.Text, nullable=False),
            sqlite_autoincrement=True,
        )
