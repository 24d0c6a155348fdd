"""What scoring on Spark is made of, without Spark: the numbers of people as bytes, models on their way, ranks as rows pass by."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from perfml import ModelError
from perfml.learning.estimators.coherence import coherent
from perfml.learning.registry.shipping import ShippedModel
from perfml.project.model_spec import ListSpec
from perfml.scoring.batches.listing import cuts_of, list_key, listed
from perfml.scoring.batches.packing import (
    packed,
    packed_bits,
    packed_incidences,
    unpacked,
    unpacked_bits,
    unpacked_incidences,
)
from perfml.scoring.batches.ranking import ranked
from perfml.scoring.batches.rows import SCHEMA
from perfml.scoring.batches.tasks import margins_of
from perfml.scoring.sealed_files import in_groups
from tests.simulated import Simulated


def test_numbers_and_bits_come_back() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(7, 11))
    values[2, 3] = np.nan
    np.testing.assert_array_equal(unpacked(packed(values).slice(2), width=11), values[2:])
    np.testing.assert_array_equal(unpacked_bits(packed_bits(values > 0), width=11), values > 0)
    assert unpacked(packed(values[:0]), width=11).shape == (0, 11)


def test_predictions_of_several_horizons_and_causes_come_back() -> None:
    """Those whose margins had to be pooled, and whose causes add up to more than 1, too."""
    incidences = coherent(np.random.default_rng(1).normal(1, 2, size=(50, 2, 3)))
    assert (incidences.pooled != np.eye(3)).any() and incidences.shift.any()
    back = unpacked_incidences(packed_incidences(incidences), n_causes=2, n_horizons=3)
    for name in ("margin", "pooled", "shift", "incidence"):
        np.testing.assert_array_equal(getattr(back, name), getattr(incidences, name))


@pytest.mark.parametrize("size", [1, 3, 100])
def test_ranks_and_bands_go_on_from_part_to_part(size: int) -> None:
    rows = [{"status": "scored" if number < 8 else "held"} for number in range(10)]
    whole = pa.Table.from_pylist(rows, schema=SCHEMA)
    parts = [whole.slice(low, size) for low in range(0, 10, size)]
    listed = pa.concat_tables(ranked(parts, n_scored=8, spec=ListSpec(capacity_people=2), proven=True))
    assert listed.schema == SCHEMA
    assert listed.column("rank").to_pylist() == [*range(1, 9), None, None]
    assert listed.column("band").to_pylist() == ["act"] * 2 + ["watch"] * 2 + ["none"] * 4 + [None] * 2
    assert pa.concat_tables(ranked(parts, n_scored=8, spec=ListSpec(), proven=False)).equals(whole)


@pytest.mark.parametrize("n_stretches", [1, 2, 7, 60])
def test_stretches_of_the_list_follow_one_another(n_stretches: int) -> None:
    """Many margins are the same, and a third of the people have no score."""
    rng = np.random.default_rng(2)
    margin = np.where(rng.random(300) < 1 / 3, np.nan, rng.integers(0, 4, 300).astype(float))
    given = [None if np.isnan(each) else [each] for each in margin]
    people = pa.table(
        {"employee_id": [f"E{number:03}" for number in range(300)], "margins": pa.array(given, pa.list_(pa.float64()))}
    )
    (cuts,) = cuts_of(people.take(pa.array(np.arange(0, 300, 3))), n_horizons=1, n_stretches=n_stretches)
    stretches = cuts.stretches(list_key(margin), people.column("employee_id"))
    parts = [people.filter(pa.array(stretches == stretch)) for stretch in range(n_stretches)]
    sorted_parts = [listed(part, margins_of(part, 1)[:, 0]) for part in parts]
    assert pa.concat_tables(sorted_parts).equals(listed(people, margin).combine_chunks())
    assert max(part.num_rows for part in parts) < 2 * 300 / n_stretches + 10


@pytest.mark.parametrize("sizes", [[0], [3], [2, 2, 2, 2], [7, 0, 1], [0, 4]])
def test_parts_become_whole_groups(sizes: list[int]) -> None:
    ends = np.cumsum([0, *sizes])
    parts = [pa.table({"x": pa.array(np.arange(low, high))}) for low, high in pairwise(ends)]
    groups = list(in_groups(parts, rows=4))
    assert pa.concat_tables(groups).column("x").to_pylist() == list(range(ends[-1]))
    assert all(group.num_rows % 4 == 0 and group.num_rows for group in groups[:-1])


def test_a_model_is_verified_again_where_it_arrives(company_of_500: Simulated) -> None:
    version = company_of_500.rows["attrition"][0]["model_version"]
    shipped = ShippedModel.of(company_of_500.home, "attrition", version)
    assert shipped.model().columns and shipped.model() is shipped.model()
    name = next(name for name in shipped.files if name.startswith("within"))
    altered = replace(shipped, version=version[::-1], files={**shipped.files, name: b"tree"})
    with pytest.raises(ModelError):
        altered.model()
