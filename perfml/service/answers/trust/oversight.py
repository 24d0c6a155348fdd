"""For a works council and an auditor: the governance checklist, and whether the audit log is whole."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from perfml.scoring.people.known import scored_people
from perfml.service.answers.shared import Answer, TextAnswer
from perfml.service.answers.trust.holds import today
from perfml.service.store import Store
from perfml.trust.audit.verifying import verify


class CheckAnswer(Answer):
    """One rule of the checklist."""

    rule: str
    verdict: Literal["pass", "fail", "unknown"]
    """``unknown``: what it would be judged on is not known, which is neither passed nor failed."""
    title: TextAnswer
    evidence: TextAnswer
    remedy: TextAnswer | None
    """What to do; null where it passes."""


class GovernanceAnswer(Answer):
    """The checklist, judged on the state of the system without the company's tables."""

    day: dt.date
    checks: tuple[CheckAnswer, ...]


class AuditFindingAnswer(Answer):
    """Something in the audit log that is not as it was written."""

    where: str
    problem: TextAnswer
    remedy: TextAnswer


class VerificationAnswer(Answer):
    """Whether the audit log is whole."""

    whole: bool
    rows: int
    checkpoints: int
    covered: int
    """Rows under the newest checkpoint."""
    erased: int
    """Rows about people whose key was erased; their hashes are verified all the same."""
    findings: tuple[AuditFindingAnswer, ...]


def governance_checklist(store: Store) -> GovernanceAnswer:
    """Judge every rule now. What needs the company's tables is unknown: ``perfml governance --data`` looks at them."""
    # They bring DuckDB and pandas, which nothing else in the service needs.
    from perfml.trust.deliveries.report import delivery_packets
    from perfml.trust.governance.checklist import checklist
    from perfml.trust.governance.state import SystemState

    day, folder = today(), store.folder
    now = dt.datetime.now(dt.UTC).replace(tzinfo=None, microsecond=0)
    packets = delivery_packets(store.home, folder.deliveries, None, now=now)
    state = SystemState.of(store.home, folder, None, day=day, packets=packets, scored=scored_people(store.home))
    return GovernanceAnswer(
        day=day,
        checks=tuple(
            CheckAnswer(
                rule=check.rule,
                verdict=check.verdict,
                title=TextAnswer.of(check.title),
                evidence=TextAnswer.of(check.evidence),
                remedy=None if check.verdict == "pass" else TextAnswer.of(check.remedy),
            )
            for check in checklist(state)
        ),
    )


def audit_verification(store: Store) -> VerificationAnswer:
    """Compare the audit log with its hashes, checkpoints and the entries of the store."""
    result = verify(store.home)
    return VerificationAnswer(
        whole=result.whole,
        rows=result.rows,
        checkpoints=result.checkpoints,
        covered=result.covered,
        erased=result.erased,
        findings=tuple(
            AuditFindingAnswer(where=each.where, problem=TextAnswer.of(each.problem), remedy=TextAnswer.of(each.remedy))
            for each in result.findings
        ),
    )
