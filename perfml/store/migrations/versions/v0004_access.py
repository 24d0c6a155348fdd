"""Grants of roles, and the secrets of tokens, sessions and set-up links as hashes."""

import sqlalchemy as sql
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the tables; what they mean stands in ``perfml.store.tables``."""
    for name in ("grants", "credentials"):
        op.create_table(
            name,
            sql.Column("number", sql.Integer, primary_key=True, autoincrement=True),
            sql.Column("key", sql.Text, nullable=False, unique=True),
            sql.Column("subject", sql.Text, nullable=False, index=True),
            sql.Column("entry", sql.Text, nullable=False),
            sql.Column("entered_at", sql.Text, nullable=False),
            sqlite_autoincrement=True,
        )
