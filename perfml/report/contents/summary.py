"""The first page: how many people to talk to, what changed, whose reasons they are, and how far to believe it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from perfml.report.contents.model_list import ModelList

OWNERS = ("manager", "company", "employee")
"""Who can act on a reason; the data are no owner of anything to do."""
MOST_REASONS = 3


@dataclass(frozen=True, kw_only=True)
class FrequentReason:
    """A reason and the number of people for whom it leads."""

    reason: str
    people: int


def frequent_reasons(lists: Sequence[ModelList]) -> dict[str, tuple[FrequentReason, ...]]:
    """Owner -> the reasons that lead for most of the people to talk to or to support, the most frequent first.

    A person counts once for a reason, also where several models give it.
    """
    pairs = {
        (reason["owner"], reason["evidence"], person.employee_id)
        for each in lists
        if each.listed
        for person in (*each.listed.people, *each.listed.owned_by_others)
        for reason in person.reasons
    }
    frequent = {}
    for owner in OWNERS:
        counts = Counter(evidence for whose, evidence, _ in pairs if whose == owner)
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST_REASONS]
        frequent[owner] = tuple(FrequentReason(reason=reason, people=people) for reason, people in ordered)
    return frequent


def people_listed(lists: Sequence[ModelList]) -> int:
    """The number of different people to talk to: somebody on two lists has one conversation."""
    return len({person.employee_id for each in lists if each.listed for person in each.listed.people})
