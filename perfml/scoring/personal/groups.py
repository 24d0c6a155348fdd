"""Whose mean may be shown beside a person: groups from which nobody can work out somebody else's value.

Whoever reads the figures of a person knows that person's own value and the sum over the group it is compared with. An employee
reads their own figures; a manager those of everyone in their line, and so knows a whole part of some groups. A group is used only
where its sum breaks no rule of :mod:`perfml.disclosure`, by itself and as far as any manager does not know it already, and where
nothing that breaks one follows from several groups that somebody reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from perfml.arrays import Bools, Floats, Indexes
from perfml.disclosure.primary import primary
from perfml.disclosure.tables import GroupTable
from perfml.project.spec import DisclosureRules
from perfml.project.trust.peers_spec import PeerGroup

Above = frozenset[int]
"""Everyone above a person, by number."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PeopleGroup:
    """A group of people, by their numbers."""

    kind: PeerGroup
    name: str
    people: Indexes


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One value of n people, and who is above whom."""

    values: Floats
    """(n,): missing where it is not known."""
    lines: Mapping[int, Above]
    rules: DisclosureRules

    def usable(self, groups: Sequence[Sequence[PeopleGroup]]) -> dict[int, PeopleGroup]:
        """Person → the first of their groups that may be used; people without one are left out.

        ``groups``: for each kind, in the order in which they are tried. A group that must not be used is tried by nobody again.
        """
        refused: set[PeopleGroup] = set()
        judged: set[PeopleGroup] = set()
        while True:
            of_person: dict[int, PeopleGroup] = {}
            for kind in reversed(groups):
                of_person |= {int(person): group for group in kind if group not in refused for person in group.people}
            used = list(dict.fromkeys(of_person.values()))
            failing = {group for group in used if group not in judged and not self._by_itself(group)}
            judged |= set(used)
            failing = failing or self._given_away(used, np.zeros(len(self.values), dtype=bool))
            for known, seen in () if failing else self._managers_views(of_person):
                failing |= self._given_away(seen, known)
            if not failing:
                return of_person
            refused |= failing

    @cached_property
    def _known(self) -> Bools:
        return ~np.isnan(self.values)

    @cached_property
    def _shares(self) -> Floats:
        """The values without their sign, as rules of sums are about parts that are not negative."""
        least = min(0.0, float(np.nanmin(self.values, initial=0.0)))
        return np.where(self._known, self.values - least, 0.0)

    @cached_property
    def _below(self) -> Mapping[int, list[int]]:
        """Manager → everyone in their line."""
        below: dict[int, list[int]] = {}
        for person, above in self.lines.items():
            for manager in above:
                below.setdefault(manager, []).append(person)
        return below

    def _by_itself(self, group: PeopleGroup) -> bool:
        """Whether the sum over a group, and over what is left of it beside each manager's line, breaks no rule."""
        people = group.people[self._known[group.people]]
        if self._breaks(people):
            return False
        for manager in {manager for person in people for manager in self.lines.get(int(person), ())}:
            inside = np.isin(people, [manager, *self._below[manager]])
            if not inside.all() and self._breaks(people[~inside]):
                return False
        return True

    def _breaks(self, people: Indexes) -> bool:
        of_people = self._shares[people]
        return any(primary(each, self.rules) is not None for each in (np.ones(len(people)), of_people))

    def _managers_views(self, of_person: Mapping[int, PeopleGroup]) -> Iterator[tuple[Bools, list[PeopleGroup]]]:
        """Whom a manager knows, and the groups that they read, of every manager who reads groups that overlap."""
        for manager, line in self._below.items():
            seen = list(dict.fromkeys(of_person[person] for person in (manager, *line) if person in of_person))
            if len(seen) < 2:
                continue
            known = np.zeros(len(self.values), dtype=bool)
            known[[manager, *line]] = True
            if (self._members(seen)[:, ~known & self._known].sum(axis=0) > 1).any():
                yield known, seen

    def _members(self, groups: Sequence[PeopleGroup]) -> Bools:
        member = np.zeros((len(groups), len(self.values)), dtype=bool)
        for row, group in enumerate(groups):
            member[row, group.people] = True
        return member

    def _given_away(self, groups: Sequence[PeopleGroup], known: Bools) -> set[PeopleGroup]:
        """The groups that must not be used beside the others, lest somebody who has the values of ``known`` works out more."""
        hidden = ~known & self._known
        member = self._members(groups)[:, hidden]
        some = np.flatnonzero(member.any(axis=1))
        if len(some) < 2:
            return set()
        table = GroupTable(
            member=member[some],
            person=np.flatnonzero(hidden),
            values=np.column_stack([np.ones(int(hidden.sum())), self._shares[hidden]]),
            known=np.zeros(len(some), dtype=bool),
        )
        causes = zip(some, table.withheld(self.rules), strict=True)
        return {groups[int(row)] for row, why in causes if why is not None}
