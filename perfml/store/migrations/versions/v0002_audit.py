"""The audit log, and the keys of people."""

import sqlalchemy as sql
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the tables; what they mean stands in ``perfml.store.tables``."""
    op.create_table(
        "audit",
        sql.Column("number", sql.Integer, primary_key=True, autoincrement=False),
        *(
            sql.Column(name, sql.Text, nullable=False)
            for name in ("at", "action", "subjects", "payload", "previous", "hash")
        ),
    )
    op.create_table(
        "person_keys",
        sql.Column("person", sql.Text, primary_key=True),
        sql.Column("pseudonym", sql.Text, nullable=False, unique=True),
        sql.Column("key", sql.Text, nullable=False),
    )
