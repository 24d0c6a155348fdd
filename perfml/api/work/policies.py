"""The verb of policies: what a change for many would be predicted to do, and what is known of its effect."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from perfml.api.shared import GivenData, date_or_none, open_to_learn
from perfml.dates import DateLike
from perfml.errors import DefinitionError
from perfml.evidence.record_end import as_of_day
from perfml.project.goals.what_if_spec import WhatIfPolicySpec
from perfml.project.spec import parse

if TYPE_CHECKING:
    from perfml.api import Project
    from perfml.scoring.what_if.record import PolicyRecord


def what_if_policy(
    project: Project, policy: str | Path, data: GivenData | None = None, *, as_of: DateLike | None = None
) -> PolicyRecord:
    """What the model would predict for everyone scored at ``as_of`` (default: the newest date) under a ``policy``: the name of a
    definition of kind ``what_if``, or a file of one. With ``data``, also what is known of the effect of its programme.

    Expected numbers before and after, in all and by department, those of few people withheld. Prediction and no effect; nothing
    is predicted of values that hardly anybody has had. An effect is only given where chance chose people, or where departments
    began one after another in an order that has nothing to do with the outcome. The record is kept for the service.
    """
    from perfml.advice.decision_log import logged
    from perfml.learning.effects.judging import effects
    from perfml.learning.validation.uplift import known_interventions
    from perfml.scoring.what_if.files import keep_policy
    from perfml.scoring.what_if.foreseen import foresee

    name, spec = _policy(project, policy)
    label = project.folder.model(spec.model).label
    asked = date_or_none(as_of)
    day, judged = None, []
    if spec.programme is not None and (data is not None or project.folder.spec.data.source is not None):
        with open_to_learn(project, data) as opened:
            day = as_of_day(opened, asked)
            offers = known_interventions(opened, day, logged(project.home))
            judged = effects(opened, offers, label, days=spec.period_days, as_of=day, kind=spec.programme)
    record = foresee(
        project.home,
        name,
        spec,
        as_of=asked,
        rules=project.folder.spec.disclosure,
        effects=judged,
        effects_as_of=day,
    )
    keep_policy(record, project.home)
    return record


def _policy(project: Project, policy: str | Path) -> tuple[str, WhatIfPolicySpec]:
    """The name and the definition. Raises :class:`DefinitionError` with file and key."""
    path = Path(policy)
    if path.suffix != ".toml":
        return project.folder.policy_of(WhatIfPolicySpec, str(policy))
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DefinitionError(f"is not TOML: {error}", where=str(path), remedy="correct that line") from None
    if not re.fullmatch(r"\w[\w-]*", path.stem):
        raise DefinitionError(
            "has no name that a policy can be stored by",
            where=str(path),
            remedy="use letters, digits, _ and - in its name",
        )
    return path.stem, parse(WhatIfPolicySpec, raw, file=str(path))
