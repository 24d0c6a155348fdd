"""Nights on lakes: a log on object storage, and one that is a Delta table, read as far as they are new."""

from __future__ import annotations

import datetime as dt
import logging
from pathlib import Path

import pandas as pd
import pyarrow.compute as pc
import pytest

from perfml.evidence.features import build
from perfml.evidence.fingerprint import digests
from perfml.evidence.nightly.night import NightLog, run_night
from perfml.evidence.sources import open_data
from tests.evidence.lake.files import LOG, PEOPLE, log_rows, parted, people, write_part
from tests.evidence.lake.s3 import s3_server
from tests.evidence.nightly.test_state import DEFINITIONS
from tests.tables import TODAY, difference, draw, shipped

DAY = dt.timedelta(days=1)
NIGHTS = [dt.date(2024, 1, 12), dt.date(2024, 1, 13), dt.date(2024, 1, 14)]


def night(source: Path | str, state: Path, day: dt.date) -> int:
    """Ask for a night, which must be as the whole log has it; return how many row groups were read."""

    def run(night_log: NightLog) -> int:
        night_log.as_of = day
        with (
            open_data(source, shipped().tables, today=TODAY, kept_log=night_log) as data,
            open_data(source, shipped().tables, today=TODAY) as whole,
        ):
            assert difference(build(data, DEFINITIONS, [day]), build(whole, DEFINITIONS, [day])) == ""
            assert digests(data, until=day) == digests(whole, until=day)
            assert data.kept_log is night_log
        return night_log.read

    return run_night(state, DEFINITIONS, run)


def test_a_log_on_s3_is_read_file_by_file_as_it_comes(tmp_path: Path) -> None:
    """The file that comes repeats the key of a row in an old one, which is read again."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    parted(tmp_path / "company")
    pd.DataFrame(draw(PEOPLE)).to_parquet(tmp_path / "company" / "employees.parquet")
    again = f"select * from ({LOG}) where event_id = 'v7'"
    with s3_server(tmp_path / "s3") as bucket:
        address = bucket.upload(tmp_path / "company", "lake/company")
        read = [night(address, tmp_path / "state", NIGHTS[0])]
        write_part(tmp_path / "new", f"day={NIGHTS[0]}/again.parquet", again)
        bucket.upload(tmp_path / "new", "lake/company/events")
        read.append(night(address, tmp_path / "state", NIGHTS[1]))
    assert read == [13, 2]


def test_a_delta_table_is_read_as_far_as_its_log_names_new_files(tmp_path: Path) -> None:
    """A day is appended; a row is taken out of an older one, whose file is another one then."""
    deltalake = pytest.importorskip("deltalake", reason='needs the extra "perfml[delta]"')
    table, rows = people(tmp_path / "company") / "events", log_rows()
    days = pc.field("day")
    deltalake.write_deltalake(table, rows.filter(days < NIGHTS[0]), partition_by=["day"])
    read = [night(tmp_path / "company", tmp_path / "state", NIGHTS[0])]
    deltalake.write_deltalake(table, rows.filter(days == NIGHTS[0]), mode="append")
    read.append(night(tmp_path / "company", tmp_path / "state", NIGHTS[1]))
    deltalake.DeltaTable(table).delete("event_id = 'v7'")
    read.append(night(tmp_path / "company", tmp_path / "state", NIGHTS[2]))
    assert read == [11, 1, 1]
