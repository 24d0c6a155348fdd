"""The same tables on object storage: the same evidence, few requests, and no secret in an error."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from perfml.errors import DataError
from perfml.evidence.features import build
from perfml.evidence.fingerprint import fingerprint
from perfml.evidence.sources import open_data
from tests.evidence.exports.test_mapped import read
from tests.evidence.lake.files import PEOPLE, one_file, parted, people, write_part
from tests.evidence.lake.s3 import SECRET, Bucket, s3_server
from tests.tables import TODAY, difference, draw, evidence, shipped, usable_rows

AS_OF = dt.date(2024, 2, 1)


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with s3_server(tmp_path_factory.mktemp("s3")) as opened:
        yield opened


@pytest.fixture(scope="module")
def log(bucket: Bucket, tmp_path_factory: pytest.TempPathFactory) -> str:
    return bucket.upload(parted(tmp_path_factory.mktemp("local")), "lake/hr/events")


def test_a_log_on_s3_gives_the_evidence_and_the_fingerprint_of_one_file(log: str, tmp_path: Path) -> None:
    whole, folder = one_file(tmp_path / "whole"), people(tmp_path / "people")
    local = evidence(whole, shipped(), [AS_OF])
    with read(folder, events=f'file = "{log}"', strict=True) as data, open_data(whole, shipped().tables) as first:
        assert difference(local, build(data, shipped(), [AS_OF])) == ""
        assert fingerprint(first, until=AS_OF) == fingerprint(data, until=AS_OF)


def test_a_whole_company_on_s3(bucket: Bucket, tmp_path: Path) -> None:
    parted(tmp_path)
    pd.DataFrame(draw(PEOPLE)).to_parquet(tmp_path / "employees.parquet")
    (tmp_path / "employees.csv").unlink()
    address = bucket.upload(tmp_path, "lake/whole")
    with open_data(address, shipped().tables, today=TODAY) as data:
        assert data.source == address
        assert len(usable_rows(data, "events")) == 60 and len(usable_rows(data, "employees")) == 2
        assert [notice.code for notice in data.notices] == ["columns_ignored"]  # day, which happened_at says too
    with read(tmp_path, employees='file = "employees.parquet"', events=f'file = "{address}/events"') as data:
        assert len(usable_rows(data, "events")) == 60


def test_a_folder_that_spark_named_like_a_file(bucket: Bucket, tmp_path: Path) -> None:
    parted(tmp_path, "events.parquet")
    address = bucket.upload(tmp_path / "events.parquet", "lake/spark/events.parquet")
    with read(tmp_path, events=f'file = "{address}"') as data:
        assert len(usable_rows(data, "events")) == 60


def test_a_row_that_is_set_aside_is_quoted_with_object_and_row(bucket: Bucket, tmp_path: Path) -> None:
    odd = "select '007' as employee_id, 'soon' as happened_at, 'login' as kind"
    write_part(tmp_path / "odd", "day=2024-01-30/part.parquet", odd)
    address = bucket.upload(tmp_path / "odd", "lake/odd")
    with read(people(tmp_path), events=f'file = "{address}"') as data:
        places = data.connection.execute("select value, file, row_in_file from quarantine").fetchall()
        assert places == [("soon", "day=2024-01-30/part.parquet", 1)]


def test_what_is_not_there_and_what_is_damaged_are_named(bucket: Bucket, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"s3://lake/nothing: is not there.*AWS_DEFAULT_REGION"):
        read(people(tmp_path), events='file = "s3://lake/nothing"', strict=True)
    damaged = tmp_path / "damaged/day=2024-01-30"
    damaged.mkdir(parents=True)
    (damaged / "part.parquet").write_bytes(b"no Parquet at all, but long enough to look at")
    bucket.upload(damaged.parent, "lake/damaged")
    with pytest.raises(DataError, match=r"s3://lake/damaged/day=2024-01-30/part\.parquet"):
        read(people(tmp_path), events='file = "s3://lake/damaged"', strict=True)


def test_credentials_belong_into_the_environment(bucket: Bucket, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="in the environment") as error:
        read(people(tmp_path), events=f'file = "s3://who:{SECRET}@lake/events"', strict=True)
    assert SECRET not in str(error.value)
    with pytest.raises(DataError, match="in the environment") as error:
        open_data(f"s3://lake/events?secret_key={SECRET}", shipped().tables)
    assert SECRET not in str(error.value)


def test_a_server_that_is_away_is_named_without_secrets(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:1/{SECRET}")
    monkeypatch.setattr("perfml.evidence.exports.retrying.FIRST_PAUSE_SECONDS", 0.0)
    with pytest.raises(DataError, match="s3://lake/hr/events: cannot be read") as error:
        read(people(tmp_path), events='file = "s3://lake/hr/events"', strict=True)
    assert SECRET not in str(error.value) and error.value.remedy
