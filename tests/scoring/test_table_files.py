"""Tables written part by part read like tables written at once."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from perfml.scoring.sealed_files import write_sealed
from perfml.scoring.table_files import read_parts, read_rows, write_parts

WHOLE = pa.table(
    {"who": ["a", "b", "c", "d"], "rank": pa.array([1, 2, 3, None], pa.int32()), "of": [[1], [], None, [2]]}
)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_parts_make_the_same_file_as_the_whole(tmp_path: Path, ending: str) -> None:
    whole, other = tmp_path / f"one.{ending}", tmp_path / f"other.{ending}"
    write_parts([WHOLE], whole)
    write_parts([WHOLE.slice(0, 2), WHOLE.slice(2)], other)
    if ending == "csv":
        assert whole.read_text("utf-8-sig") == other.read_text("utf-8-sig") == "who,rank,of\na,1,1\nb,2,\nc,3,\nd,,2\n"
    else:
        assert pq.read_table(other).equals(WHOLE)


def test_the_rows_of_a_sealed_file_are_read_in_parts_by_column_and_by_value(tmp_path: Path) -> None:
    path = write_sealed([WHOLE.slice(0, 1), WHOLE.slice(1)], tmp_path, "scores/m/2026-01-01.parquet")
    assert pa.concat_tables(read_parts(path, rows=3)).equals(WHOLE) and read_rows(path).equals(WHOLE)
    assert read_rows(path, names=["rank"], only=("who", "b")).to_pylist() == [{"rank": 2}]
    assert read_rows(path, only=("who", "nobody")).to_pylist() == []
