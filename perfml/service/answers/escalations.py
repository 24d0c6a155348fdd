"""Cases beyond a target policy: one for each metric and place."""

from __future__ import annotations

import datetime as dt
from collections.abc import Set
from dataclasses import asdict
from typing import cast

from perfml.advice.decision_log import DecisionLog
from perfml.advice.suggestion_files import StoredTarget
from perfml.advice.targets.escalations import EscalationFigures, escalations
from perfml.service.answers.decisions import DecisionAnswer
from perfml.service.answers.shared import Answer, IsoDate, ServiceQuery, TextAnswer
from perfml.service.answers.suggestions import suggestions_file, why_empty
from perfml.service.scores import open_scores
from perfml.service.store import Store


class EscalationAnswer(EscalationFigures):
    """One case: the goals on a metric and place that no change within the policy brings into reach. Targets are sums."""

    decided_by: TextAnswer
    """Who may decide."""
    decisions: tuple[DecisionAnswer, ...]
    """The decisions about it, oldest first; the newest counts. They are posted like those about a suggestion."""


class EscalationsAnswer(Answer):
    """The cases of one date, the most people first."""

    as_of: dt.date
    why_empty: TextAnswer | None
    """Why there is no case, where there is none."""
    escalations: tuple[EscalationAnswer, ...]


class EscalationsQuery(ServiceQuery):
    """Which date, and which policy."""

    as_of: IsoDate | None = None
    """YYYY-MM-DD; the newest date with suggestions when absent."""
    policy: str = "target_adjustment"


def target_escalations(store: Store, query: EscalationsQuery, *, reach: Set[str] | None = None) -> EscalationsAnswer:
    """Return the cases of a date, with the goals of people within ``reach`` (default: everyone).

    Raises :class:`NotFound` where the policy or the date has no suggestions.
    """
    day, path = suggestions_file(store, query.policy, query.as_of)
    file = open_scores(path, ("suggestion_id", "goal_id", "beyond"))
    ids, beyond = file.column("employee_id"), file.column("beyond")
    cases_at = [at for at, case in enumerate(beyond) if case and (reach is None or ids[at] in reach)]
    rows = cast(list[StoredTarget], file.rows(cases_at))
    cases = escalations(rows)
    decided = DecisionLog(store.home).decisions(case.escalation_id for case in cases)
    return EscalationsAnswer(
        as_of=day,
        why_empty=None if cases else why_empty(len(file.column("employee_id"))),
        escalations=tuple(
            EscalationAnswer.model_validate(
                {
                    **case.model_dump(include=set(EscalationFigures.model_fields)),
                    "decided_by": {"zh": case.decided_by_zh, "en": case.decided_by_en},
                    "decisions": [asdict(decision) for decision in decided.get(case.escalation_id, [])],
                }
            )
            for case in cases
        ),
    )
