"""Saying that a row about oneself is wrong, and what became of it."""

from __future__ import annotations

import base64
from typing import Annotated

from fastapi import APIRouter, Form, Query, UploadFile
from fastapi.responses import Response
from pydantic import Field

from perfml.evidence.withheld.disputable import owner_column
from perfml.project.table_spec import TableSpec
from perfml.scoring.personal.record import RecordColumn, RecordRow, RecordTable
from perfml.service.access.refusals import not_for_you
from perfml.service.answers.shared import RequiredText, ServiceQuery
from perfml.service.answers.trust.disputes import (
    DisputeBody,
    DisputesQuery,
    ProofBody,
    disputes_of,
    file_one,
    one_dispute,
)
from perfml.service.store import Store
from perfml.service.web.forms import PageQuery, WebForm, carry_out
from perfml.service.web.page_route import PageRoute
from perfml.service.web.pages.people.own import own_id, own_record
from perfml.service.web.visit import HtmlPage, Visitor

own_disputes = APIRouter(include_in_schema=False, route_class=PageRoute)


class RowQuery(ServiceQuery):
    """Which row."""

    table: RequiredText
    key: RequiredText


class DisputeForm(WebForm):
    """What the form of a dispute sends: of each column that can be corrected its name and what is right, empty as it is."""

    table: RequiredText
    row_key: RequiredText
    remove: bool = False
    """The row should not exist."""
    column: tuple[str, ...] = ()
    value: tuple[Annotated[str, Field(max_length=2_000)], ...] = ()
    proof: UploadFile | None = None


@own_disputes.get("/me/disputes")
def my_disputes(visit: Visitor, query: Annotated[PageQuery, Query()]) -> HtmlPage:
    """The disputes of whoever is signed in, the newest first."""
    person = own_id(visit)
    disputes = disputes_of(visit.store, DisputesQuery(employee_id=person)).disputes
    return visit.page(
        "me/disputes.html",
        people={person},
        disputes=disputes[::-1],
        titles=visit.store.tables,
        rules=visit.store.dispute_rules,
    )


@own_disputes.get("/me/disputes/new")
def new_dispute(visit: Visitor, query: Annotated[RowQuery, Query()]) -> HtmlPage:
    """The form to dispute a row. Raises :class:`NotFound` for a row that is not the visitor's."""
    person = own_id(visit)
    table, row = _row(visit.store, person, query)
    return visit.page(
        "me/new_dispute.html",
        people={person},
        table=table,
        row=row,
        columns=_free_columns(table, visit.store.tables[table.name]),
        rules=visit.store.dispute_rules,
    )


@own_disputes.post("/me/disputes")
def dispute_row(visit: Visitor, form: Annotated[DisputeForm, Form()]) -> Response:
    """File the dispute. Only a row that the visitor can see may be disputed on a page."""
    person = own_id(visit)
    table, row = _row(visit.store, person, RowQuery(table=form.table, key=form.row_key))
    stated = zip(form.column, (text.strip() for text in form.value), strict=False)
    right = {name: text for name, text in stated if text and text != row.values.get(name)}

    def write() -> object:
        body = DisputeBody(
            table=table.name,
            key=form.row_key,
            right={} if form.remove else right,
            proof=_handed_in(form.proof, most=visit.store.dispute_rules.max_proof_bytes),
        )
        return file_one(visit.store, person, body, key=form.key)

    return carry_out(visit, form, "disputed", write)


@own_disputes.get("/me/disputes/{dispute_id}")
def dispute(visit: Visitor, dispute_id: str) -> HtmlPage:
    """One dispute: the row and the reasons before and after."""
    outcome = one_dispute(visit.store, dispute_id)
    return visit.page(
        "me/dispute.html", people={outcome.employee_id}, dispute=outcome, table=visit.store.tables.get(outcome.table)
    )


def _row(store: Store, person: str, query: RowQuery) -> tuple[RecordTable, RecordRow]:
    record = own_record(store, person)
    for table in () if record is None else record.tables:
        if table.name == query.table and owner_column(table.name, store.tables[table.name]) is not None:
            for row in table.rows:
                if row.key == query.key:
                    return table, row
    raise not_for_you()


def _free_columns(table: RecordTable, spec: TableSpec) -> list[RecordColumn]:
    """The columns whose value may be corrected; see :func:`perfml.evidence.withheld.disputable.check_right`."""
    fixed = {*spec.key, spec.happened, "known_at", owner_column(table.name, spec)}
    return [column for column in table.columns if column.name not in fixed]


def _handed_in(proof: UploadFile | None, *, most: int) -> ProofBody | None:
    """The file of a form, read no further than it may be large; None where none was chosen."""
    if proof is None or not proof.filename:
        return None
    content = proof.file.read(most + 1)
    return ProofBody(name=proof.filename[:200], content_base64=base64.b64encode(content).decode())
