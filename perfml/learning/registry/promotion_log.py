"""Who promoted which version: one document a model, sealed with its SHA-256. Its last entry names the champion.

Pointer and log are the same file, so a process killed at any moment leaves the promotion with its champion, or neither. Nothing
heavy is imported: the service reads it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from perfml.errors import ModelError
from perfml.files import reading, write_text

LOG = "promotions.json"
EARLIER_LOG, EARLIER_POINTER = "promotions.jsonl", "champion"
"""Of an earlier perfml: they are read until the next promotion, which takes over their entries."""


@dataclass(frozen=True, kw_only=True)
class Promotion:
    """Record of who made a version the champion, when and why; ``before`` is the version it replaced."""

    model: str
    version: str
    approver: str
    reason: str
    at: str
    before: str | None


def promotions(home: Path, name: str) -> list[Promotion]:
    """Return all promotions of versions of this model, the newest last. Raises :class:`ModelError` for a damaged log."""
    log = home / "models" / name / LOG
    if not log.exists():
        return _earlier(home, name)
    with reading(
        log, remedy=f"restore it from a backup, or remove it and run `perfml promote {name}` again", error=ModelError
    ):
        document = json.loads(log.read_text(encoding="utf-8"))
        entries = [Promotion(**entry) for entry in document["promotions"]]
        if document["sha256"] != _digest(entries) or {entry.model for entry in entries} != {name}:
            raise ValueError("it was altered, or belongs to another model")
    return entries


def add_promotion(home: Path, promotion: Promotion) -> None:
    """Append ``promotion``, which makes its version the champion."""
    folder = home / "models" / promotion.model
    entries = [*promotions(home, promotion.model), promotion]
    document = {"sha256": _digest(entries), "promotions": [asdict(entry) for entry in entries]}
    write_text(folder / LOG, json.dumps(document, ensure_ascii=False, indent=1))
    for earlier in (EARLIER_LOG, EARLIER_POINTER):
        (folder / earlier).unlink(missing_ok=True)


def _earlier(home: Path, name: str) -> list[Promotion]:
    """What an earlier perfml logged; a promotion that was interrupted before it changed the pointer is none."""
    log, pointer = (home / "models" / name / file for file in (EARLIER_LOG, EARLIER_POINTER))
    if not log.exists():
        return []
    with reading(log, remedy="restore it from a backup", error=ModelError):
        entries = [Promotion(**json.loads(line)) for line in log.read_text(encoding="utf-8").splitlines()]
        champion = pointer.read_text(encoding="utf-8").strip() if pointer.exists() else None
    while entries and entries[-1].version != champion:
        entries.pop()
    return entries


def _digest(entries: Sequence[Promotion]) -> str:
    text = json.dumps([asdict(entry) for entry in entries], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
