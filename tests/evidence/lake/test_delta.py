"""A Delta table is its newest version: rows that were deleted or replaced are in its folder and not in it."""

from __future__ import annotations

import datetime as dt
import json
import logging
from pathlib import Path

import pyarrow as pa
import pytest

from perfml.errors import DataError
from perfml.evidence.features import build
from tests.evidence.exports.test_mapped import read
from tests.evidence.lake.files import log_rows, one_file, people
from tests.evidence.lake.s3 import s3_server
from tests.tables import difference, evidence, opened, shipped, usable_rows

deltalake = pytest.importorskip("deltalake", reason='needs the extra "perfml[delta]"')
AS_OF = dt.date(2024, 2, 1)


def written(folder: Path) -> Path:
    """The log of the company, written with one day too much that is deleted again."""
    rows = log_rows()
    later = rows.slice(0, 1).set_column(5, "day", pa.array([dt.date(2024, 3, 1)], pa.date32()))
    deltalake.write_deltalake(folder, rows, partition_by=["day"])
    deltalake.write_deltalake(folder, later, mode="append")
    deltalake.DeltaTable(folder).delete("day = '2024-03-01'")
    return folder


def test_a_delta_table_gives_the_evidence_of_one_file(tmp_path: Path) -> None:
    local = evidence(one_file(tmp_path / "whole"), shipped(), [AS_OF])
    folder = written(tmp_path / "delta")
    with read(people(tmp_path / "people"), events=f'file = "delta:{folder}"', strict=True) as data:
        assert len(list(folder.rglob("*.parquet"))) == 14
        assert difference(local, build(data, shipped(), [AS_OF])) == ""


def test_a_folder_with_a_delta_log_is_read_as_delta(tmp_path: Path) -> None:
    written(people(tmp_path) / "events")
    with opened(tmp_path) as data:
        assert len(usable_rows(data, "events")) == 60


def test_values_that_folders_write_in_another_way(tmp_path: Path) -> None:
    rows = pa.table(
        {
            "employee_id": ["007", "008", "007"],
            "kind": ["a/b c", "100 %", "评审"],
            "happened_at": [dt.datetime(2024, 1, day, tzinfo=dt.UTC) for day in (1, 2, 3)],
            "value": [1.0, 2.0, None],
        }
    )
    deltalake.write_deltalake(tmp_path / "kinds", rows, partition_by=["kind", "value"])
    with read(people(tmp_path), events='file = "kinds"') as data:
        assert sorted(str(row[2]) for row in usable_rows(data, "events")) == ["100 %", "a/b c", "评审"]
        assert sorted(str(row[3]) for row in usable_rows(data, "events")) == ["1.0", "2.0", "None"]


def test_a_table_whose_files_do_not_say_its_rows_is_refused(tmp_path: Path) -> None:
    folder = written(tmp_path / "delta")
    protocol = {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["columnMapping", "timestampNtz"]}
    features = {**protocol, "writerFeatures": ["columnMapping", "timestampNtz"]}
    entry = folder / "_delta_log" / f"{len(list(folder.glob('_delta_log/*.json'))):020}.json"
    entry.write_text(json.dumps({"protocol": features}) + "\n")
    with pytest.raises(DataError, match=r"uses columnMapping.*anew"):
        read(people(tmp_path), events=f'file = "delta:{folder}"', strict=True)


def test_what_is_no_delta_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"{tmp_path}/nothing: cannot be read") as error:
        read(people(tmp_path), events=f'file = "delta:{tmp_path}/nothing"', strict=True)
    assert error.value.remedy


def test_a_delta_table_on_s3(tmp_path: Path) -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    folder = written(tmp_path / "delta")
    with s3_server(tmp_path / "s3") as bucket:
        address = bucket.upload(folder, "lake/delta")
        for file in (f"delta:{address}", address):
            with read(people(tmp_path), events=f'file = "{file}"', strict=True) as data:
                assert len(usable_rows(data, "events")) == 60
