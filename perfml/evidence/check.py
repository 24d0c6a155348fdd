"""``perfml check``: what is in a company's tables, what is wrong with them, and what can be computed from them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
import pandas as pd

from perfml.errors import DataError, DefinitionError
from perfml.evidence.columns import require_unique_names
from perfml.evidence.engines.layout import relational_columns
from perfml.evidence.exports.remedies import FaultyValue, remedy
from perfml.evidence.features import missing_days
from perfml.evidence.holes.hole import MissingDays
from perfml.evidence.holes.silent import REACH_DAYS
from perfml.evidence.log.cells import require_conditions
from perfml.evidence.log.windows import compile_windows, named_kinds
from perfml.evidence.oddities import oddities
from perfml.evidence.record_end import end_of_record
from perfml.evidence.snapshots import make_snapshots, run_relational
from perfml.evidence.sources import Data
from perfml.evidence.tables.loading import make_empty
from perfml.evidence.tables.rules import rule_text
from perfml.json_types import JsonObject
from perfml.messages import Message, coded, render
from perfml.project.folder import Definitions, RelationalFile

FIRST_KEYS = 5
"""Keys that are shown of the rows that broke a rule, and values."""
UNKNOWN_EMPLOYEE = "unknown_employee"
"""The audit of people who are not in ``employees``."""
RARE_DAYS = 100
"""Median days between a person's reviews above which reviews alone do not support a monthly risk."""


@dataclass(frozen=True, kw_only=True)
class TableFinding:
    """Rows that broke one rule: quarantined, or reported and still ``in_use``."""

    rule: str
    column: str | None
    rows: int
    first_keys: tuple[str, ...]
    en: str
    zh: str
    in_use: bool = False
    values: tuple[FaultyValue, ...] = ()
    """The values that broke it, the most frequent first."""
    remedy: Message | None = None
    """What would let them be read."""

    def to_json(self) -> JsonObject:
        """The finding as a JSON object, the remedy in English."""
        values = [value.__dict__ for value in self.values]
        return {**self.__dict__, "values": values, "remedy": render(self.remedy, "en") if self.remedy else None}


@dataclass(frozen=True, kw_only=True)
class TableReport:
    """One table of the contract."""

    name: str
    available: bool
    rows: int = 0
    usable: int = 0
    employees: int | None = None
    first: dt.date | None = None
    last: dt.date | None = None
    findings: tuple[TableFinding, ...] = ()
    gaps: tuple[str, ...] = ()
    """Months inside the span without a row (of events only)."""


@dataclass(frozen=True, kw_only=True)
class CheckReport:
    """All tables, and what can be computed from them."""

    source: str
    tables: tuple[TableReport, ...]
    notices: tuple[Message, ...]
    problems: tuple[str, ...]
    can: tuple[Message, ...] = ()
    cannot: tuple[Message, ...] = ()
    ready: bool = False
    """Whether the main job can run."""
    missing: tuple[MissingDays, ...] = ()
    """Days that are missing from the log, found at the end of the record and a year, two years … before it."""

    def to_json(self) -> dict[str, object]:
        """The report as a JSON object, with dates as :class:`datetime.date` and notices in English; what can and cannot be done
        has its code and values beside the texts."""
        tables = [{**t.__dict__, "findings": [f.to_json() for f in t.findings]} for t in self.tables]
        notices = [render(notice, "en") for notice in self.notices]
        tasks = {"can": list(map(coded, self.can)), "cannot": list(map(coded, self.cannot))}
        missing = [
            {**days.to_json(), "text": render(days.hole.text(), "en"), "answer": days.hole.answer}
            for days in self.missing
        ]
        return {**self.__dict__, "tables": tables, "notices": notices, "missing": missing, **tasks}


def check(data: Data, definitions: Definitions) -> CheckReport:
    """Report on an opened source (``open_data(…, strict=False)``), and on the evidence that can be computed from it.

    Which models can be trained says :mod:`perfml.learning.abilities`.
    """
    tables = tuple(
        _table(data, name) if data.has(name) else TableReport(name=name, available=False) for name in definitions.tables
    )
    reports = {table.name: table for table in tables}
    usable = {name for name, report in reports.items() if report.usable}
    wrong = refused(definitions) or _refused_at_the_end(data, definitions, usable)
    problems = [str(problem) for problem in (*wrong, *data.problems)]
    if "employees" not in usable:
        problems.append(f"{data.source}: there is no usable row in 'employees'; the main job cannot run")
    if not usable & {"events", "reviews"}:
        problems.append(f"{data.source}: there is no usable row in 'events' nor in 'reviews'; the main job cannot run")
    can, cannot = _abilities(data, definitions, reports=reports, usable=usable)
    return CheckReport(
        source=data.source,
        tables=tables,
        notices=(*data.notices, *(oddities(data, end_of_record(data)) if not problems else ())),
        problems=tuple(problems),
        can=can,
        cannot=cannot,
        ready=not problems,
        missing=_missing(data, definitions, reports["events"]) if not problems and "events" in usable else (),
    )


def _missing(data: Data, definitions: Definitions, events: TableReport) -> tuple[MissingDays, ...]:
    """The holes of the whole log, year by year; a feed that had stopped earlier and came back is no longer one that stopped."""
    end = end_of_record(data)
    assert events.first is not None
    years = range((end - events.first).days // REACH_DAYS + 1)
    dates = [end - dt.timedelta(days=REACH_DAYS * year) for year in reversed(years)]
    try:
        known = missing_days(data, definitions, [day for day in dates if day > events.first])
    except DataError:  # nobody was employed
        return ()
    return tuple(days for days in known if days.as_of == end or days.hole.cause != "stopped")


def _table(data: Data, name: str) -> TableReport:
    spec, connection = data.specs[name], data.connection
    person = "count(distinct employee_id)" if "employee_id" in spec.columns else "null"
    dated = spec.happened is not None
    span = "min(happened_day), max(happened_day)" if dated else "null, null"
    usable, employees, first, last = connection.execute(f"select count(*), {person}, {span} from {name}").fetchall()[0]
    findings = [*_quarantined(data, name), *_audits(data, name)]
    gaps: tuple[str, ...] = ()
    if name == "events" and usable:
        months = connection.execute(
            "select strftime(m, '%Y-%m') from"
            f" range(date_trunc('month', date '{first}'), date '{last}' + 1, interval 1 month) t(m)"
            f" where m not in (select distinct date_trunc('month', happened_day) from {name}) order by m"
        ).fetchall()
        gaps = tuple(row[0] for row in months)
    return TableReport(
        name=name,
        available=True,
        rows=data.rows_read[name],
        usable=usable,
        employees=employees,
        first=first,
        last=last,
        findings=tuple(findings),
        gaps=gaps,
    )


def _quarantined(data: Data, name: str) -> list[TableFinding]:
    rows = data.connection.execute(
        f"select rule, column_name, count(*), list(key order by key)[:{FIRST_KEYS}] from quarantine"
        " where table_name = ? group by rule, column_name order by count(*) desc, rule, column_name",
        [name],
    ).fetchall()
    rules = data.specs[name].rules
    findings = []
    for rule, column, n, keys in rows:
        text = rule_text(rule, data.specs[name])
        subject = column or (rules[rule].column if rule in rules else None)
        values = _faulty_values(data, name, rule, column)
        findings.append(
            TableFinding(
                rule=rule,
                column=subject,
                rows=n,
                first_keys=tuple(keys),
                en=render(text, "en"),
                zh=render(text, "zh"),
                values=values,
                remedy=remedy(values, data.specs[name].columns[subject], rule) if subject else None,
            )
        )
    return findings


def _faulty_values(data: Data, name: str, rule: str, column: str | None) -> tuple[FaultyValue, ...]:
    rows = data.connection.execute(
        "select value, count(*), min(row_in_file), arg_min(file, row_in_file) from quarantine where table_name = ? and rule = ?"
        " and column_name is not distinct from ? and value is not null group by value order by count(*) desc, value limit ?",
        [name, rule, column, FIRST_KEYS],
    ).fetchall()
    return tuple(FaultyValue(value=value, rows=n, row=row, file=file) for value, n, row, file in rows)


def _audits(data: Data, name: str) -> list[TableFinding]:
    """The findings of the table's audits; people whose own row in ``employees`` is set aside are not unknown to it."""
    findings = []
    for rule, audit in data.specs[name].audits.items():
        if rule == UNKNOWN_EMPLOYEE and not data.has("employees"):
            continue
        keys = [row[0] for row in data.connection.execute(f"select * from ({audit.query}) order by 1").fetchall()]
        if rule == UNKNOWN_EMPLOYEE:
            rows = data.connection.execute(
                "select employee_id from quarantine where table_name = 'employees'"
            ).fetchall()
            set_aside = {row[0] for row in rows}
            keys = [key for key in keys if key not in set_aside]
        if keys:
            first = tuple(map(str, keys[:FIRST_KEYS]))
            findings.append(
                TableFinding(
                    rule=rule,
                    column=None,
                    rows=len(keys),
                    first_keys=first,
                    en=audit.en,
                    zh=audit.zh,
                    in_use=True,
                )
            )
    return findings


def _abilities(
    data: Data,
    definitions: Definitions,
    *,
    reports: Mapping[str, TableReport],
    usable: set[str],
) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
    """Which evidence can be computed, and which cannot, with the reason. ``usable``: tables with a usable row."""
    can: list[Message] = []
    cannot: list[Message] = []
    needs = {file.name: ["events"] for file in definitions.windowed}
    needs |= {file.name: _tables_of(file, definitions) for file in definitions.relational}
    for name, tables in needs.items():
        absent = [table for table in tables if table not in usable]
        if absent:
            cannot.append(Message.of("no_table", evidence=name, table=", ".join(absent)))
        else:
            can.append(Message.of("can_evidence", evidence=name))
    if "events" in usable and "counterpart_id" not in data.columns["events"]:
        cannot.append(Message.of("no_counterparts"))
    reviews = reports["reviews"]
    if reviews.usable and "events" not in usable:
        apart = _days_between_reviews(data)
        if apart and apart > RARE_DAYS:
            cannot.append(Message.of("rare_reviews", days=round(apart)))
    return tuple(can), tuple(cannot)


def _tables_of(file: RelationalFile, definitions: Definitions) -> list[str]:
    """The tables that a file selects from, directly or through the columns it reads."""
    makers = {column: other for other in definitions.relational for column in other.spec.columns}
    behind = {
        table for name in file.spec.reads for table in (makers[name].spec.needs if name in makers else ("events",))
    }
    return sorted({*file.spec.needs, *behind} - {"people", "evidence"})


def _days_between_reviews(data: Data) -> float | None:
    """The median over all pairs of successive reviews of one person; None without such a pair."""
    row = data.connection.execute(
        "select median(apart) from (select date_diff('day', lag(reviewed_on)"
        " over (partition by employee_id order by reviewed_on), reviewed_on) as apart from reviews) where apart > 0"
    ).fetchall()[0]
    return None if row[0] is None else float(row[0])


def refused(definitions: Definitions) -> list[DefinitionError]:
    """Why files of ``definitions`` cannot be used, one error each: they stop every training, whatever data a company has.

    Each file is compiled against the tables of the contract without any rows.
    """
    errors = []
    with duckdb.connect() as connection:
        for name, spec in definitions.tables.items():
            make_empty(connection, name, spec)
        columns = {name: tuple(spec.columns) for name, spec in definitions.tables.items()}
        empty = Data(source="", connection=connection, specs=dict(definitions.tables), columns=columns)
        make_snapshots(empty, [dt.date.min])
        try:
            kinds = sorted(named_kinds(definitions.windowed))
            windowed = compile_windows(definitions.windowed, kinds, has_counterparts=True)
            require_conditions(connection, windowed)
            relational = [column for file in definitions.relational for column, _ in relational_columns(file)]
            require_unique_names([*(column.column for column in windowed.columns), *relational])
        except DefinitionError as error:
            errors.append(error)
        for file in definitions.relational:
            read = pd.DataFrame(columns=list(file.spec.reads), dtype="float64")
            keys = pd.DataFrame({"employee_id": pd.Series(dtype="str"), "as_of": pd.Series(dtype="datetime64[s]")})
            connection.register("evidence", keys.join(read))
            try:
                run_relational(connection, file)
            except DefinitionError as error:
                errors.append(error)
    return errors


def _refused_at_the_end(data: Data, definitions: Definitions, usable: set[str]) -> list[DefinitionError]:
    """Why files that compile cannot be used on the rows of ``data``, such as two rows for one person: at the last day."""
    errors: list[DefinitionError] = []
    if "employees" not in usable or not usable & {"events", "reviews"}:
        return errors
    make_snapshots(data, [data.last_usable_day()])
    for file in definitions.relational:
        if not file.spec.reads and {*file.spec.needs} - {"people"} <= usable:
            try:
                run_relational(data.connection, file)
            except DefinitionError as error:
                errors.append(error)
    return errors
