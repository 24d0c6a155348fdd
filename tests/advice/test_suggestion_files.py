"""A kept suggestion is found by its id, in whichever file and row group it lies."""

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from perfml.advice.suggestion_files import find_suggestion, keep_suggestions
from perfml.scoring import sealed_files as tables


def test_the_newest_row_of_an_id_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "ROW_GROUP", 3)
    for month, numbers in ((1, range(10)), (2, range(4, 12)), (3, range(0))):
        rows = {
            "suggestion_id": [f"s{n}" for n in numbers],
            "month": [month] * len(numbers),
            "list": [[n] for n in numbers],
        }
        path = keep_suggestions(pa.table(rows), tmp_path, policy="policy", as_of=dt.date(2026, month, 1))
        assert pq.read_metadata(path).num_row_groups >= len(numbers) / 3
    for n, month in ((0, 1), (3, 1), (4, 2), (7, 2), (11, 2)):
        assert find_suggestion(tmp_path, f"s{n}") == {"suggestion_id": f"s{n}", "month": month, "list": [n]}
    assert find_suggestion(tmp_path, "s12") is None
