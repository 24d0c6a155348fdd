"""Replay: recompute past scores from their run record, and compare them value by value.

The run record beside ``home/scores/<model>/<as_of>.parquet`` names what the scores were made from: the version of the model,
the data and its fingerprint at that date, the definitions (kept under ``home/definitions``), and the library versions.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import platform
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from perfml._version import __version__
from perfml.errors import DataError, PerfmlError
from perfml.evidence.fingerprint import TableDigest, combined, digests, keep_definitions, kept_definitions
from perfml.evidence.sources import Data, open_data
from perfml.files import reading, write_text
from perfml.learning.registry.model_store import load
from perfml.progress import SILENT, Progress
from perfml.project.folder import ProjectFolder
from perfml.project.voices import VoicesSpec
from perfml.scoring.run_record import RunRecord, read_record, record_path
from perfml.scoring.scoring import score_in_parts
from perfml.scoring.table_files import read_parts, remedy_of
from perfml.treeshap.width import vector_bits

COMPUTED_WITH = ("lightgbm", "numpy", "duckdb", "numba", "llvmlite")
"""The libraries of which another version may change the last digit."""
NEEDED = ("model_version", "source", "today", "fingerprint", "tables", "definitions", "versions", "rows", "content")
"""Keys of the run record."""
ROWS_AT_ONCE = 10_000
MOST_DIFFERENCES = 10


@dataclass(frozen=True, kw_only=True)
class Replay:
    """The comparison: ``matches`` when every column of every row is the same to the last bit."""

    model: str
    as_of: dt.date
    matches: bool
    rows: int
    differences: tuple[str, ...] = ()
    """The first differences: column, number of rows, and the two values of one of them."""
    other_versions: tuple[str, ...] = ()
    """Libraries whose version has changed; where none has, a difference is a fault."""


def record_run(home: Path, files: Iterable[Path], *, data: Data, folder: ProjectFolder) -> list[Path]:
    """Write the run record of each file that :func:`~perfml.scoring.scoring.keep_scores` yields, as soon as it is written.

    The rows were made from ``data`` with the definitions in ``folder``, of which a copy is kept. Returns the records.
    """
    definitions = keep_definitions(folder, home)
    written = []
    for path in files:
        first = next(read_parts(path, rows=1))
        model, as_of = first.column("model")[0].as_py(), first.column("as_of")[0].as_py()
        tables = digests(data, until=as_of)
        record: RunRecord = {
            "model": model,
            "as_of": as_of.isoformat(),
            "model_version": first.column("model_version")[0].as_py(),
            "source": _source(data.source),
            "today": data.today.isoformat(),
            "fingerprint": combined(tables),
            "tables": {name: {"rows": digest.rows, "content": digest.content} for name, digest in tables.items()},
            "definitions": definitions,
            "voices": folder.policy_of(VoicesSpec)[1].model_dump(mode="json"),
            "versions": _versions(),
            "rows": pq.read_metadata(path).num_rows,
            "content": content_hash(read_parts(path)),
        }
        written.append(record_path(home, model, as_of))
        write_text(written[-1], json.dumps(record, ensure_ascii=False, indent=1))
    return written


def replay(
    home: Path, model: str, as_of: dt.date, *, data: str | Path | None = None, progress: Progress = SILENT
) -> Replay:
    """Recompute the scores of ``model`` at ``as_of``, from the source they were made from or from ``data``.

    Raises :class:`PerfmlError` where there are no scores, no record of them, or the scores are not the recorded ones;
    :class:`DefinitionError` or :class:`ModelError` where the definitions or the model are missing or altered, and
    :class:`DataError`, naming the tables, where what was known before ``as_of`` has changed.
    """
    record, path = _recorded(home, model, as_of)
    with reading(path.with_suffix(".json"), remedy=remedy_of(path)):
        today = dt.date.fromisoformat(record["today"])
        then = {name: TableDigest(**digest) for name, digest in record["tables"].items()}
    folder = kept_definitions(home, record["definitions"])
    loaded = load(home, model, record["model_version"])
    source = data if data is not None else record["source"]
    with open_data(source, folder.definitions.tables, mappings=folder.sources, today=today) as opened:
        _require_same(opened, as_of, then, fingerprint=record["fingerprint"])
        recompute = partial(score_in_parts, opened, folder, loaded, as_of=[as_of], progress=progress)
        matches = content_hash(recompute()) == record["content"]
        differences = () if matches else _differences(pq.read_table(path), pa.concat_tables(recompute()))
    now = _versions()
    changed = (
        f"{name} {then} then, {now.get(name)} now" for name, then in record["versions"].items() if now.get(name) != then
    )
    return Replay(
        model=model,
        as_of=as_of,
        matches=matches,
        rows=record["rows"],
        differences=differences,
        other_versions=tuple(changed),
    )


def content_hash(parts: Iterable[pa.Table]) -> str:
    """SHA-256 of every value of every row in order, 64 hexadecimal digits, independent of how the rows are stored."""
    digest = hashlib.sha256()
    for part in parts:
        for low in range(0, part.num_rows, ROWS_AT_ONCE):
            for row in part.slice(low, ROWS_AT_ONCE).to_pylist():
                digest.update(json.dumps(row, default=str, ensure_ascii=False).encode() + b"\n")
    return digest.hexdigest()


def _recorded(home: Path, model: str, as_of: dt.date) -> tuple[RunRecord, Path]:
    """The run record of a date and its score file, after checking that the file holds the recorded rows."""
    record_file = record_path(home, model, as_of)
    path = record_file.with_suffix(".parquet")
    remedy = f"score that date again: `perfml score {model} --as-of {as_of}`"
    if not path.is_file():
        raise PerfmlError("was not scored", where=f"{model} {as_of}", remedy=remedy)
    record = read_record(home, model, as_of, needs=NEEDED)
    if record is None:
        raise PerfmlError("has no record of its run", where=str(path), remedy=remedy)
    if record["content"] != content_hash(read_parts(path)):
        raise PerfmlError("holds other rows than were recorded: it was altered", where=str(path), remedy=remedy)
    return record, path


def _require_same(data: Data, as_of: dt.date, then: Mapping[str, TableDigest], *, fingerprint: str) -> None:
    now = digests(data, until=as_of)
    changed = [name for name in sorted(then.keys() | now.keys()) if then.get(name) != now.get(name)]
    if changed or combined(now) != fingerprint:
        rows = ", ".join(f"{name} ({_rows(then.get(name))} rows then, {_rows(now.get(name))} now)" for name in changed)
        raise DataError(
            f"what was known before {as_of} has changed: {rows}",
            where=_source(data.source),
            remedy="name the export that was scored with --data, or score that date again",
        )


def _rows(digest: TableDigest | None) -> int:
    return digest.rows if digest else 0


def _differences(recorded: pa.Table, recomputed: pa.Table) -> tuple[str, ...]:
    key = [("horizon_days", "ascending"), ("employee_id", "ascending")]
    then, now = recorded.sort_by(key).to_pylist(), recomputed.sort_by(key).to_pylist()
    if [(r["horizon_days"], r["employee_id"]) for r in then] != [(r["horizon_days"], r["employee_id"]) for r in now]:
        return (f"other people or horizons: {len(then)} rows then, {len(now)} now",)
    differences = []
    for column in recorded.column_names:
        differ = [(a, b) for a, b in zip(then, now, strict=True) if a[column] != b.get(column)]
        if differ:
            a, b = differ[0]
            person = f"{a['employee_id']} within {a['horizon_days']} days"
            differences.append(
                f"{column}: {len(differ)} rows, e.g. {person}: {a[column]!r:.200} then, {b.get(column)!r:.200} now"
            )
    return tuple(differences[:MOST_DIFFERENCES]) or ("the order of the rows",)


def _versions() -> dict[str, str]:
    libraries = {name: version(name) for name in COMPUTED_WITH}
    width = f"{vector_bits()} bits"
    return {"perfml": __version__, "python": platform.python_version(), **libraries, "vectors of": width}


def _source(source: str) -> str:
    """The absolute path of a folder or file; a URL without user and password."""
    return re.sub(r"//.*@", "//", source) if "://" in source else str(Path(source).resolve())
