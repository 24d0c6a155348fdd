"""One person's score explained against a reference group, within each horizon.

Contributions are exact interventional SHAP values (:mod:`perfml.treeshap.background`) of the stored evidence: they add up
from the mean margin of the group to the margin that was scored. No value, sum or mean of the group is stated but the base
value, which HR reads beside everybody's own margin; managers and employees read words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
from perfml.scoring.what_if.evidence import evidence_path, read_evidence
from perfml.scoring.withheld.withholding import withholding

if TYPE_CHECKING:
    from perfml.learning.registry.model_store import Model

SAME = 1e-6
"""How far base value and contributions may miss the margin of the score file: they then explain another score."""


def compare(
    home: Path,
    rows: Sequence[StoredScore],
    group: ReferenceGroup,
    *,
    least_others: int,
    load: Callable[[], Model],
    spec: VoicesSpec,
) -> tuple[list[GroupComparison], Voices]:
    """Explain the score ``rows`` of one person, model and date against the ``group``, and give the voices that word them.

    ``load``: the version that scored. With fewer than ``least_others`` others nothing is told, not even how many there are.
    Raises :class:`~perfml.scoring.score_files.NoScore` where no evidence was kept and :class:`DamagedFile` for files at odds.
    """
    first = next((row for row in rows if row["status"] == "scored"), None)
    if first is None:
        return [_unscored(row, group) for row in rows], Voices(spec, {})
    model = load()
    columns = {column.name: column for column in model.columns}
    at_odds = DamagedFile(evidence_path(home, first["model"], first["as_of"]), Message.of("file_earlier"))
    read = read_evidence(home, first, columns=list(columns), of_everyone=range(len(columns)))
    held = withholding(score_file(home, first["model"], first["as_of"]))
    others = other_members(home, first["employee_id"], group, as_of=first["as_of"], scored=read.people, held=held)
    if others is None or len(others) < least_others:
        few = Message.of("against_few_others", least=least_others)
        why = Message.of("against_group_unknown") if others is None else few
        return [
            _row(row, group, status="insufficient", why_not=why) if row["status"] == "scored" else _unscored(row, group)
            for row in rows
        ], Voices(spec, {})
    among = set(others)
    background = read.everyone[[person in among for person in read.people]]
    compared = AgainstGroup(background, columns=columns, least_others=least_others)
    voices = Voices(spec, columns, wording=compared.evidence)
    values = np.where(read.stated, read.own, np.nan)
    contributions = _contributions(model, read.own, background)
    out: list[GroupComparison] = []
    for row in rows:
        if row["status"] != "scored":
            out.append(_unscored(row, group))
            continue
        own = contributions[row["horizon_days"]]
        if abs(float(own.sum()) - row["margin"]) > SAME:
            raise at_odds
        reasons = group_reasons(own, compared, values=values, middle_share=model.spec.reasons.middle_share)
        retold, base = tuple(voices.retell(reasons)), float(own[-1])
        out.append(_row(row, group, status="explained", others=len(others), base_value=base, reasons=retold))
    return out, voices


def _contributions(model: Model, own: Floats, background: Floats) -> dict[int, Floats]:
    """Horizon → (columns + 1,) of its margin: margins that were pooled for the person are pooled for the group alike."""
    incidences = model.incidences(own[None])
    of_risks = np.stack([risk.contributions_against(own[None], background)[0] for risk in model.risks.values()])
    pooled: Floats = incidences.pooled[0] @ of_risks
    pooled[:, -1] += incidences.shift[0]
    return dict(zip(model.risks, pooled, strict=True))


def _unscored(row: StoredScore, group: ReferenceGroup) -> GroupComparison:
    why = None if row["why_not"] is None else stored_message(row["why_not"])
    return _row(row, group, status="unscored", why_not=why)


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
