"""Which columns and which dates a model learns from."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from perfml.errors import DefinitionError
from perfml.learning.dataset.table import learning_dates, make_table
from perfml.project.model_spec import BaselineSpec, EvidenceChoice, Label, ModelSpec, Population
from tests.tables import opened, windowed, write_tables

DEFINITIONS = windowed(
    {"column": "calls_{window}d", "measure": "count", "windows_days": [28, 91]},
    {"column": "since", "measure": "days_since_last"},
)
BASELINE = BaselineSpec(columns=("since",), without_reviews=("since",))
SPEC = ModelSpec(zh="x", en="x", label=Label(kind="exit", horizons_days=(91,)), baseline=BASELINE)
DAY = dt.date(2026, 3, 1)


@pytest.fixture
def company(tmp_path: Path) -> Path:
    return write_tables(
        tmp_path,
        employees="employee_id | hired_on\nana | 2020-01-01",
        events="employee_id | kind | happened_at\nana | call | 2024-01-15\nana | call | 2026-02-01",
    )


@pytest.mark.parametrize(
    ("without", "left"),
    [((), ["calls_28d", "calls_91d", "since"]), (("calls_*",), ["since"]), (("calls_28d",), ["calls_91d", "since"])],
)
def test_a_column_not_learnt_from_is_still_evidence(company: Path, without: tuple[str, ...], left: list[str]) -> None:
    spec = SPEC.model_copy(update={"evidence": EvidenceChoice(without=without)})
    with opened(company) as data:
        table = make_table(data, DEFINITIONS, spec, name="leaving", dates=[DAY])
    assert [column.name for column in table.columns] == left
    assert {"calls_28d", "calls_91d", "since"} <= set(table.frame.columns)


def test_a_column_that_no_definition_makes_is_refused(company: Path) -> None:
    spec = SPEC.model_copy(update={"evidence": EvidenceChoice(without=("mails_28d",))})
    with opened(company) as data, pytest.raises(DefinitionError, match="no evidence is called 'mails_28d'"):
        make_table(data, DEFINITIONS, spec, name="leaving", dates=[DAY])


def test_the_latest_dates_are_learnt_from(company: Path) -> None:
    def dates(population: Population) -> list[dt.date]:
        with opened(company) as data:
            return learning_dates(data, SPEC.model_copy(update={"population": population}), DAY)

    every = dates(Population())
    assert len(every) > 12 and every[0] > dt.date(2024, 1, 15)
    assert dates(Population(most_dates=3)) == every[-3:]
