"""Who is withheld from a kept file of scores or suggestions, by the holds of now.

A file says what was so when it was made. Readers of its rows ask here first, so a hold, a stop or a dispute takes effect at the
next reading, and nothing has to be computed again for that. A file carries the number of the newest entry about holds that it was
made under (:mod:`.stamps`): what was entered later about a fact or an area in it makes its rows stale until they are computed
again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from perfml.json_types import JsonObject
from perfml.messages import Message, render
from perfml.scoring.people.files import people_facts
from perfml.scoring.withheld.stamps import stamp_of
from perfml.trust.holds.covering import Unit, Units, concerns, people_of
from perfml.trust.holds.hold import EVERYTHING, Hold
from perfml.trust.holds.hold_log import HoldLog

STILL_SAID = frozenset(
    {
        *("employee_id", "as_of", "model", "model_version", "horizon_days"),
        *(
            "suggestion_id",
            "policy",
            "policy_version",
            "goal_id",
            "parent_goal_id",
            "metric",
            "scope",
            "core",
            "period_end",
        ),
    }
)
"""Columns of scores and suggestions that a withheld row still says: whose it is, and what it is about."""


@dataclass(frozen=True, kw_only=True)
class Withholding:
    """Who is withheld from one file."""

    people: Mapping[str, Hold] = field(default_factory=dict)
    metrics: Mapping[str, Hold] = field(default_factory=dict)
    everyone: Hold | None = None

    def __bool__(self) -> bool:
        return bool(self.people or self.metrics or self.everyone)

    def hold(self, row: Mapping[str, object]) -> Hold | None:
        """The hold on a row with ``employee_id`` and, where it has one, ``metric``."""
        return self.everyone or self.people.get(str(row["employee_id"])) or self.metrics.get(str(row.get("metric")))

    def row(self, row: Mapping[str, object]) -> dict[str, object]:
        """``row``, or what a withheld row still says."""
        hold = self.hold(row)
        return dict(row) if hold is None else withheld_row(row, hold)

    def table(self, rows: pa.Table) -> pa.Table:
        """``rows`` of one file, the withheld ones blank."""
        if not self or not len(rows):
            return rows
        names = [name for name in ("employee_id", "metric") if name in rows.column_names]
        if "employee_id" not in names:
            return rows
        holds = [self.hold(row) for row in rows.select(names).to_pylist()]
        held = [at for at, hold in enumerate(holds) if hold is not None]
        if not held:
            return rows
        blank = [self.row(row) for row in rows.take(pa.array(held)).to_pylist()]
        position = {at: len(rows) + number for number, at in enumerate(held)}
        order = pa.array([position.get(at, at) for at in range(len(rows))])
        return pa.concat_tables([rows, pa.Table.from_pylist(blank, schema=rows.schema)]).take(order)


NOBODY = Withholding()


def withholding(path: Path, record: JsonObject | None = None, *, doubting: bool = False) -> Withholding:
    """Who is withheld from ``path``, ``home/<scores or suggestions>/<name>/<as_of>.parquet``, of which ``record`` was read.

    With ``doubting`` only those whose rows stand on data in doubt, whatever else holds them.
    """
    as_of = dt.date.fromisoformat(path.stem)
    return withheld_at(path.parents[2], as_of, stamp=lambda: stamp_of(path, record), doubting=doubting)


def withheld_at(home: Path, as_of: dt.date, *, stamp: Callable[[], int], doubting: bool = False) -> Withholding:
    """Who is withheld from rows of ``as_of`` that were made under the entry about holds with the number ``stamp()``."""
    state = HoldLog(home).state()
    if not state.holds:
        return NOBODY
    number = stamp()
    holds = [hold for hold in state.holds if _touches(hold, as_of=as_of, stamp=number)]
    if doubting:
        holds = [hold for hold in holds if concerns(hold, as_of)]
    return _withholding(home, holds, as_of=as_of)


def withholding_now(home: Path, day: dt.date, *, facts: bool = True) -> Withholding:
    """Who is withheld from everything on ``day``, whatever rows stand on: by every hold in force; ``facts``: also by those on
    facts in dispute."""
    holds = [hold for hold in HoldLog(home).active() if facts or hold.kind != "fact"]
    return _withholding(home, holds, as_of=day) if holds else NOBODY


def is_behind(path: Path) -> bool:
    """Whether something was entered since about a fact or an area that rows of ``path`` stand on."""
    as_of = dt.date.fromisoformat(path.stem)
    stamp = stamp_of(path)
    holds = HoldLog(path.parents[2]).state().holds
    return any(_touches(hold, as_of=as_of, stamp=stamp) for hold in holds if hold.kind == "fact" or not hold.active)


def withheld_row(row: Mapping[str, object], hold: Hold) -> dict[str, object]:
    """What a withheld row still says: whose it is, and why it is withheld since when."""
    why = why_held(hold)
    out: dict[str, object] = {
        "status": "opted_out" if hold.cause == "opt_out" and "horizon_days" in row else "held",
        "segments": [],
        "why_not": why.model_dump_json(),
        "why_not_en": render(why, "en"),
        "why_not_zh": render(why, "zh"),
    }
    return {name: value if name in STILL_SAID else out.get(name) for name, value in row.items()}


def why_held(hold: Hold) -> Message:
    """Why and since when, for readers; a hold that was lifted is named as such."""
    why = hold.message if hold.active else Message.of("hold_behind", why=hold.message)
    return Message.of("hold_since", why=why, day=hold.set_on.isoformat())


def _withholding(home: Path, holds: Sequence[Hold], *, as_of: dt.date) -> Withholding:
    everyone = next((hold for hold in holds if hold.entity == EVERYTHING), None)
    facts = {str(hold.employee_id): hold for hold in reversed(holds) if hold.kind == "fact"}
    areas = [hold for hold in holds if hold.kind not in ("fact", "metric", EVERYTHING)]
    people = dict(facts)
    if any(hold.kind != "employee" for hold in areas):
        units = kept_units(home, as_of)
        if not units:  # nobody knows who works there
            everyone = everyone or next(hold for hold in areas if hold.kind != "employee")
        people |= people_of(areas, units)
    else:
        people |= people_of(areas, {})
    metrics = {hold.name: hold for hold in reversed(holds) if hold.kind == "metric"}
    return Withholding(people=people, metrics=metrics, everyone=everyone)


def kept_units(home: Path, as_of: dt.date) -> Units:
    """The unit of everyone as kept with the scores of ``as_of``, or of the newest date before it."""
    known = people_facts(home, as_of)
    return {name: Unit(who.department, who.location, who.manager_id) for name, who in known.items()}


def _touches(hold: Hold, *, as_of: dt.date, stamp: int) -> bool:
    """Whether ``hold`` withholds rows of ``as_of`` that were made under entry number ``stamp``.

    One in force does, whatever the rows stand on: the person leaves the ranking. So does one on a fact, or one that was lifted,
    where the rows stand on the data in doubt and were made before it was last entered about. A stop that ended leaves no trace.
    """
    if hold.active and hold.kind != "fact":
        return True
    return hold.cause != "stop" and hold.since < as_of and stamp < hold.number
