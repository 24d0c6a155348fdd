"""Nothing from the future: what happens or becomes known from the as-of date on changes nothing at the as-of date."""

import datetime as dt
import tempfile
from pathlib import Path
from random import Random

import pandas as pd
import pytest
from hypothesis import Phase, given, settings

from perfml.evidence.features import Evidence, build
from perfml.learning.registry.model_store import Model, load
from perfml.project.folder import ProjectFolder
from perfml.project.starter import STARTER
from perfml.scoring.scoring import score
from tests.companies import HAPPENED, Tables, company, futures, is_future, other_future
from tests.simulated import Simulated
from tests.tables import difference, opened, shipped

QUARTER = dt.timedelta(days=91)
CHANGING = [name for name in HAPPENED if name not in ("gap_tags", "signals", "deliveries", "facts")]
"""The tables that some shipped evidence is made from."""


def write(folder: Path, tables: Tables, *, parquet: bool) -> None:
    for name, rows in tables.items():
        if rows:
            frame = pd.DataFrame(rows, dtype=str).fillna("")
            frame.to_parquet(folder / f"{name}.parquet") if parquet else frame.to_csv(
                folder / f"{name}.csv", index=False
            )


def evidence_at(tables: Tables, *as_ofs: list[dt.date], parquet: bool = False) -> list[Evidence]:
    """The evidence of each list of as-of dates."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), tables, parquet=parquet)
        data = opened(Path(folder))
        try:
            return [build(data, shipped(), dates) for dates in as_ofs]
        finally:
            data.close()


@settings(max_examples=8, phases=[Phase.generate])
@given(futures())
@pytest.mark.slow
def test_another_future_changes_no_evidence(case: tuple[Tables, Tables, dt.date]) -> None:
    before, after, as_of = case
    wanted = [as_of], [as_of - QUARTER, as_of]
    parquet = as_of.toordinal() % 2 == 0
    for first, other in zip(
        evidence_at(before, *wanted, parquet=parquet), evidence_at(after, *wanted, parquet=parquet), strict=True
    ):
        assert difference(first, other) == ""


@pytest.fixture(scope="module")
def example() -> tuple[Tables, dt.date, Evidence]:
    as_of = dt.date(2025, 3, 3)
    tables = company(Random(1), as_of)
    evidence = evidence_at(tables, [as_of])[0]
    assert len(evidence.frame) > 0 and evidence.frame["events_count_91d"].sum() > 0
    return tables, as_of, evidence


@pytest.mark.parametrize("table", CHANGING)
@pytest.mark.slow
def test_another_past_changes_evidence(table: str, example: tuple[Tables, dt.date, Evidence]) -> None:
    """So that the test above can fail: each of these tables matters."""
    tables, as_of, evidence = example
    past = [row for row in tables[table] if not is_future(table, row, as_of)]
    removed = past[::2] if table == "employees" else past
    other = tables | {table: [row for row in tables[table] if row not in removed]}
    assert difference(evidence, evidence_at(other, [as_of])[0])


@pytest.mark.slow
def test_both_clocks_are_strict(example: tuple[Tables, dt.date, Evidence]) -> None:
    """An event counts when it happened before and was known before the midnight, UTC, that begins 3 March 2025."""
    tables, as_of, evidence = example
    clocks = {
        "last_moment": ("2025-03-02 23:59:59.999999", ""),
        "midnight": ("2025-03-03 00:00:00", ""),
        "known_at_last": ("2025-03-01", "2025-03-02 23:59:59"),
        "known_at_midnight": ("2025-03-01", "2025-03-03 00:00:00"),
        "morning_in_shanghai": ("2025-03-03 07:59:59+08:00", ""),
        "evening_in_new_york": ("2025-03-02 23:59:59-05:00", ""),
    }
    someone = evidence.frame["employee_id"].iloc[0]
    events = [
        {"employee_id": someone, "happened_at": happened, "kind": kind, "known_at": known}
        for kind, (happened, known) in clocks.items()
    ]
    other = evidence_at(tables | {"events": [*tables["events"], *events]}, [as_of])[0]
    assert set(other.kinds) - set(evidence.kinds) == {"last_moment", "known_at_last", "morning_in_shanghai"}
    more = other.frame["events_count_7d"].iloc[0] - evidence.frame["events_count_7d"].iloc[0]
    assert more == 3


@pytest.mark.slow
def test_futures_differ(example: tuple[Tables, dt.date, Evidence]) -> None:
    """The second company is another one: rows go, come, and change, and later as-of dates see it."""
    tables, as_of, _ = example
    after = other_future(Random(2), tables, as_of)
    assert all(after[name] != tables[name] for name in HAPPENED)
    later = [as_of + dt.timedelta(days=61)]
    assert difference(evidence_at(tables, later)[0], evidence_at(after, later)[0])


def rows_at(tables: Tables, model: Model, as_of: dt.date) -> list[dict[str, object]]:
    """Score rows: status, probability, rank, reasons and all."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), tables, parquet=False)
        data = opened(Path(folder))
        try:
            return score(data, ProjectFolder(STARTER), model, as_of=[as_of]).to_pylist()
        finally:
            data.close()


@settings(max_examples=8, phases=[Phase.generate])
@given(case=futures())
def test_another_future_changes_no_score_and_no_reason(
    company_of_500: Simulated, case: tuple[Tables, Tables, dt.date]
) -> None:
    model = load(company_of_500.home, "attrition")
    before, after, as_of = case
    assert rows_at(before, model, as_of) == rows_at(after, model, as_of)


def test_another_past_changes_scores_and_reasons(company_of_500: Simulated) -> None:
    model = load(company_of_500.home, "attrition")
    as_of = dt.date(2025, 3, 3)
    tables = company(Random(1), as_of)
    fewer = tables | {"events": tables["events"][::2], "positions": tables["positions"][::2]}
    first, other = rows_at(tables, model, as_of), rows_at(fewer, model, as_of)
    assert [row["margin"] for row in first] != [row["margin"] for row in other]
    assert [row["reasons"] for row in first] != [row["reasons"] for row in other]
