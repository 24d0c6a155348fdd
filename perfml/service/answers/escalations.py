"""Cases beyond a target policy: one for each metric and place."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict

from perfml.advice.decision_log import DecisionLog
from perfml.advice.targets.escalations import escalations
from perfml.service.answers.decisions import DecisionAnswer
from perfml.service.answers.shared import Answer, IsoDate, ServiceQuery, TextAnswer
from perfml.service.answers.suggestions import suggestions_file
from perfml.service.scores import open_scores
from perfml.service.store import Store


class EscalationAnswer(Answer):
    """One case: the goals on a metric and place that no change within the policy brings into reach. Targets are sums."""

    escalation_id: str
    policy: str
    metric: str
    scope: str | None
    """The place; null where the goals have none."""
    people: int
    goals: int
    core_goals: int
    """Goals among them whose target and weight never move."""
    weights_moved: int
    """Goals among them for which weight is suggested to move to what can be reached."""
    market_percent: float
    """The median outside influence: market, season and definition."""
    limit_percent: float
    """The median change that the policy still allows."""
    target: float
    expected: float
    needed_target: float
    """What would bring each goal to the edge of the band at its owner's usual effort."""
    limit_target: float
    """The nearest that the policy allows."""
    probability_before: float
    """Median probability of reaching the target in force."""
    probability_at_limit: float
    """Median probability of reaching the target at the limit, at the owners' usual effort."""
    goal_ids: tuple[str, ...]
    decided_by: TextAnswer
    """Who may decide."""
    zh: str
    en: str
    decisions: tuple[DecisionAnswer, ...]
    """The decisions about it, oldest first; the newest counts. They are posted like those about a suggestion."""


class EscalationsAnswer(Answer):
    """The cases of one date, the most people first."""

    as_of: dt.date
    escalations: tuple[EscalationAnswer, ...]


class EscalationsQuery(ServiceQuery):
    """Which date, and which policy."""

    as_of: IsoDate | None = None
    """YYYY-MM-DD; the newest date with suggestions when absent."""
    policy: str = "target_adjustment"


def target_escalations(store: Store, query: EscalationsQuery) -> EscalationsAnswer:
    """Return the cases of a date. Raises :class:`NotFound` where the policy or the date has no suggestions."""
    day, path = suggestions_file(store, query.policy, query.as_of)
    with open_scores(path, ("suggestion_id", "goal_id", "beyond")) as file:
        rows = file.rows([at for at, beyond in enumerate(file.column("beyond")) if beyond])
    cases = escalations(rows)
    decided = DecisionLog(store.home).decisions(case.escalation_id for case in cases)
    return EscalationsAnswer(
        as_of=day,
        escalations=tuple(
            EscalationAnswer.model_validate(
                {
                    **asdict(case),
                    "decided_by": {"zh": case.decided_by_zh, "en": case.decided_by_en},
                    "decisions": [asdict(decision) for decision in decided.get(case.escalation_id, [])],
                }
            )
            for case in cases
        ),
    )
