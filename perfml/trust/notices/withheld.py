"""What is not used and who gets no score: forbidden evidence, people who are held or opted out, and, where a notice is required,
those who were not told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path

from perfml.errors import DataError
from perfml.evidence.log.cells import kind_counts
from perfml.evidence.sources import Data
from perfml.messages import Message
from perfml.project.folder import ProjectFolder
from perfml.project.trust.forbidden_spec import forbidden_among
from perfml.project.trust.notice_spec import NoticesSpec
from perfml.trust.holds.held import held_people
from perfml.trust.holds.hold import Cause, Hold
from perfml.trust.notices.notice_log import NoticeLog, NoticeState


def withheld_people(data: Data, folder: ProjectFolder, as_of: dt.date, home: Path | None) -> dict[str, Hold]:
    """Employee → why there is no score for them at ``as_of``. Opting out counts for every date, and goes before other reasons."""
    held = held_people(data, as_of, home)
    if home is None:
        return held
    states = NoticeLog(home).states()
    untold = _untold(data, states, as_of) if notices_of(folder).required else {}
    out = {
        person: _hold(person, "opt_out", Message.of("hold_opt_out", day=str(on)), on=on)
        for person, state in states.items()
        if (on := state.opted_out_on) is not None
    }
    return untold | held | out


def notices_of(folder: ProjectFolder) -> NoticesSpec:
    """The policy of notices of a project."""
    return folder.policy_of(NoticesSpec)[1]


def not_learnt_from(folder: ProjectFolder, home: Path) -> list[str]:
    """The people who opted out; nobody where the policy lets them train a model."""
    people = NoticeLog(home).opted_out()
    return [] if not people or notices_of(folder).opted_out_in_training else sorted(people)


def train_without(data: Data, people: Sequence[str]) -> None:
    """Take ``people`` out of ``data``."""
    if people:
        data.connection.execute("delete from employees where employee_id in (select unnest(?::text[]))", [people])


def refuse_forbidden_kinds(data: Data, folder: ProjectFolder, *, strict: bool) -> None:
    """Raise :class:`DataError` where the log holds a kind of event that is forbidden as evidence; unless ``strict``, list it
    among the problems of ``data``."""
    if not data.has("events"):
        return
    kinds = kind_counts(data, "9999-12-31")
    match = forbidden_among(sorted(kinds), folder.forbidden)
    if match is not None:
        error = DataError(
            f"has {kinds[match[0]]:,} rows of kind {match[0]!r}, which is forbidden as evidence: {match[1].en}",
            where="events",
            remedy="leave them out of the export, or give the kind another name if it is something else",
        )
        if strict:
            data.close()
            raise error
        data.problems.append(error)


def _untold(data: Data, states: Mapping[str, NoticeState], as_of: dt.date) -> dict[str, Hold]:
    people = data.connection.execute("select employee_id from employees where usable_day < ?", [as_of]).fetchall()
    nobody = NoticeState(employee_id="")
    return {
        person: _hold(person, "notice", Message.of("hold_no_notice"), on=as_of)
        for (person,) in people
        if not states.get(person, nobody).told_before(as_of)
    }


def _hold(person: str, cause: Cause, message: Message, *, on: dt.date) -> Hold:
    return Hold(
        hold_id=f"{cause}-{person}", entity=f"employee:{person}", cause=cause, message=message, set_on=on, since=on
    )
