"""The holes known at each as-of date: from the table of deliveries, from the rhythm of the log, and from what people said."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from perfml.evidence.holes.hole import EVERY_DAY, Hole, LogPart
from perfml.evidence.holes.rhythm import UNITS, DailyCounts, daily_counts
from perfml.evidence.holes.silent import explains, silent_holes
from perfml.evidence.sources import Data
from perfml.evidence.tables.reading import literal
from perfml.project.trust.holes_spec import HoleAnswer, HolesSpec

DAY = dt.timedelta(days=1)
HOLES_AT_ONCE = 50
"""Holes whose people are asked for in one query."""


class KnownHoles:
    """The holes of a log at each of the as-of dates asked for, and the counts they were found in."""

    def __init__(self, data: Data, spec: HolesSpec, as_ofs: Sequence[dt.date]) -> None:
        self.at: Mapping[dt.date, tuple[Hole, ...]] = dict.fromkeys(as_ofs, ())
        self.counts: DailyCounts | None = None
        delivered = data.has("deliveries")
        if not as_ofs or not data.has("events") or not (delivered or spec.look or spec.answers):
            return
        before = max(as_ofs)
        self.counts = data.once(("daily counts", before), lambda: daily_counts(data, before))
        if self.counts is None:
            return
        silent = silent_holes(self.counts, sorted(as_ofs), most_alarms=spec.most_alarms_per_year) if spec.look else {}
        self.at = {as_of: tuple(self._known(data, spec, as_of, rhythmic=silent.get(as_of, []))) for as_of in as_ofs}

    def kinds(self, hole: Hole, as_of: dt.date) -> frozenset[str]:
        """The kinds of event of which rows are missing."""
        return self.counts.kinds(hole.part, as_of) if self.counts else frozenset()

    def log_share(self, hole: Hole, as_of: dt.date) -> float:
        """The share of the rows of the hole's units that lies in its part, before the hole."""
        units = LogPart(department=hole.part.department, location=hole.part.location)
        return self.counts.shared(units, hole.part, min(hole.first, as_of)) if self.counts else 0.0

    def _known(self, data: Data, spec: HolesSpec, as_of: dt.date, *, rhythmic: Sequence[Hole]) -> Iterator[Hole]:
        """Yield the holes at one date: undelivered and lost days first, then silent ones that these do not explain."""
        assert self.counts is not None
        certain = [*_undelivered(data, as_of), *_lost(spec, as_of)]
        certain = [replace(hole, weekdays=self._weekdays(hole)) for hole in certain]
        yield from certain
        for hole in rhythmic:
            for rest in _unanswered(hole, spec.answers):
                if not any(explains(other, rest, self.counts) for other in certain):
                    yield rest

    def _weekdays(self, hole: Hole) -> tuple[float, ...]:
        """How the rows of the part spread over the week before the hole."""
        assert self.counts is not None
        totals = self.counts.by_weekday(hole.part, hole.first)
        mean = sum(totals) / 7
        return tuple(round(total / mean, 4) for total in totals) if mean else EVERY_DAY


def _undelivered(data: Data, as_of: dt.date) -> Iterator[Hole]:
    """Yield the stretches of each source that were due before ``as_of`` and had not come by then."""
    if not data.has("deliveries"):
        return
    rows = data.connection.execute(
        "select source, business_date from deliveries where business_date < $as_of"
        " and coalesce(due_at, business_date + interval 1 day) < $as_of"
        " and (received_at is null or received_at >= $as_of) and superseded_day is null order by all",
        {"as_of": as_of},
    ).fetchall()
    stretch: list[tuple[str, dt.date]] = []
    for source, day in rows:
        if stretch and (source != stretch[-1][0] or day > stretch[-1][1] + DAY):
            yield _stretch(stretch)
            stretch = []
        stretch.append((source, day))
    if stretch:
        yield _stretch(stretch)


def _stretch(days: Sequence[tuple[str, dt.date]]) -> Hole:
    (source, first), (_, last) = days[0], days[-1]
    part = LogPart() if source == "events" else LogPart(source=source)
    return Hole(part=part, first=first, last=last, cause="undelivered")


def _lost(spec: HolesSpec, as_of: dt.date) -> Iterator[Hole]:
    """Yield the stretches that a person declared lost, as far as they lie before ``as_of``."""
    for answer in spec.answers:
        if answer.verdict == "lost" and answer.first < as_of:
            yield Hole(part=_part(answer), first=answer.first, last=min(answer.last, as_of - DAY), cause="lost")


def _part(answer: HoleAnswer) -> LogPart:
    return LogPart(source=answer.source, kind=answer.kind, department=answer.department, location=answer.location)


def _unanswered(hole: Hole, answers: Sequence[HoleAnswer]) -> Iterator[Hole]:
    """Yield what is left of a hole that answers about its part do not cover: nothing, the hole, or its ends."""
    rest = [hole]
    for answer in answers:
        if not hole.part.within(_part(answer)):
            continue
        rest = [piece for each in rest for piece in _cut(each, answer.first, answer.last)]
    yield from rest


def _cut(hole: Hole, first: dt.date, last: dt.date) -> Iterator[Hole]:
    """Yield the parts of a hole before ``first`` and after ``last``."""
    if last < hole.first or first > hole.last:
        yield hole
        return
    if hole.first < first:
        yield replace(hole, last=first - DAY)
    if last < hole.last:
        yield replace(hole, first=last + DAY)


def people_concerned(data: Data, hole: Hole, as_of: dt.date) -> set[str]:
    """Those employed at ``as_of`` whose evidence the hole reaches: people of its unit with rows in its part in the year before
    it, and people too new to have any. Needs the temp table ``people``."""
    return people_of_holes(data, [(hole, as_of)])[0]


def people_of_holes(data: Data, holes: Sequence[tuple[Hole, dt.date]]) -> list[set[str]]:
    """:func:`people_concerned` for each hole and date."""
    people: list[set[str]] = [set() for _ in holes]
    for low in range(0, len(holes), HOLES_AT_ONCE):
        numbered = enumerate(holes[low : low + HOLES_AT_ONCE], low)
        rows = data.query(" union all ".join(_concerned(data, number, *each) for number, each in numbered))
        for number, person in zip(*(rows.column(name).to_pylist() for name in ("hole", "employee_id")), strict=True):
            people[number].add(person)
    return people


def _concerned(data: Data, number: int, hole: Hole, as_of: dt.date) -> str:
    part, columns = hole.part, set(data.columns["events"])
    units = "".join(f" and p.{name} = {literal(part.given[name])}" for name in UNITS if name in part.given)
    rows = "".join(
        f" and e.{name} = {literal(part.given[name])}"
        for name in ("source", "kind")
        if name in part.given and name in columns
    )
    new = hole.first - dt.timedelta(days=28)
    return (
        f"select {number} as hole, p.employee_id from people p where p.as_of = date '{as_of}'{units} and"
        f" (p.hired_on >= date '{new}' or p.employee_id in (select e.employee_id from events e where"
        f" e.usable_day < date '{as_of}' and e.happened_day < date '{hole.first}'"
        f" and e.happened_day >= date '{hole.first - dt.timedelta(days=364)}'{rows}))"
    )
