"""The list that HR works from: whom to talk to first, within capacity, and what to expect of the list.

Three groups are kept apart: people to talk to; people most of whose raised risk others own, where the setting needs support
and not the person; and people whose scores are held. An employee who received an offer recently is not listed again.
Risk is not persuadability: the list says who is likely to have the outcome; what an offer changes is known only where offers
were randomised (:mod:`perfml.learning.validation.uplift`).
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from perfml.advice.decision_log import Intervention
from perfml.advice.guaranteed import Guarantee
from perfml.errors import PerfmlError
from perfml.learning.record import NO_BACKTEST, BacktestRecord, TrainingRecord, UpliftRecord
from perfml.learning.validation.lists import Cases, cases_in_list, list_like
from perfml.messages import Language, Message, both, coded, render, stored_message
from perfml.reasons.leading import for_others, raising
from perfml.scoring.score_files import RankedRow

if TYPE_CHECKING:
    from perfml.reasons.record import Reason

QUIET_DAYS = 91
"""Days after an offer, a refusal or a conversation during which a person is not listed again."""


@dataclass(frozen=True)
class Held:
    """An employee whose score is held, and why."""

    employee_id: str
    why: Message


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """The scores of one date and horizon. ``ranked``: rows with a rank, highest risk first, read only as far as needed;
    ``scored``: number of people with a score; ``held``: people whose score is held."""

    model: str
    model_version: str
    as_of: dt.date
    horizon_days: int
    scored: int
    held: tuple[Held, ...]
    ranked: Iterable[RankedRow]

    @classmethod
    def of(cls, scores: pa.Table) -> Ranking:
        """From the score rows of one date and horizon (``perfml.scoring.batches.rows.SCHEMA``). Raises ValueError for no rows."""
        if not len(scores):
            raise ValueError("no score rows are given")
        ranks, status = (scores.column(name).to_pylist() for name in ("rank", "status"))
        held_rows = [at for at, each in enumerate(status) if each == "held"]
        why = scores.select(["employee_id", "why_not"]).take(pa.array(held_rows, pa.int64())).to_pylist()
        first = scores.slice(0, 1).to_pylist()[0]
        order = sorted((at for at, rank in enumerate(ranks) if rank is not None), key=lambda at: int(ranks[at]))
        return cls(
            **{name: first[name] for name in ("model", "model_version", "as_of", "horizon_days")},
            scored=status.count("scored"),
            held=tuple(Held(row["employee_id"], stored_message(row["why_not"])) for row in why),
            ranked=(scores.slice(at, 1).to_pylist()[0] for at in order),
        )


@dataclass(frozen=True, kw_only=True)
class ListedPerson:
    """One person of the list; ``owners``: who can act on the leading reasons, the strongest first."""

    employee_id: str
    rank: int
    probability: float
    owners: tuple[str, ...]
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Lasting:
    """An employee who received an offer recently, or was held out, and is not listed again yet."""

    employee_id: str
    kind: str
    offered_on: dt.date
    status: str


@dataclass(frozen=True, kw_only=True)
class PastPrecision:
    """What lists of this size achieved in the back-test: ``share`` of those scored that was listed, and the share of true
    cases among them with its 95 % interval."""

    share: float
    listed: int
    precision: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True)
class Priorities:
    """The list of one model, date and horizon.

    ``people`` are to be talked to, others can act for ``owned_by_others`` and, beyond the limit of that group, for
    ``further_settings``; ``hold_out`` are left out at random, the data of ``held`` are broken, something is under way for
    ``lasting``. ``cases``: number of ``people`` expected to have the outcome. ``uplift``: what randomised offers changed.
    ``cautions``: which gates could not be judged, where nobody has promoted the version. ``guarantee``: what is promised of a
    list under a limit. ``en`` and ``zh`` say how to read the list, or, where the model is not ``proven`` and nobody is listed,
    why there is none.
    """

    model: str
    model_version: str
    as_of: dt.date
    horizon_days: int
    capacity: int
    proven: bool
    people: tuple[ListedPerson, ...]
    owned_by_others: tuple[ListedPerson, ...]
    further_settings: tuple[ListedPerson, ...]
    hold_out: tuple[ListedPerson, ...]
    held: tuple[Held, ...]
    lasting: tuple[Lasting, ...]
    cases: Cases
    backtested: PastPrecision | None
    uplift: tuple[UpliftRecord, ...]
    cautions: tuple[Message, ...]
    guarantee: Guarantee | None
    en: str
    zh: str

    @property
    def names(self) -> list[str]:
        """Everyone whom the list names, for whatever reason."""
        groups: tuple[tuple[ListedPerson | Held | Lasting, ...], ...] = (
            *(self.people, self.owned_by_others, self.further_settings, self.hold_out),
            *(self.held, self.lasting),
        )
        return [each.employee_id for group in groups for each in group]

    def to_json(self) -> dict[str, object]:
        """As JSON, except that dates stay dates. ``owned_by_others`` is ``setting``, and of ``further_settings`` there is the
        number, ``setting_more``."""
        held = [{"employee_id": each.employee_id, "why": coded(each.why)} for each in self.held]
        fields = asdict(self) | {
            "held": held,
            "uplift": [effect.to_json() for effect in self.uplift],
            "cautions": list(map(both, self.cautions)),
            "guarantee": None if self.guarantee is None else self.guarantee.to_json(),
            "setting_more": len(self.further_settings),
        }
        del fields["further_settings"]
        return {"setting" if name == "owned_by_others" else name: value for name, value in fields.items()}


def priorities(
    ranking: Ranking,
    record: TrainingRecord,
    *,
    capacity: int,
    settings: int | None = None,
    interventions: Sequence[Intervention] = (),
    hold_out_share: float = 0.0,
    cautions: Sequence[Message] = (),
    guarantee: Guarantee | None = None,
) -> Priorities:
    """Work down the ranking until ``capacity`` people are listed or, with a ``guarantee``, to its end.

    ``record``: the training record of the model. ``settings``: the most people of ``owned_by_others`` (default: ``capacity``).
    ``cautions``: passed on to whoever reads the list. ``hold_out_share`` of those who would be listed are left out, by a hash of
    employee and month that nobody can choose, so that the effect of offers can be estimated later. Raises
    :class:`PerfmlError` for a limit below 1 or a share outside [0, 1).
    """
    settings = capacity if settings is None else settings
    for where, given in (("capacity", capacity), ("settings", settings)):
        if given < 1:
            raise PerfmlError(f"{given} cannot be used", where=where, remedy="give at least 1")
    if not 0 <= hold_out_share < 1:
        raise PerfmlError(f"{hold_out_share} cannot be used", where="hold_out_share", remedy="give 0 to below 1")
    days = ranking.horizon_days
    tested = record.backtests.get(days)
    proven = tested is not None and tested.proven
    recent = _recent(interventions, ranking.as_of)
    people: list[ListedPerson] = []
    owned_by_others: list[ListedPerson] = []
    hold_out: list[ListedPerson] = []
    lasting: list[Lasting] = []
    for row in ranking.ranked if proven else ():
        if len(people) + len(hold_out) >= capacity or (guarantee is not None and row["rank"] > guarantee.size):
            break
        listed = _listed(row)
        if listed.employee_id in recent:
            last = recent[listed.employee_id]
            lasting.append(
                Lasting(last.employee_id, last.kind, last.offered_on, "held out" if last.hold_out else str(last.status))
            )
        elif for_others(row["reasons"], record.spec.reasons.others_share):
            owned_by_others.append(listed)
        elif _held_out(listed.employee_id, ranking.as_of, hold_out_share):
            hold_out.append(listed)
        else:
            people.append(listed)
    like = list_like(tested.lists, len(people) or capacity, ranking.scored) if tested and tested.lists else None
    cases = cases_in_list(np.array([each.probability for each in people]), like.ratio if like else [])
    treatment = record.treatment.get(days)
    uplift = () if treatment is None else treatment.uplift
    read_as = partial(_how_to_read, tested, people=len(people), cases=cases, uplift=uplift)
    return Priorities(
        model=ranking.model,
        model_version=ranking.model_version,
        as_of=ranking.as_of,
        horizon_days=ranking.horizon_days,
        capacity=capacity,
        proven=proven,
        people=tuple(people),
        owned_by_others=tuple(owned_by_others[:settings]),
        further_settings=tuple(owned_by_others[settings:]),
        hold_out=tuple(hold_out),
        held=ranking.held,
        lasting=tuple(lasting),
        cases=cases,
        backtested=PastPrecision(
            share=like.share, listed=like.listed, precision=like.precision, low=like.low, high=like.high
        )
        if like and proven
        else None,
        uplift=uplift,
        cautions=tuple(cautions),
        guarantee=guarantee,
        en=read_as(language="en"),
        zh=read_as(language="zh"),
    )


def as_interventions(listed: Priorities, *, kind: str, offered_on: dt.date, entered_by: str = "") -> list[Intervention]:
    """The list as entries for the log: everyone listed was offered ``kind`` that day, everyone held out was not.

    They count as randomised where there is a hold-out.
    """
    entry = partial(Intervention, kind=kind, offered_on=offered_on, random=bool(listed.hold_out), entered_by=entered_by)
    offered = [entry(employee_id=each.employee_id, status="offered") for each in listed.people]
    return offered + [entry(employee_id=each.employee_id, hold_out=True) for each in listed.hold_out]


def _recent(interventions: Sequence[Intervention], as_of: dt.date) -> dict[str, Intervention]:
    """The newest intervention of each employee within the :data:`QUIET_DAYS` before ``as_of``."""
    since = as_of - dt.timedelta(days=QUIET_DAYS)
    inside = [each for each in interventions if since <= (each.done_on or each.offered_on) < as_of]
    return {each.employee_id: each for each in sorted(inside, key=lambda each: each.done_on or each.offered_on)}


def _listed(row: RankedRow) -> ListedPerson:
    reasons = raising(row["reasons"])
    return ListedPerson(
        employee_id=str(row["employee_id"]),
        rank=int(row["rank"]),
        probability=float(row["probability"]),
        owners=tuple(dict.fromkeys(str(reason["owner"]) for reason in reasons)),
        reasons=tuple(reasons),
    )


def _held_out(person: str, as_of: dt.date, share: float) -> bool:
    """A draw that is the same each time it is repeated, and that nobody chooses."""
    digest = hashlib.sha256(f"hold-out|{as_of:%Y-%m}|{person}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < share


def _how_to_read(
    tested: BacktestRecord | None,
    *,
    people: int,
    cases: Cases,
    uplift: Sequence[UpliftRecord],
    language: Language,
) -> str:
    """How to read a list of ``people``, or why there is none; ``tested``: the back-test of the horizon."""
    if tested is None or not tested.proven:
        why = NO_BACKTEST if tested is None else tested.text
        return render(Message.of("priorities_no_list", why=why), language)
    expected = Message.of("priorities_expected", people=people, **asdict(cases))
    stop, space = ("。", "") if language == "zh" else (".", " ")
    effects = [f"{render(each.text, language)}{stop}" for each in uplift] or [
        render(Message.of("priorities_risk_only"), language)
    ]
    return space.join([render(expected, language), *effects])
