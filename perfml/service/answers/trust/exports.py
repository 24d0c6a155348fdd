"""Exports over the service: what is defined, one of them as a file, and the ledger."""

from __future__ import annotations

import datetime as dt
from collections.abc import Set
from typing import Literal
from urllib.parse import quote

from fastapi.responses import Response

from perfml.errors import DefinitionError, DiskFull, ModelError, PerfmlError
from perfml.outgoing.content import ExportRequest, make_export
from perfml.outgoing.ledger import ExportLedger
from perfml.outgoing.sending import headers_of, recipient_of
from perfml.project.trust.export_spec import ExportFormat
from perfml.scoring.sealed_files import DamagedFile
from perfml.service.answers.shared import Answer, IsoDate, ServiceQuery
from perfml.service.problems import no_export, nothing_to_export
from perfml.service.store import Store
from perfml.store.audit.acting import acting


class ExportAnswer(Answer):
    """An export of ``serve/exports.toml``."""

    name: str
    zh: str
    en: str
    what: str
    """Kind of its rows."""
    format: ExportFormat
    version: int
    purpose: str
    owner: str
    """Who answers for it."""
    recipient: str
    """Host of a webhook, or ``folder``."""
    every: Literal["day", "week", "month"] | None
    """How often it is sent by itself; null: when somebody asks for it."""


class ExportsAnswer(Answer):
    """The exports that are defined."""

    exports: tuple[ExportAnswer, ...]


class ExportDeliveryAnswer(Answer):
    """One content on its way to one receiver."""

    delivery_id: str
    """The same content for the same receiver has the same id."""
    export: str
    schema_id: str
    """Kind and version of the columns."""
    as_of: str
    recipient: str
    """Host of a webhook, ``folder`` or ``download``."""
    by: str
    """Who began it."""
    rows: int
    people: int
    """How many people it shows."""
    bytes: int
    sha256: str
    opened_at: str
    attempts: int
    state: Literal["delivered", "waiting", "given_up"]
    problem: str | None
    """Why the last attempt failed."""
    delivered_at: str | None


class ExportLedgerAnswer(Answer):
    """What was sent where, the newest first."""

    deliveries: tuple[ExportDeliveryAnswer, ...]


class ExportsQuery(ServiceQuery):
    """For which part of the company one asks."""

    department: str | None = None
    """Only people of this department, as known at the as-of date."""
    location: str | None = None
    """Only people of this location."""

    @property
    def units(self) -> tuple[str, ...]:
        """The filters as units."""
        filters = {"department": self.department, "location": self.location}
        return tuple(f"{kind}:{name}" for kind, name in filters.items() if name is not None)


class ExportQuery(ExportsQuery):
    """Which file."""

    as_of: IsoDate | None = None
    """YYYY-MM-DD; the newest date when absent."""
    format: ExportFormat | None = None
    """The form of the definition when absent."""


def all_exports(store: Store) -> ExportsAnswer:
    """Return what is defined."""
    return ExportsAnswer(
        exports=tuple(
            ExportAnswer(
                name=name,
                zh=spec.zh,
                en=spec.en,
                what=spec.what,
                format=spec.format,
                version=spec.version,
                purpose=spec.purpose,
                owner=spec.owner.name,
                recipient=recipient_of(spec),
                every=None if spec.schedule is None else spec.schedule.every,
            )
            for name, spec in store.folder.exports.exports.items()
        )
    )


def export_file(store: Store, name: str, query: ExportQuery, *, reach: Set[str] | None) -> Response:
    """Return the file of an export, of the people within ``reach`` (default: everyone); each download stands in the ledger.

    Raises :class:`NotFound` for an unknown export, :class:`NothingToExport` where there is nothing now.
    """
    exports = store.folder.exports.exports
    if name not in exports:
        raise no_export([*exports])
    now = dt.datetime.now(dt.UTC)
    receiver = f"download {acting().name} {now.isoformat()}"
    request = ExportRequest(as_of=query.as_of, format=query.format, units=query.units, reach=reach, receiver=receiver)
    try:
        exported = make_export(store.home, name, exports[name], request, today=now.date())
    except (DamagedFile, DefinitionError, DiskFull, ModelError):
        raise
    except PerfmlError as error:
        raise nothing_to_export() from error
    ledger = ExportLedger(store.home)
    _, number = ledger.begin(exported, recipient="download", slot=None, now=now)
    ledger.end(exported, number or 1, problem=None)
    disposition = f"attachment; filename*=UTF-8''{quote(exported.file_name)}"
    return Response(exported.body, headers={**headers_of(exported), "Content-Disposition": disposition})


def export_ledger(store: Store) -> ExportLedgerAnswer:
    """Return what was sent where, the newest first."""
    deliveries = reversed(ExportLedger(store.home).deliveries())
    return ExportLedgerAnswer(
        deliveries=tuple(
            ExportDeliveryAnswer.model_validate({**each.to_json(), "schema_id": each.schema}) for each in deliveries
        )
    )
