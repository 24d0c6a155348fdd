"""A hole that nobody announced is found in its own rhythm; holidays, quiet weeks and late loads are none."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

from perfml.evidence.holes.hole import Hole, LogPart
from perfml.evidence.holes.known import KnownHoles
from perfml.project.trust.holes_spec import HoleAnswer, HolesSpec
from tests.evidence.holes.offices import END, between, log, written
from tests.tables import opened

FIRST, LAST = dt.date(2025, 12, 9), dt.date(2025, 12, 11)
WHOLE = log()
UNANSWERED = HolesSpec()


def known(folder: Path, *, spec: HolesSpec = UNANSWERED, as_of: dt.date = END) -> tuple[Hole, ...]:
    with opened(folder) as data:
        return KnownHoles(data, spec, [as_of]).at[as_of]


def without(lost: pd.Series) -> pd.DataFrame:
    return WHOLE[~lost]


@pytest.mark.slow
def test_a_sound_log_has_no_hole(tmp_path: Path) -> None:
    assert known(written(tmp_path, WHOLE)) == ()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("part", "lost"),
    [
        (LogPart(location="South"), WHOLE["office"] == "South"),
        (LogPart(source="crm"), WHOLE["source"] == "crm"),
        (LogPart(kind="call"), WHOLE["kind"] == "call"),
        (LogPart(source="crm", location="East"), (WHOLE["source"] == "crm") & (WHOLE["office"] == "East")),
    ],
)
def test_three_days_of_a_part_are_missed(tmp_path: Path, part: LogPart, lost: pd.Series) -> None:
    (hole,) = known(written(tmp_path, without(lost & between(WHOLE, FIRST, LAST))))
    assert (hole.part, hole.first, hole.last, hole.cause) == (part, FIRST, LAST, "silent")
    assert hole.rows == 0
    assert hole.expected == pytest.approx((lost & between(WHOLE, FIRST, LAST)).sum(), rel=0.2)
    assert hole.chance is not None and hole.chance < 1e-3


@pytest.mark.slow
def test_two_offices_at_once_are_two_holes(tmp_path: Path) -> None:
    lost = WHOLE["office"].isin(["East", "South"]) & between(WHOLE, FIRST, LAST)
    assert {hole.part.location for hole in known(written(tmp_path, without(lost)))} == {"East", "South"}


@pytest.mark.slow
def test_a_feed_that_stopped_is_told_from_people_who_fell_silent(tmp_path: Path) -> None:
    (hole,) = known(written(tmp_path, without(between(WHOLE, dt.date(2025, 12, 1), END))))
    assert (hole.part, hole.first, hole.last, hole.cause) == (
        LogPart(),
        dt.date(2025, 12, 1),
        END - dt.timedelta(days=1),
        "stopped",
    )


@pytest.mark.slow
def test_a_holiday_that_all_share_is_no_hole(tmp_path: Path) -> None:
    assert known(written(tmp_path, without(between(WHOLE, FIRST, LAST)))) == ()


@pytest.mark.slow
def test_an_office_that_was_closed_has_no_people_and_no_hole(tmp_path: Path) -> None:
    closed = dt.date(2025, 12, 1)
    frame = without((WHOLE["office"] == "South") & between(WHOLE, closed, END))
    moved = pd.DataFrame(
        {"employee_id": [f"South{n}" for n in range(10)], "exited_on": str(closed), "kind": "involuntary"}
    )
    assert known(written(tmp_path, frame, exits=moved)) == ()


@pytest.mark.slow
def test_a_log_that_is_loaded_weeks_later_has_not_stopped(tmp_path: Path) -> None:
    late = WHOLE.assign(known_at=(pd.to_datetime(WHOLE["happened_at"]) + pd.Timedelta(days=20)).astype(str))
    folder = written(tmp_path, late)
    late[["employee_id", "happened_at", "kind", "source", "known_at"]].to_csv(folder / "events.csv", index=False)
    assert known(folder) == ()


@pytest.mark.slow
def test_what_came_later_is_not_known_before(tmp_path: Path) -> None:
    """The packets of South arrive on 20 December: missing until then, and from then on not."""
    lost = (WHOLE["office"] == "South") & between(WHOLE, FIRST, LAST)
    frame = WHOLE.assign(known_at=WHOLE["happened_at"].where(~lost, "2025-12-20 08:00:00"))
    folder = written(tmp_path, frame)
    frame[["employee_id", "happened_at", "kind", "source", "known_at"]].to_csv(folder / "events.csv", index=False)
    (hole,) = known(folder, as_of=dt.date(2025, 12, 20))
    assert hole.part == LogPart(location="South")
    assert known(folder, as_of=dt.date(2025, 12, 21)) == ()


def answer(verdict: str, **part: object) -> HolesSpec:
    given = {"location": "South", "first": FIRST, "last": LAST, "verdict": verdict} | part
    return HolesSpec(answers=(HoleAnswer.model_validate(given),))


@pytest.mark.slow
def test_an_answer_settles_the_question(tmp_path: Path) -> None:
    folder = written(tmp_path, without((WHOLE["office"] == "South") & between(WHOLE, FIRST, LAST)))
    assert known(folder, spec=answer("shutdown")) == ()
    assert [hole.cause for hole in known(folder, spec=answer("lost"))] == ["lost"]
    assert [hole.cause for hole in known(folder, spec=answer("shutdown", location="East"))] == ["silent"]
    assert known(folder, spec=HolesSpec(look=False)) == ()


@pytest.mark.slow
def test_an_answer_about_two_of_three_days_leaves_the_third(tmp_path: Path) -> None:
    folder = written(tmp_path, without((WHOLE["office"] == "South") & between(WHOLE, FIRST, LAST)))
    (hole,) = known(folder, spec=answer("shutdown", last=FIRST + dt.timedelta(days=1)))
    assert (hole.first, hole.last) == (LAST, LAST)


DELIVERIES = """
source | business_date | due_at | received_at
crm | 2025-12-08 | 2025-12-09 06:00:00 | 2025-12-09 05:00:00
crm | 2025-12-09 | 2025-12-10 06:00:00 |
crm | 2025-12-10 | 2025-12-11 06:00:00 | 2025-12-29 10:00:00
crm | 2025-12-11 | 2025-12-12 06:00:00 |
oa | 2025-12-11 | 2026-02-01 06:00:00 |
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("as_of", "stretches"),
    [
        ("2025-12-10", []),
        ("2025-12-20", [("2025-12-09", "2025-12-11")]),
        ("2025-12-30", [("2025-12-09", "2025-12-09"), ("2025-12-11", "2025-12-11")]),
    ],
)
def test_undelivered_days_are_those_due_and_not_come(
    tmp_path: Path, as_of: str, stretches: list[tuple[str, str]]
) -> None:
    folder = written(tmp_path, without((WHOLE["source"] == "crm") & between(WHOLE, FIRST, LAST)), deliveries=DELIVERIES)
    holes = known(folder, spec=HolesSpec(look=False), as_of=dt.date.fromisoformat(as_of))
    assert [(str(hole.first), str(hole.last)) for hole in holes] == stretches
    assert {hole.part for hole in holes} <= {LogPart(source="crm")}
    assert {hole.cause for hole in holes} <= {"undelivered"}


@pytest.mark.slow
def test_an_announced_hole_is_not_asked_about_again(tmp_path: Path) -> None:
    folder = written(tmp_path, without((WHOLE["source"] == "crm") & between(WHOLE, FIRST, LAST)), deliveries=DELIVERIES)
    assert {hole.cause for hole in known(folder, as_of=dt.date(2025, 12, 20))} == {"undelivered"}
