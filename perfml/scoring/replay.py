"""Replay: recompute past scores and suggestions from the record of their run, and compare them value by value.

The record names what the rows were made from: the data and its fingerprint at that date, the definitions (kept under
``home/definitions``), the people who were held, and the library versions; score rows name the version of the model.
"""

from __future__ import annotations

import datetime as dt
import json
import platform
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import pyarrow as pa
from pydantic import TypeAdapter

from perfml._version import __version__
from perfml.errors import DataError, PerfmlError
from perfml.evidence.fingerprint import TableDigest, combined, digests, keep_definitions, kept_definitions
from perfml.evidence.sources import Data, open_data
from perfml.evidence.withheld.undefined_metrics import set_aside_undefined
from perfml.learning.registry.model_store import load
from perfml.messages import Message, coded, render
from perfml.progress import SILENT, Progress
from perfml.project.folder import ProjectFolder
from perfml.project.voices import VoicesSpec
from perfml.scoring.content_hash import content_hash
from perfml.scoring.run_record import HeldJson, RunRecord, read_record, score_path
from perfml.scoring.scoring import score_in_parts
from perfml.scoring.sealed_files import remedy_of
from perfml.scoring.table_files import read_parts, read_rows
from perfml.treeshap.width import vector_bits
from perfml.trust.deliveries.inbox import inbox
from perfml.trust.holds.facts import withheld_facts
from perfml.trust.holds.hold import Hold

COMPUTED_WITH = ("lightgbm", "numpy", "duckdb", "numba", "llvmlite")
"""The libraries of which another version may change the last digit."""
NEEDED = ("source", "today", "fingerprint", "tables", "definitions", "versions", "held", "metrics", "rows", "content")
"""Keys of the run record."""
MOST_DIFFERENCES = 10
_HOLD = TypeAdapter(Hold)
ServedKind = Literal["scores", "suggestions"]
Recompute = Callable[[Data, ProjectFolder, RunRecord], Iterable[pa.Table]]
"""The rows of a file once more, from the data, the definitions and the record of then."""


@dataclass(frozen=True, kw_only=True)
class Replay:
    """The comparison: ``matches`` when every column of every row is the same to the last bit."""

    what: ServedKind
    name: str
    """The model, or the policy."""
    as_of: dt.date
    rows: int
    differences: tuple[Message, ...] = ()
    """The first differences: column, number of rows, and the two values of one of them."""
    other_versions: tuple[Message, ...] = ()
    """Libraries whose version has changed; where none has, a difference is a fault."""

    @property
    def matches(self) -> bool:
        """Whether there is no difference."""
        return not self.differences

    @property
    def text(self) -> Message:
        """The outcome in one sentence."""
        code, what = "replay_same" if self.matches else "replay_differs", Message.of(f"replay_{self.what}")
        rows = {"rows": self.rows} if self.matches else {}
        return Message.of(code, what=what, name=self.name, as_of=str(self.as_of), **rows)

    @property
    def details(self) -> tuple[Message, ...]:
        """What differs, and which libraries are other ones than then."""
        return (*self.differences, *self.other_versions)

    def to_json(self) -> dict[str, object]:
        """Plain data, sentences in both languages."""
        return {
            "what": self.what,
            "name": self.name,
            "as_of": str(self.as_of),
            "rows": self.rows,
            "matches": self.matches,
            "text": coded(self.text),
            "details": [coded(message) for message in self.details],
        }


def recorder(
    home: Path,
    *,
    data: Data,
    folder: ProjectFolder,
    held: Mapping[dt.date, Mapping[str, Hold]],
    provisional: Mapping[dt.date, list[str]] = MappingProxyType({}),
) -> Callable[[dt.date], RunRecord]:
    """What makes the record of each date whose rows come from ``data`` with the definitions in ``folder``, of which a copy is
    kept; ``held``: the people without a score or suggestion at each date; ``provisional``: the entities whose figures are not
    final."""
    definitions = keep_definitions(folder, home)
    voices = folder.policy_of(VoicesSpec)[1].model_dump(mode="json")

    def record(as_of: dt.date) -> RunRecord:
        tables = digests(data, until=as_of)
        return {
            "source": _source(data.source),
            "today": data.today.isoformat(),
            "fingerprint": combined(tables),
            "tables": {name: {"rows": digest.rows, "content": digest.content} for name, digest in tables.items()},
            "definitions": definitions,
            "voices": voices,
            "versions": _versions() if data.engine is None else _versions() | {"pyspark": version("pyspark")},
            "held": _held_json(held[as_of]),
            "holds": data.withheld.number,
            "provisional": provisional.get(as_of, []),
            "metrics": sorted(folder.metrics.defined) if folder.metrics.required else None,
        }

    return record


def replay(
    home: Path, model: str, as_of: dt.date, *, data: str | Path | None = None, progress: Progress = SILENT
) -> Replay:
    """Recompute the scores of ``model`` at ``as_of``, from the source they were made from or from ``data``; see
    :func:`replay_file`."""
    path = score_path(home, model, as_of)
    if not path.is_file():
        raise PerfmlError("was not scored", where=f"{model} {as_of}", remedy=render(remedy_of(path), "en"))
    return replay_scores(home, path, name=model, as_of=as_of, data=data, progress=progress)


def replay_scores(
    home: Path,
    path: Path,
    *,
    name: str,
    as_of: dt.date,
    data: str | Path | None = None,
    progress: Progress = SILENT,
) -> Replay:
    """Recompute the file of the scores of the model ``name``; see :func:`replay_file`."""

    def recompute(opened: Data, folder: ProjectFolder, record: RunRecord) -> Iterable[pa.Table]:
        loaded = load(home, name, read_rows(path, names=["model_version"]).column(0)[0].as_py())
        held = {as_of: held_then(record)}
        return score_in_parts(opened, folder, loaded, as_of=[as_of], held=held, progress=progress)

    compared = Replay(what="scores", name=name, as_of=as_of, rows=0)
    return replay_file(home, path, compared, recompute=recompute, key=("horizon_days", "employee_id"), data=data)


def replay_file(
    home: Path,
    path: Path,
    compared: Replay,
    *,
    recompute: Recompute,
    key: Sequence[str],
    data: str | Path | None = None,
) -> Replay:
    """Recompute the rows of a sealed file, from the source they were made from or from ``data``, and compare each by ``key``.

    Raises :class:`DamagedFile` for a damaged file, :class:`PerfmlError` where its run was not recorded,
    :class:`DefinitionError` or :class:`ModelError` where the definitions or the model are missing or altered, and
    :class:`DataError`, naming the tables, where what was known before the as-of date has changed.
    """
    record = read_record(path, needs=NEEDED)
    if record is None:
        raise PerfmlError("has no record of its run", where=str(path), remedy=render(remedy_of(path), "en"))
    then = {name: TableDigest(**digest) for name, digest in record["tables"].items()}
    folder = kept_definitions(home, record["definitions"])
    source, today = data if data is not None else record["source"], dt.date.fromisoformat(record["today"])
    withheld = withheld_facts(home, until=record.get("holds") or 0)
    with open_data(
        source,
        folder.definitions.tables,
        mappings=folder.sources,
        inbox=inbox(home),
        today=today,
        withheld=withheld,
    ) as opened:
        if record["metrics"] is not None:
            set_aside_undefined(opened, record["metrics"])
        _require_same(opened, compared.as_of, then, fingerprint=record["fingerprint"])
        differences: tuple[Message, ...] = ()
        if not content_hash(recompute(opened, folder, record)) == record["content"] == content_hash(read_parts(path)):
            again = pa.concat_tables(recompute(opened, folder, record))
            differences = _differences(read_rows(path), again, key)
    now = _versions()
    changed = tuple(
        Message.of("replay_other_version", library=name, then=before, now=str(now.get(name)))
        for name, before in record["versions"].items()
        if now.get(name) != before
    )
    return replace(compared, rows=record["rows"], differences=differences, other_versions=changed)


def held_then(record: RunRecord) -> dict[str, Hold]:
    """Employee → the hold on them when the rows were made."""
    return {person: _HOLD.validate_python(each["hold"]) for each in record["held"] for person in each["employees"]}


def _held_json(held: Mapping[str, Hold]) -> list[HeldJson]:
    people: dict[str, list[str]] = {}
    for person, hold in held.items():
        people.setdefault(_HOLD.dump_json(hold).decode(), []).append(person)
    return [{"hold": json.loads(hold), "employees": employees} for hold, employees in people.items()]


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


def _differences(recorded: pa.Table, recomputed: pa.Table, key: Sequence[str]) -> tuple[Message, ...]:
    order = [(name, "ascending") for name in key]
    then, now = recorded.sort_by(order).to_pylist(), recomputed.sort_by(order).to_pylist()
    if [[row[name] for name in key] for row in then] != [[row[name] for name in key] for row in now]:
        return (Message.of("replay_other_rows", then=len(then), now=len(now)),)
    differences = []
    for column in recorded.column_names:
        differ = [(a, b) for a, b in zip(then, now, strict=True) if a[column] != b.get(column)]
        if differ:
            a, b = differ[0]
            differences.append(
                Message.of(
                    "replay_column_differs",
                    column=column,
                    rows=len(differ),
                    row=" ".join(str(a[name]) for name in key),
                    then=f"{a[column]!r:.200}",
                    now=f"{b.get(column)!r:.200}",
                )
            )
    return tuple(differences[:MOST_DIFFERENCES]) or (Message.of("replay_other_order"),)


def _versions() -> dict[str, str]:
    libraries = {name: version(name) for name in COMPUTED_WITH}
    width = f"{vector_bits()} bits"
    return {"perfml": __version__, "python": platform.python_version(), **libraries, "vectors of": width}


def _source(source: str) -> str:
    """The absolute path of a folder or file; a URL without user and password."""
    return re.sub(r"//.*@", "//", source) if "://" in source else str(Path(source).resolve())
