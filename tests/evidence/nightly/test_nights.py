"""Night after night: what is read and kept gives the same as reading everything, to the last digit."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfml.evidence.sources import open_data
from tests.evidence.nightly.nights import Company, differs, fresh, newest_rows, nightly, ranked_rows, whole
from tests.evidence.test_features import COLUMNS, as_definition
from tests.tables import TODAY, shipped, windowed

OVER_ONE = "value >= 1 and kind <> 'praise'"
BY_CONDITION = (
    {"column": "large_{window}", "measure": "count", "where": "value >= 1", "windows_days": [7, 91]},
    {"column": "large_received", "measure": "sum", "where": OVER_ONE, "side": "received", "windows_days": [91]},
)
EVERY = windowed(*(as_definition(name, column) for name, column in COLUMNS.items()), *BY_CONDITION)
"""Every measure over every side, window and selection of kinds: for the long runs."""
FEWER = {
    name: column for name, column in COLUMNS.items() if not name.endswith(("_1", "_28", "_63", "_64", "_127", "_91"))
}
DEFINITIONS = windowed(*(as_definition(name, column) for name, column in FEWER.items()), *BY_CONDITION)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("nights")


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=10, deadline=None)
def test_nights_in_a_row_give_what_one_gets_by_reading_everything(folder: Path, seed: int) -> None:
    """Late, copied, corrected, retracted and moved rows; people who come, go and change units; nights left out or repeated."""
    company = Company(fresh(folder) / "data", Random(seed))
    company.begin()
    for _ in range(5):
        company.write()
        unlike = differs(
            nightly(company.folder, folder / "state", DEFINITIONS, company.day),
            whole(company.folder, DEFINITIONS, company.day),
        )
        assert not unlike, f"seed {seed}, {company.day}: {unlike}"
        company.pass_days(company.rng.choice((0, 1, 1, 1, 2, 7, 40)))
        for _ in range(company.rng.choice((0, 1, 3))):
            company.change()


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_rows_of_people_are_the_newest_of_the_whole_log(folder: Path, seed: int) -> None:
    """Rows of one moment, corrected ones, and rows that become known later."""
    company = Company(fresh(folder) / "data", Random(seed))
    company.begin()
    company.pass_days(3)
    for change in ("late", "correct", "old", "copy"):
        company.change(change)
    company.write()
    with open_data(company.folder, shipped().tables, today=TODAY) as data:
        assert newest_rows(data, company.day).equals(ranked_rows(data, company.day))
