"""What the entries about disputes add up to: a pure function, in which the order of arrival does not matter."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from perfml.store.record_store import StoredEntry
from perfml.trust.disputes.dispute import Dispute, DisputeJudgement, Proof

FILED, DECIDED, REVIEWED, ESCALATED = "filed", "decided", "reviewed", "escalated"


def fold(entries: Iterable[StoredEntry]) -> tuple[Dispute, ...]:
    """The disputes of ``entries``, oldest first. Of several decisions the first stored counts, of a reviewer the first review."""
    parts: dict[str, dict[str, list[Mapping[str, Any]]]] = {}
    for entry in sorted(entries, key=lambda entry: entry.number):
        of_dispute = parts.setdefault(entry.subject, {FILED: [], DECIDED: [], REVIEWED: [], ESCALATED: []})
        of_dispute[str(entry.entry["what"])].append(entry.entry)
    disputes = [_dispute(of_dispute) for of_dispute in parts.values() if of_dispute[FILED]]
    return tuple(sorted(disputes, key=lambda dispute: (dispute.filed_on, dispute.dispute_id)))


def _dispute(parts: Mapping[str, list[Mapping[str, Any]]]) -> Dispute:
    filed = parts[FILED][0]
    reviews = {entry["by"]: _judgement(entry) for entry in reversed(parts[REVIEWED])}
    return Dispute(
        **{name: filed[name] for name in ("dispute_id", "employee_id", "table", "key", "filed_by", "hold_id")},
        right=dict(filed["right"]),
        filed_on=_day(filed["filed_on"]),
        due_on=_day(filed["due_on"]),
        proof=None if filed["proof"] is None else Proof(**filed["proof"]),
        row=filed["row"],
        concerned=tuple(filed["concerned"]),
        decision=_judgement(parts[DECIDED][0]) if parts[DECIDED] else None,
        reviews=tuple(reviews[by] for by in sorted(reviews)),
        escalated_on=min((_day(entry["on"]) for entry in parts[ESCALATED]), default=None),
    )


def _judgement(entry: Mapping[str, Any]) -> DisputeJudgement:
    return DisputeJudgement(verdict=entry["verdict"], by=entry["by"], reason=entry["reason"], on=_day(entry["on"]))


def _day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)
