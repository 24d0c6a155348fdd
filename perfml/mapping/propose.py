"""The mapping proposed for an export: its sheets recognised, each column with a reason, and what is missing made from others."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from perfml.errors import DataError
from perfml.evidence.sources import open_data
from perfml.mapping.candidates import PERIOD, Candidate
from perfml.mapping.columns import UNSURE, assumed, missing, proposed, scale_of, settled
from perfml.mapping.dates import latest_day, period_of
from perfml.mapping.profiles import ColumnProfile
from perfml.mapping.proposal import ColumnProposal, MappingProposal, TableProposal
from perfml.mapping.recognition import Claim, label_of, one_row_a_person, recognise
from perfml.mapping.sheets import sheets_of
from perfml.messages.message import Message
from perfml.project.mapping_spec import Cell, ColumnMapping, Unpivot
from perfml.project.table_spec import TableSpec

REVIEW_DELAY_DAYS = 60
"""Days after a period within which its reviews are known at the latest, where no date of the review is given."""
DERIVED = 0.9
"""Confidence in what is worked out from columns that are sure."""
UNIQUE = 0.98
"""Share of different values from which columns together are a key."""
CONTRACT_SCALE = (1.0, 5.0)
PEOPLE = ("employee_id", "manager_id", "reviewer_id", "counterpart_id")


def propose(source: str | Path, tables: Mapping[str, TableSpec]) -> MappingProposal:
    """Look at every file of ``source`` and propose how its tables are read. Raises :class:`DataError` where there is none."""
    sheets, problems = sheets_of(source)
    claims = recognise(sheets, tables)
    width = _width_of_ids(claims)
    formats = _settled_formats(claims)
    proposals = [_table(claim, tables[claim.table], formats=formats, width=width) for claim in claims]
    for number, claim in enumerate(claims):
        if claim.table == "positions" and "effective_on" not in claim.columns and claim.hired is not None:
            last_day = _last_day(source, tables, proposals)
            proposals[number] = _dated(proposals[number], claim, claim.hired, formats=formats, last_day=last_day)
    used = {id(claim.sheet) for claim in claims}
    return MappingProposal(
        source=str(source),
        tables=tuple(proposals),
        unused=tuple(sheet for sheet in sheets if id(sheet) not in used),
        problems=tuple(problems),
    )


def _width_of_ids(claims: Iterable[Claim]) -> int | None:
    """How long the ids of people are, where some begin with zeros and all of these are as long."""
    columns = [c.column for claim in claims for target, c in claim.columns.items() if target in PEOPLE]
    lengths = {length for column in columns if column.padded for length in column.lengths}
    return next(iter(lengths)) if len(lengths) == 1 else None


def _settled_formats(claims: Iterable[Claim]) -> Mapping[str, str]:
    """Column → the format of its dates. Where day and month could be either, a column that decides speaks for all others."""
    columns = {c.column.name: c.column for claim in claims for c in claim.columns.values() if c.column.formats}
    decided = {column.formats[0] for column in columns.values() if len(column.formats) == 1}
    day_first = {style.startswith("%d") for style in decided if style.startswith(("%d/", "%m/", "%d-%m", "%m-%d"))}
    settled_by_name = {}
    for name, column in columns.items():
        fitting = column.formats
        if len(fitting) > 1 and len(day_first) == 1:
            fitting = tuple(style for style in fitting if style.startswith("%d") in day_first)
        if len(fitting) == 1:
            settled_by_name[name] = fitting[0]
    return settled_by_name


def _last_day(
    source: str | Path, tables: Mapping[str, TableSpec], proposals: Iterable[TableProposal]
) -> dt.date | None:
    """The last day on which the export says that something happened, read whole as proposed; None where nothing did."""
    dated = [p.spec() for p in proposals if p.table in ("employees", "events", "reviews", "exits", "progress")]
    mappings = {f"{number}": spec for number, spec in enumerate(dated)}
    try:
        with open_data(source, {s.table: tables[s.table] for s in dated}, mappings=mappings, strict=False) as data:
            return data.last_usable_day()
    except DataError:
        return None


def _table(claim: Claim, spec: TableSpec, *, formats: Mapping[str, str], width: int | None) -> TableProposal:
    columns = {
        target: proposed(claim.table, target, candidate, formats=formats, width=width)
        for target, candidate in claim.columns.items()
        if target != PERIOD
    }
    for derived in _derived(claim, columns, formats):
        if derived.target in spec.columns:
            columns.setdefault(derived.target, derived)
    for target, column in spec.columns.items():
        if column.required and target not in columns and not (claim.measures and target == "kind"):
            columns[target] = missing(claim.table, target)
    units = {unit: factor for name in claim.measures for unit, factor in claim.profiles[name].units.items()}
    if units:
        mapping = ColumnMapping(column="value", units=units)
        columns["value"] = settled("value", mapping, DERIVED, Message.of("mapping_units", units=", ".join(units)))
    rating = claim.columns.get("rating") if claim.table == "reviews" else None
    scale = scale_of(rating.column) if rating else None
    own = scale is not None and (scale.worst, scale.best) != CONTRACT_SCALE
    labels = {name: label_of(claim.profiles[name].label) for name in claim.measures}
    return TableProposal(
        table=claim.table,
        sheet=claim.sheet,
        columns=tuple(_filled_down(columns[name], claim.sheet.fill_down) for name in spec.columns if name in columns),
        unpivot=Unpivot(columns=labels) if labels else None,
        decimal=","
        if any(each.decimal_comma for name, each in claim.profiles.items() if name in _read(claim, columns))
        else ".",
        rows_with=_rows_with(claim),
        required=frozenset(name for name, column in spec.columns.items() if column.required),
        scale=(scale.worst, scale.best) if own and scale else None,
        low_at_most=scale.low_at_most if own and scale else None,
    )


def _read(claim: Claim, columns: Mapping[str, ColumnProposal]) -> list[str]:
    return [*claim.measures, *(name for column in columns.values() for name in column.reads)]


def _filled_down(column: ColumnProposal, names: Sequence[str]) -> ColumnProposal:
    """The column, to be confirmed where its empty cells take the value above."""
    if column.standing != "sure" or not set(column.reads) & set(names):
        return column
    return assumed(column.target, column.mapping, Message.of("mapping_filled_down"))


def _rows_with(claim: Claim) -> tuple[str, ...]:
    """The column without whose value a row is none of the table: in a roster, only people with a date of leaving left."""
    signature = {"exits": "exited_on", "reviews": "rating"}.get(claim.table)
    candidate = claim.columns.get(signature or "")
    return (candidate.column.name,) if candidate and candidate.column.filled < 1 else ()


def _derived(
    claim: Claim, columns: Mapping[str, ColumnProposal], formats: Mapping[str, str]
) -> Iterable[ColumnProposal]:
    """What the sheet does not give, made from what it gives."""
    if claim.table == "reviews":
        yield from _of_reviews(claim, columns, formats)
    if claim.table == "events" and "kind" not in columns and not claim.measures:
        constant = ColumnMapping(constant=claim.sheet.title)
        yield assumed("kind", constant, Message.of("mapping_kind_of_title"))


def _of_reviews(
    claim: Claim, columns: Mapping[str, ColumnProposal], formats: Mapping[str, str]
) -> Iterable[ColumnProposal]:
    period = claim.columns.get(PERIOD)
    ended = columns.get("period_end")
    if ended is None and period is not None:
        yield from _from_period(period.column)
    if ended is None and period is None and "reviewed_on" in columns:
        yield assumed("period_end", columns["reviewed_on"].mapping, Message.of("mapping_period_from_review"))
    if "reviewed_on" not in columns:
        days = _ends(period.column if period else claim.columns["period_end"].column, formats)
        if days:
            later: dict[str, Cell] = {
                value: (day + dt.timedelta(days=REVIEW_DELAY_DAYS)).isoformat() for value, day in days.items()
            }
            origin = period.column.name if period else claim.columns["period_end"].column.name
            yield assumed(
                "reviewed_on",
                ColumnMapping(column=origin, values=later),
                Message.of("mapping_review_after", days=REVIEW_DELAY_DAYS),
            )
    if "review_id" not in columns:
        key = _key(claim)
        yield settled("review_id", ColumnMapping(join=key), DERIVED, Message.of("mapping_joined"))


def _from_period(column: ColumnProfile) -> Iterable[ColumnProposal]:
    reason = Message.of("mapping_from_period", column=column.name)
    if column.content == "month":
        mapping = ColumnMapping(column=column.name, format=column.formats[0], last_day_of="month")
        yield settled("period_end", mapping, DERIVED, reason)
        return
    periods = {value: days for value in sorted(column.every) if (days := period_of(value)) is not None}
    for target, side in (("period_start", 0), ("period_end", 1)):
        values: dict[str, Cell] = {value: days[side].isoformat() for value, days in periods.items()}
        yield settled(target, ColumnMapping(column=column.name, values=values), DERIVED, reason)


def _ends(column: ColumnProfile, formats: Mapping[str, str]) -> Mapping[str, dt.date]:
    """Value → the last day of the period it names, or the day it is; nothing where there are many different ones."""
    if not column.is_choice:
        return {}
    read = {}
    for value in sorted(column.every):
        period = period_of(value)
        day = period[1] if period else latest_day([value], formats.get(column.name))
        if day is not None:
            read[value] = day
    return read


def _key(claim: Claim) -> tuple[str, ...]:
    """The columns that together identify a review: the employee, and the first of period and dates that tell reviews apart."""
    person = claim.columns["employee_id"].column.name
    options = [
        claim.columns[name].column.name for name in (PERIOD, "period_end", "reviewed_on") if name in claim.columns
    ]
    for option in options:
        if _share_of_different(claim, (person, option)) >= UNIQUE:
            return person, option
    return (person, *options)


def _share_of_different(claim: Claim, names: Sequence[str]) -> float:
    rows = list(zip(*(claim.sheet.cells[name].to_pylist() for name in names), strict=True))
    return len(set(rows)) / len(rows) if rows else 1.0


def _dated(
    table: TableProposal, claim: Claim, hired: Candidate, *, formats: Mapping[str, str], last_day: dt.date | None
) -> TableProposal:
    """Posts without a date of their own, beside a date of hiring. Those of a roster are known from the last day of the record on:
    what they were before is not known. Where people have several rows, the date may be that of the post: a question."""
    since = ColumnMapping(column=hired.column.name, format=formats.get(hired.column.name, ()))
    if not one_row_a_person(claim.columns["employee_id"].column, claim.sheet):
        dated = [settled("effective_on", since, UNSURE, Message.of("mapping_by_content"))]
    elif last_day is not None:
        known = ColumnMapping(constant=last_day.isoformat())
        dated = [
            assumed("effective_on", since, Message.of("mapping_post_of_today")),
            assumed("known_at", known, Message.of("mapping_last_day")),
        ]
    else:
        return table
    others = [column for column in table.columns if column.target != "effective_on"]
    return replace(table, columns=(others[0], dated[0], *others[1:], *dated[1:]))
