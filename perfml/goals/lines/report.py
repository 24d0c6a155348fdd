"""The lines of a date as a table: everyone who runs for one, with their distance, chance and what it takes a week."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from perfml.advice.targets.forecasting.forecast import Forecasts, forecast
from perfml.advice.targets.ledger import in_force
from perfml.arrays import Floats
from perfml.evidence.sources import Data
from perfml.goals.lines.entries import entries, is_past
from perfml.goals.lines.ranking import RankLine, rank_line, shown_probability
from perfml.goals.lines.rows import SCHEMA, LineRow, line_rows
from perfml.goals.sums.common_errors import CommonErrors
from perfml.goals.sums.contributions import not_additive
from perfml.messages import Bilingual, Message
from perfml.progress import SILENT, Progress
from perfml.project.goals.lines_spec import LineSpec, LinesSpec
from perfml.project.spec import DisclosureRules
from perfml.project.target_policy import TargetPolicy

REACHED = 0.995
"""Probability shown at most, and at least once the actual has reached the line."""
_PEOPLE = "select employee_id, department, manager_id, location from temp.people"
_SUMMED = ("actual", "expected", "target")


@dataclass(frozen=True, kw_only=True)
class LinesReport:
    """Everyone who runs for a line at ``as_of``, as known before it."""

    as_of: dt.date
    table: pa.Table
    """See :data:`~perfml.goals.lines.rows.SCHEMA`."""
    notices: tuple[Message, ...] = ()
    """Lines that nothing can be said of, and why."""

    @property
    def rows(self) -> list[LineRow]:
        """Everyone's rows."""
        return line_rows(self.table)


def lines_at(
    data: Data,
    spec: LinesSpec,
    policy: TargetPolicy,
    as_of: dt.date,
    *,
    rules: DisclosureRules,
    held: Collection[str] = (),
    progress: Progress = SILENT,
) -> LinesReport:
    """Look at every line of ``spec`` at ``as_of``; people who are ``held`` run for none."""
    if not data.has("goals"):
        notice = Message.of("lines_no_table", table="goals")
        return LinesReport(as_of=as_of, table=SCHEMA.empty_table(), notices=(notice,))
    goals = in_force(data, as_of)
    people = data.connection.execute(_PEOPLE).df().set_index("employee_id")
    people = people[~people.index.isin(list(held))]
    forecasts = forecast(data, policy, as_of, progress=progress)
    units = goals.set_index("goal_id")["unit"]
    parts, notices = [], []
    for name, line in spec.lines.items():
        if name in spec.off:
            continue
        title = Bilingual(zh=line.zh, en=line.en)
        if is_past(line, as_of):
            notices.append(Message.of("lines_past", line=title))
            continue
        own = entries(forecasts, line, people, units)
        if own.empty:
            notices.append(Message.of("lines_nobody", line=title))
            continue
        judged = _ranked(own, line, forecasts, rules) if line.rule == "rank" else _attained(own, line, forecasts)
        parts.append(judged.assign(line=name, line_en=line.en, line_zh=line.zh, rule=line.rule))
    if not parts:
        return LinesReport(as_of=as_of, table=SCHEMA.empty_table(), notices=tuple(notices))
    frame = pd.concat(parts, ignore_index=True).assign(as_of=as_of)
    return LinesReport(as_of=as_of, table=_table(frame), notices=tuple(notices))


def _attained(own: pd.DataFrame, line: LineSpec, forecasts: Forecasts) -> pd.DataFrame:
    """Each goal against its own target: nobody else is in it."""
    actual, expected, target, elapsed = (_numbers(own, name) for name in ("actual", "expected", "target", "elapsed"))
    at = target * line.share
    with np.errstate(divide="ignore", invalid="ignore"):
        probability = forecasts.errors.exceeds(elapsed, np.log(at / expected))
    probability = np.where(actual >= at, np.fmax(probability, REACHED), probability)
    rows = own.assign(people=1, line_now=at, line_expected=at, probability=np.clip(probability, 1 - REACHED, REACHED))
    return _distances(rows.assign(crossed=np.where(np.isnan(actual), np.nan, actual >= at)))


def _ranked(own: pd.DataFrame, line: LineSpec, forecasts: Forecasts, rules: DisclosureRules) -> pd.DataFrame:
    """Each group of people with goals of one period on the metric against its line."""
    common, parts = CommonErrors.of(forecasts.past), []
    for number, (_, goals) in enumerate(own.groupby(["group", "period_start", "period_end"], dropna=False, sort=True)):
        goals = goals.reset_index(drop=True)
        person, names = pd.factorize(goals["employee_id"], sort=True)
        rows = goals.drop_duplicates("employee_id").set_index("employee_id").loc[names].reset_index()
        rows = rows.assign(**{name: np.bincount(person, _numbers(goals, name)) for name in _SUMMED})
        by_share = line.ranked_by == "share"
        units = set(goals["unit"].dropna())
        if not by_share and (len(units) > 1 or (not_additive(next(iter(units), None)) and len(goals) > len(rows))):
            parts.append(_without(rows, "units differ"))
            continue
        divisor = _numbers(rows, "target") if by_share else np.ones(len(rows))
        assert line.first is not None  # by the model of the file
        drawn = rank_line(
            goals,
            person,
            first=line.first,
            divisor=divisor,
            errors=forecasts.errors,
            common=common,
            rules=rules,
            seed=number,
        )
        parts.append(_beside(rows, drawn, divisor=divisor, unit="%" if by_share else None))
    return pd.concat(parts, ignore_index=True)


def _beside(rows: pd.DataFrame, drawn: RankLine, *, divisor: Floats, unit: str | None) -> pd.DataFrame:
    if drawn.withheld is not None:
        return _without(rows, "few people")
    return _distances(
        rows.assign(
            actual=_numbers(rows, "actual") / divisor,
            expected=_numbers(rows, "expected") / divisor,
            unit=unit or rows["unit"],
            people=len(rows),
            line_now=drawn.now,
            line_expected=drawn.expected,
            probability=shown_probability(drawn.probability),
            crossed=drawn.crossed,
        )
    )


def _without(rows: pd.DataFrame, problem: str) -> pd.DataFrame:
    """Rows of whom nothing is said but that they run."""
    figures = ("line_now", "distance", "crossed", "line_expected", "probability", "needed_a_week", "pace_a_week")
    return rows.assign(people=len(rows), problem=problem, **dict.fromkeys(figures, np.nan))


def _distances(rows: pd.DataFrame) -> pd.DataFrame:
    actual = _numbers(rows, "actual")
    so_far, weeks = _numbers(rows, "so_far"), _numbers(rows, "days_left") / 7
    missing = np.maximum(_numbers(rows, "line_now") - actual, 0.0)
    needed = np.maximum(_numbers(rows, "line_expected") - np.nan_to_num(actual), 0.0) / weeks
    return rows.assign(
        distance=np.where(_numbers(rows, "crossed") == 1, 0.0, missing),
        needed_a_week=needed,
        pace_a_week=np.where(so_far > 0, actual / np.where(so_far > 0, so_far, 1.0), np.nan),
        problem=pd.Series(None, rows.index, object).mask(np.isnan(_numbers(rows, "probability")), "no forecast"),
    )


def _numbers(rows: pd.DataFrame, name: str) -> Floats:
    return rows[name].to_numpy(dtype=np.float64)


def _table(frame: pd.DataFrame) -> pa.Table:
    columns = {}
    for field in SCHEMA:
        values = frame[field.name].astype(object)
        plain = values.where(values.notna(), None).tolist()
        if field.type == pa.bool_():
            plain = [None if each is None else bool(each) for each in plain]
        columns[field.name] = pa.array(plain, field.type)
    return pa.table(columns).sort_by([("employee_id", "ascending"), ("line", "ascending"), ("metric", "ascending")])
