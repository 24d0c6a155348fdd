"""Groups that overlap, with sums over each: which to withhold so that no sum that breaks a rule can be worked out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations, product

import numpy as np

from perfml.arrays import Bools, Floats, Ints
from perfml.disclosure.bounds import bounds, unseen_moves, width_along
from perfml.disclosure.primary import Suppression, primary
from perfml.project.spec import DisclosureRules

NEAR = 1e-6
"""Difference of two sums that solvers and rounding explain."""


class _Secret:
    """One sum over some of the parts that must not be worked out."""

    def __init__(self, target: Bools, of_parts: Floats, rules: DisclosureRules) -> None:
        self.target, self.of_parts = target.astype(np.float64), of_parts
        self.needed = max(rules.p_percent / 100 * float(target @ of_parts), 1.0) - NEAR
        """Width of the range to which it may be narrowed."""


class _Shown:
    """The groups without a cause to withhold them."""

    def __init__(self, parts: Bools, causes: Sequence[Suppression | None]) -> None:
        self._groups = np.flatnonzero([why is None for why in causes])
        self._member = parts[self._groups].astype(np.float64)
        self._free = unseen_moves(self._member)

    def proof(self, secret: _Secret) -> Ints | None:
        """The groups whose sums narrow a secret to less than it needs; None where none do."""
        if width_along(self._free @ secret.target, secret.of_parts, secret.target) >= secret.needed:
            return None
        range_of = bounds(secret.target, self._member, self._member @ secret.of_parts)
        return None if range_of.width >= secret.needed else self._groups[range_of.proof]


@dataclass(frozen=True, kw_only=True)
class GroupTable:
    """Groups of n rows of people, which may overlap in any way: margins, intersections, filters, one day and the next."""

    member: Bools
    """(groups, n): which rows belong to each group."""
    person: Ints
    """(n,): whose row each is."""
    values: Floats
    """(n, sums): what each row adds to each sum that is shown of a group; not negative. Counts are added ones."""
    known: Bools
    """(groups,): groups whose sums are shown elsewhere and cannot be withheld."""

    def primary(self, rules: DisclosureRules) -> tuple[Suppression | None, ...]:
        """Why each group, by itself, must be withheld: the first rule that one of its sums breaks."""
        return tuple(self._sensitive(rows, rules) for rows in self.member)

    def withheld(self, rules: DisclosureRules) -> tuple[Suppression | None, ...]:
        """Why each group is withheld: by a rule, or lest another one be worked out from it.

        Every withheld group, every part of the groups, and what one group has beyond another is looked at if it breaks a rule.
        While one of its sums can be narrowed to less than ``p_percent`` of it, or to less than one, the smallest of the groups
        that prove so is withheld too; what turns out not to be needed for it is shown again. A sum that groups ``known``
        elsewhere give away stays given away.
        """
        causes = [None if known else why for known, why in zip(self.known, self.primary(rules), strict=True)]
        parts, part = np.unique(self.member, axis=1, return_inverse=True)
        sums = np.zeros((parts.shape[1], self.values.shape[1]))
        np.add.at(sums, part.ravel(), self.values)
        size = parts @ sums[:, 0]
        targets = [each for each in self._targets(parts) if self._sensitive(each[part.ravel()], rules) is not None]
        secrets = [_Secret(target, of, rules) for target, of in product(targets, np.unique(sums, axis=1).T)]
        guarded: list[_Secret] = []
        shown = _Shown(parts, causes)
        for secret in secrets:
            while (proof := shown.proof(secret)) is not None:
                proving = [group for group in proof if not self.known[group]]
                if not proving:
                    break
                causes[min(proving, key=lambda group: (size[group], group))] = "complementary"
                shown = _Shown(parts, causes)
            else:
                guarded.append(secret)
        for group in sorted(np.flatnonzero([why == "complementary" for why in causes]), key=lambda group: -size[group]):
            causes[group] = None
            shown = _Shown(parts, causes)
            given_away = next((secret for secret in guarded if shown.proof(secret) is not None), None)
            if given_away is not None:
                causes[group] = "complementary"
                guarded.remove(given_away)
                guarded.insert(0, given_away)  # likely to be the next one, too
        return tuple(causes)

    def _targets(self, parts: Bools) -> Bools:
        """(targets, parts): the groups, the parts, and what one group has beyond another; each once."""
        beyond = [a & ~b for a, b in permutations(parts, 2)]
        every = np.concatenate(
            [parts, np.eye(parts.shape[1], dtype=bool), np.array(beyond, dtype=bool).reshape(-1, parts.shape[1])]
        )
        return np.unique(every[every.any(axis=1)], axis=0)

    def _sensitive(self, rows: Bools, rules: DisclosureRules) -> Suppression | None:
        person, code = np.unique(self.person[rows], return_inverse=True)
        for values in self.values[rows].T:
            why = primary(np.bincount(code, values, minlength=len(person)).astype(np.float64), rules)
            if why is not None:
                return why
        return None if len(person) else "few people"
