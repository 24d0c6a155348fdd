"""SQL that reads a table of many Parquet files where they lie."""

from __future__ import annotations

import glob
import itertools
import re
from collections.abc import Iterable

import duckdb

from perfml.errors import DataError
from perfml.evidence.lake.dataset import NO_VALUE, Dataset, values_in_folders
from perfml.evidence.lake.storage import S3, Storage, missing_extra
from perfml.evidence.tables.cells import FILE, ROW
from perfml.evidence.tables.reading import RawTable, described, literal, quoted, unreadable

_DATE = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")
_FILES_NAMED = 3
"""Files that an error names, at most."""
_numbers = itertools.count()


def dataset_table(connection: duckdb.DuckDBPyConnection, name: str, dataset: Dataset) -> RawTable:
    """The table ``name``, whose rows stay in the files and are quoted with file and row.

    Raises :class:`DataError` for files that cannot be read or do not fit together.
    """
    base = dataset.root if dataset.storage is None else _registered(connection, dataset.storage, dataset.root)
    escape = glob.escape if dataset.storage is None else str
    files = _list(escape(f"{base}/{file}") for file in dataset.names)
    try:
        relation = _relation(connection, dataset, files, base=base)
        columns = described(connection, relation)
    except duckdb.Error as error:
        raise unreadable(dataset.where, error) from None
    return RawTable(
        name=name,
        where=dataset.where,
        relation=relation,
        columns=columns,
        is_text=False,
        row=f"raw.{quoted(ROW)}",
        file=f"raw.{quoted(FILE)}",
        dataset=dataset,
    )


def _registered(connection: duckdb.DuckDBPyConnection, storage: Storage, path: str) -> str:
    """Let ``connection`` read ``storage``; return the address under which it knows ``path``.

    Each storage has a scheme of its own, so that tables with different credentials can be read together.
    """
    try:
        from perfml.evidence.lake.listed import ListedObjects  # needs the optional extra perfml[s3]
    except ImportError:
        raise missing_extra("object storage", "s3", where=S3 + path) from None
    scheme = f"lake{next(_numbers)}"
    connection.register_filesystem(ListedObjects(storage, scheme=scheme))
    return f"{scheme}://{path}"


def _relation(connection: duckdb.DuckDBPyConnection, dataset: Dataset, files: str, *, base: str) -> str:
    options = [f"filename = {literal(FILE)}"]
    above = [part.partition("=")[0] for part in dataset.root.split("/") if "=" in part]
    left_out = [key for key in above if key not in dataset.keys] if dataset.keys else []
    if dataset.fields is not None:
        _require_field_ids(connection, dataset, files)
        options += ["hive_partitioning = false", f"schema = {dataset.fields}"]
    else:
        alike = _require_apart(connection, dataset, files)
        options += [f"union_by_name = {not alike}", f"hive_partitioning = {bool(dataset.keys)}"]
        if dataset.keys:  # the id 007 stays what it is; a date lets whole files be passed over
            options += ["hive_types_autocast = false", *_dates(dataset)]
    names = f"substr({quoted(FILE)}, {len(base) + 2})"
    exclude = f" exclude ({', '.join(map(quoted, left_out))})" if left_out else ""
    rows = (
        f"select *{exclude} replace ({names} as {quoted(FILE)}), file_row_number + 1 as {quoted(ROW)}"
        f" from read_parquet({files}, {', '.join(options)})"
    )
    if not dataset.deletes:
        return f"({rows})"
    lists = _list(f"{base}/{file}" for file in dataset.deletes)
    deleted = (
        f"select substr(file_path, {len(dataset.address) + 2}) as {quoted(FILE)}, pos + 1 as {quoted(ROW)}"
        f" from read_parquet({lists}, hive_partitioning = false)"
    )
    return f"(select * from ({rows}) anti join ({deleted}) using ({quoted(FILE)}, {quoted(ROW)}))"


def _require_apart(connection: duckdb.DuckDBPyConnection, dataset: Dataset, files: str) -> bool:
    """Whether all files have the same columns, so that one of them says what the table is.

    Raises :class:`DataError` for a column that stands in the files and in the names of folders: one would hide the other.
    """
    rows = connection.execute(
        "select columns, min(file_name), count(*) from (select file_name, list((name, type, converted_type)) as columns"
        f" from parquet_schema({files}) group by file_name) group by columns"
    ).fetchall()
    for columns, file, _ in rows:
        twice = [name for name, *_ in columns if name in dataset.keys]
        if twice:
            raise DataError(
                f"column {twice[0]!r} stands in {str(file).rpartition('/')[2]} and in the name of its folder",
                where=dataset.where,
                remedy="write it in one of the two places",
            )
    return len(rows) == 1


def _require_field_ids(connection: duckdb.DuckDBPyConnection, dataset: Dataset, files: str) -> None:
    plain = connection.execute(
        f"select file_name from parquet_schema({files}) group by file_name having count(field_id) = 0 order by 1"
    ).fetchall()
    if plain:
        named = ", ".join(str(file).rpartition("/")[2] for (file,) in plain[:_FILES_NAMED])
        raise DataError(
            f"{len(plain)} of its files were added as they were, without field ids ({named})",
            where=dataset.where,
            remedy="let the lake write them anew, as Spark's rewrite_data_files does",
        )


def _dates(dataset: Dataset) -> list[str]:
    """The option that reads those columns in the names of folders as dates that are dates throughout."""
    pairs = {pair for name in dataset.names for pair in values_in_folders(name)}
    values = {key: {value for name, value in pairs if name == key and value != NO_VALUE} for key in dataset.keys}
    dates = [key for key, texts in values.items() if texts and all(map(_DATE.fullmatch, texts))]
    return [f"hive_types = {{{', '.join(f'{quoted(key)}: DATE' for key in dates)}}}"] if dates else []


def _list(files: Iterable[str]) -> str:
    return f"[{', '.join(map(literal, files))}]"
