"""The hash of rows sees every value, and not how they are stored."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from perfml.scoring.content_hash import content_hash

REASON = pa.struct([("evidence", pa.string()), ("value", pa.float64()), ("steady", pa.bool_())])
SCHEMA = pa.schema(
    [
        ("person", pa.string()),
        ("rank", pa.int32()),
        ("risk", pa.float64()),
        ("as_of", pa.date32()),
        ("at", pa.timestamp("us")),
        ("reasons", pa.list_(REASON)),
    ]
)


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "person": maybe(st.text(max_size=4)),
            "rank": maybe(st.integers(0, 9)),
            "risk": maybe(st.sampled_from([0.0, 0.1, 0.5])),
            "as_of": maybe(st.dates(dt.date(2025, 1, 1), dt.date(2025, 1, 9))),
            "at": maybe(st.datetimes(dt.datetime(2025, 1, 1), dt.datetime(2025, 1, 2))),
            "reasons": maybe(
                st.lists(
                    maybe(
                        st.fixed_dictionaries(
                            {
                                "evidence": maybe(st.text(max_size=2)),
                                "value": maybe(st.sampled_from([0.0, 1.5])),
                                "steady": maybe(st.booleans()),
                            }
                        )
                    ),
                    max_size=2,
                )
            ),
        }
    ),
    max_size=6,
)


def table(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=SCHEMA)


@given(ROWS, st.integers(0, 6))
def test_parts_files_and_types_do_not_matter(rows: list[dict[str, Any]], cut: int) -> None:
    whole = table(rows)
    stored = io.BytesIO()
    pq.write_table(whole, stored, row_group_size=2)
    wider = whole.set_column(1, "rank", whole["rank"].cast(pa.int64()))
    encoded = whole.set_column(0, "person", whole["person"].dictionary_encode())
    expected = content_hash([whole])
    for parts in ([whole[:cut], whole[cut:]], [pq.read_table(stored)], [wider], [encoded]):
        assert content_hash(parts) == expected


@given(ROWS, ROWS)
def test_other_rows_have_another_hash(rows: list[dict[str, Any]], others: list[dict[str, Any]]) -> None:
    assert (content_hash([table(rows)]) == content_hash([table(others)])) == (rows == others)


def test_each_value_counts() -> None:
    """Pairs that a careless sum of bytes would take for each other."""
    row = {"person": "ab", "rank": 0, "risk": 0.0, "reasons": [{"evidence": "x", "value": 0.0, "steady": False}]}
    others: list[list[dict[str, Any]]] = [
        [row | {"person": None}],
        [row | {"rank": None}],
        [row | {"risk": None}],
        [row | {"reasons": []}],
        [row | {"reasons": None}],
        [row | {"reasons": [None]}],
        [row | {"reasons": [{"evidence": "x", "value": 0.0, "steady": None}]}],
        [row | {"person": "a"}, row | {"person": "b"}],
        [row, row],
        [],
    ]
    hashes = {content_hash([table(rows)]) for rows in ([row], *others)}
    assert len(hashes) == len(others) + 1
