"""The list that HR works from: whom to talk to first, as far as there is capacity, and what to expect of it.

Three kinds of people are kept apart: those to talk to; those whose leading reasons are all owned by others, where the setting
needs support and not the person; and those whose scores are held. Who was offered something lately is not listed again. Risk is
not persuadability: the list says who is likely to have the outcome, and what an offer changes only where chance once decided
who got one (:mod:`perfml.learning.validation.uplift`).
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from perfml.advice.decision_log import Intervention
from perfml.errors import PerfmlError
from perfml.learning.validation.lists import Cases, cases_in_list, list_like
from perfml.reasons.leading import for_others, raising

QUIET_DAYS = 91
"""For how long after an offer, a refusal or a conversation a person is not listed again."""
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Held:
    """Someone whose score is held, and why."""

    employee_id: str
    why: str


@dataclass(frozen=True)
class Ranking:
    """What was scored at one date for one horizon. ``ranked``: the rows with a rank, the highest risk first, read as far as
    needed; ``scored``: how many have a score; ``held``: who is held, and why."""

    model: str
    model_version: str
    as_of: dt.date
    horizon_days: int
    scored: int
    held: tuple[Held, ...]
    ranked: Iterable[Row]

    @classmethod
    def of(cls, scores: pa.Table) -> Ranking:
        """From the score rows of one date and horizon (``perfml.scoring.scoring.SCHEMA``). Raises ValueError without any."""
        if not len(scores):
            raise ValueError("no score rows are given")
        ranks, status = (scores.column(name).to_pylist() for name in ("rank", "status"))
        held_rows = [at for at, one in enumerate(status) if one == "held"]
        why = scores.select(["employee_id", "why_not"]).take(pa.array(held_rows, pa.int64())).to_pylist()
        one = scores.slice(0, 1).to_pylist()[0]
        order = sorted((at for at, rank in enumerate(ranks) if rank is not None), key=lambda at: int(ranks[at]))
        return cls(
            one["model"],
            one["model_version"],
            one["as_of"],
            one["horizon_days"],
            status.count("scored"),
            tuple(Held(row["employee_id"], row["why_not"] or "") for row in why),
            (scores.slice(at, 1).to_pylist()[0] for at in order),
        )


@dataclass(frozen=True)
class Listed:
    """One person of the list; ``owners``: who can act on the leading reasons, the strongest first."""

    employee_id: str
    rank: int
    probability: float
    owners: tuple[str, ...]
    reasons: tuple[Row, ...]


@dataclass(frozen=True)
class Lasting:
    """Someone who was offered something lately, or held out, and is not listed again yet."""

    employee_id: str
    kind: str
    offered_on: dt.date
    status: str


@dataclass(frozen=True)
class BacktestedList:
    """What a list of this size held before: ``share`` of those scored, and the share of true cases with its 95 % interval."""

    share: float
    listed: int
    precision: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Priorities:
    """The list of one model, date and horizon.

    ``people`` are to be talked to, ``setting`` are those where others can act, ``hold_out`` those left out at random,
    ``held`` those whose data is broken, ``lasting`` those with something under way. ``cases``: how many of ``people`` are
    expected to have the outcome. ``uplift``: sentences about randomised offers, ``en`` and ``zh`` say how to read the list,
    and, where the model is not proven (``proven`` false, no people), why there is none.
    """

    model: str
    model_version: str
    as_of: dt.date
    horizon_days: int
    capacity: int
    proven: bool
    people: tuple[Listed, ...]
    setting: tuple[Listed, ...]
    hold_out: tuple[Listed, ...]
    held: tuple[Held, ...]
    lasting: tuple[Lasting, ...]
    cases: Cases
    backtested: BacktestedList | None
    uplift: tuple[Mapping[str, Any], ...]
    en: str
    zh: str

    def to_json(self) -> dict[str, Any]:
        """As JSON, but for dates."""
        return asdict(self)


RISK_ONLY = (
    "Risk only: who is likely to have the outcome, not whom a conversation would help; no randomised offers show that yet.",
    "仅表示风险：名单说明谁更可能出现该结果，不说明谈话对谁有效；目前没有随机化的干预可供估计。",
)


def priorities(
    ranking: Ranking,
    about: Mapping[str, Any],
    *,
    capacity: int,
    interventions: Sequence[Intervention] = (),
    hold_out_share: float = 0.0,
) -> Priorities:
    """Work down the ranking until ``capacity`` people are listed.

    ``about``: what the model says of itself. ``hold_out_share`` of those who would be listed are left out, by a hash of
    employee and month that nobody can choose, so that what offers change can be estimated later. Raises
    :class:`PerfmlError` for a capacity below 1 or a share outside [0, 1).
    """
    if capacity < 1:
        raise PerfmlError(f"{capacity} cannot be used", where="capacity", remedy="give at least 1")
    if not 0 <= hold_out_share < 1:
        raise PerfmlError(f"{hold_out_share} cannot be used", where="hold_out_share", remedy="give 0 to below 1")
    days = str(ranking.horizon_days)
    tested = about["backtests"].get(days)
    proven = bool(tested and tested["proven"])
    recent = _recent(interventions, ranking.as_of)
    people: list[Listed] = []
    setting: list[Listed] = []
    out: list[Listed] = []
    lasting: list[Lasting] = []
    for row in ranking.ranked if proven else ():
        if len(people) + len(out) >= capacity:
            break
        listed = _listed(row)
        if listed.employee_id in recent:
            one = recent[listed.employee_id]
            status = "held out" if one.hold_out else str(one.status)
            lasting.append(Lasting(one.employee_id, one.kind, one.offered_on, status))
        elif for_others(listed.reasons):
            setting.append(listed)
        elif _held_out(listed.employee_id, ranking.as_of, hold_out_share):
            out.append(listed)
        else:
            people.append(listed)
    like = (
        list_like(tested["lists"], len(people) or capacity, ranking.scored) if tested and tested.get("lists") else None
    )
    cases = cases_in_list(np.array([one.probability for one in people]), like["ratio"] if like else [])
    uplift = tuple(about.get("treatment", {}).get(days, {}).get("uplift", ()))
    en, zh = _words(proven, tested, len(people), cases, uplift)
    return Priorities(
        ranking.model, ranking.model_version, ranking.as_of, ranking.horizon_days, capacity, proven,
        tuple(people), tuple(setting), tuple(out), ranking.held, tuple(lasting), cases,
        BacktestedList(**{name: like[name] for name in BacktestedList.__annotations__}) if like and proven else None,
        uplift, en, zh,
    )  # fmt: skip


def as_interventions(found: Priorities, *, kind: str, offered_on: dt.date, entered_by: str = "") -> list[Intervention]:
    """The list as entries for the log: everyone listed was offered ``kind`` that day, who was held out was not.

    They count as drawn at random where there was a hold-out.
    """
    said = partial(Intervention, kind=kind, offered_on=offered_on, random=bool(found.hold_out), entered_by=entered_by)
    offered = [said(employee_id=one.employee_id, status="offered") for one in found.people]
    return offered + [said(employee_id=one.employee_id, hold_out=True) for one in found.hold_out]


def _recent(interventions: Sequence[Intervention], as_of: dt.date) -> dict[str, Intervention]:
    """The newest intervention of everyone who had one in the :data:`QUIET_DAYS` before ``as_of``."""
    since = as_of - dt.timedelta(days=QUIET_DAYS)
    inside = [one for one in interventions if since <= (one.done_on or one.offered_on) < as_of]
    return {one.employee_id: one for one in sorted(inside, key=lambda one: one.done_on or one.offered_on)}


def _listed(row: Row) -> Listed:
    reasons = raising(row["reasons"])
    owners = tuple(dict.fromkeys(str(reason["owner"]) for reason in reasons))
    return Listed(str(row["employee_id"]), int(row["rank"]), float(row["probability"]), owners, tuple(reasons))


def _held_out(person: str, as_of: dt.date, share: float) -> bool:
    """A draw that is the same whenever it is made again, and that nobody chooses."""
    digest = hashlib.sha256(f"hold-out|{as_of:%Y-%m}|{person}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < share


def _words(
    proven: bool, tested: Mapping[str, Any] | None, n: int, cases: Cases, uplift: Sequence[Mapping[str, Any]]
) -> tuple[str, str]:
    if not proven:
        why = (tested["en"], tested["zh"]) if tested else ("it has no back-test", "没有回测")
        return f"No list: {why[0]}.", f"不提供名单：{why[1]}。"
    span = f"{cases.expected:.1f}", f"[{cases.low:.0f}, {cases.high:.0f}]"
    en = f"Of {n} people, {span[0]} {span[1]} are expected to have the outcome."
    zh = f"名单 {n} 人，预计其中 {span[0]} {span[1]} 人出现该结果。"
    if uplift:
        return " ".join([en, *(f"{one['en']}." for one in uplift)]), zh + "".join(f"{one['zh']}。" for one in uplift)
    return f"{en} {RISK_ONLY[0]}", zh + RISK_ONLY[1]
