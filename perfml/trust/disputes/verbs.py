"""Filing a dispute: what is checked without the data, and what is kept before it is entered."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

from perfml.errors import PerfmlError
from perfml.evidence.withheld.disputable import StoredFact, check_right, disputable, owner_column
from perfml.project.spec import DisputeRules
from perfml.project.table_spec import TableSpec
from perfml.trust.disputes.dispute import Dispute
from perfml.trust.disputes.dispute_log import DisputeLog
from perfml.trust.disputes.proofs import HandedIn, keep_proof


def file_dispute(
    home: Path,
    rules: DisputeRules,
    specs: Mapping[str, TableSpec],
    employee_id: str,
    *,
    table: str,
    key: str,
    right: Mapping[str, str],
    by: str,
    on: dt.date,
    fact: StoredFact | None,
    proof: HandedIn | None,
    idempotency_key: str,
) -> Dispute:
    """Check what is right, keep the proof, then enter the dispute; see :meth:`~.dispute_log.DisputeLog.file`.

    ``fact``: the row, where the data are at hand; without it every score of the person made so far is in doubt, and a table that
    does not say whose a row is cannot be disputed.
    """
    spec = disputable(specs, table)
    check_right(spec, table, right)
    if fact is None and owner_column(table, spec) is None:
        raise PerfmlError(
            "does not say whose a row is",
            where=f"table {table}",
            remedy="file it with `perfml dispute --data`, which looks it up",
        )
    stored_proof = None if proof is None else keep_proof(home, proof, max_bytes=rules.max_proof_bytes)
    return DisputeLog(home, rules).file(
        employee_id,
        table=table,
        key=key,
        right=right,
        by=by,
        on=on,
        since=dt.date.min if fact is None else fact.usable_day,
        proof=stored_proof,
        row=None if fact is None else fact.row,
        concerned=() if fact is None else fact.others,
        idempotency_key=idempotency_key,
    )
