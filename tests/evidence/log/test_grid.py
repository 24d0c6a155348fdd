"""The grid: windows are differences of prefix sums because its edges are where windows begin and end."""

import datetime as dt

import numpy as np
import pytest

from perfml.evidence.log.grid import Grid, epoch_days

DATES = [dt.date(2024, 12, 30), dt.date(2025, 1, 6), dt.date(2025, 6, 2)]
GRID = Grid(epoch_days(DATES), (1, 28, 64, 364))


def test_every_window_begins_and_ends_on_an_edge() -> None:
    for window in (0, *GRID.windows):
        days = GRID.as_ofs - window
        assert (GRID.edges[GRID.position(days)] == days).all()
    assert (np.diff(GRID.edges) > 0).all() and GRID.edges[-1] == GRID.as_ofs[-1]


@pytest.mark.parametrize("grid", [GRID, Grid(GRID.as_ofs[:1], ()), Grid(GRID.as_ofs[:1], (7,))])
def test_a_day_belongs_to_the_first_edge_strictly_after_it(grid: Grid) -> None:
    """What happened on an as-of date counts at the next one only, and nothing from the last one on counts at all."""
    days = np.arange(grid.edges[0] - 1000, grid.edges[-1] + 1000)
    for marks, after in ((grid.edges, grid.edge_after(days)), (grid.as_ofs, grid.as_of_after(days))):
        assert [next((i for i, mark in enumerate(marks) if mark > day), len(marks)) for day in days] == after.tolist()


def test_epoch_days() -> None:
    assert epoch_days([dt.date(1970, 1, 1), dt.date(1900, 1, 1), np.datetime64("1970-01-03")]).tolist() == [
        0,
        -25567,
        2,
    ]
