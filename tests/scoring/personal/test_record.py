"""What is held about a person: theirs alone, as known then, as it stands now, and without other people in it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from perfml import Project
from perfml.evidence.withheld.stored_fact import stored_fact
from perfml.project.voices import Who
from perfml.scoring.personal.record import PersonalRecord, RecordRow, personal_record
from perfml.scoring.personal.standing import RecordReading
from perfml.scoring.score_files import NoScore
from tests.scoring.personal.company import DAY, company, keep


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which nothing is changed."""
    folder = tmp_path_factory.mktemp("records")
    keep(company(folder / "data"), folder / "home")
    return folder / "home"


def read(home: Path, person: str = "e1", reader: Who = "employee") -> PersonalRecord:
    return personal_record(home, person, reading=RecordReading.of(reader))


def rows(record: PersonalRecord, table: str) -> tuple[RecordRow, ...]:
    return next((each.rows for each in record.tables if each.name == table), ())


def test_nothing_that_came_later_is_in_it(shared: Path) -> None:
    record = read(shared)
    assert [row.values["department"] for row in rows(record, "positions")] == ["sales"]
    assert [row.values["rating"] for row in rows(record, "reviews")] == ["4.0", "3.0"], (
        "newest first, before its correction"
    )
    assert "completed_on" not in rows(record, "enrolments")[0].values
    assert {row.day for row in rows(record, "events")} == {dt.date(2026, 9, d) for d in (1, 20, 25)}
    with pytest.raises(NoScore, match="has no rows"):
        read(shared, "e9")
    with pytest.raises(NoScore, match="no rows of people are stored up to 2026-09-30"):
        personal_record(shared, "e1", reading=RecordReading.of("hr"), as_of=DAY - dt.timedelta(days=1))


def test_it_is_of_one_person(shared: Path) -> None:
    assert {row.values.get("review_id") for row in rows(read(shared, "e2"), "reviews")} == {"r3"}
    assert not rows(read(shared, "e2"), "progress")
    assert [row.key for row in rows(read(shared), "progress")] == ["g1 2026-09-28 18:00:00", "g0 2026-06-30 18:00:00"]


@pytest.mark.parametrize("reader", ["employee", "manager"])
def test_who_gave_feedback_is_shown_to_hr_alone(shared: Path, reader: Who) -> None:
    text = read(shared, reader=reader).model_dump_json()
    assert '"e2"' not in text and "10:31" not in text.replace('"happened_at":"2026-09-01 10:31:07"', "")
    assert '"boss"' not in text.replace('"manager_id":"boss"', "")
    assert '"e2"' in read(shared, reader="hr").model_dump_json(), "or this test proves nothing"
    without = personal_record(shared, "e1", reading=RecordReading(reader="hr"))
    assert '"e2"' not in without.model_dump_json(), "HR without the right to see givers"


def test_what_others_did_is_told_by_its_day_and_cannot_be_disputed(shared: Path) -> None:
    praise = next(row for row in rows(read(shared), "events") if row.values["kind"] == "praise")
    assert praise.key is None
    assert praise.values["happened_at"] == "2026-09-20"
    overtime = next(row for row in rows(read(shared), "events") if row.values["kind"] == "overtime")
    assert overtime.key == "e1 2026-09-25 09:00:00 overtime"


def test_names_and_protected_attributes_are_not_kept(shared: Path) -> None:
    text = read(shared, reader="hr").model_dump_json()
    assert "王伟" not in text and "female" not in text


def test_leave_is_not_shown_to_the_manager(shared: Path) -> None:
    assert rows(read(shared), "absences")
    assert not rows(read(shared, reader="manager"), "absences")


def test_columns_and_tables_say_what_they_mean(shared: Path) -> None:
    record = read(shared)
    reviews = next(each for each in record.tables if each.name == "reviews")
    assert reviews.title.zh == "绩效评价"
    assert next(column for column in reviews.columns if column.name == "comment").label.zh == "评语"
    assert "Review history" in [each.en for each in reviews.used_for]
    assert {column.name for column in reviews.columns} >= set(reviews.rows[0].values)


def test_every_key_can_be_disputed(tmp_path: Path) -> None:
    data, home = company(tmp_path / "data"), tmp_path / "home"
    keep(data, home)
    with Project(home=home).open(data) as opened:
        for table in read(home, reader="hr").tables:
            for row in table.rows:
                if row.key is not None:
                    stored = stored_fact(opened, "e1", table=table.name, key=row.key)
                    assert stored.row.items() >= (row.values.items() if row.key != "r2" else set())


def test_a_disputed_row_vanishes_and_a_corrected_one_is_right(tmp_path: Path) -> None:
    data, home = company(tmp_path / "data"), tmp_path / "home"
    keep(data, home)
    project = Project(home=home)
    dispute = project.dispute("e1", table="reviews", key="r2", right={"rating": "4.5"}, by="e1", data=data)
    assert [row.key for row in rows(read(home), "reviews")] == ["r1"]
    project.resolve(dispute.dispute_id, "upheld", by="judge", reason="The sheet says 4.5.", data=data)
    assert [row.values["rating"] for row in rows(read(home), "reviews")] == ["4.5", "3.0"]


def test_of_somebody_who_opted_out_nothing_is_shown_or_kept(tmp_path: Path) -> None:
    data, home = company(tmp_path / "data"), tmp_path / "home"
    keep(data, home)
    Project(home=home).opt_out("e1", by="e1")
    record = read(home)
    assert record.tables == () and record.withheld is not None
    keep(data, home, without=("e1",))
    assert b"\xe6\x8a\xa5\xe4\xbb\xb7" not in (home / "records" / f"{DAY}.parquet").read_bytes()
