"""A market that collapses under targets already set, and sandbaggers, as the tables show them."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from perfml.demo import shock
from perfml.demo.goals import goals, joined, progress
from perfml.demo.weeks import live
from tests.demo.company import Company

ATTAINED = """
    with newest as (select goal_id, max_by(actual, measured_at) as actual, max(measured_at)::date as day, count(*) as n
                    from progress group by goal_id),
    agreed as (from goals qualify row_number() over (partition by goal_id order by effective_on) = 1)
    select goal_id, employee_id, metric, scope, period_start,
           ln(actual / target) - ln((day - period_start) / (period_end - period_start + 1)) as log_pace
    from agreed join newest using (goal_id) where n = 3"""
"""Each goal measured to the end of its quarter: how fast its owner went, 0 for a pace that just reaches the target."""


def slope(company: Company, *, signal: str, metrics: str, before: date) -> tuple[float, float]:
    """Regression of the pace of goals on the log of their market's level in the same quarter: coefficient, standard error."""
    rows = company.connection.execute(
        f"""with attained as ({ATTAINED})
        select log_pace, (select avg(ln(1 + value)) from signals s where s.name = ? and s.scope = a.scope
                          and month >= period_start and month < period_start + interval 3 month) as level
        from attained a where {metrics} and scope is not null and period_start < ?""",
        [signal, before],
    ).fetchnumpy()
    pace, level = (np.asarray(rows[name], dtype=float) for name in ("log_pace", "level"))
    known = ~np.isnan(level)
    columns = np.column_stack([np.ones(known.sum()), level[known]])
    coefficients = np.linalg.solve(columns.T @ columns, columns.T @ pace[known])
    spread = (pace[known] - columns @ coefficients).var()
    return float(coefficients[1]), float(np.sqrt(spread * np.linalg.inv(columns.T @ columns)[1, 1]))


@pytest.mark.parametrize(
    ("signal", "metrics"),
    [("new_customer_demand", "metric = 'new_accounts'"), ("industry_growth", "metric <> 'new_accounts'")],
)
def test_goals_with_a_place_move_one_to_one_with_its_market_years_before_the_shock(
    company: Company, signal: str, metrics: str
) -> None:
    planted, _ = company.truth.shocks.to_dict("records")
    coefficient, error = slope(company, signal=signal, metrics=metrics, before=planted["from_month"].date())
    assert abs(coefficient - 1) < 3 * error and coefficient > 6 * error


def test_a_shock_nearly_halves_one_market_and_leaves_the_others_and_revenue(company: Company) -> None:
    planted, _ = company.truth.shocks.to_dict("records")
    assert planted["from_month"].date() == date(2026, 7, 1) and planted["factor"] == pytest.approx(0.55)

    def reached(metric: str) -> dict[str, float]:
        rows = company.connection.execute(
            f"select scope, median(exp(log_pace)) from ({ATTAINED}) where metric = ? and period_start = ? group by scope",
            [metric, planted["from_month"]],
        ).fetchall()
        return dict(rows)

    new, revenue = reached(planted["metric"]), reached("revenue")
    assert len(new) == len(revenue) == 4
    shocked = new.pop(planted["scope"])
    assert 0.4 < shocked < 0.7 and shocked < 0.75 * min(new.values())
    assert revenue[planted["scope"]] > 0.85


def test_another_market_softens_as_far_as_a_policy_can_follow(company: Company) -> None:
    shock, milder = company.truth.shocks.to_dict("records")
    assert milder["factor"] == pytest.approx(0.85) and milder["scope"] != shock["scope"]
    change = {
        scope: company.number(
            "select max(1 + value) filter (month = '2026-07-01') / max(1 + value) filter (month = '2026-06-01')"
            f" from signals where name = '{milder['signal']}' and scope = '{scope}'"
        )
        for scope in (shock["scope"], milder["scope"])
    }
    assert change[milder["scope"]] == pytest.approx(0.85, abs=0.12), "the walk moves by 5 % a month"
    assert change[shock["scope"]] < 0.75 * change[milder["scope"]]


def test_the_signal_says_so_a_month_late_and_there_alone(company: Company) -> None:
    planted, _ = company.truth.shocks.to_dict("records")
    low = company.rows(
        f"select scope, month, known_at from signals where name = '{planted['signal']}' and value < -0.3 order by month"
    )
    assert [(scope, month) for scope, month, _ in low] == [
        (planted["scope"], date(2026, 7, 1)),
        (planted["scope"], date(2026, 8, 1)),
    ]
    assert [known.date() for _, _, known in low] == [date(2026, 8, 12), date(2026, 9, 12)]
    first = company.number(
        f"select max(effective_on - period_start) from (from goals where metric = '{planted['metric']}' and"
        " period_start = '2026-07-01' qualify row_number() over (partition by goal_id order by effective_on) = 1)"
    )
    assert first < 10


def test_who_is_there_has_two_fifths_of_the_weight_on_it_and_somewhere_to_move_it(company: Company) -> None:
    planted, _ = company.truth.shocks.to_dict("records")
    quarter = f"period_start = '{planted['from_month']}'"
    people = (
        f"select employee_id from goals where metric = 'new_accounts' and scope = '{planted['scope']}' and {quarter}"
    )
    agreed = company.rows(
        f"select distinct metric, weight, core from goals where {quarter} and employee_id in ({people}) order by weight"
    )
    assert agreed == [("repeat_purchases", 25.0, False), ("revenue", 35.0, True), ("new_accounts", 40.0, False)]


@pytest.mark.slow
def test_what_is_planted_in_the_pace_is_what_is_measured() -> None:
    """In a company large enough to measure it: the last pace of each group over that of the same metric elsewhere."""
    first, last = ((day - date(1970, 1, 1)).days for day in (date(2024, 10, 1), date(2026, 10, 1)))
    lives = live(employees=3000, start=first, end=last, rng=np.random.default_rng(1))
    draw = np.random.default_rng(2)
    entries, besides = shock.weighed(lives, goals(lives, draw), draw)
    held, hit = shock.sandbaggers(lives, entries, draw), shock.hit(lives, entries)
    whole, calm = joined(entries, besides), np.zeros((3, 24, 4))
    effort = shock.effort(lives, whole, held_back=held, hit=hit)
    goal, day, actual = progress(lives, whole, signals=calm, demanded=calm[0], effort=effort, rng=draw)
    ended = np.flatnonzero(day == day.max())
    pace = np.log(np.maximum(actual[ended], 0.5) / whole.target[goal[ended]])
    new, repeats = whole.new_accounts(lives)[goal[ended]], (whole.slot == shock.REPEATS)[goal[ended]]
    sales = np.isin(whole.person[goal[ended]], whole.person[whole.new_accounts(lives)])
    group = {
        shock.HELD_BACK: (new & np.isin(goal[ended], held), new & ~np.isin(goal[ended], held)),
        shock.TURNED: (
            repeats & np.isin(whole.person[goal[ended]], hit),
            repeats & sales & ~np.isin(whole.person[goal[ended]], hit),
        ),
    }
    for planted, (ours, theirs) in group.items():
        error = np.hypot(pace[ours].std() / np.sqrt(ours.sum()), pace[theirs].std() / np.sqrt(theirs.sum()))
        assert abs(pace[ours].mean() - pace[theirs].mean() - np.log(planted)) < 3 * error, planted
        assert abs(np.log(planted)) > 3 * error


def test_few_hold_back_most_of_them_where_the_market_is_as_it_was(company: Company) -> None:
    held = company.truth.sandbaggers
    local = company.number(
        "select count(distinct employee_id) from goals where scope is not null and period_start = '2026-07-01'"
    )
    assert held["employee_id"].is_unique and 0.01 <= len(held) / local <= 0.03
    company.connection.register("held", held)
    scopes = [str(scope) for (scope,) in company.rows("select scope from goals join held using (goal_id) group by all")]
    assert scopes.count(company.truth.shocks["scope"][0]) == 1 and len(set(scopes)) > 1
    assert not set(company.truth.active(date(2026, 9, 30)).query("cause == 'goals_behind'")["employee_id"]) & set(
        held["employee_id"]
    )


def test_who_holds_back_is_far_behind_his_market_and_himself_and_only_there(company: Company) -> None:
    company.connection.register("held", company.truth.sandbaggers)
    (row,) = company.rows(f"""
        with attained as ({ATTAINED}),
        typical as (select scope, metric, period_start, median(log_pace) as market from attained group by all),
        excess as (select a.*, a.log_pace - u.market as beyond from attained a
                   join typical u using (metric, period_start) where a.scope is not distinct from u.scope)
        select median(e.beyond), max(e.beyond),
               median(e.beyond - (select avg(beyond) from excess p where p.employee_id = e.employee_id
                                  and p.metric = e.metric and p.period_start < e.period_start)),
               median((select avg(beyond) from excess o where o.employee_id = e.employee_id
                       and o.metric <> e.metric and o.period_start = e.period_start))
        from excess e join held using (goal_id)""")
    others, worst, himself, elsewhere = (float(str(cell)) for cell in row)
    assert others < np.log(0.75) and worst < np.log(0.95)
    assert himself < np.log(0.75)
    assert abs(elsewhere) < 0.15
