"""Suggestions of one policy at one date: those that are kept, and the same again for a replay."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from perfml.advice.courses.match import match
from perfml.advice.courses.taxonomy import Taxonomy
from perfml.advice.targets.suggest import suggest
from perfml.evidence.sources import Data
from perfml.progress import SILENT, Progress
from perfml.project.course_policy import CoursePolicy, SkillExamplesSpec, SkillsSpec
from perfml.project.folder import ProjectFolder
from perfml.project.target_policy import TargetPolicy
from perfml.scoring.replay import Replay, held_then, replay_file
from perfml.scoring.run_record import RunRecord
from perfml.trust.holds.hold import Hold


def suggestions_at(
    data: Data,
    folder: ProjectFolder,
    policy: str,
    as_of: dt.date,
    *,
    held: Mapping[str, Hold],
    refused: frozenset[str],
    employees: Sequence[str] | None = None,
    progress: Progress = SILENT,
) -> pa.Table:
    """The suggestions of ``policy``, a target or a course policy, at ``as_of``.

    ``held``: people without suggestions; ``refused``: ids of suggestions not to repeat; ``employees``: those whose
    courses are asked for (default: everyone).
    """
    spec = folder.policy(policy)
    if isinstance(spec, TargetPolicy):
        return suggest(data, spec, as_of, name=policy, held=held, refused=refused, progress=progress)
    _, course_policy = folder.policy_of(CoursePolicy, policy)
    _, skills = folder.policy_of(SkillsSpec)
    _, examples = folder.policy_of(SkillExamplesSpec)
    return match(
        data,
        course_policy,
        taxonomy=Taxonomy.of(skills, examples),
        as_of=as_of,
        name=policy,
        employees=employees,
        held=held,
        refused=refused,
        progress=progress,
    )


def replay_suggestions(home: Path, path: Path, *, name: str, as_of: dt.date, data: str | Path | None = None) -> Replay:
    """Recompute the file of the suggestions of the policy ``name``; see :func:`~perfml.scoring.replay.replay_file`."""

    def recompute(opened: Data, folder: ProjectFolder, record: RunRecord) -> Iterable[pa.Table]:
        refused = frozenset(record.get("refused", ()))
        return [suggestions_at(opened, folder, name, as_of, held=held_then(record), refused=refused)]

    compared = Replay(what="suggestions", name=name, as_of=as_of, rows=0)
    key = ("employee_id", "suggestion_id")
    return replay_file(home, path, compared, recompute=recompute, key=key, data=data)
