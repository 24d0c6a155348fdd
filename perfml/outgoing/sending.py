"""An export is made, sent to whom its definition names, and written down; and which ones are due."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from perfml.errors import DefinitionError, choose_from
from perfml.files import atomic_write, write_text
from perfml.outgoing.content import MEDIA_TYPES, Exported, ExportRequest, make_export
from perfml.outgoing.ledger import ExportDelivery, ExportLedger
from perfml.outgoing.signing import signed_headers, signing_keys
from perfml.outgoing.webhook import NotDelivered, post
from perfml.project.trust.export_spec import ExportSpec, ExportsSpec
from perfml.trust.outbox import FIRST_PAUSE_SECONDS, retrying


@dataclass(frozen=True, kw_only=True)
class DueExport:
    """An export that its schedule asks for."""

    export: str
    slot: dt.date
    """The day on which it was due."""


def export_of(spec: ExportsSpec, name: str) -> ExportSpec:
    """The export of this name. Raises :class:`DefinitionError`, naming all."""
    if name not in spec.exports:
        raise DefinitionError(
            f"no export is called {name!r}",
            where="serve/exports.toml",
            remedy=choose_from(spec.exports, instead_of=name) if spec.exports else "write one",
        )
    return spec.exports[name]


def send_export(
    home: Path,
    name: str,
    spec: ExportSpec,
    *,
    as_of: dt.date | None,
    slot: dt.date | None,
    now: dt.datetime,
    pause_seconds: float = FIRST_PAUSE_SECONDS,
) -> ExportDelivery:
    """Make an export and send it, unless the same content was delivered before; return what the ledger says then.

    ``slot``: the due day that it is sent for. A receiver that does not take it is tried again with growing pauses, and after
    ``attempts`` such runs it is given up until somebody asks for it by name. Raises :class:`PerfmlError` where it cannot be made.
    """
    keys = signing_keys() if spec.recipient.webhook else ()
    exported = make_export(home, name, spec, ExportRequest(as_of=as_of), today=now.date())
    ledger = ExportLedger(home)
    delivery, number = ledger.begin(exported, recipient=recipient_of(spec), slot=slot, now=now)
    if number is None:
        return delivery
    try:
        if spec.recipient.webhook:
            _post(exported, spec, keys=keys, now=now, pause_seconds=pause_seconds)
        else:
            _write(home, exported, spec)
    except NotDelivered as error:
        problem = f"{error.where}: {error.problem}"
        return ledger.end(exported, number, problem=problem, given_up=number >= spec.attempts)
    return ledger.end(exported, number, problem=None)


def due_exports(home: Path, spec: ExportsSpec, today: dt.date) -> tuple[DueExport, ...]:
    """What is scheduled, was due by ``today`` and is neither delivered for that day nor given up."""
    due = []
    for name, export in spec.exports.items():
        if export.schedule is None:
            continue
        slot = export.schedule.newest(today)
        of_slot = [each for each in ExportLedger(home).deliveries(name) if str(slot) in each.slots]
        if (
            all(each.state == "waiting" for each in of_slot)
            and sum(each.attempts for each in of_slot) < export.attempts
        ):
            due.append(DueExport(export=name, slot=slot))
    return tuple(due)


def recipient_of(spec: ExportSpec) -> str:
    """What the ledger calls the receiver."""
    return urlsplit(spec.recipient.webhook).hostname or "" if spec.recipient.webhook else "folder"


def headers_of(exported: Exported) -> Mapping[str, str]:
    """What a receiver reads of a file beside it."""
    manifest = exported.manifest
    return {
        "Content-Type": MEDIA_TYPES[manifest.format],
        "Idempotency-Key": manifest.delivery_id,
        "X-Perfml-Export": manifest.export,
        "X-Perfml-Schema": manifest.schema,
        "X-Perfml-As-Of": manifest.as_of,
        "X-Perfml-Sha256": manifest.sha256,
    }


def _write(home: Path, exported: Exported, spec: ExportSpec) -> None:
    """The file, and then its manifest: whoever sees the manifest finds the whole file."""
    folder = home / (spec.recipient.folder or f"exports/{exported.manifest.export}")
    path = folder / exported.file_name
    try:
        with atomic_write(path) as temporary:
            temporary.write_bytes(exported.body)
        write_text(folder / f"{path.name}.json", exported.manifest_text())
    except OSError as error:
        raise NotDelivered(
            f"cannot be written ({error.strerror or error})", where=str(folder), remedy="free or choose another folder"
        ) from error


def _post(
    exported: Exported, spec: ExportSpec, *, keys: tuple[str, ...], now: dt.datetime, pause_seconds: float
) -> None:
    signed = signed_headers(
        keys, delivery_id=exported.manifest.delivery_id, at=int(now.timestamp()), body=exported.body
    )
    again = retrying(lambda error: isinstance(error, NotDelivered) and error.passing, pause_seconds=pause_seconds)
    again(post, spec.recipient, exported.body, {**headers_of(exported), **signed})
