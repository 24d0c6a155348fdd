"""Policies: definition files in ``models/`` that advise instead of learning. A top-level ``kind`` names which one a file is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from perfml.errors import DefinitionError
from perfml.project.course_policy import CoursePolicy, SkillExamplesSpec, SkillsSpec
from perfml.project.goals.feedback_network_spec import FeedbackNetworkSpec
from perfml.project.goals.indicators_spec import IndicatorsSpec
from perfml.project.goals.lines_spec import LinesSpec
from perfml.project.goals.milestones_spec import MilestonesSpec
from perfml.project.goals.process_debt_spec import ProcessDebtSpec
from perfml.project.goals.what_if_spec import WhatIfPolicySpec
from perfml.project.model_spec import ModelSpec
from perfml.project.spec import Spec, parse
from perfml.project.target_policy import TargetPolicy
from perfml.project.trust.alert_spec import AlertsSpec
from perfml.project.trust.notice_spec import NoticesSpec
from perfml.project.trust.peers_spec import PeersSpec
from perfml.project.trust.talks_spec import TalksSpec
from perfml.project.voices import VoicesSpec

KINDS: Final[dict[str, type[Spec]]] = {
    "target_adjustment": TargetPolicy,
    "course_match": CoursePolicy,
    "skills": SkillsSpec,
    "skill_examples": SkillExamplesSpec,
    "voices": VoicesSpec,
    "notices": NoticesSpec,
    "alerts": AlertsSpec,
    "peers": PeersSpec,
    "talks": TalksSpec,
    "indicators": IndicatorsSpec,
    "process_debt": ProcessDebtSpec,
    "what_if": WhatIfPolicySpec,
    "lines": LinesSpec,
    "milestones": MilestonesSpec,
    "feedback_network": FeedbackNetworkSpec,
}


def parse_policy(raw: Mapping[str, object], *, file: str) -> Spec:
    """``raw`` as the policy that its ``kind`` names. Raises :class:`DefinitionError` for a kind that is none."""
    kind = raw["kind"]
    if not isinstance(kind, str) or kind not in KINDS:
        raise DefinitionError(
            f"{kind!r} is no kind of policy",
            where=f"{file} [kind]",
            remedy=f"use one of: {', '.join(KINDS)}; or leave it out: a file without a kind is a model to be learnt",
        )
    return parse(KINDS[kind], raw, file=file)


def refuse_policy_without_kind(raw: Mapping[str, object], *, file: str) -> None:
    """Raise :class:`DefinitionError` where ``raw``, which names no kind, has more keys of a policy than of a model."""
    shared = {kind: len(raw.keys() & spec.model_fields.keys()) for kind, spec in KINDS.items()}
    likely = max(shared, key=lambda kind: shared[kind])
    if shared[likely] > len(raw.keys() & ModelSpec.model_fields.keys()):
        raise DefinitionError(
            "has the keys of a policy and names no kind",
            where=file,
            remedy=f'add kind = "{likely}"; a file without a kind is a model to be learnt',
        )
