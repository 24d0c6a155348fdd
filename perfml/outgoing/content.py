"""One export at one date: its rows without anybody who is withheld, as a file, under the id of its content.

Whoever is held, has opted out or disputes a fact is left out at the moment of the export (facts carry their own state), also when
one that failed is tried again: the content is made anew each time, and lies nowhere in between.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import tempfile
from collections.abc import Mapping, Set
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa

from perfml.errors import DefinitionError, PerfmlError, choose_from
from perfml.outgoing.kinds import KINDS, PERSON, ExportKind, ExportRow
from perfml.project.trust.export_spec import ExportFormat, ExportSpec
from perfml.scoring.people.files import PersonFacts, people_facts
from perfml.scoring.table_files import write_parts
from perfml.scoring.withheld.withholding import withholding_now

MEDIA_TYPES: Mapping[ExportFormat, str] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
}
NOBODY = PersonFacts(employee_id="")


@dataclass(frozen=True, kw_only=True)
class ExportManifest:
    """What a file is, for whoever receives it."""

    delivery_id: str
    """Follows from the export, its version, date and content: the same file comes under the same id."""
    export: str
    schema: str
    """``perfml.export.<kind>/<version>``."""
    as_of: str
    format: ExportFormat
    purpose: str
    owner: str
    rows: int
    columns: Mapping[str, str]
    """Column → type."""
    bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Exported:
    """A file with what it is, and whom it shows."""

    manifest: ExportManifest
    body: bytes
    people: frozenset[str]

    @property
    def file_name(self) -> str:
        """A name that is the same for the same content."""
        manifest = self.manifest
        return f"{manifest.export}-{manifest.as_of}-{manifest.delivery_id[:8]}.{manifest.format}"

    def manifest_text(self) -> str:
        """The manifest as JSON."""
        return json.dumps(asdict(self.manifest), ensure_ascii=False, indent=2)


def columns_of(name: str, spec: ExportSpec) -> Mapping[str, pa.DataType]:
    """The columns of an export. Raises :class:`DefinitionError` for one that its kind does not have."""
    known = KINDS[spec.what].columns
    for column in spec.columns:
        if column not in known:
            raise DefinitionError(
                f"{column!r} is not a column of {spec.what}",
                where=f"serve/exports.toml [exports.{name}.columns]",
                remedy=choose_from(known, instead_of=column),
            )
    return {column: known[column] for column in spec.columns or known}


@dataclass(frozen=True, kw_only=True)
class ExportRequest:
    """Which rows, in which form, for whom."""

    as_of: dt.date | None = None
    """Default: the newest date."""
    format: ExportFormat | None = None
    """Default: that of the definition."""
    units: tuple[str, ...] = ()
    """People to whom all of these apply, such as ``department:South``, beside the units of the definition."""
    reach: Set[str] | None = None
    """The people whom the asker may see; default: everyone."""
    receiver: str | None = None
    """Who gets it, where that is not the recipient of the definition."""


def make_export(home: Path, name: str, spec: ExportSpec, request: ExportRequest, *, today: dt.date) -> Exported:
    """Make the file of an export.

    Raises :class:`PerfmlError` while everything is stopped, as an empty list would say something else, and where that date has
    no rows.
    """
    columns, kind, file_format = columns_of(name, spec), KINDS[spec.what], request.format or spec.format
    withheld = withholding_now(home, today)
    if withheld.everyone is not None:
        raise PerfmlError(
            "everything is stopped, so nothing is sent", where=f"export {name}", remedy="`perfml resume` lifts the stop"
        )
    day, rows = kind.rows(home, spec, request.as_of, today)
    if kind.of_people:
        shown = rows if kind.of_facts else [row for row in rows if withheld.hold(row) is None]
        rows = _of_people(home, [{"as_of": day, **row} for row in shown], spec, request, day=day)
    schema = f"perfml.export.{spec.what}/{spec.version}"
    marks = {"perfml.schema": schema, "perfml.export": name, "perfml.as_of": str(day)}
    table = _table(rows, columns).replace_schema_metadata(marks)
    body = _bytes(table, file_format)
    receiver = request.receiver or spec.recipient.model_dump_json()
    identity = [name, schema, str(day), file_format, receiver, [*columns], table.to_pylist()]
    manifest = ExportManifest(
        delivery_id=hashlib.sha256(json.dumps(identity, ensure_ascii=False, default=str).encode()).hexdigest()[:32],
        export=name,
        schema=schema,
        as_of=str(day),
        format=file_format,
        purpose=spec.purpose,
        owner=spec.owner.name,
        rows=len(table),
        columns={column: str(kind_of) for column, kind_of in columns.items()},
        bytes=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
    )
    return Exported(manifest=manifest, body=body, people=_people(kind, rows))


def _of_people(
    home: Path, rows: list[ExportRow], spec: ExportSpec, request: ExportRequest, *, day: dt.date
) -> list[ExportRow]:
    """The rows of the units and within the reach that are asked for, with who each person is."""
    known = people_facts(home, day, {str(row["employee_id"]) for row in rows})
    every = [{unit} for unit in request.units] + ([set(spec.units)] if spec.units else [])
    chosen: list[ExportRow] = []
    for row in rows:
        person = str(row["employee_id"])
        facts = known.get(person, NOBODY)
        own = {f"department:{facts.department}", f"location:{facts.location}"}
        if all(own & units for units in every) and (request.reach is None or person in request.reach):
            chosen.append({**row, **{column: getattr(facts, column) for column in PERSON if column != "employee_id"}})
    return chosen


def _people(kind: ExportKind, rows: list[ExportRow]) -> frozenset[str]:
    return frozenset(str(row["employee_id"]) for row in rows) if kind.of_people else frozenset()


def _table(rows: list[ExportRow], columns: Mapping[str, pa.DataType]) -> pa.Table:
    schema = pa.schema([*columns.items()])
    return pa.Table.from_pylist([{column: row.get(column) for column in columns} for row in rows], schema=schema)


def _bytes(table: pa.Table, file_format: ExportFormat) -> bytes:
    with tempfile.TemporaryDirectory(prefix="perfml") as folder:
        path = Path(folder) / f"export.{file_format}"
        write_parts([table], path)
        return path.read_bytes()
