"""SQL that reads every column in its type, dates every row, and names the first rule that a row breaks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

from perfml.evidence.tables.reading import RawTable, literal, quoted
from perfml.project.table_spec import ColumnType, TableSpec

EARLIEST, LATEST = dt.date(1900, 1, 1), dt.date.max
_MOMENTS = ("DATE", "TIMESTAMP")
_FLOATING = ("DOUBLE", "FLOAT")
_EXACT = (
    "DECIMAL",
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
)


def typed_rows(raw: RawTable, spec: TableSpec, *, today: dt.date) -> str:
    """SQL: the rows of ``raw`` with every column of ``spec``, null where it is absent or not of its type, and

    - ``happened_day``, ``known_day`` and ``known_moment`` (``known_at``, else when it happened),
    - ``broken``: null for a usable row, else ``rule`` or ``rule:column`` of the first rule that it breaks,
    - the columns of :func:`faults`: the value that broke it and where it stands, as far as that is known.
    """
    columns = present(raw, spec)
    checked = [column for column, kind in columns.items() if kind.type != "text"]  # any text is a valid text
    typed = [f"{_typed(column, kind, raw)} as {quoted(column)}" for column, kind in columns.items()]
    absent = [
        f"null::{sql_type(kind)} as {quoted(column)}" for column, kind in spec.columns.items() if column not in columns
    ]
    given = [f"{_stored_value(column, raw)} as {_given(column)}" for column in checked]
    given += [f"{value} as {_unlisted(column)}" for column, value in raw.unlisted.items()]
    given += [
        f"{sql} as {name}" for name, sql in (("row_at_fault", raw.row), ("file_at_fault", raw.file)) if sql is not None
    ]
    happened = f"t.{quoted(spec.happened)}" if spec.happened else f"timestamp '{EARLIEST}'"
    known = f"coalesce(t.known_at, {happened}::timestamp)" if "known_at" in columns else f"{happened}::timestamp"
    hidden = [*map(_given, checked), *map(_unlisted, raw.unlisted)]
    exclude = f"exclude ({', '.join(hidden)})" if hidden else ""
    judged = (
        f"select *, try_cast({happened} as date) as happened_day, try_cast({known} as date) as known_day,"
        f" {known} as known_moment, {_broken(spec, columns, unlisted=raw.unlisted, happened=happened, today=today)} as broken"
        f" from (select {', '.join([*typed, *absent, *given])} from {raw.relation} raw) t"
    )
    return f"select * {exclude}, {_value_at_fault(raw, spec, checked)} as value_at_fault from ({judged}) t"


def faults(raw: RawTable) -> dict[str, str | None]:
    """What ``quarantine`` says of a faulty row -> the column that :func:`typed_rows` gives for it; None: nothing is known."""
    return {
        "value": "value_at_fault",
        "file": "file_at_fault" if raw.file is not None else None,
        "row_in_file": "row_at_fault" if raw.row is not None else None,
    }


def present(raw: RawTable, spec: TableSpec) -> dict[str, ColumnType]:
    """The columns of the contract that the table has."""
    return {column: kind for column, kind in spec.columns.items() if column in raw.columns}


def sql_type(kind: ColumnType) -> str:
    """DuckDB's name of a column's type."""
    return {"text": "text", "list": "text[]", "int": "bigint", "bool": "boolean"}.get(kind.type, kind.type)


def _given(column: str) -> str:
    """SQL name of the value of a column before it is read in its type."""
    return quoted("given_" + column)


def _unlisted(column: str) -> str:
    """SQL name of the value of a column that its mapping does not list."""
    return quoted("unlisted_" + column)


def _stored_value(column: str, raw: RawTable) -> str:
    value = f"raw.{quoted(column)}"
    return f"nullif(trim({value}), '')" if raw.columns[column].upper() == "VARCHAR" else value


def _value_at_fault(raw: RawTable, spec: TableSpec, checked: Sequence[str]) -> str:
    """SQL: the value that the rule in ``broken`` is about, as it is stored; null for a rule about no one column."""
    column = "split_part(broken, ':', 2)"
    cases = [f"when broken = {literal(f'unlisted_value:{name}')} then t.{_unlisted(name)}" for name in raw.unlisted]
    cases += [f"when {column} = {literal(name)} then t.{_given(name)}::text" for name in checked]
    cases += [
        f"when broken = {literal(name)} then t.{quoted(rule.column)}::text"
        for name, rule in spec.rules.items()
        if rule.column in spec.columns
    ]
    return f"case when broken is not null then case {' '.join(cases)} end end" if cases else "null::text"


def _typed(column: str, kind: ColumnType, raw: RawTable) -> str:
    """SQL that reads the column, null where the value is not of its type."""
    value, stored = f"raw.{quoted(column)}", raw.columns[column].upper()
    text = f"nullif(trim({value}::text), '')"
    if kind.type == "text":
        if stored in _FLOATING:  # whole ids, some of them missing, as data frames write them
            return f"coalesce(case when {value} = round({value}) then try_cast({value} as bigint) end::text, {text})"
        if (
            stored == "VARCHAR" and not raw.is_text
        ):  # an empty value that is required is refused, so it is left as it is
            return value if kind.required else f"nullif({value}, '')"
        return text
    if kind.type == "list":
        return (
            f"{value}::text[]"
            if stored.endswith("[]")
            else f"[trim(x) for x in string_split({text}, ';') if trim(x) <> '']"
        )
    if kind.type in ("date", "timestamp"):
        if stored == "TIMESTAMP WITH TIME ZONE" or stored.startswith(_MOMENTS):
            moment = (
                f"try_cast({value} as timestamp)"  # a cast that cannot fail lets DuckDB pass files over by their dates
            )
        else:
            moment = f"try_cast({text} as timestamptz)::timestamp"
        return moment if kind.type == "timestamp" else f"{moment}::date"
    if kind.type == "bool":
        return value if stored == "BOOLEAN" else f"try_cast({text} as boolean)"
    number = f"{value}::double" if stored.startswith((*_FLOATING, *_EXACT)) else f"try_cast({text} as double)"
    finite = number if stored.startswith(_EXACT) else f"case when isfinite({number}) then {number} end"
    return (
        finite
        if kind.type == "double"
        else f"case when {finite} = round({finite}) then try_cast({finite} as bigint) end"
    )


def _broken(
    spec: TableSpec, columns: Mapping[str, ColumnType], *, unlisted: Iterable[str], happened: str, today: dt.date
) -> str:
    """SQL: null for a usable row, else ``rule`` or ``rule:column`` of the first rule that it breaks."""
    cases = [(f"t.{_unlisted(column)} is not null", f"unlisted_value:{column}") for column in unlisted]
    for column, kind in columns.items():
        name = f"t.{quoted(column)}"
        if kind.type != "text":
            cases.append((f"{name} is null and t.{_given(column)} is not null", f"wrong_type:{column}"))
        if kind.required:
            cases.append(
                (f"{name} is null" + (f" or {name} = ''" if kind.type == "text" else ""), f"missing_value:{column}")
            )
        if kind.type in ("date", "timestamp"):
            cases.append((f"{name} < date '{EARLIEST}'", f"before_1900:{column}"))
            if column != "known_at" and (spec.planned or column != spec.happened):
                cases.append((f"{name} > date '{LATEST}'", f"past_9999:{column}"))
    tomorrow = today + dt.timedelta(days=1)
    if spec.happened and not spec.planned:
        cases.append((f"{happened} >= date '{tomorrow}'", f"in_the_future:{spec.happened}"))
    if "known_at" in columns:
        cases.append((f"t.known_at >= timestamp '{tomorrow}'", "in_the_future:known_at"))
    if spec.scale:
        cases.append((f"t.rating not between {spec.scale.worst} and {spec.scale.best}", "off_the_scale:rating"))
    if spec.value_decimals is not None and "value" in columns:
        cases.append((f"abs(t.value) >= {10 ** (15 - spec.value_decimals)}", "too_large_to_sum:value"))
    cases += [(f"({rule.when})", name) for name, rule in spec.rules.items()]
    whens = " ".join(f"when {condition} then {literal(label)}" for condition, label in cases)
    return f"(case {whens} end)"
