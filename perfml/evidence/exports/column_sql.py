"""SQL that reads one column of a table from the columns of an export, as its mapping says.

What a mapping cannot read (a date in another form, a number that is none) stays the text it is, so that the checks of every
table set the row aside and quote it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from perfml.evidence.tables.reading import literal, quoted
from perfml.project.mapping_spec import EXCEL, Cell, ColumnMapping
from perfml.project.table_spec import ColumnType

BETWEEN_JOINED = "-"
"""Stands between the values that an id is made from."""
_WHITE = "' ' || chr(9) || chr(10) || chr(13) || chr(160) || chr(12288)"
"""SQL: white space of spreadsheets, no-break and ideographic spaces included."""
_LAST_DAY: Final[Mapping[str, str]] = {
    "month": "last_day({day})",
    "quarter": "last_day(date_trunc('quarter', {day}) + interval 2 month)",
    "half": "last_day(date_trunc('year', {day}) + interval (case when month({day}) <= 6 then 5 else 11 end) month)",
    "year": "last_day(date_trunc('year', {day}) + interval 11 month)",
}


@dataclass(frozen=True, kw_only=True)
class ColumnSql:
    """One column of a table: ``value`` over the row ``raw``, its DuckDB ``type``, and the value a mapping does not list."""

    value: str
    type: str
    unlisted: str | None = None


def column_sql(mapping: ColumnMapping, kind: ColumnType, stored: Mapping[str, str], *, decimal: str) -> ColumnSql:
    """``mapping`` as SQL for a column of type ``kind``; ``stored``: column of the export -> its DuckDB type."""
    if mapping.constant is not None:
        return ColumnSql(value=literal(_written(mapping.constant)), type="VARCHAR")
    if mapping.column is not None and _as_stored(mapping, stored[mapping.column]):
        return ColumnSql(value=f"raw.{quoted(mapping.column)}", type=stored[mapping.column])
    value = _joined([text_sql(column, stored[column]) for column in mapping.reads])
    unlisted = None
    if mapping.values:
        listed = ", ".join(literal(key) for key in mapping.values)
        unlisted = f"case when {value} not in ({listed}) then {value} end"
        whens = " ".join(f"when {literal(key)} then {literal(_written(to))}" for key, to in mapping.values.items())
        value = f"case {value} {whens} else {value} end"
    if mapping.width is not None:
        value = f"lpad({value}, greatest(length({value}), {mapping.width})::int, '0')"
    if kind.type in ("date", "timestamp"):
        value = _moment(value, mapping)
    if kind.type in ("double", "int"):
        value = _number(value, decimal) if not mapping.units else _measured(value, mapping.units, decimal)
    return ColumnSql(value=value, type="VARCHAR", unlisted=unlisted)


def text_sql(column: str, stored: str) -> str:
    """The column of an export as text without white space around it, null where it is empty."""
    return as_text_sql(f"raw.{quoted(column)}", stored)


def as_text_sql(value: str, stored: str) -> str:
    """A value of the DuckDB type ``stored`` as text; a whole number has no ``.0``."""
    if stored in ("DOUBLE", "FLOAT"):
        whole = f"{value} = trunc({value}) and abs({value}) < 1e15"
        value = f"case when {whole} then {value}::bigint::text else {value}::text end"
    return f"nullif(trim({value}::text, {_WHITE}), '')"


def _as_stored(mapping: ColumnMapping, stored: str) -> bool:
    """Whether nothing is to be done with a column that has a type of its own."""
    plain = not (mapping.values or mapping.formats or mapping.last_day_of or mapping.width or mapping.units)
    return plain and stored != "VARCHAR"


def _joined(texts: list[str]) -> str:
    if len(texts) == 1:
        return texts[0]
    return f"({f' || {literal(BETWEEN_JOINED)} || '.join(texts)})"  # null where one of them is


def _moment(value: str, mapping: ColumnMapping) -> str:
    """An ISO moment where the text is a date in one of the forms, else the text."""
    known = [form for form in mapping.formats if form != EXCEL]
    read = []
    if known:
        read.append(f"try_strptime({value}, [{', '.join(map(literal, known))}])")
    if EXCEL in mapping.formats:
        serial = f"case when regexp_full_match({value}, '[1-9][0-9]{{0,5}}([.][0-9]+)?') then {value}::double end"
        read.append(f"(timestamp '1899-12-30' + to_seconds(round(({serial}) * 86400)))")
    if mapping.last_day_of is not None:
        day = f"coalesce({', '.join([*read, f'try_cast({value} as timestamp)'])})"
        read = [_LAST_DAY[mapping.last_day_of].format(day=day) + "::timestamp"]
    if not read:
        return value
    return f"coalesce(strftime(coalesce({', '.join(read)}), '%Y-%m-%d %H:%M:%S'), {value})"


def _number(value: str, decimal: str) -> str:
    """A number with a decimal point and nothing between thousands, where the text is one in the export's form."""
    mark, between = (",", ".") if decimal == "," else (r"\.", ",")
    spaces = rf"[{between} '’\x{{A0}}\x{{202F}}]"
    grouped = literal(rf"[+-]?\d{{1,3}}({spaces}\d{{3}})+({mark}\d+)?")
    joined = f"regexp_replace({value}, {literal(spaces)}, '', 'g')"
    plain = f"case when regexp_full_match({value}, {grouped}) then {joined} else {value} end"
    if decimal == ".":
        return plain
    return (
        f"case when regexp_full_match({plain}, '[+-]?[0-9]*,[0-9]+') then replace({plain}, ',', '.') else {plain} end"
    )


def _measured(value: str, units: Mapping[str, float], decimal: str) -> str:
    """A number with one of ``units`` behind it times what the unit stands for; what has none is read as a number."""
    whens = []
    for unit, factor in units.items():
        behind = literal(rf"(?s).*[\d.,]\s*{re.escape(unit)}")
        bare = _number(f"trim({value}[:length({value}) - {len(unit)}], {_WHITE})", decimal)
        scaled = bare if factor == 1 else f"coalesce((try_cast({bare} as double) * {factor!r}::double)::text, {value})"
        whens.append(f"when regexp_full_match({value}, {behind}) then {scaled}")
    return f"case {' '.join(whens)} else {_number(value, decimal)} end"


def _written(value: Cell) -> str:
    return str(value)
