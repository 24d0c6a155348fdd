"""What perfml remembers: what people decided about its suggestions, and whom somebody offered help.

Rows are only ever added. The newest decision about a suggestion counts, and the newest entry about an intervention (of one
employee, kind and day); what was said before stays. They lie in an SQLite file under ``home``; nothing is applied from here.

Every entry carries a key of the caller's (an idempotency key): the same entry under the same key is stored once, however often
it is sent, and another one under that key is refused.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import sqlalchemy as sql

from perfml.errors import PerfmlError

if TYPE_CHECKING:
    import pandas as pd

FILE = "memory.sqlite"
Verdict = Literal["accept", "refuse"]
Status = Literal["offered", "refused", "done"]
VERDICTS: tuple[Verdict, ...] = ("accept", "refuse")
STATUSES: tuple[Status, ...] = ("offered", "refused", "done")
_TABLES = sql.MetaData()


def _entries(name: str, *about: sql.Column[Any]) -> sql.Table:
    return sql.Table(
        name,
        _TABLES,
        sql.Column("number", sql.Integer, primary_key=True, autoincrement=True),
        sql.Column("key", sql.Text, nullable=False, unique=True),
        sql.Column("said", sql.Text, nullable=False),
        sql.Column("entered_at", sql.Text, nullable=False),
        *about,
    )


_DECISIONS = _entries("decisions", sql.Column("suggestion_id", sql.Text, nullable=False))
_INTERVENTIONS = _entries("interventions", sql.Column("employee_id", sql.Text, nullable=False))


class KeyTaken(PerfmlError):
    """Another entry was stored under the same idempotency key."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What a person said about a suggestion. A refusal needs a reason."""

    suggestion_id: str
    verdict: Verdict
    decided_by: str
    reason: str = ""
    entered_at: str = ""
    """When it was stored, UTC, ISO 8601; set by :meth:`Memory.decide`."""


@dataclass(frozen=True, kw_only=True)
class Intervention:
    """Help that was offered, refused or done; or, with ``hold_out``, withheld because chance said so."""

    employee_id: str
    kind: str
    offered_on: dt.date
    status: Status | None = None
    """Empty for who was held out."""
    done_on: dt.date | None = None
    outcome: str = ""
    random: bool = False
    """Whether chance decided between offering and holding out."""
    hold_out: bool = False
    entered_by: str = ""
    entered_at: str = ""


class Memory:
    """The memory under ``home``; the file is made when something is first stored."""

    def __init__(self, home: Path) -> None:
        self._path = home / FILE

    def decide(self, decision: Decision, *, key: str) -> Decision:
        """Store what was decided, and return it as stored.

        Raises :class:`PerfmlError` for a refusal without a reason or a decision by nobody, :class:`KeyTaken` where ``key``
        stands for another entry.
        """
        _required(decision.decided_by, "decided_by", "say who decides")
        if decision.verdict not in VERDICTS:
            raise PerfmlError(
                f"{decision.verdict!r} is no verdict", where="verdict", remedy=f"use one of: {', '.join(VERDICTS)}"
            )
        if decision.verdict == "refuse":
            _required(decision.reason, "reason", "say why it is refused")
        stored = self._add(_DECISIONS, key, asdict(decision), suggestion_id=decision.suggestion_id)
        return Decision(**stored)

    def decisions(self, suggestion_ids: Iterable[str] | None = None) -> dict[str, list[Decision]]:
        """What was said about each suggestion (of ``suggestion_ids``; default: all), oldest first."""
        out: dict[str, list[Decision]] = {}
        wanted = None if suggestion_ids is None else set(suggestion_ids)
        for entry in self._read(_DECISIONS):
            if wanted is None or entry["suggestion_id"] in wanted:
                out.setdefault(str(entry["suggestion_id"]), []).append(Decision(**entry))
        return out

    def refused(self) -> frozenset[str]:
        """The suggestions whose newest decision is a refusal."""
        return frozenset(name for name, said in self.decisions().items() if said[-1].verdict == "refuse")

    def log(self, interventions: Sequence[Intervention], *, key: str) -> list[Intervention]:
        """Store interventions together, all or none, each under ``key`` and its place; return them as stored.

        Raises :class:`PerfmlError` where one contradicts itself, :class:`KeyTaken` as :meth:`decide` does.
        """
        for one in interventions:
            _check(one)
        entries = [
            (f"{key}/{place}" if len(interventions) > 1 else key, _plain(one))
            for place, one in enumerate(interventions)
        ]
        with self._engine().begin() as connection:
            stored = [
                _insert(connection, _INTERVENTIONS, each, said, employee_id=str(said["employee_id"]))
                for each, said in entries
            ]
        return [_intervention(entry) for entry in stored]

    def interventions(self) -> list[Intervention]:
        """The newest entry of each employee, kind and day, in the order they were first stored."""
        found = {}
        for entry in self._read(_INTERVENTIONS):
            found[entry["employee_id"], entry["kind"], entry["offered_on"]] = _intervention(entry)
        return list(found.values())

    def _add(self, table: sql.Table, key: str, said: Mapping[str, Any], **about: str) -> dict[str, Any]:
        with self._engine().begin() as connection:
            return _insert(connection, table, key, said, **about)

    def _read(self, table: sql.Table) -> list[dict[str, Any]]:
        if not self._path.is_file():
            return []
        with self._engine().connect() as connection:
            rows = connection.execute(sql.select(table.c.said, table.c.entered_at).order_by(table.c.number)).all()
        return [json.loads(said) | {"entered_at": at} for said, at in rows]

    def _engine(self) -> sql.Engine:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        engine = sql.create_engine(f"sqlite:///{self._path}", poolclass=sql.NullPool)
        with engine.begin() as connection:
            for table in _TABLES.sorted_tables:
                connection.execute(sql.schema.CreateTable(table, if_not_exists=True))
        return engine


def _insert(
    connection: sql.Connection, table: sql.Table, key: str, said: Mapping[str, Any], **about: str
) -> dict[str, Any]:
    """Insert under ``key``, or find that the same already stands there."""
    _required(key, "idempotency key", "send one, e.g. a UUID")
    text = json.dumps({k: v for k, v in said.items() if k != "entered_at"}, ensure_ascii=False, sort_keys=True)
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    connection.execute(
        sql.text(
            f"insert into {table.name} (key, said, entered_at, {', '.join(about)})"
            f" values (:key, :said, :now, {', '.join(':' + name for name in about)}) on conflict (key) do nothing"
        ),
        {"key": key, "said": text, "now": now, **about},
    )
    there, at = connection.execute(sql.select(table.c.said, table.c.entered_at).where(table.c.key == key)).one()
    if there != text:
        raise KeyTaken(
            "stands for another entry", where=f"idempotency key {key!r}", remedy="send another entry under another key"
        )
    return {**json.loads(there), "entered_at": at}


def _check(one: Intervention) -> None:
    where = f"intervention of {one.employee_id!r}"
    _required(one.employee_id, "employee_id", "name the employee")
    _required(one.kind, where + ", kind", "say what was offered, e.g. conversation")
    if one.status not in (None, *STATUSES):
        raise PerfmlError(f"{one.status!r} is no status", where=where, remedy=f"use one of: {', '.join(STATUSES)}")
    if one.hold_out == (one.status is not None):
        raise PerfmlError(
            "is offered and held out, or neither", where=where, remedy="give a status, or hold_out without one"
        )
    if (one.status == "done") != (one.done_on is not None):
        raise PerfmlError("done_on and the status 'done' go together", where=where, remedy="give both or neither")
    if one.done_on is not None and one.done_on < one.offered_on:
        raise PerfmlError("was done before it was offered", where=where, remedy="mend one of the two dates")


def _required(text: str, where: str, remedy: str) -> None:
    if not text.strip():
        raise PerfmlError("is empty", where=where, remedy=remedy)


def _plain(one: Intervention) -> dict[str, Any]:
    said = asdict(one)
    return said | {name: said[name] and said[name].isoformat() for name in ("offered_on", "done_on")}


def _intervention(entry: Mapping[str, Any]) -> Intervention:
    dates = {name: entry[name] and dt.date.fromisoformat(entry[name]) for name in ("offered_on", "done_on")}
    return Intervention(**{**entry, **dates})


def logged(home: Path) -> pd.DataFrame | None:
    """The interventions that perfml keeps, one row each, for training; nothing where none were logged."""
    import pandas as pd

    found = Memory(home).interventions()
    return pd.DataFrame([vars(one) for one in found]) if found else None
