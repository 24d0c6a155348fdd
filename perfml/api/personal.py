"""The verbs of what can be said about a person beside the score."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfml.api.shared import date_or_none, seen
from perfml.dates import DateLike
from perfml.project.voices import Who

if TYPE_CHECKING:
    from perfml.api import Project
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
    """A person beside the mean of others at a date that was scored (default: the newest), for the figures of ``models/peers.toml``.

    Where a group is so small that somebody's own value could be worked out, a figure is insufficient. Raises :class:`PerfmlError`
    where nothing is kept of the person.
    """
    from perfml.scoring.personal.peers import peer_figures
    from perfml.scoring.personal.standing import RecordReading

    answer = peer_figures(project.home, employee_id, reading=RecordReading.of(reader), as_of=date_or_none(as_of))
    seen(project, f"peers {answer.as_of}", [employee_id])
    return answer
