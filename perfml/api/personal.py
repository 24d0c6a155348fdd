"""The verbs of what can be said about a person beside the score."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfml.api.shared import date_or_none, seen, today_or
from perfml.dates import DateLike
from perfml.project.trust.talks_spec import TalksSpec
from perfml.project.voices import Who

if TYPE_CHECKING:
    from perfml.advice.talks.brief import OneToOneBrief
    from perfml.advice.talks.card import DevelopmentCard
    from perfml.api import Project
    from perfml.outgoing.facts.own import OwnEligibility
    from perfml.scoring.personal.peers import PeerFigures
    from perfml.scoring.personal.record import PersonalRecord


def record(project: Project, employee_id: str, *, reader: Who = "hr", as_of: DateLike | None = None) -> PersonalRecord:
    """What is held about a person at a date that was scored (default: the newest): their rows, table by table.

    Disputed facts are not in it. The employee and the manager are not shown other people in the rows, such as who gave
    feedback. Raises :class:`PerfmlError` where nothing is kept of the person.
    """
    from perfml.scoring.personal.record import personal_record
    from perfml.scoring.personal.standing import RecordReading

    answer = personal_record(project.home, employee_id, reading=RecordReading.of(reader), as_of=date_or_none(as_of))
    seen(project, f"record {answer.as_of}", [employee_id])
    return answer


def peers(project: Project, employee_id: str, *, reader: Who = "hr", as_of: DateLike | None = None) -> PeerFigures:
    """A person beside the mean of others at a date that was scored (default: the newest), for the figures of
    ``models/peers.toml``.

    Where a group is so small that somebody's own value could be worked out, a figure is insufficient. Raises :class:`PerfmlError`
    where nothing is kept of the person.
    """
    from perfml.scoring.personal.peers import peer_figures
    from perfml.scoring.personal.standing import RecordReading

    answer = peer_figures(project.home, employee_id, reading=RecordReading.of(reader), as_of=date_or_none(as_of))
    seen(project, f"peers {answer.as_of}", [employee_id])
    return answer


def brief(project: Project, employee_id: str, *, as_of: DateLike | None = None) -> OneToOneBrief:
    """What a one-to-one with a person is prepared with: goals, success factors, wishes, three questions, what is to be mended.

    Each line names its rows; without a row there is no praise. Raises :class:`PerfmlError` where nothing is kept of the person.
    """
    from perfml.advice.talks.brief import one_to_one_brief

    spec = project.folder.policy_of(TalksSpec)[1]
    answer = one_to_one_brief(project.home, employee_id, spec=spec, as_of=date_or_none(as_of))
    seen(project, f"brief {answer.as_of}", [employee_id])
    return answer


def development_card(project: Project, employee_id: str, *, as_of: DateLike | None = None) -> DevelopmentCard:
    """The development card of a person: their last two reviews, strengths, gaps, projects and courses, each line with its row.

    Raises :class:`PerfmlError` where nothing is kept of the person.
    """
    from perfml.advice.talks.card import development_card

    spec = project.folder.policy_of(TalksSpec)[1]
    answer = development_card(project.home, employee_id, spec=spec, as_of=date_or_none(as_of))
    seen(project, f"development card {answer.as_of}", [employee_id])
    return answer


def eligibility(project: Project, employee_id: str, *, as_of: DateLike | None = None) -> OwnEligibility:
    """Which internal openings a person is eligible for, of those they asked to be considered for: "not yet, because …".

    From what ``prepare_exports`` read last (``as_of``: at that date), with the holds of now; no score is read. Raises
    :class:`PerfmlError` where nothing has been prepared, and for somebody unknown.
    """
    from perfml.outgoing.facts.own import own_eligibility

    answer = own_eligibility(project.home, employee_id, today=today_or(None), as_of=date_or_none(as_of))
    seen(project, f"eligibility {answer.as_of}", [employee_id])
    return answer
