"""A hold reaches the people behind its entity, as their positions were known, and nobody else."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from perfml.errors import PerfmlError
from perfml.messages import Message
from perfml.trust.holds.held import held_people, units_at
from perfml.trust.holds.hold import Hold
from perfml.trust.holds.hold_log import HoldLog
from perfml.trust.outbox import posts
from tests.tables import opened, write_tables

DAY = dt.date(2025, 3, 31)
EMPLOYEES = "employee_id | hired_on\n" + "\n".join(f"e{i} | 2020-01-01" for i in range(5))
POSITIONS = """
employee_id | effective_on | manager_id | department | location | known_at
e0 | 2020-01-01 |    | head  | Harbour |
e1 | 2020-01-01 | e0 | South | Harbour |
e2 | 2020-01-01 | e1 | South | Hill |
e2 | 2025-03-01 | e1 | North | Hill | 2025-04-05
e3 | 2020-01-01 | e2 | North | Hill |
"""
REVIEWS = "review_id | employee_id | period_end | reviewed_on | rating\nr0 | e0 | 2023-06-30 | 2023-07-15 | 3"


def held(tmp_path: Path, entity: str, *, as_of: dt.date = DAY) -> set[str]:
    log = HoldLog(tmp_path / "var")
    log.set(entity, cause="delivery", message=Message.of("as_worded", text="gap"), on=DAY, since=dt.date(2025, 3, 10))
    data = opened(write_tables(tmp_path / "data", employees=EMPLOYEES, positions=POSITIONS, reviews=REVIEWS))
    return set(held_people(data, as_of, tmp_path / "var"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("entity", "people"),
    [
        ("employee:e3", {"e3"}),
        ("department:South", {"e1", "e2"}),
        ("location:Hill", {"e2", "e3"}),
        ("manager:e1", {"e2", "e3"}),
        ("everything", {"e0", "e1", "e2", "e3", "e4"}),
        ("metric:sales", set()),
        ("fact:reviews/r0", set()),
    ],
)
def test_an_entity_is_its_people_and_nobody_else(tmp_path: Path, entity: str, people: set[str]) -> None:
    assert held(tmp_path, entity) == people


@pytest.mark.slow
def test_positions_are_those_known_before_the_date(tmp_path: Path) -> None:
    assert held(tmp_path, "department:South", as_of=dt.date(2025, 4, 6)) == {"e1"}


@pytest.mark.slow
def test_a_date_before_the_doubt_is_not_held(tmp_path: Path) -> None:
    assert held(tmp_path, "everything", as_of=dt.date(2025, 3, 10)) == set()
    assert held(tmp_path, "everything", as_of=dt.date(2025, 3, 11))


def test_no_other_entity_is_taken(tmp_path: Path) -> None:
    for entity in ("office:South", "employee:", "South", "everything:all"):
        with pytest.raises(PerfmlError, match=r"cannot be held"):
            HoldLog(tmp_path).set(entity, cause="delivery", message=Message.of("as_worded", text="gap"), on=DAY)


def lifted(log: HoldLog, hold: Hold, on: dt.date) -> Hold:
    return log.release(hold.hold_id, by="Ana", reason="the packets came in", on=on)


def test_two_clean_days_after_the_last_bad_one_and_a_name_lift_a_hold(tmp_path: Path) -> None:
    log = HoldLog(tmp_path)
    hold = log.set("department:South", cause="reconciliation", message=Message.of("as_worded", text="gap"), on=DAY)
    days = [DAY + dt.timedelta(days=n) for n in range(5)]
    log.seen(hold.hold_id, day=days[1], clean=True)
    log.seen(hold.hold_id, day=days[2], clean=False)
    log.seen(hold.hold_id, day=days[3], clean=True)
    with pytest.raises(PerfmlError, match=r"needs 2 clean days .* seen: 2025-04-03"):
        lifted(log, hold, days[3])
    log.seen(hold.hold_id, day=days[4], clean=True)
    for by, reason in (("", "the packets came in"), ("Ana", "ok")):
        with pytest.raises(PerfmlError, match=r"names nobody|gives no reason"):
            log.release(hold.hold_id, by=by, reason=reason, on=days[4])
    assert log.active() == (log.state().holds[0],)
    assert not lifted(log, hold, days[4]).active and log.active() == () and log.active(days[3])
    again = log.set("department:South", cause="reconciliation", message=hold.message, on=DAY)
    assert again.active and again.hold_id != hold.hold_id


@pytest.mark.slow
def test_a_date_before_the_data_were_whole_stays_held_and_people_are_told(tmp_path: Path) -> None:
    log, whole = HoldLog(tmp_path / "var"), DAY + dt.timedelta(days=3)
    message = Message.of("as_worded", text="gap")
    hold = log.set("department:South", cause="reconciliation", message=message, on=DAY, since=dt.date(2025, 3, 10))
    for day in (whole, whole + dt.timedelta(days=1)):
        log.seen(hold.hold_id, day=day, clean=True)
    data = opened(write_tables(tmp_path / "data", employees=EMPLOYEES, positions=POSITIONS, reviews=REVIEWS))
    units = units_at(data, whole)
    log.release(hold.hold_id, by="Ana", reason="the packets came in", on=whole, units=units)
    held_at = {day: set(held_people(data, day, tmp_path / "var")) for day in (hold.since, DAY, whole)}
    assert held_at == {hold.since: set(), DAY: {"e1", "e2"}, whole: set()}
    lifted = [post.recipient for post in posts(tmp_path / "var") if post.message.code == "hold_lifted"]
    assert lifted == ["e1", "e2"]


def test_the_same_entity_is_held_once_for_a_cause(tmp_path: Path) -> None:
    log, message = HoldLog(tmp_path), Message.of("as_worded", text="gap")
    first = log.set("department:South", cause="delivery", message=message, on=DAY)
    assert log.set("department:South", cause="delivery", message=message, on=DAY + dt.timedelta(days=1)) == first
    assert log.set("department:South", cause="reconciliation", message=message, on=DAY) != first


def test_a_stop_ends_when_somebody_resumes(tmp_path: Path) -> None:
    log = HoldLog(tmp_path)
    with pytest.raises(PerfmlError, match=r"nothing is stopped"):
        log.resume(by="Ana", reason="the model was checked", on=DAY)
    assert log.stop(by="Ana", reason="ranks look wrong", on=DAY).entity == "everything"
    assert not log.resume(by="Ben", reason="the model was checked", on=DAY).active and log.active() == ()
