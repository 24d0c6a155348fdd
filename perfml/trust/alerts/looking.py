"""What the rules see at as-of dates, from evidence that had happened and was known before each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from perfml.arrays import Bools
from perfml.errors import DefinitionError
from perfml.evidence.behind import rows_behind
from perfml.evidence.features import Evidence, build
from perfml.evidence.snapshots import PEOPLE
from perfml.evidence.sources import Data
from perfml.learning.dataset.conditions import REMEDY, named_columns, rows_where
from perfml.messages import Message
from perfml.progress import SILENT, Progress
from perfml.project.folder import Definitions
from perfml.project.trust.alert_spec import AlertRule, AlertsSpec
from perfml.trust.alerts.alert import AlertRow, Look, Sighting
from perfml.trust.alerts.wording import texts_of

MOST_ROWS = 5
"""Rows of a table that an alert keeps for each column, newest first."""
WithheldAt = Callable[[dt.date], Set[str]]
"""As-of date → people of whom nothing is said."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the rules see on several days, and the evidence that they see it in."""

    evidence: Evidence
    people: pd.DataFrame
    """``employee_id``, ``as_of`` and ``manager_id`` of everyone employed, one row for each row of the evidence."""
    judged: Mapping[str, Bools]
    """Rule → whether each row is of a person whom the rule is for, and its condition is known, true or false."""
    unknown: Mapping[str, Bools]
    """Rule → whether it is unknown of each row if the rule is for the person, or if its condition is true."""
    true: Mapping[str, Bools]
    """Rule → whether its condition is true of each row that is judged."""
    insufficient: Mapping[str, Message]
    """Rule → why this record cannot tell."""


def columns_of(name: str, rule: AlertRule) -> set[str]:
    """The evidence columns that a rule needs. Raises :class:`DefinitionError` where its condition is not SQL."""
    parts = {"when": rule.when, "whom": rule.whom or "true"}
    named = {column for key, sql in parts.items() for column in named_columns(sql, where=f"models/{name}.toml [{key}]")}
    return (named - set(PEOPLE)) | set(rule.numbers) | set(rule.columns_behind)


def see(
    data: Data,
    definitions: Definitions,
    spec: AlertsSpec,
    as_ofs: Sequence[dt.date],
    *,
    policy: str,
    progress: Progress = SILENT,
) -> Seen:
    """Evaluate every rule in use at each of ``as_ofs``. A rule without its evidence says so and ends nothing else.

    Raises :class:`DefinitionError` for a column that no definition makes.
    """
    wanted = {name: columns_of(policy, rule) for name, rule in spec.used.items()}
    for name, columns in wanted.items():
        for column in sorted(columns):
            if not definitions.makes(column):
                where = f"models/{policy}.toml [rules.{name}]"
                raise DefinitionError(f"no evidence is called {column!r}", where=where, remedy=REMEDY)
    needed = set().union(*wanted.values())
    evidence = build(data, definitions.making(needed), as_ofs, progress=progress)
    people = data.connection.execute(
        "select employee_id, as_of, manager_id from people order by employee_id, as_of"
    ).df()
    judged, unknown, true, insufficient = {}, {}, {}, {}
    for name, rule in spec.used.items():
        absent = sorted(wanted[name] - set(evidence.frame.columns))
        if absent:
            insufficient[name] = Message.of("alert_no_evidence", column=tuple(absent))
            continue

        def rows(sql: str, key: str) -> Bools:
            return rows_where(data, evidence.frame, sql, model=policy, key=key)

        whom, when = rule.whom or "true", rule.when
        of_whom, when_key = rows(whom, f"rules.{name}.whom"), f"rules.{name}.when"
        unclear = rows(f"({whom}) is null", f"rules.{name}.whom") | (of_whom & rows(f"({when}) is null", when_key))
        if unclear.all():
            insufficient[name] = Message.of("alert_nobody", column=tuple(sorted(wanted[name])))
            continue
        judged[name], unknown[name] = of_whom & ~unclear, unclear
        true[name] = judged[name] & rows(when, when_key)
    return Seen(evidence=evidence, people=people, judged=judged, unknown=unknown, true=true, insufficient=insufficient)


def looks(
    data: Data, spec: AlertsSpec, seen: Seen, as_ofs: Sequence[dt.date], *, held: WithheldAt = lambda _day: frozenset()
) -> Iterator[Look]:
    """One look for each rule in use and date, without texts and rows behind; see :func:`completed`."""
    for day in as_ofs:
        today = (seen.people["as_of"] == pd.Timestamp(day)).to_numpy()
        withheld = held(day)
        for name, rule in spec.used.items():
            if name in seen.insufficient:
                yield Look(rule=name, day=day, seen=(), silent=frozenset(), insufficient=seen.insufficient[name])
                continue
            mute = withheld | (away(data, day, days=rule.leave_days) if rule.leave_aware else set())
            frame = seen.people[today].assign(
                judged=seen.judged[name][today], unknown=seen.unknown[name][today], true=seen.true[name][today]
            )
            numbers = seen.evidence.frame.loc[today, list(rule.numbers)]
            yield (_of_people if rule.concerns == "person" else _of_teams)(name, rule, day, frame, numbers, mute)


def _of_people(
    name: str, rule: AlertRule, day: dt.date, frame: pd.DataFrame, numbers: pd.DataFrame, mute: Set[str]
) -> Look:
    ids = frame["employee_id"]
    silent = frame["unknown"].to_numpy() | ids.isin(mute).to_numpy()
    chosen = np.flatnonzero(frame["true"].to_numpy() & ~silent)
    sightings = tuple(
        Sighting(
            rule=name,
            employee_id=str(ids.iloc[row]),
            day=day,
            numbers={column: _figure(numbers[column].iloc[row]) for column in rule.numbers},
            manager_id=_text(frame["manager_id"].iloc[row]),
        )
        for row in chosen
    )
    return Look(rule=name, day=day, seen=sightings, silent=frozenset(ids[silent]))


def _of_teams(
    name: str, rule: AlertRule, day: dt.date, frame: pd.DataFrame, _numbers: pd.DataFrame, mute: Set[str]
) -> Look:
    """A team is the direct reports whom the rule is for, with their evidence known, and of whom something may be said."""
    manager_of = dict(zip(frame["employee_id"], frame["manager_id"], strict=True))
    counted = frame[frame["judged"] & ~frame["employee_id"].isin(mute) & frame["manager_id"].notna()]
    sightings, judged = [], set()
    for manager, team in counted.groupby("manager_id", sort=True):
        if len(team) < rule.least_people or manager not in manager_of or manager in mute:
            continue
        judged.add(manager)
        concerned = team[team["true"]]
        if len(concerned) < rule.least_share * len(team) or concerned.empty:
            continue
        sightings.append(
            Sighting(
                rule=name,
                employee_id=str(manager),
                day=day,
                numbers={
                    "concerned": float(len(concerned)),
                    "team": float(len(team)),
                    "coverage": 1 - len(concerned) / len(team),
                },
                people=tuple(concerned["employee_id"]),
                manager_id=_text(manager_of[manager]),
            )
        )
    managers = set(frame["manager_id"].dropna()) & set(manager_of)
    return Look(rule=name, day=day, seen=tuple(sightings), silent=frozenset(managers - judged))


def completed(data: Data, definitions: Definitions, spec: AlertsSpec, seen: Seen, look: Look) -> Look:
    """``look`` with the texts of each sighting and the keys of the rows that it stands on."""
    columns = {column.name: column for column in seen.evidence.columns}
    units = {name: column.unit for name, column in columns.items()}
    rule = spec.rules[look.rule]

    def rows_of(sighting: Sighting) -> tuple[AlertRow, ...]:
        rows: dict[AlertRow, None] = {}
        for name in rule.columns_behind:
            tables = rows_behind(
                data,
                definitions,
                columns[name],
                employee_id=sighting.employee_id,
                as_of=look.day,
                kinds=seen.evidence.kinds,
                most=MOST_ROWS,
            )
            for table, frame in tables.items():
                records = frame.astype(object).to_dict("records")
                rows |= {
                    _row(data, table, {str(name): value for name, value in each.items()}): None for each in records
                }
        return tuple(rows)

    return replace(
        look,
        seen=tuple(replace(each, rows=rows_of(each), texts=texts_of(rule, each, units)) for each in look.seen),
    )


def away(data: Data, as_of: dt.date, *, days: int = 0) -> set[str]:
    """Whose recorded absence, known before ``as_of``, reaches into that day or the ``days`` before."""
    if not data.has("absences"):
        return set()
    rows = data.connection.execute(
        "select distinct employee_id from main.absences where known_day < $1"
        " and (superseded_day is null or superseded_day >= $1)"
        " and first_day <= $1 and coalesce(last_day, $1) >= $1::date - $2::int",
        [as_of, days],
    ).fetchall()
    return {str(row[0]) for row in rows}


def _row(data: Data, table: str, row: Mapping[str, object]) -> AlertRow:
    """The key of a row of the log or of a table; an event without an id is named by its kind and moment."""
    spec = data.specs.get(table)
    happened = row.get(spec.happened) if spec is not None and spec.happened else row.get("hired_on")
    key = [row.get(name) for name in spec.key] if spec is not None else [row["employee_id"]]
    if table == "events" and not _text(key[0]):
        key = [row["kind"], happened]
    day = "" if happened is None else pd.Timestamp(str(happened)).date().isoformat()
    return AlertRow(table=table, key=" ".join(str(part) for part in key), happened=day)


def _figure(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _text(value: object) -> str | None:
    return None if value is None or value is pd.NA or value != value else str(value)
