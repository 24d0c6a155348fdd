"""How early a list names those whose outcome comes: against days counted by hand."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perfml.evidence.sources import open_data
from perfml.learning.dataset.outcome_days import outcome_days
from perfml.learning.in_people import lead_at, lead_message
from perfml.learning.record import LeadFigures, LeadRecord
from perfml.learning.validation.lead import lead_days, lead_estimates, lead_figures
from perfml.messages import render
from perfml.project.folder import ProjectFolder
from perfml.project.model_spec import Label
from perfml.project.starter import STARTER
from tests.records import backtest_record, figure
from tests.tables import write_tables


def frame(column: str, *rows: tuple[str, str]) -> pd.DataFrame:
    days = pd.to_datetime([day for _, day in rows]).astype("datetime64[s]")
    return pd.DataFrame({"employee_id": [who for who, _ in rows], column: days})


def test_the_first_listing_within_the_look_back_counts() -> None:
    outcomes = frame("came_on", ("b", "2026-06-30"), ("a", "2026-06-30"), ("c", "2026-06-30"), ("d", "2026-06-30"))
    listed = frame(
        "as_of",
        *(("a", "2025-06-30"), ("a", "2026-01-01"), ("a", "2026-04-01")),
        *(("b", "2026-07-01"), ("c", "2026-06-30"), ("e", "2026-01-01")),
    )
    days = lead_days(outcomes, listed, within_days=365)
    assert days.tolist() == pytest.approx([np.nan, 180, 0, np.nan], nan_ok=True)
    assert lead_days(outcomes, listed, within_days=366)[1] == 365
    assert lead_days(outcomes, listed, within_days=100)[1] == 90


def test_a_listing_before_an_earlier_outcome_spoke_of_that_one() -> None:
    outcomes = frame("came_on", ("a", "2026-06-30"), ("a", "2026-01-15"))
    listed = frame("as_of", ("a", "2026-01-01"), ("a", "2026-03-01"))
    assert lead_days(outcomes, listed, within_days=365).tolist() == [121, 14]


def test_missed_outcomes_count_in_the_share_and_as_no_days() -> None:
    days = np.array([100.0] * 10 + [np.nan] * 10)
    person = np.array([f"e{n}" for n in range(20)], object)
    ours = lead_estimates(days, person=person)
    assert (ours["listed"].value, ours["mean_days"].value, ours["median_days"].value) == (0.5, 50, 100)
    assert ours["mean_days"].low < 50 < ours["mean_days"].high
    more = lead_estimates(days, person=person, against=np.where(np.isnan(days), np.nan, 40.0))
    assert (more["mean_days"].value, more["median_days"].value, more["listed"].value) == (30, 60, 0)
    few = lead_estimates(np.where(np.arange(20) < 9, 100.0, np.nan), person=person)
    assert "median_days" not in few and few["listed"].value == 0.45
    assert lead_figures(days[:0], person=person[:0]) == LeadFigures()


def test_outcomes_are_those_known_by_a_day(tmp_path: Path) -> None:
    tables = {
        "employees": "employee_id | hired_on\n" + "\n".join(f"{who} | 2020-01-01" for who in "abcd"),
        "exits": "employee_id | exited_on | kind | known_at\na | 2026-03-01 | voluntary | \n"
        "b | 2026-03-01 | involuntary | \nc | 2026-03-02 | voluntary | 2026-06-01\nd | 2026-05-01 | voluntary | ",
        "reviews": "review_id | employee_id | period_end | reviewed_on | rating\nr | a | 2026-01-31 | 2026-02-01 | 1\n"
        "s | b | 2026-01-31 | 2026-02-01 | 4",
    }
    first, last, later = dt.date(2026, 1, 1), dt.date(2026, 5, 1), dt.date(2026, 7, 1)
    leaving = Label(kind="exit", exit_kinds=("voluntary",), horizons_days=(91,))
    low = Label(kind="low_review", low_at_most=2, horizons_days=(91,))
    with open_data(write_tables(tmp_path / "data", **tables), ProjectFolder(STARTER).definitions.tables) as opened:
        for label, until, people in ((leaving, last, ["a"]), (leaving, later, ["a", "c"]), (low, later, ["a"])):
            came = outcome_days(opened, label, first=first, last=last, until=until)
            assert came["employee_id"].tolist() == people


def test_the_sentence_names_both_lists_or_that_there_are_few() -> None:
    some = LeadFigures(listed=figure(0.4), median_days=figure(120), mean_days=figure(48))
    fewer = LeadFigures(listed=figure(0.2), median_days=figure(70), mean_days=figure(14))
    records = [
        LeadRecord(share=share, outcomes=50, unreachable=0.1, model=some, baseline=fewer, more=LeadFigures())
        for share in (0.02, 0.05, 0.2)
    ]
    sentence = lead_message(backtest_record(lead=records))
    assert sentence is not None
    assert "40 beforehand, half of them 120 days" in render(sentence, "en") and "20" in render(sentence, "zh")
    none = [record.model_copy(update={"model": LeadFigures()}) for record in records]
    insufficient = lead_message(backtest_record(lead=none))
    assert insufficient is not None and "insufficient" in render(insufficient, "en")
    assert lead_message(backtest_record()) is None
    nearest = lead_at(records, 0.06)
    assert nearest is not None and nearest.share == 0.05
