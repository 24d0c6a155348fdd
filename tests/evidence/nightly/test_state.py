"""The state folder: what makes it worthless, what happens to it when it is damaged, and what a killed run leaves."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import replace
from pathlib import Path
from random import Random

import pandas as pd
import pytest

from perfml.errors import DataError, DiskFull
from perfml.evidence.features import Evidence, build
from perfml.evidence.nightly.night import NightLog, run_night
from perfml.evidence.nightly.storing import FAULTS, TOTALS, VERSIONS
from perfml.evidence.sources import open_data
from perfml.messages import render
from perfml.project.folder import Definitions
from tests.evidence.naive import Event
from tests.evidence.nightly.killing import kill_nights
from tests.evidence.nightly.nights import Company, differs, nightly, whole
from tests.evidence.nightly.test_nights import EVERY
from tests.evidence.test_features import KINDS
from tests.full_disk import fill, make_space, small_disk
from tests.tables import TODAY, difference, shipped, windowed

COUNT = {"column": "n_{window}", "measure": "count", "windows_days": [7, 91]}
DAYS = {"column": "days_{window}", "measure": "active_days", "windows_days": [28]}
SINCE = {"column": "since", "measure": "days_since_last"}
PARTNERS = {"column": "met_{window}", "measure": "distinct_counterparts", "side": "either", "windows_days": [91]}
DEFINITIONS = windowed(COUNT, DAYS, SINCE, PARTNERS)
DAY = dt.timedelta(days=1)


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """A company with three files of a log."""
    company = Company(tmp_path / "data", Random(7))
    for number in range(3):
        company.put(f"{number}.parquet", [company.event(company.moment(300)) for _ in range(40)])
    company.write()
    return company


def ask(company: Company, state: Path, definitions: Definitions = DEFINITIONS) -> tuple[str | None, int]:
    """Ask for the night, which must be as the whole log has it; return why everything was read, and how many row groups."""
    answers = nightly(company.folder, state, definitions, company.day)
    unlike = differs(answers, whole(company.folder, definitions, company.day))
    assert not unlike
    return answers.full and render(answers.full, "en"), answers.read


def test_a_night_reads_what_is_new(company: Company, tmp_path: Path) -> None:
    state = tmp_path / "state"
    first, groups = ask(company, state)
    assert first == "the state folder is empty: the whole log is read this once" and groups >= 3
    assert ask(company, state) == (None, 0), "the same date again"
    company.day += DAY
    company.put("new.parquet", [company.event(company.moment(1))])
    company.write()
    assert ask(company, state) == (None, 1)


def test_a_kind_and_a_person_that_stand_in_a_correction_alone_are_counted(tmp_path: Path) -> None:
    company = Company(tmp_path / "data", Random(7))
    first = dt.datetime.combine(company.day - 5 * DAY, dt.time(12))
    corrected = Event("e6", first, KINDS[1], whom="e5", event_id="v1", known_at=first + DAY)
    company.put("0.parquet", [Event("e5", first, KINDS[0], event_id="v1"), corrected])
    company.write()
    answers = nightly(company.folder, tmp_path / "state", DEFINITIONS, company.day)
    counted = answers.evidence.frame.set_index("employee_id")["n_7"]
    assert counted["e6"] == 1 and counted["e5"] == 0, "the correction is another's, and of another kind"
    assert not differs(answers, whole(company.folder, DEFINITIONS, company.day))


def test_what_a_killed_night_left_half_written_is_removed(company: Company, tmp_path: Path) -> None:
    """Rows by block of a first night, and a file that no manifest names."""
    state = tmp_path / "state"
    (state / ".blocks-1").mkdir(parents=True)
    for name in (".blocks-1/0.arrow", ".manifest.json.1-1.tmp", "rows-1-1-1.arrow"):
        (state / name).write_bytes(b"half")
    ask(company, state)
    assert {path.name.partition("-")[0] for path in state.iterdir()} == {
        *("manifest.json", "lock", "rows", "keys", "persons", "sums", "newest", TOTALS, FAULTS, VERSIONS)
    }
    assert not (state / "rows-1-1-1.arrow").exists()


def test_a_file_is_the_same_when_only_its_time_has_changed(company: Company, tmp_path: Path) -> None:
    ask(company, tmp_path / "state")
    os.utime(company.folder / "events" / "1.parquet")
    assert ask(company, tmp_path / "state") == (None, 0)


def test_what_a_late_row_corrects_is_read_again(company: Company, tmp_path: Path) -> None:
    """The correction of one row of an old file: that file's row group, and the new one."""
    ask(company, tmp_path / "state")
    old = next(event for event in company.files["0.parquet"] if event.event_id)
    known = dt.datetime.combine(company.day, dt.time(9))
    company.day += DAY
    company.put("corrected.parquet", [type(old)(old.who, old.happened, old.kind, "3", old.whom, old.event_id, known)])
    company.write()
    assert ask(company, tmp_path / "state") == (None, 2)


def test_other_definitions_of_the_log_make_it_worthless(company: Company, tmp_path: Path) -> None:
    """A further window needs other sums of the same rows; a sum of values needs rows that were not kept."""
    state = tmp_path / "state"
    ask(company, state)
    assert ask(company, state, windowed(COUNT, DAYS | {"windows_days": [7, 28]})) == (None, 0)
    why, groups = ask(company, state, windowed(COUNT, {"column": "s_{window}", "measure": "sum", "windows_days": [28]}))
    assert why == "changed since the last night: measures; the whole log is read this once" and groups >= 3


def test_an_earlier_date_and_a_long_gap_are_made_from_the_stored_rows(company: Company, tmp_path: Path) -> None:
    state = tmp_path / "state"
    ask(company, state)
    for days in (-20, 100):
        company.day += dt.timedelta(days=days)
        assert ask(company, state) == (None, 0)


@pytest.mark.parametrize("what", ["manifest", "rows", "sums", "persons", "night_totals", "keys", "newest"])
def test_a_damaged_file_is_noticed_and_made_anew(company: Company, tmp_path: Path, what: str) -> None:
    """A byte is turned over, or the file is gone; the next night says so and gives the same as ever."""
    state = tmp_path / "state"
    ask(company, state)
    for absent in (False, True):
        company.day += DAY
        company.put(f"{company.day}.parquet", [company.event(company.moment(1)) for _ in range(3)])
        company.write()
        largest = max(state.glob(f"{what}*"), key=lambda path: path.stat().st_size)
        if absent:
            largest.unlink()
        else:
            content = bytearray(largest.read_bytes())
            content[len(content) // 2] ^= 0xFF
            largest.write_bytes(content)
        why, groups = ask(company, state)
        if what == "sums" and not absent:
            assert why == "the sums in the state folder are damaged: they are made anew from the stored rows"
        elif why is None:
            assert what in ("rows", "keys"), "nothing of the damaged file was read"
        else:
            assert why in (
                "the state folder is damaged: it is made anew from the whole log",
                "the state folder is empty: the whole log is read this once",
            )
            assert groups >= 3


@pytest.mark.parametrize("estimate", [False, True])
def test_missing_days_of_some_people(company: Company, tmp_path: Path, estimate: bool) -> None:
    """Days that one source did not deliver: left out or estimated, for those who have rows of it, as from the whole log."""
    days = [company.day - back * DAY for back in range(1, 6)]
    rows = [{"source": "crm", "business_date": day, "due_at": day, "received_at": ""} for day in days]
    pd.DataFrame(rows).to_csv(company.folder / "deliveries.csv", index=False)
    for number in range(2):
        company.day += DAY
        company.put(f"{number}-new.parquet", [company.event(company.moment(1)) for _ in range(5)])
        company.write()

        def from_state(night: NightLog) -> Evidence:
            night.as_of = company.day
            with open_data(company.folder, shipped().tables, today=TODAY, kept_log=night) as data:
                return build(data, EVERY, [company.day], kinds=KINDS, estimate=estimate)

        with open_data(company.folder, shipped().tables, today=TODAY) as data:
            expected = build(data, EVERY, [company.day], kinds=KINDS, estimate=estimate)
        given = run_night(tmp_path / "state", EVERY, from_state)
        assert expected.missing and given.missing == expected.missing
        assert not difference(given, expected)


def test_no_parquet_is_read_as_a_whole(company: Company, tmp_path: Path) -> None:
    rows = pd.concat(pd.read_parquet(path) for path in (company.folder / "events").iterdir())
    for path in (company.folder / "events").iterdir():
        path.unlink()
    (company.folder / "events").rmdir()
    rows.to_csv(company.folder / "events.csv", index=False)
    why, groups = ask(company, tmp_path / "state")
    assert why is not None and why.endswith(
        "is no Parquet log that is read as it stands: it is read as a whole every night"
    )
    assert groups == 0


def test_damaged_keys_are_noticed_when_new_keys_are_looked_up(company: Company, tmp_path: Path) -> None:
    """Only they would say that a new row corrects one of an old file."""
    state = tmp_path / "state"
    ask(company, state)
    for path in state.glob("keys*"):
        path.write_bytes(path.read_bytes()[:-1] + bytes([path.read_bytes()[-1] ^ 1]))
    company.put("new.parquet", [replace(company.event(company.moment(1)), event_id="new")])
    company.write()
    assert ask(company, state)[0] == "the state folder is damaged: it is made anew from the whole log"


def test_a_damaged_file_of_the_log_is_named(company: Company, tmp_path: Path) -> None:
    path = company.folder / "events" / "1.parquet"
    content = bytearray(path.read_bytes())
    content[4:60] = b"\xff" * 56
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"1\.parquet: cannot be read"):
        nightly(company.folder, tmp_path / "state", DEFINITIONS, company.day)


def test_a_full_disk_is_said_and_the_night_can_be_run_again(company: Company, tmp_path: Path) -> None:
    state = tmp_path / "disk" / "state"
    with small_disk(tmp_path / "disk", megabytes=4) as disk:
        fill(disk)
        with pytest.raises(DiskFull, match="no space left"):
            nightly(company.folder, state, DEFINITIONS, company.day)
        make_space(disk)
        ask(company, state)


def test_a_killed_night_leaves_the_old_state_or_the_new_one(tmp_path: Path) -> None:
    kills, wrong = kill_nights(tmp_path, DEFINITIONS, times=6, seed=5)
    assert kills.total() and wrong == []
