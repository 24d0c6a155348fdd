"""A packet that comes late, twice, shuffled, cut differently or interrupted is applied once."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks._ingest_faults import NOW, ROWS, event, kill_receivers, permute, state_hash, take
from perfml.errors import DataError, DefinitionError
from perfml.evidence.sources import open_data
from perfml.store.record_store import RecordStore
from perfml.store.tables import DELIVERIES
from perfml.trust.deliveries.inbox import inbox, receipts, receive
from perfml.trust.deliveries.packet_files import Row
from tests.tables import TODAY, opened, shipped, write_parquet, write_tables
from tests.trust.deliveries.project import EMPLOYEES, EVENTS, at, company, project

SPEC = shipped().tables["events"]


@pytest.mark.slow
def test_every_permutation_ends_in_one_state(tmp_path: Path) -> None:
    assert permute(tmp_path, times=4) == []
    take(tmp_path / "without", ROWS)
    assert state_hash(tmp_path / "plain", tmp_path / "data") != state_hash(tmp_path / "without", tmp_path / "data")


@pytest.mark.slow
def test_a_receiver_that_is_killed_loses_nothing_and_leaves_no_half(tmp_path: Path) -> None:
    acknowledged, _, wrong = kill_receivers(tmp_path, times=8, seed=1)
    assert acknowledged > 1 and wrong == []


def test_a_packet_that_comes_again_shuffled_is_the_same(tmp_path: Path) -> None:
    first = receive(tmp_path, "crm", ROWS, table="events", spec=SPEC, at=NOW)
    again = receive(tmp_path, "crm", ROWS[::-1], table="events", spec=SPEC, at=at("2025-03-25"))
    assert (first.is_new, again.is_new) == (True, False)
    assert again.received_at == NOW and len(receipts(tmp_path)) == 1


@pytest.mark.slow
def test_rows_that_say_nothing_of_when_they_were_known_are_known_on_arrival(tmp_path: Path) -> None:
    mine, data = project(tmp_path), company(tmp_path)
    late = [{name: value for name, value in row.items() if name != "known_at"} for row in ROWS]
    receive(mine.home, "crm", late, table="events", spec=SPEC, at=NOW)
    with mine.open(data) as tables:
        days = tables.connection.execute("select distinct usable_day from events where event_id like 'w%'").fetchall()
    assert days == [(NOW.date(),)]


@pytest.mark.slow
def test_an_interrupted_packet_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = company(tmp_path)
    before = state_hash(tmp_path, data)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("perfml.trust.deliveries.inbox.add_entries", killed)
    with pytest.raises(KeyboardInterrupt):
        take(tmp_path, ROWS)
    assert len(list((tmp_path / "inbox" / "events").iterdir())) == 1
    assert state_hash(tmp_path, data) == before
    monkeypatch.undo()
    take(tmp_path, ROWS)
    assert state_hash(tmp_path, data) != before


def test_a_packet_that_is_missing_or_altered_is_an_error(tmp_path: Path) -> None:
    take(tmp_path, ROWS)
    (path,) = inbox(tmp_path)["events"]
    whole = path.read_bytes()
    path.write_bytes(whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:])
    with pytest.raises(DataError, match="was altered"):
        inbox(tmp_path)
    path.unlink()
    with pytest.raises(DataError, match="was received and cannot be read"):
        inbox(tmp_path)


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([], "has no rows"),
        ([{"event_id": "", "employee_id": "e1"}], "row 1 has no event_id"),
        ([dict(event(1)), {"employee_id": "e1"}], "row 2 has no event_id"),
        ([{"event_id": "w1", "colour": "red"}], "unknown column 'colour'"),
    ],
)
def test_a_packet_that_cannot_be_applied_once_is_refused(tmp_path: Path, rows: list[Row], problem: str) -> None:
    with pytest.raises(DataError, match=problem):
        take(tmp_path, rows)
    assert RecordStore(tmp_path).read(DELIVERIES) == []


@pytest.mark.slow
def test_a_packet_for_a_table_that_the_company_does_not_have_makes_it(tmp_path: Path) -> None:
    mine, data = project(tmp_path), company(tmp_path)
    file = write_tables(
        tmp_path / "sent", facts="source|metric|entity|business_date|value\ncrm|net|e1|2025-03-10|12.50"
    )
    with pytest.raises(DefinitionError, match="did you mean 'facts'"):
        mine.receive("settled", file / "facts.csv", table="fact")
    with pytest.raises(DefinitionError, match="whose rows"):
        mine.receive("settled", file / "facts.csv")
    receipt = mine.receive("settled", file / "facts.csv", table="facts", now="2025-03-20")
    (arrival,) = receipt.days.values()
    assert str(arrival.total) == "12.50"
    with mine.open(data) as tables:
        assert tables.connection.execute("select value from facts").fetchall() == [(12.5,)]


@pytest.mark.slow
def test_a_log_in_parquet_keeps_its_types_unless_a_packet_does_not_read_as_them(tmp_path: Path) -> None:
    write_tables(tmp_path / "data", employees=EMPLOYEES)
    write_parquet(
        tmp_path / "data",
        "events",
        "select 'v0' event_id, 'e1' employee_id, timestamp '2025-03-10 09:00' happened_at, 'order' kind, 2.5 as value",
    )
    take(tmp_path, ROWS)

    def count(home: Path) -> list[tuple[object, ...]]:
        with open_data(tmp_path / "data", shipped().tables, inbox=inbox(home), today=TODAY) as tables:
            kind = tables.connection.execute(
                "select table_type from information_schema.tables where table_name = 'events'"
            )
            return [*kind.fetchall(), *tables.connection.execute("select count(*), sum(value) from events").fetchall()]

    assert count(tmp_path) == [("VIEW",), (13, 14.5)]
    take(tmp_path, [dict(event(99), value="many")])
    with open_data(tmp_path / "data", shipped().tables, inbox=inbox(tmp_path), today=TODAY) as tables:
        broken = tables.connection.execute(
            "select rule, value from quarantine where rule <> 'duplicate_key'"
        ).fetchall()
        assert broken == [("wrong_type", "many")]
        assert tables.connection.execute("select count(*) from events").fetchall() == [(13,)]


def test_files_as_people_send_them_are_read(tmp_path: Path) -> None:
    mine = project(tmp_path)
    write_parquet(
        tmp_path, "sent", "select 'w1' event_id, 'e1' employee_id, timestamp '2025-03-10 09:00' happened_at, 'a' kind"
    )
    text = "event_id,employee_id,happened_at,kind\nw1,e1,2025-03-10 09:00:00,a\n"
    (tmp_path / "sent.csv").write_text(text, encoding="utf-8")
    assert mine.receive("crm", tmp_path / "sent.parquet").is_new
    assert not mine.receive("crm", tmp_path / "sent.csv").is_new
    for wrong in ("nothing.csv", "project"):
        with pytest.raises(DataError, match="CSV, Excel or Parquet"):
            mine.receive("crm", tmp_path / wrong)


def test_what_is_drawn_is_what_the_others_read(tmp_path: Path) -> None:
    assert len(opened(write_tables(tmp_path, employees=EMPLOYEES, events=EVENTS)).specs) == 2
