"""Backups on the terminal."""

from __future__ import annotations

from pathlib import Path

from rich.markup import escape

from perfml.messages import Language
from perfml.messages.message import fill
from perfml.store.backup.manifest import BackupManifest
from perfml.terminal.console import out


def backup_lines(path: Path, manifest: BackupManifest, language: Language) -> None:
    """Where it is, how much it holds, and what has to be kept elsewhere."""
    figures = {"files": f"{len(manifest.files):,}", "rows": f"{sum(manifest.rows.values()):,}", "file": path}
    out.print(escape(fill("backup_made", language, **figures)), highlight=False, soft_wrap=True)
    out.print(f"  {fill('backup_keys', language)}", highlight=False)


def restored_lines(home: Path, manifest: BackupManifest, findings: int, language: Language) -> None:
    """What was restored, whether the audit log is whole, and what to do again."""
    figures = {"files": f"{len(manifest.files):,}", "rows": f"{sum(manifest.rows.values()):,}", "home": home}
    out.print(
        escape(fill("backup_restored", language, made_at=manifest.made_at, **figures)), highlight=False, soft_wrap=True
    )
    out.print(f"  {fill('backup_log_wrong' if findings else 'backup_log_whole', language, findings=findings)}")
    out.print(f"  {fill('backup_again', language)}", highlight=False)
