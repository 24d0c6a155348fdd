"""A log in folders of Parquet files is the same log, and says in which file a row is wrong."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from perfml.errors import DataError
from perfml.evidence.fingerprint import fingerprint
from perfml.evidence.sources import Data
from perfml.mapping.propose import propose
from perfml.mapping.sheets import sheets_of
from tests.evidence.exports.test_mapped import read
from tests.evidence.lake.files import one_file, parted, write_part
from tests.tables import difference, evidence, nothing_lost, opened, quarantined, shipped, usable_rows

AS_OF = dt.date(2024, 2, 1)
ODD = "select '009' as employee_id, 'soon' as happened_at, 'login' as kind, 1.0 as value, 'w1' as event_id"
GOOD = "select '007' as employee_id, timestamp '2024-01-30' as happened_at, 'login' as kind, 1.0 as value, 'w2' as event_id"


def test_a_parted_log_gives_the_evidence_and_the_fingerprint_of_one_file(tmp_path: Path) -> None:
    whole, parts = one_file(tmp_path / "whole"), parted(tmp_path / "parts").parent
    assert len(list(parts.rglob("*.parquet"))) == 13
    assert difference(evidence(whole, shipped(), [AS_OF]), evidence(parts, shipped(), [AS_OF])) == ""
    with opened(whole) as first, opened(parts) as second:
        assert fingerprint(first, until=AS_OF) == fingerprint(second, until=AS_OF)
        assert len(usable_rows(second, "events")) == 60
        nothing_lost(second)


def test_plain_parts_need_no_names_of_columns(tmp_path: Path) -> None:
    log = parted(tmp_path)
    for number, path in enumerate(sorted(log.rglob("*.parquet"))):
        path.rename(log / f"part-{number}.parquet")
    with opened(tmp_path) as data:
        assert len(usable_rows(data, "events")) == 60


def test_what_a_job_has_not_finished_is_no_part(tmp_path: Path) -> None:
    log = parted(tmp_path)
    write_part(log, "_temporary/0/part-0.parquet", GOOD)
    write_part(log, ".staging/part-0.parquet", GOOD)
    (log / "_SUCCESS").touch()
    with opened(tmp_path) as data:
        assert len(usable_rows(data, "events")) == 60


def test_a_row_that_is_set_aside_is_quoted_with_file_and_row(tmp_path: Path) -> None:
    write_part(parted(tmp_path), "day=2024-01-30/late.parquet", f"{GOOD.replace('timestamp', '')} union all {ODD}")
    with opened(tmp_path) as data:
        assert quarantined(data) == [("events", "wrong_type", "happened_at", "w1")]
        places = data.connection.execute("select value, file, row_in_file from quarantine").fetchall()
        assert places == [("soon", "day=2024-01-30/late.parquet", 2)]
        assert len(usable_rows(data, "events")) == 61


def test_a_column_in_the_names_of_folders_is_read_as_text(tmp_path: Path) -> None:
    log = parted(tmp_path)
    for path in log.rglob("*.parquet"):
        path.unlink()
    write_part(log, "employee_id=007/part.parquet", GOOD.replace("'007' as employee_id, ", ""))
    write_part(log, "employee_id=008/part.parquet", GOOD.replace("'007' as employee_id, ", "").replace("w2", "w3"))
    with opened(tmp_path) as data:
        assert [row[0] for row in usable_rows(data, "events")] == ["007", "008"]


def test_only_the_partitions_that_are_asked_for_are_read(tmp_path: Path) -> None:
    log = parted(tmp_path)
    mapping = 'file = "log"\n[columns]\nemployee_id = "employee_id"\nhappened_at = "day"\nkind = "kind"'
    log.rename(tmp_path / "log")
    with read(tmp_path, events=mapping) as data:
        assert "Scanning Files: 1/13" in scan(data, "happened_at = timestamp '2024-01-03'")
        assert "Scanning Files: 3/13" in scan(data, "usable_day < date '2024-01-04'")
        assert "value" not in scan(data, "true") and "event_id" not in scan(data, "true")


def test_row_groups_of_other_days_are_passed_over(tmp_path: Path) -> None:
    parted(tmp_path)
    with opened(tmp_path) as data:
        assert "optional: (happened_at <" in scan(data, "happened_day < date '2024-01-04'")


def scan(data: Data, condition: str) -> str:
    """How DuckDB reads the files for those rows of the log."""
    plan = data.connection.execute(f"explain select employee_id, kind from events where {condition}").fetchall()
    return str(plan[0][1]).rpartition("Read Parquet")[2]


def test_a_mapping_names_a_folder(tmp_path: Path) -> None:
    parted(tmp_path, "raw/clicks")
    with read(tmp_path, events='file = "raw/clicks"\n') as data:
        assert len(usable_rows(data, "events")) == 60
    with pytest.raises(DataError, match=r"raw/click'.*did you mean 'raw/clicks'"):
        read(tmp_path, events='file = "raw/click"\n', strict=True)


REFUSED = {
    "no Parquet files": ("day=2024-01-01/part.csv", None, "holds no Parquet files"),
    "folders of other columns": ("week=1/part.parquet", GOOD, "week=1/part.parquet lies in folders of week"),
    "a column twice": (
        "day=2024-01-30/part.parquet",
        f"{GOOD}, date '2024-01-30' as day",
        "stands in part.parquet and in",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_names_the_file(case: str, tmp_path: Path) -> None:
    name, sql, problem = REFUSED[case]
    log = tmp_path / "events"
    if sql is None:
        one_file(tmp_path)
        (tmp_path / "events.parquet").unlink()
        log.mkdir()
    else:
        write_part(parted(tmp_path), name, sql)
    with pytest.raises(DataError, match=problem) as error:
        opened(tmp_path)
    assert error.value.where == str(log) and error.value.remedy


def test_a_damaged_part_is_named(tmp_path: Path) -> None:
    path = write_part(parted(tmp_path), "day=2024-01-30/part.parquet", GOOD)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match=r"day=2024-01-30/part\.parquet"):
        opened(tmp_path)


def test_an_iceberg_folder_is_not_read_as_plain_files(tmp_path: Path) -> None:
    (parted(tmp_path) / "metadata").mkdir()
    (tmp_path / "events/metadata/00000.metadata.json").write_text("{}")
    with pytest.raises(DataError, match=r"is an Iceberg table.*iceberg:CATALOGUE"):
        opened(tmp_path)


def test_a_mapping_is_proposed_for_a_parted_folder(tmp_path: Path) -> None:
    """The day of its folder is left out where the rows have their own moment."""
    parted(tmp_path, "raw/clicks")
    sheets, problems = sheets_of(tmp_path)
    log = next(sheet for sheet in sheets if sheet.file == "raw/clicks")
    assert problems == [] and log.columns == ["employee_id", "happened_at", "kind", "value", "event_id"]
    table = next(table for table in propose(tmp_path, shipped().tables).tables if table.table == "events")
    assert table.sheet.file == "raw/clicks" and {column.standing for column in table.columns} == {"sure"}
