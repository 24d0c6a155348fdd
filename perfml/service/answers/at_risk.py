"""The at-risk list: one page of the people scored at a date, the highest risk first."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import asdict, dataclass
from typing import cast
from urllib.parse import quote

import numpy as np

from perfml.home_reads import Memo
from perfml.learning.record import NO_BACKTEST
from perfml.learning.validation.lists import Cases, cases_in_list
from perfml.reasons.leading import for_others
from perfml.reasons.record import Reason
from perfml.scoring.people.files import PersonFacts, facts_of
from perfml.service.answers.shared import (
    Answer,
    CauseAnswer,
    ExpectedCasesAnswer,
    HorizonDays,
    IsoDate,
    PageAnswer,
    PageCursor,
    PageLimit,
    PeopleQuery,
    PersonFactsAnswer,
    ReasonLineAnswer,
    RiskBand,
    ScoreStatus,
    TextAnswer,
)
from perfml.service.paging import ListVersion
from perfml.service.problems import no_segment, not_proven
from perfml.service.scores import ScoreFile, StoredRow
from perfml.service.store import Store
from perfml.service.texts import JsonText

MOST_LISTS, MOST_ROWS = 20, 300_000
"""Lists of which a process keeps the texts, and rows of lists whose order it keeps."""
_TEXTS: Memo[dict[int, JsonText]] = Memo(MOST_LISTS)
SHOWN = ("employee_id", "rank", "band", "probability", "incidence", "segments", "reasons")


class ListedPersonAnswer(Answer):
    """One person on the list."""

    employee_id: str
    person: PersonFactsAnswer
    """Who it is: names are for HR, whose list this is."""
    rank: int
    """1 is the highest risk."""
    band: RiskBand
    """``act`` for as many as there is capacity for, ``watch`` for as many again."""
    probability: float
    incidence: tuple[CauseAnswer, ...]
    """The probability of each cause, the listed outcome first: they add up to 1. Empty where the outcome is no exit."""
    segments: tuple[str, ...]
    """Those of the model's segments that the person belongs to."""
    setting: bool
    """Whether others own most of the raised risk (``others_share`` of the model): then the setting needs support, not the
    person."""
    reasons: tuple[ReasonLineAnswer, ...]


class AtRiskAnswer(PageAnswer):
    """One page of the people scored at one date for one horizon, the highest risk first."""

    model: str
    model_version: str
    """The version that made these scores."""
    as_of: dt.date
    horizon_days: int
    cautions: tuple[TextAnswer, ...]
    """Which gates could not be judged, where nobody has promoted the version."""
    scored_at: dt.datetime
    """When the scores were written."""
    not_listed: dict[ScoreStatus, int]
    """The number of people of that date without a score that the asker may see, by reason."""
    expected_cases: ExpectedCasesAnswer
    """Among all of the band ``act`` that the asker may see, whatever band, segment or page was requested."""
    people: tuple[ListedPersonAnswer, ...]


class AtRiskQuery(PeopleQuery):
    """Which list, and which page of it. Any other parameter is refused."""

    as_of: IsoDate | None = None
    """YYYY-MM-DD; the newest scored date when absent."""
    horizon_days: HorizonDays | None = None
    """The shortest horizon when absent."""
    band: RiskBand | None = None
    """Only this band; everyone who was scored when absent."""
    segment: str | None = None
    """Only people of this segment of the model; everyone who was scored when absent."""
    limit: PageLimit = 50
    cursor: PageCursor | None = None
    """From ``next`` of the page before; the first page when absent."""


@dataclass(frozen=True, kw_only=True)
class RiskList:
    """A list as far as it is the same on each of its pages."""

    head: AtRiskAnswer
    """Without its people."""
    version: ListVersion
    file: ScoreFile
    ranked: Sequence[int]
    """Positions of its rows in the file, the highest risk first."""
    ranks: Sequence[object]
    """Of all rows of the file."""
    others_share: float
    texts: dict[int, JsonText]
    """Position → text of that row, of those that were written before."""


_LISTS: Memo[RiskList] = Memo(MOST_ROWS)


def at_risk_json(store: Store, model: str, query: AtRiskQuery, *, reach: Set[str] | None = None) -> JsonText:
    """Return one page of the list, an :class:`AtRiskAnswer` as JSON, as if the people within ``reach`` were all (default:
    everyone). The text of a person on the list is written once, as long as the scores and who is who stay as they are.

    Raises :class:`NotFound` for an unknown model, date, horizon or segment, :class:`NotProven` where the version that made
    the scores failed a gate, and :class:`ModelError` where that version is missing or altered.
    """
    chosen = query.model_dump(exclude={"limit", "cursor"})
    whole = _LISTS.of(
        (store.home, model, reach, *chosen.values()),
        lambda: _risk_list(store, model, query, reach=reach, chosen=chosen),
        weight=lambda each: len(each.ranked) + 1,
    )
    page = whole.version.page(
        whole.ranked, lambda row: cast(int, whole.ranks[row]), limit=query.limit, cursor=query.cursor
    )
    head = whole.head.model_copy(update={"total": page.total, "limit": page.limit, "next": page.next})
    texts = _written(store, whole, page.rows)
    return JsonText.joined(head.model_dump_json().encode().removesuffix(b"]}"), texts, b"]}")


def _risk_list(
    store: Store, model: str, query: AtRiskQuery, *, reach: Set[str] | None, chosen: Mapping[str, object]
) -> RiskList:
    as_of, file = store.scores(model, query.as_of)
    horizon = file.horizon(query.horizon_days, model=model)
    days, version = horizon.days, horizon.version
    record = store.record(model, version)
    if query.segment is not None and query.segment not in record.spec.segments:
        raise no_segment(model, list(record.spec.segments))
    tested = record.backtests.get(days)
    if tested is None or not tested.proven:
        verdict = TextAnswer.of(NO_BACKTEST if tested is None else tested.text)
        raise not_proven(model, days, zh=verdict.zh, en=verdict.en)
    ratio = tested.listed_ratio
    expected, not_listed = (
        file.once(("whole list", days), lambda: _whole_list(file, horizon.rows, ratio))
        if reach is None
        else _whole_list(file, _within(file, horizon.rows, reach), ratio)
    )
    limit = record.spec.reasons.others_share
    return RiskList(
        head=AtRiskAnswer(
            model=model,
            model_version=version,
            as_of=as_of,
            horizon_days=days,
            cautions=tuple(TextAnswer.of(each) for each in store.cautions(model, version, days)),
            scored_at=file.written,
            total=0,
            limit=0,
            next=None,
            not_listed=not_listed,
            expected_cases=ExpectedCasesAnswer(**asdict(expected)),
            people=(),
        ),
        version=ListVersion(
            address=f"/v1/models/{quote(model, safe='')}/at-risk",
            parameters={**chosen, "as_of": as_of, "horizon_days": days},
            version=file.version,
        ),
        file=file,
        ranked=_chosen(store, file, _within(file, horizon.ranked, reach), as_of=as_of, query=query),
        ranks=file.once("ranks", lambda: file.column("rank")),
        others_share=limit,
        texts=_texts(store, file, model=model, as_of=as_of, limit=limit),
    )


def write_list_texts(store: Store, model: str) -> Iterator[int]:
    """Write the texts of a model's newest list before somebody asks; yields each row of it then, and raises as
    :func:`at_risk_json`."""
    query = AtRiskQuery()
    whole = _risk_list(store, model, query, reach=None, chosen=query.model_dump(exclude={"limit", "cursor"}))
    for row in whole.ranked:
        _written(store, whole, [row])
        yield row


def _texts(store: Store, file: ScoreFile, *, model: str, as_of: dt.date, limit: float) -> dict[int, JsonText]:
    """Position → text of a row of a file, of those that were written before."""

    def nothing_yet() -> dict[int, JsonText]:
        store.scores(model, as_of)  # what the texts are made from is noted, and no text is there yet
        store.people(as_of, ())
        return {}

    return _TEXTS.of((store.home, model, as_of, file.version, limit), nothing_yet)


def _written(store: Store, whole: RiskList, rows: Sequence[int]) -> list[JsonText]:
    """The texts of the people at ``rows`` of the file."""
    missing = [row for row in rows if row not in whole.texts]
    if missing:
        stored = whole.file.rows(missing, SHOWN, behind=False)
        people = store.people(whole.head.as_of, {str(row["employee_id"]) for row in stored})
        for position, row in zip(missing, stored, strict=True):
            listed = _listed(row, whole.others_share, people)
            whole.texts[position] = JsonText.of(listed.model_dump_json().encode())
    return [whole.texts[row] for row in rows]


def _within(file: ScoreFile, rows: Sequence[int], reach: Set[str] | None) -> Sequence[int]:
    """The rows of people within ``reach``."""
    if reach is None:
        return rows
    ids = file.column("employee_id")
    return [row for row in rows if ids[row] in reach]


def _whole_list(file: ScoreFile, rows: Sequence[int], ratio: Sequence[float]) -> tuple[Cases, dict[ScoreStatus, int]]:
    """The cases expected in the band ``act``, and how many are not listed, whatever page of whom is asked for."""
    bands, statuses, probabilities = file.columns(["band", "status", "probability"], slice(None))
    acting = np.array([probabilities[row] for row in rows if bands[row] == "act"], dtype=np.float64)
    count = Counter(cast(ScoreStatus, statuses[row]) for row in rows)
    return cases_in_list(acting, ratio), {status: n for status, n in count.items() if status != "scored"}


def _chosen(
    store: Store, file: ScoreFile, ranked: Sequence[int], *, as_of: dt.date, query: AtRiskQuery
) -> Sequence[int]:
    """Those of ``ranked`` whom ``query`` asks for."""
    if query.band is not None:
        bands = file.column("band")
        ranked = [row for row in ranked if bands[row] == query.band]
    if query.segment is not None:
        segments = cast(list[list[str]], file.column("segments"))
        ranked = [row for row in ranked if query.segment in segments[row]]
    if query.filtered:
        ids, people = file.column("employee_id"), store.people(as_of)
        ranked = [row for row in ranked if query.selects(people, ids[row])]
    return ranked


def _listed(row: StoredRow, limit: float, people: Mapping[str, PersonFacts]) -> ListedPersonAnswer:
    setting = for_others(cast(list[Reason], row["reasons"]), limit)
    person = PersonFactsAnswer.of(facts_of(people, str(row["employee_id"])))
    return ListedPersonAnswer.model_validate(
        {**row, "person": person, "incidence": row["incidence"] or (), "setting": setting}
    )
