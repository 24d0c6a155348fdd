"""Policies: definition files in ``models/`` that advise instead of learning. A top-level ``kind`` names which one a file is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from perfml.errors import DefinitionError
from perfml.project.course_policy import CoursePolicy, SkillExamplesSpec, SkillsSpec
from perfml.project.spec import Spec, parse
from perfml.project.target_policy import TargetPolicy
from perfml.project.voices import VoicesSpec

KINDS: Final[dict[str, type[Spec]]] = {
    "target_adjustment": TargetPolicy,
    "course_match": CoursePolicy,
    "skills": SkillsSpec,
    "skill_examples": SkillExamplesSpec,
    "voices": VoicesSpec,
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
