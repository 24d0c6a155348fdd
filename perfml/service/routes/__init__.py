"""The addresses under /v1, one module for each subject. Each only translates: the function it calls gives the answer."""

from __future__ import annotations

from perfml.service.routes import (
    advice,
    alerts,
    disputes,
    exports,
    goals,
    holds,
    lists,
    models,
    oversight,
    people,
    personal,
)
from perfml.service.routes.operation import promotions, runs
from perfml.service.routes.work import ahead, indicators, network, policies, process_debt

TAGS = {
    "models": "Trained models: back-test, gates, card, fairness, drift, runs of training, and what is put in force.",
    "lists": "Lists of people, a team, trends, adoption.",
    "personal": "What is held about one person beside the score.",
    "people": "One person.",
    "advice": "Targets, cases beyond the policy, decisions, and help that was offered.",
    "goals": "Which goal serves which, forecasts as sums, milestones, lines, metrics that mislead, process debt, feedback.",
    "alerts": "What people are told, and what they take care of.",
    "holds": "What is withheld, and the stop of everything.",
    "disputes": "Facts that somebody says are wrong.",
    "exports": "Lists for other systems.",
    "oversight": "Readiness, metrics, governance, the audit log.",
}
"""Subject → what it holds, in the order of the document."""
SUBJECTS = (
    models,
    runs,
    promotions,
    lists,
    advice,
    goals,
    ahead,
    indicators,
    process_debt,
    policies,
    network,
    alerts,
    holds,
    disputes,
    exports,
    oversight,
    personal,
    people,
)
"""``people`` is the last: ids may hold slashes, so its ``/employees/{employee_id}`` takes whatever no other address took."""

ROUTERS = (*(subject.router for subject in SUBJECTS), oversight.probe)
