"""Each fault is found where it is planted, and nowhere in the sound company."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perfml.evidence.oddities import oddities
from tests.evidence.holes.offices import END, log, written
from tests.tables import opened

TURN = dt.date(2025, 9, 1)
LOG = log(per_day=0.6)
RNG = np.random.default_rng(3)
LOG["value"] = RNG.gamma(3.0, 2.0, len(LOG)).round(2)
LOG["happened_at"] = LOG["day"].astype(str) + [f" {h:02d}:{m:02d}:00" for h, m in RNG.integers(0, 24, (len(LOG), 2))]


def reviews() -> pd.DataFrame:
    """Four quarterly rounds in which people keep most of their level."""
    people = sorted(set(LOG["employee_id"]))
    level = RNG.normal(0.0, 1.0, len(people))
    rows = []
    for number, day in enumerate(("2025-01-15", "2025-04-15", "2025-07-15", "2025-10-15")):
        rating = np.clip(np.rint(3.4 + 0.9 * level + RNG.normal(0.0, 0.4, len(people))), 1, 5)
        rows += [
            {"review_id": f"{number}-{p}", "employee_id": p, "period_end": day, "reviewed_on": day, "rating": r}
            for p, r in zip(people, rating, strict=True)
        ]
    return pd.DataFrame(rows)


REVIEWS = reviews()


def codes(folder: Path, frame: pd.DataFrame, rated: pd.DataFrame = REVIEWS, **tables: pd.DataFrame) -> list[str]:
    written(folder, frame, **tables)
    frame[["employee_id", "happened_at", "kind", "source", "value"]].to_csv(folder / "events.csv", index=False)
    rated.to_csv(folder / "reviews.csv", index=False)
    with opened(folder) as data:
        return [message.code for message in oddities(data, END)]


@pytest.mark.slow
def test_a_sound_company_raises_no_question(tmp_path: Path) -> None:
    assert codes(tmp_path, LOG) == []


@pytest.mark.slow
def test_values_a_thousand_times_larger_from_a_day_on(tmp_path: Path) -> None:
    late = (LOG["kind"] == "order") & (LOG["day"] >= TURN)
    assert codes(tmp_path, LOG.assign(value=LOG["value"].where(~late, LOG["value"] * 1000))) == [
        "values_in_another_unit"
    ]


@pytest.mark.slow
def test_half_of_the_events_under_one_id(tmp_path: Path) -> None:
    half = (LOG["day"] >= TURN) & (np.arange(len(LOG)) % 2 == 0)
    assert codes(tmp_path, LOG.assign(employee_id=LOG["employee_id"].where(~half, "North0"))) == ["events_under_one_id"]


@pytest.mark.slow
def test_events_doubled_without_an_id(tmp_path: Path) -> None:
    week = LOG[LOG["day"].between(dt.date(2025, 9, 8), dt.date(2025, 9, 14))]
    assert codes(tmp_path, pd.concat([LOG, week])) == ["events_doubled"]


@pytest.mark.slow
def test_the_whole_log_doubled(tmp_path: Path) -> None:
    assert codes(tmp_path, pd.concat([LOG, LOG])) == ["events_doubled"]


@pytest.mark.slow
@pytest.mark.parametrize("rounds", [["2025-10-15"], ["2025-07-15", "2025-10-15"]])
def test_a_scale_turned_round(tmp_path: Path, rounds: list[str]) -> None:
    turned = REVIEWS["reviewed_on"].isin(rounds)
    rated = REVIEWS.assign(rating=REVIEWS["rating"].where(~turned, 6 - REVIEWS["rating"]))
    assert set(codes(tmp_path, LOG, rated)) == {"ratings_turned"}


@pytest.mark.slow
def test_a_table_turned_round_as_a_whole(tmp_path: Path) -> None:
    """Those with high ratings rise; in the turned table it is those with low ones."""
    first = REVIEWS.assign(reviewed_on="2024-06-15", period_end="2024-06-15").drop_duplicates("employee_id")
    risen = first.loc[first["rating"] >= 4, "employee_id"].tolist()
    people = first["employee_id"].tolist()
    positions = pd.DataFrame(
        [{"employee_id": p, "effective_on": "2020-01-01", "level": 1} for p in people]
        + [{"employee_id": p, "effective_on": "2025-01-01", "level": 2} for p in risen]
    )
    for name, rated, expected in (
        ("a", first, []),
        ("b", first.assign(rating=6 - first["rating"]), ["ratings_all_turned"]),
    ):
        folder = tmp_path / name
        folder.mkdir()
        codes(folder, LOG, rated)
        positions.to_csv(folder / "positions.csv", index=False)
        with opened(folder) as data:
            raised = [message.code for message in oddities(data, END)]
        assert raised == expected


@pytest.mark.slow
def test_a_table_that_stopped(tmp_path: Path) -> None:
    days = pd.date_range("2025-01-10", "2025-12-27", freq="14D").date
    signals = pd.DataFrame({"name": "demand", "scope": "", "month": [str(day) for day in days], "value": "0.1"})
    assert codes(tmp_path / "a", LOG, signals=signals) == []
    assert codes(tmp_path / "b", LOG, signals=signals.iloc[:-5]) == ["table_stopped"]
