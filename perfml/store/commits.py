"""Whether others have committed to the database since a connection last looked."""

from __future__ import annotations

import sqlalchemy as sql


def commits_of_others(connection: sql.Connection) -> tuple[object, int] | None:
    """What changes with every commit of others, and with the connection to the database; None where the database does not say."""
    if connection.dialect.name != "sqlite":
        return None
    driver = connection.connection.driver_connection
    return None if driver is None else (driver, driver.execute("pragma data_version").fetchone()[0])
