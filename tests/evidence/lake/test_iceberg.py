"""An Iceberg table is its newest snapshot: columns keep their identity when they are renamed, and deleted rows are gone."""

from __future__ import annotations

import datetime as dt
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from perfml.errors import DataError
from perfml.evidence.features import build
from tests.evidence.exports.test_mapped import read
from tests.evidence.lake.files import LOG, one_file, people
from tests.evidence.lake.s3 import HAS_MOTO, SECRET, s3_server
from tests.tables import difference, evidence, shipped, usable_rows

pytest.importorskip("pyiceberg", reason='needs the extra "perfml[iceberg]"')
if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table

AS_OF = dt.date(2024, 2, 1)


def log() -> pa.Table:
    with duckdb.connect() as connection:
        table = connection.sql(f"select *, happened_at::date as day from ({LOG})").to_arrow_table()
    return table.set_column(3, "value", table["value"].cast(pa.float64()))


@pytest.fixture
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Catalog]:
    from pyiceberg.catalog.sql import SqlCatalog

    monkeypatch.setenv("PYICEBERG_CATALOG__LAKE__TYPE", "sql")
    monkeypatch.setenv("PYICEBERG_CATALOG__LAKE__URI", f"sqlite:///{tmp_path}/catalogue.db")
    (tmp_path / "warehouse").mkdir()
    opened = SqlCatalog("lake", uri=f"sqlite:///{tmp_path}/catalogue.db", warehouse=f"file://{tmp_path}/warehouse")
    opened.create_namespace("hr")
    yield opened
    opened.close()


def written(catalogue: Catalog) -> Table:
    from pyiceberg.transforms import IdentityTransform

    rows = log()
    table = catalogue.create_table("hr.events", schema=rows.schema)
    with table.update_spec() as update:
        update.add_field("day", IdentityTransform())
    table.append(rows)
    return table


def test_an_iceberg_table_gives_the_evidence_of_one_file(tmp_path: Path, catalogue: Catalog) -> None:
    local = evidence(one_file(tmp_path / "whole"), shipped(), [AS_OF])
    table = written(catalogue)
    later = log().slice(0, 1).set_column(5, "day", pa.array([dt.date(2024, 3, 1)], pa.date32()))
    table.append(later)
    table.delete("day = '2024-03-01'")
    with read(people(tmp_path / "people"), events='file = "iceberg:lake.hr.events"', strict=True) as data:
        assert difference(local, build(data, shipped(), [AS_OF])) == ""


def test_a_renamed_and_an_added_column_in_files_of_all_ages(tmp_path: Path, catalogue: Catalog) -> None:
    from pyiceberg.types import StringType

    table = catalogue.create_table("hr.events", schema=log().rename_columns({"kind": "what"}).schema)
    table.append(log().slice(0, 30).rename_columns({"kind": "what"}))
    with table.update_schema() as update:
        update.rename_column("what", "kind")
        update.add_column("source", StringType())
    newer = log().slice(30).append_column("source", pa.array(["crm"] * 30))
    table.append(newer)
    with read(people(tmp_path), events='file = "iceberg:lake.hr.events"', strict=True) as data:
        rows = data.connection.execute("select count(*), count(kind), count(source) from events").fetchall()
        assert rows == [(60, 60, 30)]


def test_deleted_positions_are_gone(tmp_path: Path, catalogue: Catalog) -> None:
    """As Spark and Flink write them: pyiceberg does not, so the file of positions is put into the snapshot here."""
    from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
    from pyiceberg.table import DataScan, FileScanTask
    from pyiceberg.typedef import Record

    table = written(catalogue)
    tasks = list(table.scan().plan_files())
    chosen = next(task for task in tasks if task.file.record_count > 2)
    positions = Path(table.location().removeprefix("file://")) / "data" / "deletes.parquet"
    pq.write_table(pa.table({"file_path": [chosen.file.file_path] * 2, "pos": pa.array([0, 2], pa.int64())}), positions)
    delete = DataFile.from_args(
        content=DataFileContent.POSITION_DELETES,
        file_path=f"file://{positions}",
        file_format=FileFormat.PARQUET,
        partition=Record(),
        record_count=2,
        file_size_in_bytes=positions.stat().st_size,
    )
    tasks[tasks.index(chosen)] = FileScanTask(chosen.file, delete_files={delete})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DataScan, "plan_files", lambda _scan: tasks)
        with read(people(tmp_path), events='file = "iceberg:lake.hr.events"', strict=True) as data:
            assert len(usable_rows(data, "events")) == 58
            before = pq.ParquetFile(chosen.file.file_path.removeprefix("file://")).read()["event_id"].to_pylist()
            present = {row[0] for row in data.connection.execute("select event_id from events").fetchall()}
            assert [event in present for event in before] == [False, True, False, *[True] * (len(before) - 3)]


def test_plain_files_that_were_added_are_refused(tmp_path: Path, catalogue: Catalog) -> None:
    table = catalogue.create_table("hr.events", schema=log().schema)
    pq.write_table(log(), tmp_path / "plain.parquet")
    table.add_files([f"file://{tmp_path}/plain.parquet"])
    with pytest.raises(DataError, match=r"iceberg:lake.hr.events: 1 of its files.*plain\.parquet.*anew"):
        read(people(tmp_path), events='file = "iceberg:lake.hr.events"', strict=True)


@pytest.mark.parametrize("name", ["lake.hr.nothing", "lake", "none.hr.events"])
def test_what_is_not_in_the_catalogue_is_named(name: str, tmp_path: Path, catalogue: Catalog) -> None:
    with pytest.raises(DataError, match=f"iceberg:{name}: ") as error:
        read(people(tmp_path), events=f'file = "iceberg:{name}"', strict=True)
    assert error.value.remedy


def test_a_catalogue_that_is_away_is_named_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYICEBERG_CATALOG__AWAY__TYPE", "sql")
    monkeypatch.setenv("PYICEBERG_CATALOG__AWAY__URI", f"sqlite:////nowhere/{SECRET}/catalogue.db")
    monkeypatch.setenv("CATALOGUE_PASSWORD", SECRET)
    with pytest.raises(DataError, match=r"iceberg:away\.hr\.events: cannot be read") as error:
        read(people(tmp_path), events='file = "iceberg:away.hr.events"', strict=True)
    assert SECRET not in str(error.value)


@pytest.mark.skipif(
    not HAS_MOTO, reason="pyiceberg writes its table through S3: install moto[s3], flask and flask-cors"
)
def test_an_iceberg_table_on_s3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pyiceberg.catalog.sql import SqlCatalog

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with s3_server(tmp_path / "s3"):
        monkeypatch.setenv("PYICEBERG_CATALOG__LAKE__TYPE", "sql")
        monkeypatch.setenv("PYICEBERG_CATALOG__LAKE__URI", f"sqlite:///{tmp_path}/catalogue.db")
        endpoint = os.environ["AWS_ENDPOINT_URL"]
        monkeypatch.setenv("PYICEBERG_CATALOG__LAKE__S3__ENDPOINT", endpoint)
        settings = {
            "uri": f"sqlite:///{tmp_path}/catalogue.db",
            "warehouse": "s3://lake/warehouse",
            "s3.endpoint": endpoint,
        }
        catalogue = SqlCatalog("lake", **settings)
        catalogue.create_namespace("hr")
        written(catalogue)
        with read(people(tmp_path), events='file = "iceberg:lake.hr.events"', strict=True) as data:
            assert len(usable_rows(data, "events")) == 60
        catalogue.close()
