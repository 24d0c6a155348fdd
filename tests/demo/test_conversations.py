"""Conversations: randomised offers, then chosen ones; the effect among the treated; and faulty rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from perfml.demo.conversations import DONE, EFFECT, EFFECT_DAYS, NOT_OFFERED, conversations
from perfml.demo.plants import ATTRITION, CAUSES, NAMES
from perfml.demo.weeks import live
from tests.demo.company import END, START, Company
from tests.tables import opened, quarantined, usable_rows, write_tables

pytestmark = pytest.mark.slow

ANSWERED = 21
"""Days after an offer by which every conversation has taken place."""


@pytest.fixture(scope="module")
def trial() -> dict[str, np.ndarray]:
    """Everybody considered in 24 companies of 800 people: arrays over people.

    `left` and `days`: voluntary exits and days at risk while a conversation acts; `left_later`, `days_later`: after that.
    """
    first, last = ((day - date(1970, 1, 1)).days for day in (START, END))
    attrition = [code for code, name in enumerate(NAMES) if CAUSES[name].outcome == ATTRITION]
    parts: list[dict[str, np.ndarray]] = []
    for seed in range(24):
        lives = live(employees=800, start=first, end=last, rng=np.random.default_rng(seed))
        talks = conversations(lives, np.random.default_rng([seed, 1]))
        who = talks.person
        columns = {"random": talks.random, "status": talks.status, "offered": talks.offered}
        columns["planted"] = np.isin(lives.episodes.cause[who], attrition) & (lives.episodes.began[who] < talks.offered)
        columns["tenure"] = talks.offered - lives.hired[who]
        for name, begin, over in (("", ANSWERED, EFFECT_DAYS), ("_later", EFFECT_DAYS + ANSWERED, 400)):
            since = talks.offered + begin
            until = np.minimum(np.minimum(lives.exited[who], talks.offered + over), lives.end)
            columns["days" + name] = np.maximum(until - since, 0)
            columns["left" + name] = (
                (until > since) & (until == lives.exited[who]) & (lives.exit_kind[who] == 0) & (until < lives.end)
            )
        parts.append(columns)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def rates(
    trial: dict[str, np.ndarray], groups: Sequence[np.ndarray], *, later: bool = False
) -> list[tuple[float, float]]:
    """Log of the rate of leaving in each group, and its standard error."""
    name = "_later" if later else ""
    left = [trial["left" + name][group].sum() for group in groups]
    return [
        (float(np.log(count / trial["days" + name][group].sum())), float(1 / np.sqrt(count)))
        for group, count in zip(groups, left, strict=True)
    ]


def apart(rate: tuple[float, float], other: tuple[float, float], ratio: float) -> float:
    """Distance of the ratio of two rates from `ratio`, in standard errors."""
    return (rate[0] - other[0] - float(np.log(ratio))) / float(np.hypot(rate[1], other[1]))


def test_chance_alone_decides_who_is_offered_one(trial: dict[str, np.ndarray]) -> None:
    out, offered = (trial["random"] & (trial["status"] == NOT_OFFERED)), trial["random"] & (trial["status"] > 0)
    total = out.sum() + offered.sum()
    assert abs(offered.sum() - total / 2) < 3 * np.sqrt(total) / 2
    for known in ("planted", "tenure", "offered"):
        held_out, others = trial[known][out].astype(float), trial[known][offered].astype(float)
        error = np.hypot(held_out.std() / np.sqrt(len(held_out)), others.std() / np.sqrt(len(others)))
        assert abs(held_out.mean() - others.mean()) < 3 * error, known


def test_a_conversation_halves_the_hazard_of_leaving_and_an_offer_does_not(trial: dict[str, np.ndarray]) -> None:
    drawn = trial["random"] & trial["planted"]
    out, done, not_done = rates(
        trial,
        [
            drawn & (trial["status"] == NOT_OFFERED),
            drawn & (trial["status"] == DONE),
            drawn & (trial["status"] > NOT_OFFERED) & (trial["status"] < DONE),
        ],
    )
    assert abs(apart(done, out, EFFECT)) < 3 and apart(done, out, 1) < -5
    assert abs(apart(not_done, out, 1)) < 3


def test_the_effect_is_over_after_half_a_year(trial: dict[str, np.ndarray]) -> None:
    drawn = trial["random"] & trial["planted"]
    out, done = rates(trial, [drawn & (trial["status"] == NOT_OFFERED), drawn & (trial["status"] == DONE)], later=True)
    assert apart(done, out, EFFECT) > 3 and abs(apart(done, out, 1)) < 3


def test_the_table_keeps_the_lot_and_the_answers_apart(company: Company) -> None:
    (truth,) = company.truth.interventions_effect.to_dict("records")
    assert (truth["kind"], truth["outcome"], truth["factor"]) == ("conversation", "attrition", 0.5)
    newest = "(from interventions qualify row_number() over (partition by employee_id, offered_on order by known_at desc) = 1)"
    drawn = company.rows(
        f"select hold_out, count(*), count(status), min(offered_on), max(offered_on) from {newest}"
        " where random group by hold_out order by hold_out"
    )
    assert [held for held, *_ in drawn] == [False, True]
    assert all(int(str(count)) > 40 for _, count, *_ in drawn)
    assert drawn[0][1] == drawn[0][2] and drawn[1][2] == 0
    for _, _, _, since, until in drawn:
        assert truth["random_from"].date() <= since <= until <= truth["random_to"].date()
    assert company.number(f"select count(*) from {newest} where not random") > 30
    assert company.none("from interventions where not random and hold_out")
    assert company.none("from interventions where (status = 'done') <> (done_on is not null)")
    assert company.none("from interventions where (outcome is not null) <> (done_on is not null)")
    assert company.none("from interventions where done_on < offered_on or known_at <= done_on")
    assert company.number(f"select min(offered_on - date '{END}') from interventions") >= -548


def test_whom_hr_talks_to_is_not_a_draw_from_everybody(company: Company) -> None:
    ((talked, others),) = company.rows("""
        with asked as (select distinct employee_id from interventions where not random)
        select (select avg((employee_id in (select employee_id from plants where outcome = 'attrition'))::int) from asked),
               (select avg((employee_id in (select employee_id from plants where outcome = 'attrition'))::int)
                from employees)""")
    assert float(str(talked)) > 2 * float(str(others))


def test_what_cannot_have_been_is_quarantined(tmp_path: Path) -> None:
    data = opened(
        write_tables(
            tmp_path,
            employees="""
        employee_id | hired_on
        e1          | 2020-01-01
        """,
            events="""
        employee_id | happened_at | kind
        e1          | 2024-01-01  | login
        """,
            interventions="""
        employee_id | offered_on | kind         | status  | done_on    | random | hold_out
        e1          | 2024-01-01 | conversation | offered |            | true   | false
        e1          | 2024-02-01 | conversation | done    | 2024-02-09 | false  | false
        e1          | 2024-03-01 | conversation |         |            | true   | true
        e1          | 2024-04-01 | conversation | maybe   |            | false  | false
        e1          | 2024-05-01 | conversation | done    | 2024-04-30 | false  | false
        e1          | 2024-06-01 | conversation | offered |            | true   | true
        e1          | 2024-07-01 |              | offered |            | false  | false
        """,
        )
    )
    assert [row[1:] for row in quarantined(data)] == [
        ("done_before_offered", "", "e1 conversation 2024-05-01"),
        ("missing_value", "kind", "e1 2024-07-01"),
        ("offered_and_held_out", "", "e1 conversation 2024-06-01"),
        ("unknown_status", "", "e1 conversation 2024-04-01"),
    ]
    assert len(usable_rows(data, "interventions")) == 3


def test_the_simulated_table_has_nothing_to_set_aside(company: Company) -> None:
    assert quarantined(opened(company.folder)) == []
