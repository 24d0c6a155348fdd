"""What was due and what came, who is told of it, and that it is told once."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path

import pytest

from perfml.errors import DefinitionError, PerfmlError
from perfml.messages import render
from perfml.project.folder import ProjectFolder
from perfml.project.trust.delivery_spec import CalendarSpec, FeedSpec, Weekday
from perfml.store.record_store import RecordStore
from perfml.store.tables import DELIVERIES
from perfml.trust import outbox
from perfml.trust.deliveries.due import business_days, deadline
from tests.tables import write_tables
from tests.trust.deliveries.project import FEEDS, company, project

WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri")


def day(number: int) -> dt.date:
    return dt.date(2025, 3, number)


def feed(**keys: object) -> FeedSpec:
    known = {"zh": "", "en": "", "since": day(10), "due": dt.time(6), "owner": {"name": "李娜"}}
    return FeedSpec.model_validate(known | keys)


def test_business_days_follow_the_calendar() -> None:
    calendar = CalendarSpec(weekdays=WEEKDAYS, holidays=(day(12),), working_days=(day(15),))
    days = list(business_days(feed(until=day(18)), calendar, until=day(30)))
    assert days == [day(n) for n in (10, 11, 13, 14, 15, 17, 18)]
    assert list(business_days(feed(), calendar, until=day(9))) == []


@pytest.mark.parametrize(
    ("keys", "due"),
    [
        ({}, "2025-03-15T06:00"),
        ({"timezone": "Asia/Shanghai"}, "2025-03-14T22:00"),
        ({"days_after": 0}, "2025-03-14T06:00"),
        ({"counted_in": "business_days"}, "2025-03-17T06:00"),
        ({"counted_in": "business_days", "days_after": 2}, "2025-03-18T06:00"),
        ({"timezone": "America/New_York", "days_after": 0}, "2025-03-14T10:00"),
        ({"timezone": "America/New_York", "days_after": 300}, "2026-01-08T11:00"),
    ],
)
def test_a_deadline_is_a_moment_in_the_zone_of_the_feed(keys: dict[str, object], due: str) -> None:
    calendar = CalendarSpec(weekdays=WEEKDAYS)
    assert deadline(feed(**keys), calendar, day(14)) == dt.datetime.fromisoformat(due)


@pytest.mark.slow
def test_the_first_missed_deadline_raises_an_alarm_once(tmp_path: Path) -> None:
    mine, data = project(tmp_path), company(tmp_path)
    before = mine.deliveries(data, now="2025-03-14T21:59")
    assert [(p.business_date, p.status) for p in before.packets] == [
        (day(10), "received"),
        (day(11), "late"),
        (day(13), "received"),
        (day(14), "expected"),
    ]
    assert [alarm.kind for alarm in before.alarms] == ["wrong"]  # one row on the 13th, at least two are expected
    after = mine.deliveries(data, now="2025-03-14T22:01")
    assert [(a.business_date, a.kind) for a in after.watch.raised] == [(day(14), "missing")]
    assert not after.complete
    again = mine.deliveries(data, now="2025-03-14T22:02")
    assert again.watch.raised == () and again.carried.delivered == ()
    assert [post.recipient for post in outbox.posts(mine.home)] == ["lina@example.com"] * 2
    message = outbox.posts(mine.home)[1].message
    assert "2025-03-14" in render(message, "zh") and "客户系统" in render(message, "zh")
    assert "customer system" in render(message, "en")


@pytest.mark.slow
def test_an_alarm_that_nobody_acknowledges_is_escalated_once_and_closes_when_the_packet_comes(tmp_path: Path) -> None:
    mine, data = project(tmp_path), company(tmp_path)
    mine.deliveries(data, now="2025-03-14T23:00")
    assert mine.deliveries(data, now="2025-03-15T21:00").watch.escalated == ()
    late = mine.deliveries(data, now="2025-03-15T23:00")
    assert [alarm.kind for alarm in late.watch.escalated] == ["missing", "wrong"]
    assert mine.deliveries(data, now="2025-03-15T23:30").watch.escalated == ()
    assert {post.recipient for post in late.carried.delivered} >= {"wang@example.com"}
    packet = tmp_path / "packet.csv"
    rows = ["event_id,employee_id,happened_at,kind,source,known_at"]
    rows += [f"w{n},e1,2025-03-14 0{n}:00:00,a,crm,2025-03-16 01:00:00" for n in range(3)]
    packet.write_text("\n".join(rows), encoding="utf-8")
    mine.receive("crm", packet, now="2025-03-16T01:00")
    closed = mine.deliveries(data, now="2025-03-16T02:00")
    assert [(a.business_date, a.kind) for a in closed.watch.closed] == [(day(14), "missing")]
    assert mine.deliveries(data, now="2025-03-16T03:00").watch.closed == ()


@pytest.mark.slow
def test_an_acknowledged_alarm_is_not_escalated(tmp_path: Path) -> None:
    mine, data = project(tmp_path), company(tmp_path)
    mine.deliveries(data, now="2025-03-14T23:00")
    (alarm,) = mine.acknowledge("crm", by="李娜", note="called them", day=day(14), now="2025-03-15")
    assert alarm.acknowledged_by == "李娜"
    late = mine.deliveries(data, now="2025-03-20")
    assert [alarm.business_date for alarm in late.watch.escalated] == [day(13)]
    for wrong in ({"by": " "}, {"by": "李娜", "day": day(14)}, {"by": "李娜", "day": day(10)}):
        with pytest.raises(PerfmlError, match=r"--by|no alarm is open"):
            mine.acknowledge("crm", **wrong)


@pytest.mark.slow
def test_a_whole_lost_week_is_one_message(tmp_path: Path) -> None:
    mine = project(tmp_path)
    report = mine.deliveries(now="2025-03-20")
    assert len(report.watch.raised) == 8 and report.counts()["crm"]["missing"] == 8
    (post,) = outbox.posts(mine.home)
    assert "8" in render(post.message, "en")


@pytest.mark.slow
def test_fewer_rows_than_announced_are_wrong(tmp_path: Path) -> None:
    rows = "source | business_date | due_at | received_at | row_count | total\n" + "\n".join(
        f"crm | 2025-03-{n} | | 2025-03-{n} 20:00:00 | 2 |" for n in (10, 11)
    )
    mine, data = project(tmp_path, FEEDS.replace('"events"', '"facts"')), company(tmp_path, rows)
    facts = "source | metric | entity | business_date | value\n" + "\n".join(
        f"crm | net | e{n} | 2025-03-{day} | 1" for n, day in ((1, 10), (2, 10), (1, 11))
    )
    write_tables(data, facts=facts)
    report = mine.deliveries(data, now="2025-03-12")
    assert [render(p, "en") for packet in report.packets for p in packet.problems] == [
        "2 rows are announced, 1 are there"
    ]
    assert [(a.business_date, a.kind) for a in report.alarms] == [(day(11), "wrong")]


@pytest.mark.slow
def test_what_arrives_later_has_not_arrived(tmp_path: Path) -> None:
    mine, data = project(tmp_path), company(tmp_path)
    report = mine.deliveries(data, now="2025-03-12T02:00")
    assert [(p.status, p.rows) for p in report.packets] == [("received", 5), ("missing", None)]


@pytest.mark.slow
def test_a_source_that_no_definition_names_is_judged_by_its_own_due_moment(tmp_path: Path) -> None:
    rows = "source | business_date | due_at | received_at | row_count | total\nerp | 2025-03-10 | 2025-03-11 | | |"
    mine, data = project(tmp_path, feeds=""), company(tmp_path, rows)
    report = mine.deliveries(data, now="2025-03-12")
    assert [alarm.recipient for alarm in report.watch.raised] == [None]
    assert outbox.posts(mine.home) == []


@pytest.mark.parametrize(
    ("feeds", "problem"),
    [
        (FEEDS.replace("workdays]", "days]"), "calendar names 'workdays'"),
        (FEEDS.replace("Asia/Shanghai", "Asia/Nowhere"), "time zone such as"),
        (FEEDS.replace('table = "events"', 'table = "event"'), "did you mean 'events'"),
        (FEEDS.replace("least = 2", "least = 20"), "exchange them"),
        (FEEDS.replace("owner = ", "owners = "), "'owners' is not a key"),
    ],
)
def test_a_definition_that_cannot_be_used_is_refused(tmp_path: Path, feeds: str, problem: str) -> None:
    with pytest.raises(DefinitionError, match=problem):
        _ = ProjectFolder(project(tmp_path, feeds).folder.root).deliveries


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_looks_in_any_order_and_number_tell_each_person_once(tmp_path: Path, seed: int) -> None:
    """Also with a clock that steps back: no alarm is raised, escalated or closed twice."""
    mine = project(tmp_path, FEEDS.replace("calendar =", "until = 2025-03-21\ncalendar ="))
    chance = random.Random(seed)
    acknowledged = bool(seed % 2)
    for n, hours in enumerate([*chance.sample(range(14 * 24), 4), 14 * 24, 16 * 24]):
        now = dt.datetime(2025, 3, 10) + dt.timedelta(hours=hours)
        if mine.deliveries(now=now).alarms and acknowledged and n == 0:
            mine.acknowledge("crm", by="李娜", now=now)
    entries = RecordStore(mine.home).read(DELIVERIES)
    raised = {(e.entry["business_date"]) for e in entries if e.entry["event"] == "raised"}
    escalated = {(e.entry["business_date"]) for e in entries if e.entry["event"] == "escalated"}
    known = {(e.entry["business_date"]) for e in entries if e.entry["event"] == "acknowledged"}
    assert len(raised) == 10 and raised - known == escalated
