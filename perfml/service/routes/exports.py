"""Lists for other systems, as files."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query
from fastapi.responses import Response

from perfml.service.answers.trust.exports import (
    ExportLedgerAnswer,
    ExportQuery,
    ExportsAnswer,
    ExportsQuery,
    all_exports,
    export_file,
    export_ledger,
)
from perfml.service.problems import Invalid, NoSpace, NotFound, NothingToExport, refusals
from perfml.service.routes.shared import AppStore, Reach, subject_router

router = subject_router("exports")


@router.get("/exports", summary="Exports that are defined", responses=refusals(Invalid))
def get_exports(query: Annotated[ExportsQuery, Query()], store: AppStore) -> ExportsAnswer:
    """The exports of ``serve/exports.toml``: their rows, form, schedule and receiver. The filters say for which part one asks."""
    return all_exports(store)


@router.get("/exports/ledger", summary="What was sent where", responses=refusals())
def get_export_ledger(store: AppStore) -> ExportLedgerAnswer:
    """Every delivery with its attempts, the newest first. Counts and hashes, and nobody's data."""
    return export_ledger(store)


@router.get(
    "/exports/{name}",
    summary="An export as a file",
    response_class=Response,
    responses={200: {"content": {"text/csv": {}}}, **refusals(NotFound, NothingToExport, Invalid, NoSpace)},
)
def get_export(
    name: Annotated[str, Path(description="A name of /v1/exports.")],
    query: Annotated[ExportQuery, Query()],
    store: AppStore,
    reach: Reach,
) -> Response:
    """CSV, Excel or Parquet of the people whom the asker may see. No cell is a formula; whoever is held is in no file."""
    return export_file(store, name, query, reach=reach)
