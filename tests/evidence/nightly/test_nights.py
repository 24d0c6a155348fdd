"""Night after night: what is read and kept gives the same as reading everything, to the last digit."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.evidence.nightly.nights import Company, differs, fresh, nightly, whole
from tests.evidence.test_features import COLUMNS, as_definition
from tests.tables import windowed

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
