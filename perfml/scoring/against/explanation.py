"""One person's score explained against a reference group, within each horizon.

Contributions are exact interventional SHAP values (:mod:`perfml.treeshap.background`) of the stored evidence: they add up
from the mean margin of the group to the margin that was scored. No value, sum or mean of the group is stated but the base
value, which HR reads beside everybody's own margin; managers and employees read words.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from perfml.arrays import Floats
from perfml.messages import Message, stored_message
from perfml.project.voices import VoicesSpec
from perfml.reasons.against import AgainstGroup, group_reasons
from perfml.reasons.record import Reason
from perfml.reasons.voices import Voices
from perfml.scoring.against.comparison import ComparisonStatus, GroupComparison, ReferenceGroup, compared_with
from perfml.scoring.against.members import other_members
from perfml.scoring.score_files import StoredScore, score_file
from perfml.scoring.sealed_files import DamagedFile
from perfml.scoring.what_if.evidence import evidence_path, read_everyone, read_evidence
from perfml.scoring.withheld.withholding import withholding

if TYPE_CHECKING:
    from perfml.learning.registry.model_store import Model

SAME = 1e-6
"""How far base value and contributions may miss the margin of the score file: they then explain another score."""


def compare(
    home: Path,
    row: StoredScore,
    group: ReferenceGroup,
    *,
    least_others: int,
    load: Callable[[], Model],
    spec: VoicesSpec,
) -> tuple[GroupComparison, Voices]:
    """Explain a score ``row`` against the ``group``, and give the voices that word it.

    ``load``: the version that scored. With fewer than ``least_others`` others nothing is told, not even how many there are.
    Raises :class:`~perfml.scoring.score_files.NoScore` where no evidence was kept and :class:`DamagedFile` for files at odds.
    """
    if row["status"] != "scored":
        why = None if row["why_not"] is None else stored_message(row["why_not"])
        return _row(row, group, status="unscored", why_not=why), Voices(spec, {})
    model = load()
    names = [column.name for column in model.columns]
    where = {"model": row["model"], "version": row["model_version"]}
    people, values = read_everyone(home, as_of=row["as_of"], columns=names, **where)
    held = withholding(score_file(home, row["model"], row["as_of"]))
    others = other_members(home, row["employee_id"], group, as_of=row["as_of"], scored=people, held=held)
    if others is None:
        why = Message.of("against_group_unknown")
        return _row(row, group, status="insufficient", why_not=why), Voices(spec, {})
    if len(others) < least_others:
        why = Message.of("against_few_others", least=least_others)
        return _row(row, group, status="insufficient", why_not=why), Voices(spec, {})
    own = read_evidence(home, row["employee_id"], as_of=row["as_of"], columns=names, of_everyone=(), **where)
    if own is None:
        raise DamagedFile(evidence_path(home, row["model"], row["as_of"]), Message.of("file_earlier"))
    index = {person: number for number, person in enumerate(people)}
    background = values[[index[person] for person in others]]
    contributions = _contributions(model, own.own, background, days=row["horizon_days"])
    if abs(float(contributions.sum()) - row["margin"]) > SAME:
        raise DamagedFile(evidence_path(home, row["model"], row["as_of"]), Message.of("file_earlier"))
    columns = {column.name: column for column in model.columns}
    compared = AgainstGroup(background, columns=columns, least_others=least_others)
    voices = Voices(spec, columns, wording=compared.evidence)
    reasons = group_reasons(
        contributions,
        compared,
        values=np.where(own.stated, own.own, np.nan),
        middle_share=model.spec.reasons.middle_share,
    )
    retold = tuple(voices.retell(reasons))
    base = float(contributions[-1])
    return _row(row, group, status="explained", others=len(others), base_value=base, reasons=retold), voices


def _contributions(model: Model, own: Floats, background: Floats, *, days: int) -> Floats:
    """(columns + 1,) of the margin at the horizon: margins that were pooled for the person are pooled for the group alike."""
    incidences = model.incidences(own[None])
    horizon = list(model.risks).index(days)
    out = np.zeros(len(own) + 1)
    for other, risk in enumerate(model.risks.values()):
        if weight := float(incidences.pooled[0, horizon, other]):
            out += weight * risk.contributions_against(own[None], background)[0]
    out[-1] += incidences.shift[0, horizon]
    return out


def _row(
    row: StoredScore,
    group: ReferenceGroup,
    *,
    status: ComparisonStatus,
    why_not: Message | None = None,
    others: int | None = None,
    base_value: float | None = None,
    reasons: tuple[Reason, ...] = (),
) -> GroupComparison:
    return GroupComparison(
        employee_id=row["employee_id"],
        model=row["model"],
        model_version=row["model_version"],
        as_of=row["as_of"],
        horizon_days=row["horizon_days"],
        group=group,
        compared=compared_with(group, "hr"),
        status=status,
        why_not=why_not,
        others=others,
        margin=row["margin"] if status == "explained" else None,
        base_value=base_value,
        reasons=reasons,
    )
