"""Sealed files that are written again with other rows or another record: what only a forger does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from perfml.json_types import Json
from perfml.scoring.sealed_files import open_sealed, write_sealed


def seal_again(path: Path, rows: pa.Table | None = None, *, without: str = "", **record: Json) -> None:
    """Write the file at ``path`` again, with a sound seal: other ``rows``, other keys of its record, one left out."""
    with open_sealed(path) as sealed:
        before: Mapping[str, Json] = sealed.record
        stored = sealed.file.read()
    address = str(before["address"])
    whole = {key: value for key, value in {**before, **record}.items() if key != without}
    write_sealed([stored if rows is None else rows], path.parents[address.count("/")], address, record=whole)
