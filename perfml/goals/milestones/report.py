"""The milestones of a date as a table: those of goals in their period, and what could not be said."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from perfml.arrays import Bools, Floats, Ints, Objects
from perfml.evidence.snapshots import make_snapshots
from perfml.evidence.sources import Data
from perfml.goals.milestones.forecast import COVERAGE, FinishForecast, forecast_milestones
from perfml.goals.milestones.lateness import finished_in_time, status_of
from perfml.goals.milestones.reading import EPOCH, MilestoneRecord
from perfml.goals.milestones.rows import SCHEMA, MilestoneRow, milestone_rows
from perfml.goals.milestones.spreading import spreading
from perfml.messages import Message
from perfml.project.goals.milestones_spec import MilestonesSpec

LOW, MIDDLE, HIGH = (1 - COVERAGE) / 2, 0.5, (1 + COVERAGE) / 2
_PEOPLE = "select employee_id, department, manager_id from temp.people"


@dataclass(frozen=True, kw_only=True)
class MilestonesReport:
    """The milestones of goals in their period at ``as_of``, as known before it."""

    as_of: dt.date
    table: pa.Table
    """See :data:`~perfml.goals.milestones.rows.SCHEMA`."""
    notices: tuple[Message, ...] = ()
    """What could not be said, and why."""

    @property
    def rows(self) -> list[MilestoneRow]:
        """Every milestone."""
        return milestone_rows(self.table)


def milestones_at(data: Data, spec: MilestonesSpec, as_of: dt.date, *, held: Collection[str] = ()) -> MilestonesReport:
    """Look at the milestones of goals in their period at ``as_of``, of everyone employed who is not ``held``."""
    if missing := [name for name in ("milestones", "goals") if not data.has(name)]:
        notice = Message.of("milestones_no_table", table=missing[0])
        return MilestonesReport(as_of=as_of, table=SCHEMA.empty_table(), notices=(notice,))
    make_snapshots(data, [as_of])
    people = data.connection.execute(_PEOPLE).df().set_index("employee_id")
    day = float((as_of - EPOCH).days)
    forecast = forecast_milestones(MilestoneRecord.of(data, as_of).at(day), least_finished=spec.least_finished)
    rows = forecast.milestones.rows
    shown = (
        rows["employee_id"].isin(people.index) & ~rows["employee_id"].isin(list(held)) & (rows["last"] >= day)
    ).to_numpy(dtype=bool)
    columns = _columns(forecast, spec)
    who = people.reindex(rows["employee_id"])
    columns |= {name: _texts(who[name]) for name in ("department", "manager_id")}
    columns["as_of"] = np.full(len(rows), as_of, dtype=object)
    table = pa.table({name: _column(columns[name][shown], SCHEMA.field(name).type) for name in SCHEMA.names})
    order = np.lexsort((columns["name"][shown], columns["due_on"][shown], columns["goal_id"][shown]))
    return MilestonesReport(as_of=as_of, table=table.take(pa.array(order)), notices=_notices(forecast, spec, shown))


def _columns(forecast: FinishForecast, spec: MilestonesSpec) -> dict[str, Objects]:
    milestones = forecast.milestones
    rows, number = milestones.rows, milestones.number
    in_time = finished_in_time(forecast)
    spread = spreading(forecast)
    open_yet = np.isnan(forecast.finished) & (forecast.durations is not None)
    quantiles = [np.where(open_yet, forecast.quantile(q), np.nan) for q in (LOW, MIDDLE, HIGH)]
    whole = _whole_goals(forecast)
    problem = np.full(len(rows), None, dtype=object)
    problem[np.array([bool(each) for each in milestones.unknown], dtype=bool)] = "unknown_dependency"
    problem[milestones.circle] = "circle"
    driver = spread.driver
    drives = driver >= 0
    inherits = np.isfinite(spread.inherited)
    named = {
        name: _only(drives, _texts(rows[column])[driver])
        for name, column in (
            ("waits_for", "name"),
            ("waits_for_goal", "goal_id"),
            ("waits_for_employee", "employee_id"),
        )
    }
    return {
        **{name: _texts(rows[name]) for name in ("goal_id", "employee_id", "metric", "name")},
        **{f"{name}_on": _days(number(name)) for name in ("due", "first_due", "marked", "finished")},
        "status": status_of(forecast, in_time, marking_days=spec.marking_days, sure=spec.sure),
        "in_time": in_time.astype(object),
        **{name: _days(day) for name, day in zip(("low_on", "expected_on", "high_on"), quantiles, strict=True)},
        "inherited_days": _only(inherits, np.nan_to_num(spread.inherited).round().astype(np.int64)),
        **named,
        "pushes": spread.pushes.astype(object),
        "problem": problem,
        "period_end": _days(number("last")),
        **{f"goal_{name}": _days(day) for name, day in zip(("low_on", "expected_on", "high_on"), whole, strict=True)},
    }


def _whole_goals(forecast: FinishForecast) -> list[Floats]:
    """Of the goal of each milestone the quantiles of the day on which its last one is finished (n,); missing once it is."""
    goal = pd.factorize(forecast.milestones.rows["goal_id"])[0]
    order = np.argsort(goal, kind="stable")
    out = [np.full(len(goal), np.nan) for _ in range(3)]
    if not len(goal):
        return out
    open_yet = np.isnan(forecast.finished)
    for rows in np.split(order, np.flatnonzero(np.diff(goal[order])) + 1):
        if open_yet[rows].any() and forecast.durations is not None:
            last = forecast.finish[rows].max(axis=0)
            for each, q in zip(out, (LOW, MIDDLE, HIGH), strict=True):
                each[rows] = np.quantile(last, q)
    return out


def _notices(forecast: FinishForecast, spec: MilestonesSpec, shown: Bools) -> tuple[Message, ...]:
    finished = int(np.isfinite(forecast.finished).sum())
    notices = []
    if forecast.durations is None:
        notices.append(Message.of("milestones_few_finished", finished=finished, least=spec.least_finished))
    if len(shown) and not forecast.marking.on_record:
        notices.append(Message.of("milestones_no_days_of_work"))
    if (circles := int((forecast.milestones.circle & shown).sum())) > 0:
        notices.append(Message.of("milestones_circles", count=circles))
    unknown = [bool(each) for each in forecast.milestones.unknown]
    if (names := int((np.array(unknown, dtype=bool) & shown).sum())) > 0:
        notices.append(Message.of("milestones_unknown_dependencies", count=names))
    return tuple(notices)


def _texts(column: pd.Series) -> Objects:
    values = column.astype(object)
    return np.asarray(values.where(values.notna(), None).to_numpy(dtype=object))


def _only(known: Bools, values: Objects | Ints) -> Objects:
    """``values`` where ``known``, else None (n,)."""
    out = np.full(len(values), None, dtype=object)
    out[known] = values[known]
    return out


def _days(days: Floats) -> Objects:
    """Numbers of days as dates, None where missing."""
    whole = np.floor(np.nan_to_num(days)).astype(np.int64)
    return _only(np.isfinite(days), whole.astype("M8[D]").astype(object))


def _column(values: np.ndarray, kind: pa.DataType) -> pa.Array:
    if kind == pa.float64():
        return pa.array(np.asarray(values, dtype=np.float64), kind, from_pandas=True)
    return pa.array(values.tolist(), kind)
