"""What has changed in a table since the last run is told file by file, also where no date is later than it was."""

from __future__ import annotations

import datetime as dt
import logging
import tomllib
from pathlib import Path

import pytest

from perfml.evidence.lake.partitions import ChangedPartitions, changed, partitions
from perfml.project.mapping_spec import MappingSpec
from perfml.project.spec import parse
from tests.evidence.lake.files import one_file, parted, people, write_part
from tests.evidence.lake.s3 import s3_server

ROW = "select '007' as employee_id, timestamp '2024-01-03' as happened_at, 'login' as kind, {}::double as value"
NOTHING = ChangedPartitions(added=(), rewritten=(), removed=())


def mapped(text: str) -> dict[str, MappingSpec]:
    return {"events": parse(MappingSpec, {"table": "events", **tomllib.loads(text)}, file="sources/events.toml")}


def test_a_folder_of_parts_on_disk(tmp_path: Path) -> None:
    log = parted(tmp_path)
    before = partitions(tmp_path, "events")
    assert before is not None and len(before) == 13 and before[0].name == "day=2024-01-01/data_0.parquet"
    assert changed(before, partitions(tmp_path, "events") or ()) == NOTHING
    write_part(log, "day=2024-01-03/late.parquet", ROW.format(1))
    (log / "day=2024-01-05/data_0.parquet").unlink()
    path = log / "day=2024-01-01/data_0.parquet"
    content = bytearray(path.read_bytes())
    content[8] ^= 1
    path.write_bytes(content)
    assert changed(before, partitions(tmp_path, "events") or ()) == ChangedPartitions(
        added=("day=2024-01-03/late.parquet",),
        rewritten=("day=2024-01-01/data_0.parquet",),
        removed=("day=2024-01-05/data_0.parquet",),
    )


def test_one_file_a_mapping_and_packets(tmp_path: Path) -> None:
    one_file(tmp_path)
    packet = write_part(tmp_path / "inbox", "events-1.parquet", ROW.format(1))
    names = [each.name for each in partitions(tmp_path, "events", packets=[packet]) or ()]
    assert names == ["events.parquet", "packets/events-1.parquet"]
    mapping = mapped('file = "events.par*"')
    assert [each.name for each in partitions(tmp_path, "events", mappings=mapping) or ()] == ["events.parquet"]
    assert partitions(tmp_path, "reviews") == ()


def test_objects_are_asked_for_their_tags(tmp_path: Path) -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with s3_server(tmp_path / "s3") as bucket:
        write_part(tmp_path / "log", "day=2024-01-03/a.parquet", ROW.format(1))
        write_part(tmp_path / "log", "day=2024-01-04/a.parquet", ROW.format(1))
        address = bucket.upload(tmp_path / "log", "lake/log")
        mapping = mapped(f'file = "{address}"')
        before = partitions(people(tmp_path), "events", mappings=mapping)
        assert before is not None and len(before) == 2
        write_part(tmp_path / "log", "day=2024-01-03/a.parquet", ROW.format(2))
        bucket.upload(tmp_path / "log", "lake/log")
        after = partitions(tmp_path, "events", mappings=mapping) or ()
        assert changed(before, after).rewritten == ("day=2024-01-03/a.parquet",)


def test_a_delta_table_says_it_in_its_log(tmp_path: Path) -> None:
    deltalake = pytest.importorskip("deltalake", reason='needs the extra "perfml[delta]"')
    pa = pytest.importorskip("pyarrow")
    rows = pa.table({"employee_id": ["007", "008"], "day": [dt.date(2024, 1, 3), dt.date(2024, 1, 4)]})
    deltalake.write_deltalake(tmp_path / "log", rows, partition_by=["day"])
    mapping = mapped(f'file = "delta:{tmp_path}/log"')
    before = partitions(people(tmp_path), "events", mappings=mapping) or ()
    deltalake.DeltaTable(tmp_path / "log").delete("day = '2024-01-04'")
    after = partitions(tmp_path, "events", mappings=mapping) or ()
    assert [name.partition("/")[0] for name in changed(before, after).removed] == ["day=2024-01-04"]
    assert changed(before, after).added == changed(before, after).rewritten == ()
