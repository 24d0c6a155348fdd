"""Table files: the rows of sealed files, and tables for people, written part by part, complete or not at all.

Parquet keeps a table as it is. CSV and workbooks are flat, one fact a column, and no cell is ever a formula. Only they need
pandas or XlsxWriter: the service, which reads Parquet, loads neither.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from perfml.errors import PerfmlError
from perfml.files import atomic_write
from perfml.harmless import cell
from perfml.scoring.sealed_files import RECORD, ROW_GROUP, SEAL, open_sealed

if TYPE_CHECKING:
    import xlsxwriter

WRITTEN = dt.datetime(2000, 1, 1)
"""What workbooks say of when they were written."""
MOST_ROWS = 1_048_576
"""Rows of a worksheet, the heading included."""
WIDEST = 60
"""Characters of the widest column of a workbook."""


def write_parts(parts: Iterable[pa.Table], out: Path) -> None:
    """Write ``parts``, at least one and all of the same schema, to ``.csv``, ``.xlsx`` or Parquet.

    Raises :class:`PerfmlError` for more rows than a worksheet holds.
    """
    with atomic_write(out) as path:
        WRITERS.get(out.suffix.lower(), _write_parquet)(parts, path)


def read_rows(path: Path, *, names: Collection[str] = (), only: tuple[str, object] | None = None) -> pa.Table:
    """The columns ``names`` (default: all) of a sealed file; with ``only``, of the rows in which a column has a value.

    Raises :class:`~perfml.scoring.sealed_files.DamagedFile` for a file that is damaged, belongs elsewhere or lacks a column.
    """
    with open_sealed(path) as sealed:
        sealed.require(names)
        chosen = list(names) or sealed.file.schema_arrow.names
        if only is None:
            return sealed.file.read(chosen)
        columns = list(dict.fromkeys([*chosen, only[0]]))
        groups = (sealed.file.read_row_group(group, columns) for group in range(sealed.file.num_row_groups))
        rows = [group.filter(pc.field(only[0]) == only[1]) for group in groups]
        return pa.concat_tables(rows or [sealed.file.schema_arrow.empty_table().select(columns)]).select(chosen)


def read_parts(path: Path, *, rows: int = 10_000) -> Iterator[pa.Table]:
    """The rows of a sealed file in their order, at most ``rows`` at a time."""
    with open_sealed(path) as sealed:
        for batch in sealed.file.iter_batches(rows, use_threads=False):
            yield pa.Table.from_batches([batch])


def rows_at(table: pa.Table, positions: Sequence[int]) -> pa.Table:
    """The rows at ``positions``, in that order. The list becomes an Arrow array by its buffer: ``pa.array`` imports pandas."""
    numbers = pa.py_buffer(np.array(positions, dtype=np.int64))
    return table.take(pa.Array.from_buffers(pa.int64(), len(positions), [None, numbers]))


def flat(part: pa.Table) -> pa.Table:
    """One column a fact: a record becomes a column for each field, a list one text of its items, joined by ``;``.

    A list of records with ``en`` and ``zh`` becomes a text in each language.
    """
    columns: dict[str, pa.Array | pa.ChunkedArray] = {}
    for field in part.schema:
        values = part.column(field.name)
        if pa.types.is_struct(field.type):
            rows = values.to_pylist()
            for inner in field.type:
                items = [None if row is None else row[inner.name] for row in rows]
                columns[f"{field.name}_{inner.name}"] = pa.array(items, inner.type)
        elif not pa.types.is_list(field.type):
            columns[field.name] = values
        elif pa.types.is_struct(field.type.value_type):
            for language, joint in (("en", "; "), ("zh", "；")):
                columns[f"{field.name}_{language}"] = _joined(values, joint, lambda item, name=language: item[name])
        else:
            columns[field.name] = _joined(values, "; ", str)
    return pa.table(columns)


def _joined(values: pa.ChunkedArray, joint: str, text: Callable[..., str]) -> pa.Array:
    return pa.array(
        [None if items is None else joint.join(map(text, items)) for items in values.to_pylist()], pa.string()
    )


def _write_parquet(parts: Iterable[pa.Table], path: Path) -> None:
    rest = iter(parts)
    first = next(rest)
    with pq.ParquetWriter(path, first.schema, compression="zstd") as writer:
        writer.write_table(first, ROW_GROUP)
        for part in rest:
            writer.write_table(part, ROW_GROUP)


def _write_csv(parts: Iterable[pa.Table], path: Path) -> None:
    """UTF-8 with a byte-order mark, without which Excel reads no Chinese."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        for number, part in enumerate(map(flat, parts)):
            frame = part.to_pandas(integer_object_nulls=True)  # integers stay integers where a part has no null
            for field in part.schema:
                if pa.types.is_string(field.type):
                    frame[field.name] = [None if text is None else cell(text) for text in part[field.name].to_pylist()]
            frame.columns = [cell(name) for name in frame.columns]
            frame.to_csv(file, index=False, header=number == 0, lineterminator="\n")


def _write_workbook(parts: Iterable[pa.Table], path: Path) -> None:
    import xlsxwriter  # only workbooks need it

    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "nan_inf_to_errors": True,
    }
    with xlsxwriter.Workbook(path, {**options, "default_date_format": "yyyy-mm-dd"}) as book:
        sheet, bold = book.add_worksheet(), book.add_format({"bold": True})
        sheet.freeze_panes(1, 0)
        at = 1
        for number, whole in enumerate(parts):
            part = flat(whole)
            if number == 0:
                _describe(book, whole.schema.metadata or {})
                for column, name in enumerate(part.column_names):
                    texts = [str(value) for value in part[name].slice(0, 100).to_pylist() if value is not None]
                    sheet.set_column(column, column, min(WIDEST, 2 + max(map(len, [name, *texts]))))
                    sheet.write_string(0, column, cell(name), bold)
            if at + len(part) > MOST_ROWS:
                raise PerfmlError(
                    "has more rows than a worksheet holds", where=str(path), remedy="write .csv or .parquet"
                )
            for row in part.to_pylist():
                for column, value in enumerate(row.values()):
                    if isinstance(value, str):
                        sheet.write_string(at, column, cell(value))
                    elif value is not None:
                        sheet.write(at, column, value)
                at += 1
        sheet.autofilter(0, 0, at - 1, max(0, len(part.column_names) - 1))


def _describe(book: xlsxwriter.Workbook, marks: Mapping[bytes, bytes]) -> None:
    """Keep the metadata of a table as properties, but for the seal of the file that it comes from; the time of writing is none,
    so the same rows make the same bytes."""
    book.set_properties({"created": WRITTEN})
    for name, text in marks.items():
        if name.decode() not in (RECORD, SEAL):
            book.set_custom_property(name.decode(), text.decode())


WRITERS: Mapping[str, Callable[[Iterable[pa.Table], Path], None]] = {".csv": _write_csv, ".xlsx": _write_workbook}
"""What people open; everything else is Parquet."""
