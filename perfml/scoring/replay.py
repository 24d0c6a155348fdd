"""Replay: a past score, computed again from what was recorded beside it, and compared value by value.

Beside ``home/scores/<model>/<as_of>.parquet`` a record says what those scores stand on: the version of the model, the data
and its fingerprint at that date, the definitions (kept under ``home/definitions``), and the versions of what computed them.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import platform
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from perfml._version import __version__
from perfml.errors import DataError, PerfmlError
from perfml.evidence.fingerprint import TableDigest, combined, digests, keep_definitions, kept_definitions
from perfml.evidence.sources import Data, open_data
from perfml.files import write_text
from perfml.learning.registry.model_store import load
from perfml.progress import SILENT, Progress
from perfml.project.folder import ProjectFolder
from perfml.project.voices import VoicesSpec
from perfml.scoring.run_record import read_record, record_path
from perfml.scoring.scoring import score_in_parts
from perfml.scoring.table_files import read_parts
from perfml.treeshap.width import vector_bits

COMPUTED_WITH = ("lightgbm", "numpy", "duckdb", "numba", "llvmlite")
"""The libraries whose other version may give another last digit."""
ROWS_AT_ONCE = 10_000
MOST_SHOWN = 10


@dataclass(frozen=True)
class Replay:
    """What came of it: ``matches`` when every column of every row is the same to the last bit."""

    model: str
    as_of: dt.date
    matches: bool
    rows: int
    differences: tuple[str, ...] = ()
    """The first of them: column, how many rows, and one of those then and now."""
    other_versions: tuple[str, ...] = ()
    """What computes now in another version than then; with the same ones a difference is a fault."""


def record_run(home: Path, kept: Iterable[Path], *, data: Data, folder: ProjectFolder) -> list[Path]:
    """Write the record of each file that :func:`~perfml.scoring.scoring.keep_scores` keeps, as soon as it is there.

    Its rows were made from ``data`` with the definitions in ``folder``, which are kept. Returns the records.
    """
    definitions = keep_definitions(folder, home)
    written = []
    for path in kept:
        first = next(read_parts(path, rows=1))
        model, as_of = first.column("model")[0].as_py(), first.column("as_of")[0].as_py()
        tables = digests(data, until=as_of)
        said = {
            "model": model,
            "as_of": as_of.isoformat(),
            "model_version": first.column("model_version")[0].as_py(),
            "source": _source(data.source),
            "today": data.today.isoformat(),
            "fingerprint": combined(tables),
            "tables": {name: asdict(digest) for name, digest in tables.items()},
            "definitions": definitions,
            "voices": folder.policy_of(VoicesSpec)[1].model_dump(mode="json"),
            "versions": _versions(),
            "rows": pq.read_metadata(path).num_rows,
            "content": content_hash(read_parts(path)),
        }
        written.append(record_path(home, model, as_of))
        write_text(written[-1], json.dumps(said, ensure_ascii=False, indent=1))
    return written


def replay(
    home: Path, model: str, as_of: dt.date, data: str | Path | None = None, *, progress: Progress = SILENT
) -> Replay:
    """Compute the kept scores of ``model`` at ``as_of`` again, from the source they were made from or from ``data``.

    Raises :class:`PerfmlError` where there are no scores, no record of them, or the scores are not the recorded ones;
    :class:`DefinitionError` or :class:`ModelError` where the definitions or the model are missing or altered, and
    :class:`DataError`, naming the tables, where what was known before ``as_of`` is no longer what it was.
    """
    said, kept = _recorded(home, model, as_of)
    folder = kept_definitions(home, said["definitions"])
    loaded = load(home, model, said["model_version"])
    today = dt.date.fromisoformat(said["today"])
    opened = open_data(data if data is not None else said["source"], folder.definitions.tables, today=today)
    try:
        _require_same(opened, as_of, said)
        again = partial(score_in_parts, opened, folder, loaded, [as_of], progress=progress)
        matches = content_hash(again()) == said["content"]
        differences = () if matches else _differences(pq.read_table(kept), pa.concat_tables(again()))
    finally:
        opened.close()
    now = _versions()
    other = tuple(
        f"{name} {then} then, {now.get(name)} now" for name, then in said["versions"].items() if now.get(name) != then
    )
    return Replay(model, as_of, matches, said["rows"], differences, other)


def content_hash(parts: Iterable[pa.Table]) -> str:
    """SHA-256 of every value of every row in order, 64 hexadecimal digits; how the rows are stored does not matter."""
    digest = hashlib.sha256()
    for part in parts:
        for low in range(0, part.num_rows, ROWS_AT_ONCE):
            for row in part.slice(low, ROWS_AT_ONCE).to_pylist():
                digest.update(json.dumps(row, default=str, ensure_ascii=False).encode() + b"\n")
    return digest.hexdigest()


def _recorded(home: Path, model: str, as_of: dt.date) -> tuple[Mapping[str, Any], Path]:
    record = record_path(home, model, as_of)
    path = record.with_suffix(".parquet")
    again = f"score that date again: `perfml score {model} --as-of {as_of}`"
    if not path.is_file():
        raise PerfmlError("was not scored", where=f"{model} {as_of}", remedy=again)
    said = read_record(home, model, as_of)
    if said is None:
        raise PerfmlError("has no record of what it stands on", where=str(path), remedy=again)
    try:
        same = said["content"] == content_hash(read_parts(path))
    except (KeyError, OSError, pa.ArrowException) as error:
        raise PerfmlError("cannot be read", where=f"{record} or {path.name}", remedy=again) from error
    if not same:
        raise PerfmlError("holds other rows than were recorded: it was altered", where=str(path), remedy=again)
    return said, path


def _require_same(data: Data, as_of: dt.date, said: Mapping[str, Any]) -> None:
    then = {name: TableDigest(**digest) for name, digest in said["tables"].items()}
    now = digests(data, until=as_of)
    changed = [name for name in sorted(then.keys() | now.keys()) if then.get(name) != now.get(name)]
    if changed or combined(now) != said["fingerprint"]:
        rows = ", ".join(f"{name} ({_rows(then.get(name))} rows then, {_rows(now.get(name))} now)" for name in changed)
        raise DataError(
            f"what was known before {as_of} has changed: {rows}",
            where=_source(data.source),
            remedy="name with --data the export that was scored, or score that date again",
        )


def _rows(digest: TableDigest | None) -> int:
    return digest.rows if digest else 0


def _differences(kept: pa.Table, again: pa.Table) -> tuple[str, ...]:
    key = [("horizon_days", "ascending"), ("employee_id", "ascending")]
    then, now = kept.sort_by(key).to_pylist(), again.sort_by(key).to_pylist()
    if [(r["horizon_days"], r["employee_id"]) for r in then] != [(r["horizon_days"], r["employee_id"]) for r in now]:
        return (f"other people or horizons: {len(then)} rows then, {len(now)} now",)
    found = []
    for column in kept.column_names:
        differ = [(a, b) for a, b in zip(then, now, strict=True) if a[column] != b.get(column)]
        if differ:
            a, b = differ[0]
            of = f"{a['employee_id']} within {a['horizon_days']} days"
            found.append(
                f"{column}: {len(differ)} rows, e.g. {of}: {a[column]!r:.200} then, {b.get(column)!r:.200} now"
            )
    return tuple(found[:MOST_SHOWN]) or ("the order of the rows",)


def _versions() -> dict[str, str]:
    libraries = {name: version(name) for name in COMPUTED_WITH}
    width = f"{vector_bits()} bits"
    return {"perfml": __version__, "python": platform.python_version(), **libraries, "vectors of": width}


def _source(source: str) -> str:
    """A folder or file by its whole path; a URL without user and password."""
    return re.sub(r"//.*@", "//", source) if "://" in source else str(Path(source).resolve())
