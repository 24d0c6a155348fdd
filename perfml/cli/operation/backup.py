"""The commands of backups."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perfml.api import Project
from perfml.cli.options import HomeOption, JsonOption, LanguageName, LanguageOption, ProjectOption, print_json
from perfml.terminal.trust.backup import backup_lines, restored_lines


def backup(
    to: Annotated[Path, typer.Option("--to", help="File to write (.tar.gz), or a folder.")],
    *,
    language: LanguageOption = LanguageName.en,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write everything under the home and in its store to one file, also while the service writes. Keys are not in it."""
    path, manifest = Project(project, home=home).backup(to)
    if as_json:
        print_json(
            {"file": str(path), "bytes": path.stat().st_size, "rows": manifest.rows, "files": len(manifest.files)}
        )
        return
    backup_lines(path, manifest, language.value)


def restore(
    archive: Annotated[Path, typer.Option("--from", help="A file that `perfml backup` wrote.")],
    home: Annotated[Path, typer.Option("--home", help="Folder to make; it must not exist or be empty.")],
    *,
    key: Annotated[
        Path | None, typer.Option("--key", help="File of the audit log's key, such as a copy of audit.key.")
    ] = None,
    language: LanguageOption = LanguageName.en,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Restore a backup after every byte of it was verified, and verify the audit log. Exit code 1: that finds something."""
    opened = Project(project, home=home)
    manifest = opened.restore(archive, key=key)
    audited = opened.verify_audit()
    if as_json:
        print_json({"made_at": manifest.made_at, "rows": manifest.rows, "audit": audited.to_json()})
    else:
        restored_lines(home, manifest, len(audited.findings), language.value)
    if not audited.whole:
        raise typer.Exit(1)
