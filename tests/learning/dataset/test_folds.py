"""As-of dates and rolling origins."""

from __future__ import annotations

import datetime as dt

import pytest

from perfml.learning.dataset.folds import as_of_dates, matured, rolling_origin

D = dt.date


@pytest.mark.parametrize(
    ("every", "first", "expected"),
    [
        ("week", D(2026, 1, 1), [D(2026, 1, 5), D(2026, 1, 12)]),
        ("week", D(2026, 1, 5), [D(2026, 1, 5), D(2026, 1, 12)]),
        ("month", D(2025, 11, 2), [D(2025, 12, 1), D(2026, 1, 1)]),
        ("quarter", D(2025, 7, 1), [D(2025, 7, 1), D(2025, 10, 1), D(2026, 1, 1)]),
    ],
)
def test_dates_start_on_their_day(every: str, first: dt.date, expected: list[dt.date]) -> None:
    assert as_of_dates(first, D(2026, 1, 15), every) == expected


def test_no_dates_where_the_end_lies_first() -> None:
    assert as_of_dates(D(2026, 2, 1), D(2026, 1, 1), "week") == []
    assert as_of_dates(D(2026, 2, 1), D(2026, 1, 1), "month") == []


def test_a_label_matures_when_its_horizon_has_passed() -> None:
    dates = [D(2026, 1, 1), D(2026, 2, 1)]
    assert matured(dates, until=D(2026, 4, 1), embargo_days=90) == [D(2026, 1, 1)]
    assert matured(dates, until=D(2026, 3, 31), embargo_days=90) == []


def test_folds_keep_the_embargo_and_test_every_later_date_once() -> None:
    dates = as_of_dates(D(2020, 1, 1), D(2023, 1, 1), "month")
    folds = rolling_origin(dates, embargo_days=182, folds=4)
    assert len(folds) == 4
    tested = [date for fold in folds for date in fold.test]
    assert tested == dates[-len(tested) :]
    for fold in folds:
        assert max(fold.train) + dt.timedelta(days=182) <= fold.origin


def test_a_short_record_gives_fewer_folds_or_none() -> None:
    dates = as_of_dates(D(2020, 1, 1), D(2020, 5, 1), "month")
    assert len(rolling_origin(dates, embargo_days=91, folds=4)) == 2
    assert rolling_origin(dates, embargo_days=365, folds=4) == []
