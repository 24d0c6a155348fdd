"""Who was helped meanwhile, and what help changed where chance decided who got it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perfml.advice.decision_log import Intervention
from perfml.evidence.sources import Data
from perfml.learning.validation.uplift import COLUMNS, _uplift, known_interventions, marked, treated, uplift
from perfml.messages import render
from perfml.project.model_spec import Label
from perfml.project.spec import DisclosureRules
from tests.tables import opened, write_tables

UNTIL = dt.date(2026, 6, 1)
LABEL = Label(kind="exit", exit_kinds=("voluntary",), horizons_days=(91,))


def company(folder: Path, interventions: str | None = None, exits: str = "employee_id | exited_on | kind") -> Data:
    people = "employee_id | hired_on\n" + "\n".join(f"e{n} | 2020-01-01" for n in range(100))
    tables = {
        "employees": people,
        "events": "employee_id | happened_at | kind\ne1 | 2025-01-01 | login",
        "exits": exits,
    }
    if interventions is not None:
        tables["interventions"] = interventions
    return opened(write_tables(folder, **tables))


def test_the_interval_is_the_published_one() -> None:
    # Newcombe (1998), table II, (a): 56 of 70 less 48 of 80, method 10
    effect = _uplift("talk", np.repeat([1.0, 0.0], [56, 14]), np.repeat([1.0, 0.0], [48, 32]), days=91)
    assert (effect.difference, effect.low, effect.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


@pytest.mark.slow
def test_what_was_offered_is_known_from_the_day_it_was_known(tmp_path: Path) -> None:
    data = company(
        tmp_path,
        """
        employee_id | offered_on | kind | status | done_on    | known_at
        e1          | 2026-03-01 | talk | done   | 2026-03-20 | 2026-03-21
        e2          | 2026-03-01 | talk | done   | 2026-07-01 | 2026-03-02
        e3          | 2026-03-01 | talk | done   | 2026-03-05 | 2026-07-01
        e4          | 2026-06-01 | talk | offered |           |
        """,
    )
    offers = known_interventions(data, UNTIL).set_index("employee_id")
    assert sorted(offers.index) == ["e1", "e2"]
    assert offers.loc["e1", "done_on"] == pd.Timestamp("2026-03-20") and pd.isna(offers.loc["e2", "done_on"])
    assert not offers["random"].any() and not offers["hold_out"].any()


@pytest.mark.slow
def test_the_log_of_perfml_stands_beside_the_table(tmp_path: Path) -> None:
    data = company(tmp_path, "employee_id | offered_on | kind | status\ne1 | 2026-03-01 | talk | offered")
    done = Intervention(
        employee_id="e1", kind="talk", offered_on=dt.date(2026, 3, 1), status="done", done_on=dt.date(2026, 3, 9)
    )
    out = Intervention(employee_id="e2", kind="talk", offered_on=dt.date(2026, 3, 1), hold_out=True, random=True)
    logged = pd.DataFrame([vars(done), vars(out)])[list(COLUMNS)]
    offers = known_interventions(data, UNTIL, logged).set_index("employee_id")
    assert offers.loc["e1", "status"] == "done" and offers.loc["e2", "hold_out"] and len(offers) == 2
    assert known_interventions(company(tmp_path / "none"), UNTIL).empty


def test_a_row_is_treated_when_something_was_done_within_its_horizon(tmp_path: Path) -> None:
    data = company(
        tmp_path, "employee_id | offered_on | kind | status | done_on\ne1 | 2026-01-01 | talk | done | 2026-02-01"
    )
    dates = ["2025-11-02", "2025-11-03", "2026-02-01", "2026-02-02"]
    rows = pd.DataFrame({"employee_id": ["e1"] * 4 + ["e2"], "as_of": pd.to_datetime([*dates, "2026-02-01"])})
    inside = treated(rows, known_interventions(data, UNTIL), horizon_days=91)
    assert inside.tolist() == [False, True, True, False, False]


@pytest.mark.slow
def test_an_uplift_needs_chance_and_enough_people(tmp_path: Path) -> None:
    header = "employee_id | offered_on | kind | status | hold_out | random\n"

    def lines(random: str) -> str:
        return header + "\n".join(
            f"e{n} | 2026-01-10 | talk | {'' if n % 2 else 'offered'} | {'true' if n % 2 else ''} | {random}"
            for n in range(100)
        )

    left = "employee_id | exited_on | kind\n" + "\n".join(
        f"e{n} | 2026-02-01 | voluntary" for n in range(100) if n % 4 == 1 or n % 20 == 0
    )  # 5 of 50 offered, 25 of 50 held out
    for number, (random, expected) in enumerate((("true", 1), ("", 0))):
        data = company(tmp_path / str(number), lines(random), left)
        effects = uplift(data, known_interventions(data, UNTIL), LABEL, horizon_days=91, until=UNTIL)
        assert len(effects) == expected
        if effects:
            assert (effects[0].offered, effects[0].held_out) == (50, 50)
            assert effects[0].difference == pytest.approx(-0.4) and effects[0].high < 0
            assert effects[0].text.code == "uplift" and "差异 -40.0%" in render(effects[0].text, "zh")
    data = company(tmp_path / "few", "\n".join(lines("true").splitlines()[:31]), left)
    assert uplift(data, known_interventions(data, UNTIL), LABEL, horizon_days=91, until=UNTIL) == []
    unripe = known_interventions(data, dt.date(2026, 2, 1))
    assert uplift(data, unripe, LABEL, horizon_days=91, until=dt.date(2026, 2, 1)) == []


def test_treated_rows_are_counted_apart() -> None:
    inside = np.arange(41) < 21
    figures = marked(
        inside,
        tested_row=np.arange(1, 41),
        outcome=np.tile([1.0, 0.0], 20),
        probability=np.full(40, 0.25),
        person=np.arange(40).astype(object),
        rules=DisclosureRules(),
    )
    assert figures["rows"] == 21 and figures["treated"]["rows"] == 20
    assert figures["untreated"]["expected_over_observed"]["value"] == 0.5


def test_few_treated_are_not_shown_and_not_to_be_subtracted_from_all() -> None:
    figures = marked(
        np.arange(40) < 3,
        tested_row=np.arange(40),
        outcome=np.tile([1.0, 0.0], 20),
        probability=np.full(40, 0.25),
        person=np.arange(40).astype(object),
        rules=DisclosureRules(),
    )
    assert figures["rows"] is None
    assert figures["treated"] == {"rows": None, "positives": None, "withheld": "few people"}
    assert figures["untreated"] == {"rows": None, "positives": None, "withheld": "complementary"}
