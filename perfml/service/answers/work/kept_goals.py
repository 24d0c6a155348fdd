"""What is kept of goals at a date, as types, without those who are held: read once a file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from perfml.errors import PerfmlError
from perfml.goals.files import GoalsPart, goals_file
from perfml.goals.sums.contributions import KeptIntervals, SumRow
from perfml.goals.tree.alignment import PersonAlignment
from perfml.messages import Message
from perfml.service.problems import NotFound
from perfml.service.scores import open_scores
from perfml.service.store import Store

_ALIGNMENT = tuple(PersonAlignment.__dataclass_fields__)
_SUM = tuple(SumRow.__dataclass_fields__)
_PEOPLE, _SUMS = TypeAdapter(list[PersonAlignment]), TypeAdapter(list[SumRow])


def kept_file(store: Store, part: GoalsPart, as_of: dt.date | None) -> tuple[dt.date, Path]:
    """The date, the newest by default, and the file of a part. Raises :class:`NotFound` where nothing is stored."""
    try:
        return goals_file(store.home, part, as_of)
    except PerfmlError as error:
        code = "service_no_goals_at_date" if as_of else "service_no_goals"
        problem = Message.of(code, as_of=str(as_of)) if as_of else Message.of(code)
        raise NotFound(problem, where="as_of", remedy=Message.of("service_goals_first")) from error


def kept_alignment(store: Store, as_of: dt.date | None = None) -> tuple[dt.date, Sequence[PersonAlignment]]:
    """The date and everyone's alignment, without those who are held. Raises :class:`NotFound`."""
    day, path = kept_file(store, "alignment", as_of)
    file = open_scores(path, _ALIGNMENT)

    def read() -> Sequence[PersonAlignment]:
        rows = zip(*file.columns(_ALIGNMENT, slice(None)), strict=True)
        return _PEOPLE.validate_python([dict(zip(_ALIGNMENT, row, strict=True)) for row in rows if row[-1] is not None])

    return day, file.once("alignment", read)


@dataclass(frozen=True, kw_only=True)
class KeptSums:
    """The kept sums of a date, without those that are held."""

    people: Sequence[SumRow]
    """The rows of persons, which all others are sums of."""
    intervals: KeptIntervals


NO_SUMS = KeptSums(people=(), intervals=KeptIntervals(()))


def kept_sums(store: Store, as_of: dt.date | None = None) -> tuple[dt.date, KeptSums]:
    """The date and its sums. Raises :class:`NotFound`."""
    day, path = kept_file(store, "sums", as_of)
    file = open_scores(path, _SUM)

    def read() -> KeptSums:
        stored = zip(*file.columns(_SUM, slice(None)), strict=True)
        rows = _SUMS.validate_python([dict(zip(_SUM, row, strict=True)) for row in stored if row[0] is not None])
        people = [row for row in rows if row.level == "person"]
        return KeptSums(people=people, intervals=KeptIntervals(rows))

    return day, file.once("sums", read)
