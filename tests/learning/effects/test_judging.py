"""What is said of a programme from a company's tables: which design, which words, and "causes" only where chance chose."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from perfml.evidence.sources import Data
from perfml.learning.effects.difference import Difference
from perfml.learning.effects.judging import effects, staggered_text
from perfml.learning.effects.programmes import programme_panel
from perfml.learning.effects.staggered import StaggeredEffect
from perfml.learning.validation.uplift import known_interventions
from perfml.messages import render
from perfml.project.model_spec import Label
from tests.tables import opened, write_tables

UNTIL = dt.date(2026, 7, 1)
LABEL = Label(kind="exit", exit_kinds=("voluntary",), horizons_days=(91,))
DEPARTMENTS = 10
EACH = 12


def company(folder: Path, **tables: str) -> Data:
    """Ten departments of twelve people; of each one leaves in every quarter from 2024 on."""
    people = [(f"e{d}_{n}", f"部门{d}") for d in range(DEPARTMENTS) for n in range(EACH)]
    left = [
        f"e{d}_{n} | {dt.date(2024, 1, 10) + dt.timedelta(days=91 * n + d)} | voluntary"
        for d in range(DEPARTMENTS)
        for n in range(10)
    ]
    drawn = {
        "employees": "employee_id | hired_on\n" + "\n".join(f"{person} | 2020-01-01" for person, _ in people),
        "positions": "employee_id | effective_on | department\n"
        + "\n".join(f"{person} | 2020-01-01 | {department}" for person, department in people),
        "events": "employee_id | happened_at | kind\ne0_0 | 2025-01-01 | login",
        "exits": "employee_id | exited_on | kind\n" + "\n".join(left),
    }
    return opened(write_tables(folder, **drawn | tables))


def starts(random: str = "") -> str:
    """Four departments begin in 2025, two at a time; one more is planned."""
    days = ["2025-01-08", "2025-01-08", "2025-04-09", "2025-04-09", "2030-01-01"]
    return "kind | department | starts_on | random\n" + "\n".join(
        f"mentor | 部门{number} | {day} | {random}" for number, day in enumerate(days)
    )


def test_the_panel_counts_people_and_exits_from_the_first_start_on(tmp_path: Path) -> None:
    data = company(tmp_path, programmes=starts("true"))
    given = programme_panel(data, "mentor", LABEL, days=91, as_of=UNTIL)
    assert given is not None and given.random and not given.panel.partial
    panel = given.panel
    assert panel.people.shape == (DEPARTMENTS, 9) and panel.people[:, 0].tolist() == [12] * 10
    assert (panel.cases == 1).all()
    assert panel.start.tolist() == [4, 4, 5, 5, 9, 9, 9, 9, 9, 9]
    np.testing.assert_array_equal(panel.people[:, 1:], panel.people[:, :-1] - panel.cases[:, :-1])


def test_a_start_within_a_period_is_marked(tmp_path: Path) -> None:
    later = starts().replace("2025-04-09", "2025-05-01")
    given = programme_panel(company(tmp_path, programmes=later), "mentor", LABEL, days=91, as_of=UNTIL)
    assert (
        given is not None
        and given.panel.partial
        and not given.random
        and given.panel.start.tolist()[:4] == [4, 4, 6, 6]
    )


@pytest.mark.parametrize("random", ["", "true"])
def test_causes_is_said_only_where_chance_chose(tmp_path: Path, random: str) -> None:
    data = company(tmp_path, programmes=starts(random))
    (record,) = effects(data, known_interventions(data, UNTIL), LABEL, days=91, as_of=UNTIL)
    assert record.design == "staggered" and not record.causes
    for language, word in (("en", "cause"), ("zh", "使")):
        assert word not in render(record.text, language), "nothing changed"


def test_where_the_answer_hangs_on_a_drift_the_words_say_so() -> None:
    alike = Difference(estimate=-0.02, interval_80=(-0.025, -0.015), interval_95=(-0.03, -0.01))
    figures = {"units": 12, "started": 8, "people": 90, "placebo_p": 0.3, "alike": alike}
    apart = StaggeredEffect(estimate=0.001, interval_80=(-0.02, 0.03), interval_95=(-0.04, 0.05), **figures)
    same = StaggeredEffect(estimate=-0.03, interval_80=(-0.04, -0.02), interval_95=(-0.05, -0.01), **figures)
    assert same.shown and not apart.shown and not replace(same, alike=replace(alike, interval_95=(0.01, 0.03))).shown
    text = staggered_text("mentor", apart, random=False, days=91)
    for language, parts in {
        "en": ("no effect is called", "-2.0", "+0.1 [-4.0, +5.0]"),
        "zh": ("不认定", "-2.0"),
    }.items():
        assert all(part in render(text, language) for part in parts)
    assert "the same is seen" in render(staggered_text("mentor", same, random=False, days=91), "en")


@pytest.mark.slow
def test_people_who_were_chosen_give_an_association_and_chance_an_effect(tmp_path: Path) -> None:
    header = "employee_id | offered_on | kind | status | done_on | hold_out | random\n"
    chosen = header + "\n".join(
        f"e{d}_{n} | 2025-01-02 | mentor | done | 2025-01-09 | | " for d in range(DEPARTMENTS) for n in range(9, 12)
    )
    data = company(tmp_path / "chosen", interventions=chosen)
    (record,) = effects(data, known_interventions(data, UNTIL), LABEL, days=182, as_of=UNTIL)
    assert record.design == "association" and record.people == 30 and not record.causes
    assert "association" in render(record.text, "en") and "cause" not in render(record.text, "en")
    drawn = header + "\n".join(
        f"e{d}_{n} | 2025-01-02 | mentor | {'offered' if n > 7 else ''} | | {'' if n > 7 else 'true'} | true"
        for d in range(DEPARTMENTS)
        for n in range(4, 12)
    )
    data = company(tmp_path / "drawn", interventions=drawn)
    (record,) = effects(data, known_interventions(data, UNTIL), LABEL, days=364, as_of=UNTIL)
    assert record.design == "randomised" and record.verdict == "shown" and record.causes
    assert (
        "mentor causes a change of" in render(record.text, "en") and record.estimate is not None and record.estimate < 0
    )


@pytest.mark.slow
def test_where_hardly_anybody_is_left_to_compare_with_nothing_is_said(tmp_path: Path) -> None:
    """All but one of four departments have it; six people of other departments, who have many beside them, do not help."""
    header = "employee_id | offered_on | kind | status | done_on | hold_out | random\n"
    own = [f"e{d}_{n}" for d in range(4) for n in range(6, 12)] + [f"e{d}_11" for d in range(4, DEPARTMENTS)]
    data = company(
        tmp_path, interventions=header + "\n".join(f"{e} | 2025-01-02 | mentor | done | 2025-01-09 | | " for e in own)
    )
    (record,) = effects(data, known_interventions(data, UNTIL), LABEL, days=182, as_of=UNTIL)
    assert (record.design, record.verdict, record.estimate) == ("association", "insufficient", None)


def test_without_a_table_it_is_insufficient(tmp_path: Path) -> None:
    data = company(tmp_path)
    offers = known_interventions(data, UNTIL)
    assert effects(data, offers, LABEL, days=91, as_of=UNTIL) == []
    (record,) = effects(data, offers, LABEL, days=91, as_of=UNTIL, kind="弹性休假")
    assert record.verdict == "insufficient" and record.estimate is None and "弹性休假" in render(record.text, "zh")
