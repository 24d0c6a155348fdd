"""A table readings from an export by the files of ``sources/``: files, sheets or a query, column by column, put together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from unicodedata import normalize

import duckdb

from perfml.errors import ALIKE, DataError, choose_from
from perfml.evidence.exports.column_sql import ColumnSql, as_text_sql, column_sql, text_sql
from perfml.evidence.lake.addresses import dataset_at, is_address
from perfml.evidence.lake.dataset import Dataset
from perfml.evidence.lake.dataset_table import dataset_table
from perfml.evidence.tables.cells import FILE, PARQUET, ROW, TEXT, WORKBOOKS, header_names, read_cells, sheet_names
from perfml.evidence.tables.reading import (
    SMALL,
    Export,
    Origin,
    RawTable,
    described,
    literal,
    parquet_sql,
    quoted,
    strict_csv,
    unreadable,
)
from perfml.evidence.tables.text_files import delimiter_of, encoding_of, text_rows
from perfml.project.mapping_spec import ColumnMapping, MappingSpec, Unpivot
from perfml.project.table_spec import TableSpec

_NO_ROW = "null::bigint"


@dataclass(frozen=True, kw_only=True)
class _Part:
    """One file, sheet or query, with its columns as they are called there."""

    where: str
    relation: str
    columns: Mapping[str, str]
    is_text: bool = False
    row: str = _NO_ROW
    """SQL over ``raw``: the number of the row in the file."""
    file: str | None = None
    """SQL over ``raw``: the file, where the part is itself of several."""


def mapped_table(
    connection: duckdb.DuckDBPyConnection, export: Export, mappings: Mapping[str, MappingSpec], spec: TableSpec
) -> RawTable:
    """The table that ``mappings`` make together: file of ``sources/`` -> what it says.

    Raises :class:`DataError` where a file, a sheet or a column is not there; all missing columns are named at once.
    """
    readings = []
    for name, mapping in mappings.items():
        for part in _parts(connection, export, name, mapping):
            definition = f"sources/{name}.toml"
            if mapping.fill_down:
                part = _filled_down(part, mapping.fill_down, definition=definition)
            if mapping.unpivot is not None:
                part = _unpivoted(part, mapping.unpivot, definition=definition)
            readings.append((part, mapping, _columns(part, mapping, spec, definition=definition)))
    by_column = {name: [c[name] for _, _, c in readings if name in c] for name in spec.columns}
    types = {name: _common({sql.type for sql in sqls}) for name, sqls in by_column.items() if sqls}
    relation = quoted(f"mapped {next(iter(mappings.values())).table}")
    selects = [_select(part, mapping, columns, types) for part, mapping, columns in readings]
    where = ", ".join(f"sources/{name}.toml" for name in mappings)
    try:
        connection.execute(f"create temp view {relation} as {' union all '.join(selects)}")
    except duckdb.Error as error:
        raise unreadable(where, error) from None
    return RawTable(
        name=next(iter(mappings.values())).table,
        where=where,
        relation=relation,
        columns=types,
        is_text=any(part.is_text for part, _, _ in readings),
        row=f"raw.{quoted(ROW)}",
        file=f"raw.{quoted(FILE)}" if len(readings) > 1 or readings[0][0].file is not None else None,
        unlisted={
            name: f"raw.{quoted(_unlisted(name))}" for name, sqls in by_column.items() if any(s.unlisted for s in sqls)
        },
    )


def _parts(connection: duckdb.DuckDBPyConnection, export: Export, name: str, mapping: MappingSpec) -> list[_Part]:
    """Every file and sheet that the mapping matches, or its query."""
    if mapping.query is not None:
        relation = export.query(name, mapping.query)
        where = f"{export.where} (query)"
        return [_Part(where=where, relation=relation, columns=described(connection, relation))]
    origin = origin_of(connection, export, name, mapping) or {}
    if isinstance(origin, Dataset):
        raw = dataset_table(connection, name, origin)
        row = raw.row or _NO_ROW
        return [_Part(where=origin.where, relation=raw.relation, columns=raw.columns, row=row, file=raw.file)]
    parts: list[_Part] = []
    for path in origin.values():
        for sheet in _sheets(path, mapping.sheet):
            parts.append(_part(connection, path, sheet, mapping, view=f"cells {name} {len(parts)}"))
    return parts


def origin_of(connection: duckdb.DuckDBPyConnection, export: Export, name: str, mapping: MappingSpec) -> Origin:
    """The files that ``sources/<name>.toml`` reads, or the one table of many files; for a query those of its database.

    Raises :class:`DataError` where there are none.
    """
    if mapping.query is not None or mapping.file is None:
        return export.origin(name)
    if is_address(mapping.file):
        return dataset_at(connection, mapping.file)
    known = {normalize("NFC", file): path for file, path in export.files.items()}
    wanted = normalize("NFC", mapping.file)
    if wanted in known:
        return {wanted: known[wanted]}
    dataset = export.dataset(wanted)
    if dataset is not None:
        return dataset
    matching = {file: path for file, path in known.items() if fnmatchcase(file, wanted)}
    if not matching:
        present = [*known, *export.folders]
        options = choose_from(present, instead_of=wanted) if present else "name a folder that holds it with --data"
        problem = f"sources/{name}.toml reads {mapping.file!r}, which is not there"
        raise DataError(problem, where=export.where, remedy=options)
    return matching


def _sheets(path: Path, pattern: str | None) -> list[str | None]:
    """The sheets to read of a workbook; of another file, the whole (None)."""
    if path.suffix.lower() not in WORKBOOKS or pattern is None:
        return [None]
    names = sheet_names(path)
    matching = [name for name in names if name == pattern or fnmatchcase(name, pattern)]
    if not matching:
        raise DataError(f"has no sheet {pattern!r}", where=str(path), remedy=choose_from(names, instead_of=pattern))
    return list(matching)


def _part(
    connection: duckdb.DuckDBPyConnection, path: Path, sheet: str | None, mapping: MappingSpec, *, view: str
) -> _Part:
    where, suffix = path.name if sheet is None else f"{path.name} [{sheet}]", path.suffix.lower()
    if suffix in PARQUET or (suffix in TEXT and _is_large(path, mapping)):
        try:
            relation = parquet_sql(path) if suffix in PARQUET else _large_csv(path, mapping)
            columns = described(connection, relation)
        except duckdb.Error as error:
            raise unreadable(path, error) from None
        return _Part(where=where, relation=relation, columns=columns, is_text=suffix in TEXT)
    cells = read_cells(
        path,
        sheet=sheet,
        encoding=mapping.encoding,
        delimiter=mapping.delimiter,
        header_row=mapping.header_row,
        header_rows=mapping.header_rows,
    )
    connection.register(view, cells)
    columns = described(connection, quoted(view))
    return _Part(where=where, relation=quoted(view), columns=columns, is_text=True, row=f"raw.{quoted(ROW)}")


def _is_large(path: Path, mapping: MappingSpec) -> bool:
    """Whether DuckDB reads the file itself: a large one in UTF-8 whose header is its first row."""
    if path.stat().st_size <= SMALL or mapping.header_row + mapping.header_rows > 2 or mapping.fill_down:
        return False
    return (mapping.encoding or encoding_of(path)).lower().replace("_", "-") in ("utf-8", "utf-8-sig", "utf8")


def _large_csv(path: Path, mapping: MappingSpec) -> str:
    delimiter = mapping.delimiter or delimiter_of(path, "utf-8-sig")
    header = next(text_rows(path, encoding="utf-8", delimiter=delimiter), [])
    return strict_csv(path, header_names([[name.strip() or None for name in header]]), delimiter=delimiter)


def _filled_down(part: _Part, columns: Sequence[str], *, definition: str) -> _Part:
    """The part with the value above in the empty cells of ``columns``."""
    where = f"{definition} [fill_down] of {part.where}"
    missing = [column for column in columns if column not in part.columns]
    if missing:
        raise missing_columns(missing, part.columns, where=where)
    if part.row == _NO_ROW or part.file is not None:
        raise DataError(
            "has rows in no order",
            where=where,
            remedy="fill_down reads text files and workbooks; fill the cells in a query",
        )
    above = ", ".join(
        f"last_value({quoted(name)} ignore nulls) over (order by {quoted(ROW)}) as {quoted(name)}" for name in columns
    )
    return replace(part, relation=f"(select * replace ({above}) from {part.relation})")


def _unpivoted(part: _Part, unpivot: Unpivot, *, definition: str) -> _Part:
    """One row for each of the columns that has a value."""
    missing = [column for column in unpivot.columns if column not in part.columns]
    if missing:
        raise missing_columns(missing, part.columns, where=f"{definition} [unpivot] of {part.where}")
    taken = [name for name in (unpivot.label, unpivot.value) if name in part.columns and name not in unpivot.columns]
    if taken:
        raise DataError(
            f"{taken[0]!r} is a column of {part.where} already",
            where=f"{definition} [unpivot]",
            remedy="give label and value other names, and read these in [columns]",
        )
    pairs = ", ".join(f"({literal(column)}, {literal(str(label))})" for column, label in unpivot.columns.items())
    whens = " ".join(
        f"when {literal(column)} then {text_sql(column, part.columns[column])}" for column in unpivot.columns
    )
    label, value = quoted(unpivot.label), quoted(unpivot.value)
    rows = (
        f"select raw.* exclude ({', '.join(map(quoted, unpivot.columns))}), pair.label as {label},"
        f" case pair.origin {whens} end as {value} from {part.relation} raw cross join (values {pairs}) pair(origin, label)"
    )
    columns = {name: kind for name, kind in part.columns.items() if name not in unpivot.columns}
    return replace(
        part,
        relation=f"(select * from ({rows}) where {value} is not null)",
        columns={**columns, unpivot.label: "VARCHAR", unpivot.value: "VARCHAR"},
    )


def _columns(part: _Part, mapping: MappingSpec, spec: TableSpec, *, definition: str) -> dict[str, ColumnSql]:
    """Column of the table -> its SQL over ``part``. Raises :class:`DataError` for columns that are not there."""
    wanted = dict(mapping.columns) or {
        name: ColumnMapping(column=name) for name in spec.columns if name in part.columns
    }
    if mapping.unpivot is not None:
        for name in (mapping.unpivot.label, mapping.unpivot.value):
            if name in spec.columns:
                wanted.setdefault(name, ColumnMapping(column=name))
    reads = dict.fromkeys(column for mapped in wanted.values() for column in mapped.reads)
    missing = [column for column in (*reads, *mapping.rows_with) if column not in part.columns]
    if missing:
        raise missing_columns(missing, part.columns, where=f"{definition} of {part.where}")
    return {
        name: column_sql(mapped, spec.columns[name], part.columns, decimal=mapping.decimal)
        for name, mapped in wanted.items()
    }


def missing_columns(
    missing: Sequence[str], present: Iterable[str], *, where: str, remedy: str = "name others"
) -> DataError:
    """All columns that are not there at once, each with the one it may be a misspelling of, and those that are there."""
    options = list(present)
    near = {name: close[0] for name in missing if (close := get_close_matches(name, options, n=1, cutoff=ALIKE))}
    names = ", ".join(f"{name!r}" + (f" (did you mean {near[name]!r}?)" if name in near else "") for name in missing)
    problem = f"column {names} is missing" if len(missing) == 1 else f"columns {names} are missing"
    return DataError(problem, where=where, remedy=f"{remedy}: the columns are {', '.join(options)}")


def _select(part: _Part, mapping: MappingSpec, columns: Mapping[str, ColumnSql], types: Mapping[str, str]) -> str:
    """The rows of one part with all columns of the table, in one order."""
    values = []
    for name, kind in types.items():
        sql = columns.get(name, ColumnSql(value="null", type=kind))
        value = as_text_sql(sql.value, sql.type) if kind != sql.type else f"{sql.value}::{kind}"
        values.append(f"{value} as {quoted(name)}, {sql.unlisted or 'null::text'} as {quoted(_unlisted(name))}")
    values += [f"{part.row} as {quoted(ROW)}", f"{part.file or literal(part.where)} as {quoted(FILE)}"]
    given = " and ".join(f"{text_sql(name, part.columns[name])} is not null" for name in mapping.rows_with)
    return f"select {', '.join(values)} from {part.relation} raw" + (f" where {given}" if given else "")


def _common(kinds: set[str]) -> str:
    """The type that parts with ``kinds`` have together: their own, or text."""
    return next(iter(kinds)) if len(kinds) == 1 else "VARCHAR"


def _unlisted(column: str) -> str:
    return f"unlisted {column}"
