"""Who may decide a dispute: nobody in the person's own line below the manager's manager, nobody whose act the fact is."""

from __future__ import annotations

from collections.abc import Sequence

from perfml.errors import PerfmlError
from perfml.trust.disputes.dispute import Dispute
from perfml.trust.holds.covering import Units, below


def require_resolver(dispute: Dispute, by: str, lines: Sequence[Units]) -> None:
    """Raise :class:`PerfmlError` unless ``by`` may decide ``dispute``.

    ``lines``: the reporting lines as known on each day that matters. Barred are the person, their manager, everyone below that
    manager, and whoever made the fact. A name that is no employee id is refused: it could be any of them.
    """
    where = f"dispute {dispute.dispute_id}, by {by!r}"
    if not lines or not any(by in units for units in lines):
        raise PerfmlError(
            "is nobody of whom the reporting line is known",
            where=where,
            remedy="name the resolver by employee id, and the data with --data",
        )
    if by in barred(dispute, lines):
        raise PerfmlError(
            "may not decide it: the person, their manager, those below them and whoever made the fact are not asked",
            where=where,
            remedy="ask somebody outside that line",
        )


def barred(dispute: Dispute, lines: Sequence[Units]) -> set[str]:
    """Everyone who may not decide ``dispute``."""
    out = {dispute.employee_id, *dispute.concerned}
    for units in lines:
        out |= below(dispute.employee_id, units)
        unit = units.get(dispute.employee_id)
        if unit is not None and unit.manager_id is not None:
            out |= {unit.manager_id, *below(unit.manager_id, units)}
    return out
