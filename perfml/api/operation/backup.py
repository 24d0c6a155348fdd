"""The verbs of backups."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perfml.api import Project
    from perfml.store.backup.manifest import BackupManifest


def backup(project: Project, to: str | Path) -> tuple[Path, BackupManifest]:
    """Write a backup of the home to the file ``to``, or into the folder ``to`` under the time; return where, and what it holds.

    It is of one moment although others write, and complete or not there at all. It holds models, scores, suggestions, packets and
    everything that was entered, and no key (``BackupManifest.left_out``). Raises :class:`PerfmlError`.
    """
    from perfml.store.backup.making import make_backup

    return make_backup(project.home, Path(to), now=dt.datetime.now(dt.UTC))


def restore(project: Project, archive: str | Path, *, key: str | Path | None = None) -> BackupManifest:
    """Restore a backup into the home of this project, which must not exist or be empty; return what it holds.

    ``key``: the file of the key of its audit log, unless ``PERFML_AUDIT_KEY`` holds it. Entries go to the database that
    ``PERFML_STORE_URL`` names, which must be empty, else into the home. Raises :class:`PerfmlError` for a backup that was cut or
    altered; then nothing is restored.
    """
    from perfml.store.backup.restoring import restore_backup

    return restore_backup(Path(archive), project.home, key_file=None if key is None else Path(key))
