"""Fingerprints: whether the data and the definitions behind an old score are still what they were.

The data's fingerprint at a day says what had happened and was known *before* that day. Rows that come later, a correction
that is learnt later and a course that is completed later change nothing of it; any row of the past that is changed, added
or taken away does. A table is hashed inside DuckDB as a multiset: the sum of the MD5 of its rows (AdHash, Bellare &
Micciancio 1997), so that neither the order of rows nor the kind of file matters. That tells changes, not forgeries.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb

from perfml.errors import DefinitionError
from perfml.evidence.sources import LOG_DAYS, Data
from perfml.evidence.tables.reading import literal, quoted, unreadable
from perfml.files import write_text
from perfml.project.folder import ProjectFolder
from perfml.project.spec import DisclosureRules, ProjectSpec, Spec
from perfml.project.starter import STARTER
from perfml.project.table_spec import TableSpec
from perfml.project.trust.holes_spec import HolesSpec
from perfml.project.trust.metrics import MetricsSpec

QUARANTINE = "quarantine"
LOG_DIGESTS = "log_digests"
"""The temp table of what rows of the log add up to by ``usable_day``: how many (``n``), and the sums of their hashes."""
LOW, HIGH = "sum((hash & 18446744073709551615::uhugeint)::ubigint)", "sum((hash >> 64)::ubigint)"
"""SQL: the sums of the halves of the MD5 of rows."""
ON_RECEIPT = {"deliveries": ("received_at", "row_count", "total")}
"""Columns that are filled in when the first of them has come, in a row that was there before."""
_HIRED = "exists (select 1 from employees e where e.employee_id = t.employee_id and e.usable_day < {until})"


@dataclass(frozen=True)
class TableDigest:
    """One table as it stood: its usable rows, and the sum of their hashes in hexadecimal."""

    rows: int
    content: str


def fingerprint(data: Data, *, until: dt.date) -> str:
    """64 hexadecimal digits that change exactly when what was usable before ``until`` changes; see :func:`digests`."""
    return combined(digests(data, until=until))


def combined(tables: Mapping[str, TableDigest]) -> str:
    """The fingerprint of all ``tables`` together.

    >>> combined({"events": TableDigest(1, "00")}) == combined({"events": TableDigest(2, "00")})
    False
    """
    return _sha256({name: asdict(digest) for name, digest in tables.items()})


def digests(data: Data, *, until: dt.date) -> dict[str, TableDigest]:
    """Each table as it stood before ``until``, and the quarantined rows that can hold somebody's score.

    A table without rows by then is left out, and a column without values counts as absent: that an export begins to hold
    something changes nothing before it does. A table without a clock (courses) is taken whole. Exits and quarantined
    rows count for people who were employed by then; nothing is computed for others. Raises :class:`DataError` for a log
    that is damaged where it lies.
    """
    return data.once(("digests", until), lambda: _digests(data, until))


def _digests(data: Data, until: dt.date) -> dict[str, TableDigest]:
    data.complete_quarantine()
    selects = {table: _rows(data, table, until) for table in data.specs if table != "events"}
    selects[QUARANTINE] = _quarantined(until)
    of_log = _digest_of_batches if data.log_lies_elsewhere else _digest_of_log
    try:
        digests_by_table = {table: _digest(data, select) for table, select in selects.items()}
        if data.has("events"):
            digests_by_table["events"] = of_log(data, until)
    except duckdb.Error as error:
        raise unreadable(data.source, error) from None
    return {table: digest for table, digest in digests_by_table.items() if digest.rows}


def _digest(data: Data, select: str) -> TableDigest:
    return _added_up(data, _sums(select))


def _sums(select: str) -> str:
    return f"select count(*) as n, {LOW} as low, {HIGH} as high from (select md5_number(line) as hash from ({select}))"


def _digest_of_batches(data: Data, until: dt.date) -> TableDigest:
    """The digest of a log that lies elsewhere."""
    assert data.engine is not None
    texts = f"select n, low::text as low, high::text as high from ({_sums(_rows(data, 'events', until))})"
    data.connection.register("sums_of_batches", data.engine.of_batches(texts))
    return _added_up(data, "select n, low::hugeint as low, high::hugeint as high from sums_of_batches")


def _added_up(data: Data, sums: str) -> TableDigest:
    rows, low, high = data.connection.execute(
        f"select coalesce(sum(n), 0)::bigint, sum(low)::hugeint, sum(high)::hugeint from ({sums})"
    ).fetchall()[0]
    return TableDigest(rows, f"{low or 0:x}-{high or 0:x}")


def _digest_of_log(data: Data, until: dt.date) -> TableDigest:
    """What the rows of the log add up to: those that read alike at every date are added up once, by the day they count from."""
    spec, others = data.specs["events"], "versioned_events"
    if data.whole_kept_log is None:
        totals = data.once("log digests", lambda: _log_digests(data))
        others = f"(select * from events t where not ({_reads_alike(spec)}))"
    else:
        totals = LOG_DAYS
        if not data.connection.execute(f"select 1 from duckdb_tables() where table_name = '{others}'").fetchall():
            others = ""
    known = f"usable_day < date '{until}'"
    sums = f"select n, low, high from {totals} where low is not null and {known}"
    if others:
        lines = f"select md5_number({line_of('events', spec, until)}) as hash from {others} t where {known}"
        sums += f" union all select count(*), {LOW}, {HIGH} from ({lines})"
    return _added_up(data, sums)


def _log_digests(data: Data) -> str:
    """Make the temp table whose name is returned, of the rows of the log that read alike at every date."""
    spec = data.specs["events"]
    line = line_of("events", spec, dt.date.max)
    lines = f"select usable_day, md5_number({line}) as hash from events t where {_reads_alike(spec)}"
    data.connection.execute(
        f"create or replace temp table {LOG_DIGESTS} as"
        f" select usable_day, count(*) as n, {LOW} as low, {HIGH} as high from ({lines}) group by usable_day"
    )
    return LOG_DIGESTS


def _reads_alike(spec: TableSpec) -> str:
    """SQL: whether :func:`line_of` the row ``t`` is the same whatever the day, from the day on which the row counts."""
    later = (name for name, column in spec.columns.items() if column.later)
    return " and ".join(f"t.{quoted(name)} is null" for name in ("superseded_day", *later))


def _rows(data: Data, table: str, until: dt.date) -> str:
    """SQL: one ``line`` of text for each usable row, values by name; an empty value is left out of it."""
    day, spec = f"date '{until}'", data.specs[table]
    employed = f" and {_HIRED.format(until=day)}" if table == "exits" else ""
    line = line_of(table, spec, until)
    return f"select {line} as line from {quoted(table)} t where t.usable_day < {day}{employed}"


def line_of(table: str, spec: TableSpec, until: dt.date) -> str:
    """SQL of the row ``t`` as a line of text, as it stood before ``until``."""
    day = f"date '{until}'"
    values = {
        name: f"t.{quoted(name)}" for name, column in spec.columns.items() if name != "known_at" and not column.personal
    }
    received, *_ = on_receipt = ON_RECEIPT.get(table, ("",))
    for name, column in spec.columns.items():
        if column.later:
            values[name] = f"case when {values[name]} < {day} then {values[name]} end"
        elif name in on_receipt:
            values[name] = f"case when t.{quoted(received)} >= {day} then null else {values[name]} end"
    if spec.happened:  # known when it happened is what no known_at says, too
        values["known"] = f"case when t.known_moment <> t.{quoted(spec.happened)} then t.known_moment end"
    values["superseded"] = f"case when t.superseded_day < {day} then t.superseded_day end"
    return _line(values)


def _quarantined(until: dt.date) -> str:
    """Like the rows that :mod:`perfml.trust.holds` counts: a copy of a row that is in use breaks nothing."""
    day = f"date '{until}'"
    names = ("table_name", "rule", "column_name", "key", "employee_id", "happened_day", "known_day")
    return (
        f"select {_line({name: f't.{name}' for name in names})} as line from quarantine t where rule <> 'duplicate_key'"
        f" and coalesce(happened_day, known_day) < {day} and known_day < {day} and {_HIRED.format(until=day)}"
    )


def _line(values: Mapping[str, str]) -> str:
    named = ", ".join(f"{literal(f'{name}=')} || ({sql})::text" for name, sql in values.items())
    return f"concat_ws(chr(31), {named})"


# ---- definitions ------------------------------------------------------------------------------------------------


class KeptFolder(ProjectFolder):
    """Definitions that :func:`keep_definitions` kept. They are whole, so nothing is inherited: a later perfml may ship
    other ones."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._layers = [self.root]
        self.spec = ProjectSpec(name=self.spec.name, disclosure=self.spec.disclosure)


def definitions_hash(folder: ProjectFolder, model: str) -> str:
    """64 hexadecimal digits of all that decides a score of ``model``: every definition of evidence, how it is read from the
    export, and the model's own.

    Raises :class:`DefinitionError` for a definition that cannot be used.
    """
    folder.model(model)
    files = _files(folder)
    decisive = ("features/", "sources/", _toml(model))
    return _sha256({path: text for path, text in files.items() if path.startswith(decisive)})


def keep_definitions(folder: ProjectFolder, home: Path) -> str:
    """Keep what ``folder`` defines, with all that it inherits, as a project of its own: ``home/definitions/<hash>``.

    The hash, which is returned, is of the kept files, so the same definitions are kept once. Where the data lies is not
    kept: its URL may hold a password.
    """
    files = _files(folder)
    digest = _sha256(files)
    target = home / "definitions" / digest
    if not target.is_dir():
        temporary = target.with_name(f".writing.{os.getpid()}")
        shutil.rmtree(temporary, ignore_errors=True)
        try:
            for path, text in files.items():
                write_text(temporary / path, text)
            temporary.replace(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return digest


def kept_definitions(home: Path, digest: str) -> ProjectFolder:
    """The definitions that were kept under ``digest``. Raises :class:`DefinitionError` where they are gone or altered."""
    folder = home / "definitions" / digest
    remedy = "restore it from a backup of the home folder"
    if not folder.is_dir():
        raise DefinitionError("the definitions of that run are missing", where=str(folder), remedy=remedy)
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    texts = {path.relative_to(folder).as_posix(): path.read_bytes().decode(errors="replace") for path in paths}
    if _sha256(texts) != digest:
        raise DefinitionError("was altered", where=str(folder), remedy=remedy)
    return KeptFolder(folder)


def _files(folder: ProjectFolder) -> dict[str, str]:
    """The files of a project that says all that ``folder`` says: path -> text. Defaults are written out."""
    definitions = folder.definitions
    files = {file.file: _write(_dumped(file.spec)) for file in definitions.windowed}
    files |= {file.file: f"/*\n{_write(_dumped(file.spec))}*/\n{file.sql.strip()}\n" for file in definitions.relational}
    files["features/sources.toml"] = _write({name: _dumped(spec) for name, spec in definitions.tables.items()})
    if folder.metrics != MetricsSpec():
        files["features/definitions.toml"] = _write(_dumped(folder.metrics))
    if definitions.holes != HolesSpec():
        files["features/holes.toml"] = _write(_dumped(definitions.holes))
    files |= {f"sources/{name}.toml": _write(_dumped(mapping)) for name, mapping in folder.sources.items()}
    for name, spec in {**folder.models, **folder.policies}.items():
        files[_toml(name)] = _write(_dumped(spec))
        if folder.has_card(name):
            files[f"models/{name}.md"] = folder.card(name)
    left_out = {
        folder_name: {"leave_out": [name for name in names if list((STARTER / folder_name).glob(f"{name}.*"))]}
        for folder_name, names in (
            ("features", folder.spec.features.leave_out),
            ("models", folder.spec.models.leave_out),
        )
    }
    rules = folder.spec.disclosure
    shown = {} if rules == DisclosureRules() else {"disclosure": _dumped(rules)}
    files["perfml.toml"] = _write({"name": folder.spec.name, **left_out, **shown})
    return dict(sorted(files.items()))


def _toml(model: str) -> str:
    return f"models/{model}.toml"


def _dumped(spec: Spec) -> dict[str, object]:
    return spec.model_dump(mode="json", exclude_none=True)  # TOML has no null


def _write(table: Mapping[str, object]) -> str:
    """TOML with one header a table of the first level, and one line a key.

    >>> print(_write({"a": 1.5, "b": {"c d": [True, "x"]}}), end="")
    "a" = 1.5
    ["b"]
    "c d" = [true, "x"]
    """
    lines = [f"{_value(key)} = {_value(value)}" for key, value in table.items() if not isinstance(value, Mapping)]
    for key, value in table.items():
        if isinstance(value, Mapping):
            lines += [f"[{_value(key)}]", *(f"{_value(k)} = {_value(v)}" for k, v in value.items())]
    return "".join(line + "\n" for line in lines)


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_value(key)} = {_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _sha256(content: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
