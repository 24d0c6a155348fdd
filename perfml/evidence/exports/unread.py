"""What lies in an export and is no table: said with what it looks like, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path

from perfml.errors import ALIKE, DataError, MissingTables
from perfml.evidence.tables.cells import TEXT, WORKBOOKS, as_text, read_rows, sheet_names
from perfml.evidence.tables.reading import Export
from perfml.messages import Message
from perfml.project.mapping_spec import MappingSpec
from perfml.project.table_spec import TableSpec

FIRST_FILES, FIRST_COLUMNS, FIRST_ROWS = 5, 6, 10
"""How much of an export an error quotes."""


def none_of_the_tables(export: Export, tables: Iterable[str]) -> MissingTables:
    """The error for an export that holds none of ``tables``: what is present, and the command that maps it."""
    names = list(tables)
    present = [_described(name, path) for name, path in list(export.files.items())[:FIRST_FILES]] or list(
        export.names[:FIRST_FILES]
    )
    more = max(len(export.files) or len(export.names), len(present)) - len(present)
    expected = f"expected {', '.join(names[:5])}, …"
    if not present:
        return MissingTables("holds none of the tables", where=export.where, remedy=expected)
    listed = "; ".join(present) + (f"; {more} more" if more else "")
    return MissingTables(
        f"holds none of the tables, only {listed}",
        where=export.where,
        remedy=f"{expected}; `perfml map {export.where} --out PROJECT` proposes which is which",
    )


def not_read(
    export: Export, tables: Mapping[str, TableSpec], *, used: Iterable[str], mappings: Mapping[str, MappingSpec]
) -> list[Message]:
    """Notices on files, sheets and stored tables that were not read and are, by their name, a table or nearly one."""
    present = set(used)
    absent = [name for name in tables if name not in present]
    mapped = {mapping.table: file for file, mapping in mappings.items()}
    read = [mapping.file for mapping in mappings.values() if mapping.file is not None]
    notices = []
    for name in export.names:
        stem = Path(name).stem if name in export.files else name.removesuffix(".parquet")
        if any(fnmatchcase(name, pattern) for pattern in read):
            continue
        if stem in mapped:
            notices.append(Message.of("own_name_not_read", name=name, table=stem, file=f"sources/{mapped[stem]}.toml"))
        near = [] if stem in present else get_close_matches(stem.lower().strip(), absent, n=1, cutoff=ALIKE)
        if near and name not in (f"{near[0]}.csv", f"{near[0]}.parquet"):  # which is an error of its own
            notices.append(Message.of("nearly_a_table", name=name, table=near[0]))
    return notices


def _described(name: str, path: Path) -> str:
    """A file with its sheets, or with the names in its header."""
    try:
        if path.suffix.lower() in WORKBOOKS:
            return f"{name} (sheets {', '.join(sheet_names(path)[:FIRST_COLUMNS])})"
        if path.suffix.lower() in TEXT:
            rows = read_rows(path, limit=FIRST_ROWS)
            fullest = max(rows, key=lambda row: sum(cell is not None for cell in row), default=[])
            cells = [text for cell in fullest if (text := as_text(cell))]
            return f"{name} ({', '.join(cells[:FIRST_COLUMNS])}{', …' if len(cells) > FIRST_COLUMNS else ''})"
    except DataError as error:
        return f"{name} ({error.problem})"
    return name
