"""Who to talk to, for one model: one row a person, with all horizons, so that nobody's reasons stand on the page twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from perfml.advice.priorities import ListedPerson, Priorities, Ranking, priorities
from perfml.learning.in_people import InPeople, in_people
from perfml.reasons.leading import raising
from perfml.reasons.record import Reason
from perfml.report.contents.facts import HorizonFacts, ModelFacts
from perfml.scoring.people.files import PersonFacts, facts_of

Group = Literal["talk", "setting", "further", "watch", "later"]


@dataclass(frozen=True, kw_only=True)
class PersonRow:
    """One person of one model's list."""

    person: PersonFacts
    group: Group
    """``talk``: to talk to now; ``setting``: others own most of the raised risk; ``further``: the same, beyond the limit of that
    group; ``watch``: next by rank; ``later``: listed at a longer horizon only."""
    rank: int
    band: str
    probability: float
    later: tuple[tuple[int, float], ...]
    """Days and probability of the longer horizons that give a list."""
    reasons: tuple[Reason, ...]
    """The leading reasons; of those who are only watched, the first."""

    @property
    def owners(self) -> tuple[str, ...]:
        """Who can act on the reasons, the strongest first."""
        return tuple(dict.fromkeys(reason["owner"] for reason in self.reasons))


@dataclass(frozen=True, kw_only=True)
class ModelList:
    """The list of one model."""

    facts: ModelFacts
    horizon: HorizonFacts
    """The shortest horizon that gives a list; the shortest of all where none does."""
    listed: Priorities | None
    """None where nobody was scored."""
    earlier: Priorities | None
    """The list of the scoring before, where there is one."""
    rows: tuple[PersonRow, ...]
    more: int
    """People who are not shown."""

    @property
    def further(self) -> int:
        """People whose setting needs support, beyond the limit of that group."""
        return len(self.listed.further_settings) if self.listed else 0

    @property
    def new(self) -> tuple[str, ...]:
        """Ids of people who are listed now and were not before, by rank."""
        return _without(self.listed, self.earlier)

    @property
    def removed(self) -> tuple[str, ...]:
        """Ids of people who were listed before and are not now."""
        return _without(self.earlier, self.listed)

    def past(self, horizon: HorizonFacts) -> InPeople | None:
        """What lists of this size achieved at a horizon."""
        scored = self.horizon.statuses["scored"]
        size = len(self.listed.people) if self.listed and self.listed.people else self.facts.spec.list.capacity(scored)
        return in_people(horizon.backtest, share=size / max(1, scored))


def model_list(
    facts: ModelFacts,
    scores: pa.Table,
    people: Mapping[str, PersonFacts],
    *,
    listed: Priorities | None = None,
    earlier: Priorities | None = None,
    most: int,
) -> ModelList:
    """The people of ``listed`` (default: the model's own capacity), then those to watch, at most ``most`` of each group."""
    horizon = list_horizon(facts)
    of_horizon = scores.filter(pc.equal(scores["horizon_days"], horizon.days))
    if listed is None and horizon.statuses["scored"]:
        ranking = Ranking.of(of_horizon)
        own = facts.spec.list
        listed = priorities(
            ranking, facts.model.record, capacity=own.capacity(ranking.scored), settings=own.setting_people
        )
    groups = _groups(facts, horizon, listed)
    shown = {group: members[:most] for group, members in groups.items()}
    wanted = {person for members in shown.values() for person in members}
    stored = _rows(scores, facts, wanted)
    rows = tuple(
        _row(stored[person], group, horizon, facts_of(people, person))
        for group, members in shown.items()
        for person in members
    )
    more = sum(map(len, groups.values())) - len(rows)
    return ModelList(facts=facts, horizon=horizon, listed=listed, earlier=earlier, rows=rows, more=more)


def list_horizon(facts: ModelFacts) -> HorizonFacts:
    """The horizon that a model's list is for."""
    return next((horizon for horizon in facts.horizons if horizon.proven), facts.horizons[0])


def _groups(facts: ModelFacts, horizon: HorizonFacts, listed: Priorities | None) -> dict[Group, list[str]]:
    """The ids of each group, by rank. Those held out at random and those already offered help are in none."""
    if listed is None or not listed.proven:
        return {}
    groups: dict[Group, list[str]] = {
        "talk": _ids(listed.people),
        "setting": _ids(listed.owned_by_others),
        "further": _ids(listed.further_settings),
    }
    passed_over = {*_ids(listed.hold_out), *(each.employee_id for each in listed.lasting)}
    candidates: list[tuple[Group, Sequence[Mapping[str, Any]]]] = [("watch", (*horizon.act, *horizon.watch))]
    candidates += [("later", other.act) for other in facts.horizons if other.proven and other is not horizon]
    for group, rows in candidates:
        taken = passed_over.union(*groups.values())
        groups.setdefault(group, []).extend(row["employee_id"] for row in rows if row["employee_id"] not in taken)
    return groups


def _rows(scores: pa.Table, facts: ModelFacts, wanted: set[str]) -> dict[str, dict[int, Mapping[str, Any]]]:
    """Person -> horizon in days -> score row, of horizons that give a list."""
    proven = [horizon.days for horizon in facts.horizons if horizon.proven]
    within = pc.and_(
        pc.is_in(scores["employee_id"], pa.array(sorted(wanted), pa.string())),
        pc.is_in(scores["horizon_days"], pa.array(proven, pa.int32())),
    )
    rows: dict[str, dict[int, Mapping[str, Any]]] = {}
    for row in scores.filter(within).to_pylist():
        rows.setdefault(row["employee_id"], {})[row["horizon_days"]] = row
    return rows


def _row(
    stored: Mapping[int, Mapping[str, Any]], group: Group, horizon: HorizonFacts, person: PersonFacts
) -> PersonRow:
    now = stored[horizon.days]
    reasons = raising(now["reasons"])
    return PersonRow(
        person=person,
        group=group,
        rank=now["rank"],
        band=now["band"],
        probability=now["probability"],
        later=tuple((days, row["probability"]) for days, row in sorted(stored.items()) if days > horizon.days),
        reasons=tuple(reasons if group in ("talk", "setting") else reasons[:1]),
    )


def _ids(people: Sequence[ListedPerson]) -> list[str]:
    return [person.employee_id for person in people]


def _without(listed: Priorities | None, other: Priorities | None) -> tuple[str, ...]:
    if listed is None or other is None:
        return ()
    before = set(_ids(other.people))
    return tuple(person for person in _ids(listed.people) if person not in before)
