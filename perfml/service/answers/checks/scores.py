"""Scores for whoever looks after a model: by pseudonym, without anything that says who somebody is."""

from __future__ import annotations

import datetime as dt
import hmac
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast
from urllib.parse import quote

from perfml.service.answers.shared import (
    Answer,
    HorizonDays,
    IsoDate,
    PageAnswer,
    PageCursor,
    PageLimit,
    RiskBand,
    ScoreStatus,
    ServiceQuery,
)
from perfml.service.paging import ListVersion
from perfml.service.scores import Horizon, ScoreFile
from perfml.service.store import Store
from perfml.store.audit.secret import derived, pseudonym_key

DIGITS = 3
"""Decimals of a probability: with more of them a row could be found again in a list that names people."""
_BYTES, _NUMBER = 8, 6
"""Bytes of a pseudonym, and of those by which rows are numbered."""


class PseudonymousScoreAnswer(Answer):
    """The score of somebody."""

    pseudonym: str
    """The same for the same person at every date of this model; another in every other model."""
    unit: str | None
    """The department, where at least as many people are scored in it as may be named together; null otherwise."""
    probability: float
    """Rounded."""
    band: RiskBand | None


class PseudonymousScoresAnswer(PageAnswer):
    """One page of the people scored at one date for one horizon, in no order that says anything."""

    model: str
    model_version: str
    as_of: dt.date
    horizon_days: int
    not_listed: dict[ScoreStatus, int]
    """The number of people without a score, by reason."""
    scores: tuple[PseudonymousScoreAnswer, ...]


class PseudonymousQuery(ServiceQuery):
    """Which scores."""

    as_of: IsoDate | None = None
    """YYYY-MM-DD; the newest scored date when absent."""
    horizon_days: HorizonDays | None = None
    """The shortest horizon when absent."""
    limit: PageLimit = 50
    cursor: PageCursor | None = None
    """From ``next`` of the page before; the first page when absent."""


@dataclass(frozen=True, kw_only=True)
class _Row:
    pseudonym: bytes
    position: int
    unit: str | None

    @property
    def number(self) -> int:
        return int.from_bytes(self.pseudonym[:_NUMBER])


def pseudonymous_scores(store: Store, model: str, query: PseudonymousQuery) -> PseudonymousScoresAnswer:
    """Return one page. Raises :class:`NotFound` for an unknown model, date or horizon, and :class:`DamagedFile`."""
    as_of, file = store.scores(model, query.as_of)
    horizon = file.horizon(query.horizon_days, model=model)
    key = derived(pseudonym_key(store.home), f"scores of {model}")
    rows = file.once(("pseudonyms", horizon.days, key), lambda: _rows(store, file, horizon, as_of=as_of, key=key))
    whole = ListVersion(
        address=f"/v1/models/{quote(model, safe='')}/scores",
        parameters={"as_of": as_of, "horizon_days": horizon.days},
        version=file.version,
    )
    page = whole.page(rows, lambda row: row.number, limit=query.limit, cursor=query.cursor)
    probabilities, bands = file.columns(["probability", "band"], slice(None))
    statuses = file.column("status")
    count = Counter(cast(ScoreStatus, statuses[row]) for row in horizon.rows)
    return PseudonymousScoresAnswer(
        model=model,
        model_version=horizon.version,
        as_of=as_of,
        horizon_days=horizon.days,
        not_listed={status: n for status, n in count.items() if status != "scored"},
        scores=tuple(
            PseudonymousScoreAnswer(
                pseudonym=row.pseudonym.hex(),
                unit=row.unit,
                probability=round(cast(float, probabilities[row.position]), DIGITS),
                band=cast(RiskBand | None, bands[row.position]),
            )
            for row in page.rows
        ),
        total=page.total,
        limit=page.limit,
        next=page.next,
    )


def units_shown(unit_of: Mapping[str, str | None], *, least: int) -> set[str]:
    """The units of at least ``least`` people; as many people, or nobody, are left without one.

    >>> units_shown({"a": "x", "b": "x", "c": "y", "d": "y", "e": "z"}, least=2)
    {'x'}
    """
    sizes = Counter(unit for unit in unit_of.values() if unit is not None)
    shown = sorted((unit for unit, size in sizes.items() if size >= least), key=lambda unit: (-sizes[unit], unit))
    while shown and 0 < len(unit_of) - sum(sizes[unit] for unit in shown) < least:
        shown.pop()
    return set(shown)


def _rows(store: Store, file: ScoreFile, horizon: Horizon, *, as_of: dt.date, key: bytes) -> Sequence[_Row]:
    """Everyone with a score, by pseudonym."""
    ids, statuses = file.columns(["employee_id", "status"], slice(None))
    scored = [(row, str(ids[row])) for row in horizon.rows if statuses[row] == "scored"]
    people = store.people(as_of)
    unit_of = {person: facts.department if (facts := people.get(person)) else None for _, person in scored}
    shown = units_shown(unit_of, least=store.disclosure.min_others)
    rows = [
        _Row(
            pseudonym=hmac.digest(key, person.encode(), "sha256")[:_BYTES],
            position=row,
            unit=unit if (unit := unit_of[person]) in shown else None,
        )
        for row, person in scored
    ]
    return sorted(rows, key=lambda row: row.pseudonym)
