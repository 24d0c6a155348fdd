"""The ledger by process and unit: people, days and hours owed, and the share of the predicted risk, small groups withheld.

A group is withheld where its count would tell of one of few people, and others with it where it could be worked out from them
(:mod:`perfml.disclosure`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from perfml.disclosure.outcomes import withheld_outcomes
from perfml.disclosure.primary import Suppression
from perfml.goals.process_debt.rows import DebtRow
from perfml.project.spec import DisclosureRules

DebtGroup = Literal["department", "manager_id"]


@dataclass(frozen=True, kw_only=True)
class GroupDebt:
    """One process in one group; figures are None where they are withheld."""

    process: str
    group: str | None
    """None: everybody, or people without one."""
    people: int
    owed: int | None = None
    """People to whom it is owed."""
    days: int | None = None
    """Days owed, of all people together."""
    hours: float | None = None
    risk_share: float | None = None
    """Share of the group's predicted risk that the reasons of this process carry, of those to whom it is owed."""
    withheld: Suppression | None = None


def whole(rows: Sequence[DebtRow]) -> list[GroupDebt]:
    """Each process over all ``rows``, the most days first."""
    sums = [_sum(process, None, _of(rows, process)) for process in dict.fromkeys(row.process for row in rows)]
    return sorted(sums, key=lambda each: (-(each.days or 0), each.process))


def by_group(rows: Sequence[DebtRow], by: DebtGroup, rules: DisclosureRules) -> list[GroupDebt]:
    """Each process in each group of ``rows``: the owed days of the largest first."""
    groups: list[GroupDebt] = []
    for process in dict.fromkeys(row.process for row in rows):
        own = _of(rows, process)
        names = sorted({getattr(row, by) for row in own}, key=lambda name: (name is None, name or ""))
        member = np.array([[getattr(row, by) == name for row in own] for name in names], dtype=bool)
        causes = withheld_outcomes(
            member,
            label=np.array([bool(row.owed) for row in own], dtype=np.float64),
            person=np.array([row.employee_id for row in own], dtype=object),
            rules=rules,
        )
        for name, inside, why in zip(names, member, causes, strict=True):
            chosen = [row for row, each in zip(own, inside, strict=True) if each]
            groups.append(
                _sum(process, name, chosen)
                if why is None
                else GroupDebt(process=process, group=name, people=len(chosen), withheld=why)
            )
    return sorted(groups, key=lambda each: (each.process, -(each.days or 0), each.group or ""))


def _of(rows: Sequence[DebtRow], process: str) -> list[DebtRow]:
    return [row for row in rows if row.process == process]


def _sum(process: str, name: str | None, rows: Sequence[DebtRow]) -> GroupDebt:
    owing = [row for row in rows if row.owed]
    hours = [row.hours for row in owing if row.hours is not None]
    risk = sum(row.probability for row in rows if row.probability is not None)
    return GroupDebt(
        process=process,
        group=name,
        people=len(rows),
        owed=len(owing),
        days=sum(row.days or 0 for row in owing),
        hours=sum(hours) if hours else None,
        risk_share=sum(row.carried or 0.0 for row in owing) / risk if risk else None,
    )
