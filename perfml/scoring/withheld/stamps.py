"""The stamp of a kept file: the number of the newest entry about holds that it was made under."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from perfml.json_types import JsonObject
from perfml.scoring.sealed_files import open_sealed


def stamp_of(path: Path, record: JsonObject | None = None) -> int:
    """The stamp of ``path``, of which ``record`` was read; 0 where it has none: then every hold is newer.

    Raises :class:`~perfml.scoring.sealed_files.DamagedFile`.
    """
    if record is None:
        with open_sealed(path) as sealed:
            record = sealed.record
    return cast(int, record.get("holds") or 0)
