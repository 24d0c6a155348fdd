"""The simulated company: follows the contract, is reproducible, and shows what is planted in it."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from perfml.demo.company import CAUSES, Truth, simulate
from tests import companies
from tests.demo.company import END, START, Company

YEARS = 3.0

KEYS = {
    "employees": "employee_id",
    "positions": "employee_id, effective_on",
    "exits": "employee_id, exited_on",
    "reviews": "review_id",
    "gap_tags": "employee_id, tag, noted_on",
    "goals": "goal_id, effective_on",
    "objectives": "objective_id, effective_on",
    "progress": "goal_id, measured_at",
    "signals": "name, scope, month",
    "courses": "course_id",
    "enrolments": "employee_id, course_id, enrolled_on, known_at",
    "interventions": "employee_id, kind, offered_on, known_at",
}
MANDATORY = {
    "employees": "employee_id hired_on",
    "positions": "employee_id effective_on",
    "exits": "employee_id exited_on kind",
    "events": "employee_id happened_at kind",
    "reviews": "review_id employee_id period_end reviewed_on rating",
    "gap_tags": "employee_id tag noted_on",
    "goals": "goal_id employee_id metric core weight target period_start period_end effective_on",
    "objectives": "objective_id level effective_on",
    "progress": "goal_id measured_at actual",
    "signals": "name month value",
    "courses": "course_id title",
    "enrolments": "employee_id course_id enrolled_on",
    "interventions": "employee_id offered_on kind",
}
HAPPENED = {name: column for name, column in companies.HAPPENED.items() if name not in ("deliveries", "facts")} | {
    "objectives": "effective_on",
    "enrolments": "coalesce(completed_on, enrolled_on)",
    "interventions": "coalesce(done_on, offered_on)",
}
TYPES = {
    "employee_id": "VARCHAR",
    "happened_at": "TIMESTAMP",
    "rating": "DOUBLE",
    "core": "BOOLEAN",
    "weight": "DOUBLE",
}


# What a company hands over


@pytest.mark.slow
def test_the_folder_holds_the_contract_tables_and_nothing_of_the_truth(company: Company) -> None:
    assert {path.name for path in company.folder.iterdir()} == {f"{table}.parquet" for table in MANDATORY}
    for path in company.folder.iterdir():
        kept_back = {
            "cause",
            "started_on",
            "ended_on",
            "closes",
            "factor",
            *(["outcome"] * (path.stem != "interventions")),
        }
        assert not kept_back & set(pq.read_schema(path).names)
    texts = company.rows("select distinct unnest([kind, source]) from events union all select distinct kind from exits")
    assert not {text for (text,) in texts} & (set(CAUSES) - {"overtime"})


@pytest.mark.parametrize("table", MANDATORY)
def test_mandatory_columns_are_there_and_full(company: Company, table: str) -> None:
    for column in MANDATORY[table].split():
        assert company.number(f"select count(*) from {table} where {column} is null") == 0, column
    assert company.number(f"select count(*) from {table}") > 0
    types = {str(row[0]): row[1] for row in company.rows(f"describe {table}")}
    assert all(types[column] == expected for column, expected in TYPES.items() if column in types)
    assert all(kind == "DATE" for column, kind in types.items() if column.endswith("_on") or column == "month")


@pytest.mark.parametrize("table", KEYS)
def test_keys_are_unique(company: Company, table: str) -> None:
    assert company.none(f"select {KEYS[table]} from {table} group by all having count(*) > 1")


def test_event_ids_are_unique_where_given_and_mostly_given(company: Company) -> None:
    count, given, distinct = company.rows("select count(*), count(event_id), count(distinct event_id) from events")[0]
    assert given == distinct
    assert 0.9 < int(str(given)) / int(str(count)) < 1.0


@pytest.mark.parametrize("table", HAPPENED)
def test_nothing_happened_or_became_known_on_or_after_the_end(company: Company, table: str) -> None:
    happened = HAPPENED[table]
    known = "known_at" if table != "employees" else "null::timestamp"
    assert company.none(f"from {table} where {happened} >= date '{END}' or {known} >= date '{END}'")
    assert company.none(f"from {table} where {known} < {happened}")


def test_facts_become_known_late_now_and_then(company: Company) -> None:
    late = company.rows(
        "select avg((known_at::date > happened_at::date)::int), max(known_at::date - happened_at::date) from events"
    )
    share, longest = late[0]
    assert 0.012 < float(str(share)) < 0.025
    assert longest == 9


def test_exits_follow_hires_and_end_everything(company: Company) -> None:
    assert company.none("from exits join employees using (employee_id) where exited_on <= hired_on")
    for table, day in HAPPENED.items():
        if table not in ("employees", "exits", "signals", "progress", "objectives"):
            assert company.none(
                f"from (select employee_id, {day} as day from {table}) join exits using (employee_id)"
                " where day > exited_on"
            ), table
    assert company.none("from events join employees using (employee_id) where happened_at < hired_on")


def test_counterparts_are_other_people_working_at_the_time(company: Company) -> None:
    wrong = """
        from events e join employees h on h.employee_id = e.counterpart_id
        left join exits x on x.employee_id = e.counterpart_id
        where e.counterpart_id = e.employee_id or e.happened_at < h.hired_on or e.happened_at >= x.exited_on"""
    assert company.none(wrong)
    alone = "from events where counterpart_id is null and (kind in ('meeting', 'praise') or kind like 'feedback_%')"
    assert company.none(alone)


def test_feedback_is_logged_on_both_sides_at_the_same_moment(company: Company) -> None:
    sides = [
        f"select {giver} as giver, {receiver} as receiver, happened_at from events where kind = '{kind}'"
        for kind, giver, receiver in (
            ("feedback_given", "employee_id", "counterpart_id"),
            ("feedback_received", "counterpart_id", "employee_id"),
        )
    ]
    unmatched = company.number(
        f"select count(*) from (({sides[0]} except all {sides[1]}) union all ({sides[1]} except all {sides[0]}))"
    )
    assert unmatched < 0.01 * company.number("select count(*) from events where kind = 'feedback_given'")


@pytest.mark.parametrize("day", ["2023-10-01", "2024-03-15", "2025-07-02", "2026-09-30"])
def test_managers_form_a_tree(company: Company, day: str) -> None:
    now = company.rows(f"""
        select employee_id, arg_max(manager_id, effective_on) filter (manager_id is not null),
               arg_max(manager_id is null, effective_on)
        from positions anti join (from exits where exited_on <= date '{day}') using (employee_id)
        where effective_on <= date '{day}' group by employee_id""")
    manager = {str(who): None if top else str(above) for who, above, top in now}
    assert sum(above is None for above in manager.values()) == 1
    for who in manager:
        path = [who]
        while (above := manager.get(path[-1])) is not None:
            assert above not in path, path
            path.append(above)
        assert len(path) <= 5


def test_people_join_move_up_and_change_managers(company: Company) -> None:
    staying = company.number("select count(*) from employees anti join exits using (employee_id)")
    assert 0.9 < staying / 600 <= 1.0
    assert company.number(f"select count(*) from employees where hired_on >= date '{START}'") > 150
    changes = """
        with steps as (
            select *, lag(level) over w as level_before, lag(manager_id) over w as manager_before
            from positions window w as (partition by employee_id order by effective_on))
        select count(*) filter (level > level_before), count(*) filter (manager_id <> manager_before),
               count(*) filter (level < level_before) from steps"""
    up, managers, down = company.rows(changes)[0]
    assert int(str(up)) > 300 and int(str(managers)) > 150 and down == 0


def test_goal_weights_sum_to_100_and_targets_are_positive(company: Company) -> None:
    assert company.none("""
        with latest as (from goals qualify row_number() over (partition by goal_id order by effective_on desc) = 1)
        select employee_id, period_start from latest
        group by all having sum(weight) <> 100 or count(*) not between 2 and 3 or not bool_or(core)""")
    assert company.none("from goals where weight <= 0 or target <= 0")
    assert company.number("select count(*) - count(distinct goal_id) from goals") > 500


def test_progress_accumulates_within_its_period(company: Company) -> None:
    assert company.none("""
        from (select *, lag(actual) over (partition by goal_id order by measured_at) as before from progress)
        where actual < before""")
    assert company.none("""
        from progress join goals using (goal_id)
        where measured_at < period_start or measured_at >= period_end + 1""")


def test_reviews_are_by_the_manager_weeks_after_the_period(company: Company) -> None:
    assert company.none("from reviews where reviewed_on - period_end not between 14 and 28 or known_at <= reviewed_on")
    assert company.none("from reviews where rating not in (1, 2, 3, 4, 5)")
    by_manager = """
        select avg((reviewer_id = manager_id)::int) from (
            select review_id, reviewer_id, arg_max(manager_id, effective_on) as manager_id
            from reviews join positions p using (employee_id)
            where p.effective_on < reviewed_on group by all)"""
    assert company.number(by_manager) > 0.97


def test_gap_tags_are_quoted_from_their_review(company: Company) -> None:
    assert company.none("from gap_tags join reviews using (review_id) where not contains(comment, quote)")
    assert company.number("select count(*) from gap_tags where tag = '跨部门协作待加强'") > 20


# How often things happen


@pytest.mark.parametrize(
    ("kind", "low", "high"), [("voluntary", 0.10, 0.14), ("involuntary", 0.02, 0.04), ("other", 0.004, 0.016)]
)
def test_rates_of_leaving(company: Company, *, kind: str, low: float, high: float) -> None:
    assert low < company.number(f"select count(*) from exits where kind = '{kind}'") / (600 * YEARS) < high


def test_share_of_low_ratings(company: Company) -> None:
    assert 0.095 < company.number("select avg((rating <= 2)::int) from reviews") < 0.125


def test_size_and_rhythm_of_the_log(company: Company) -> None:
    assert 500_000 < company.number("select count(*) from events") < 900_000
    assert company.number("select count(distinct kind) from events") == 12
    tuesday, friday, saturday = (
        company.number(f"select count(*) from events where isodow(happened_at) = {day}") for day in (2, 5, 6)
    )
    assert saturday < 0.1 * tuesday
    assert 0.6 * tuesday < friday < tuesday


# What is planted


def test_truth_has_the_promised_shape(company: Company) -> None:
    plants = company.truth.plants
    assert list(plants.columns) == ["employee_id", "cause", "outcome", "started_on", "ended_on"]
    assert set(plants["cause"]) == set(CAUSES)
    assert all(
        CAUSES[cause].outcome == outcome for cause, outcome in zip(plants["cause"], plants["outcome"], strict=True)
    )
    assert plants["employee_id"].is_unique
    assert (plants["started_on"] >= pd.Timestamp(START)).all() and (plants["started_on"] < pd.Timestamp(END)).all()
    assert not (plants["ended_on"] < plants["started_on"]).any()
    with pytest.raises(FrozenInstanceError):
        company.truth.plants = plants


def test_causes_say_where_their_signature_stands(company: Company) -> None:
    kinds = {str(kind) for (kind,) in company.rows("select distinct kind from events")}
    for cause in CAUSES.values():
        assert cause.zh and cause.en and cause.outcome in ("attrition", "low_performance")
        assert set(cause.tables) <= set(MANDATORY)
        assert set(cause.kinds) <= kinds
        assert bool(cause.kinds) == ("events" in cause.tables)


@pytest.mark.parametrize("cause", CAUSES)
def test_every_cause_has_a_history_and_people_active_at_the_end(company: Company, cause: str) -> None:
    planted = company.truth.plants.query("cause == @cause")
    assert 0.03 < len(planted) / company.number("select count(*) from employees") < 0.09
    active = company.truth.active(END).query("cause == @cause")
    assert len(active) >= 4
    assert active["ended_on"].isna().all()
    assert not set(active["employee_id"]) & {str(who) for (who,) in company.rows("select employee_id from exits")}


def test_planted_people_meet_their_outcome_more_often(company: Company) -> None:
    left = company.number("""
        select avg(coalesce((x.kind = 'voluntary')::int, 0)) from plants p left join exits x
        on x.employee_id = p.employee_id and x.exited_on = p.ended_on
        where outcome = 'attrition' and started_on < date '2025-06-01'""")
    low = company.number("""
        select avg(coalesce((r.rating <= 2)::int, 0)) from plants p left join reviews r
        on r.employee_id = p.employee_id and r.reviewed_on = p.ended_on
        where outcome = 'low_performance' and started_on < date '2025-06-01'""")
    assert left > 0.5
    assert low > 0.6


def during(company: Company, cause: str, measure: str, *, first: int = 90, last: int = 240) -> tuple[float, float]:
    """`measure` of the events per person-day: of the planted, `first` to `last` days on, and of everybody else."""
    planted = f"""
        with windows as (
            select employee_id, started_on + {first} as since,
                   least(started_on + {last}, coalesce(ended_on, date '{END}')) as until
            from (select employee_id, started_on::date as started_on, ended_on::date as ended_on
                  from plants where cause = '{cause}')
            where started_on + {first + 28} <= coalesce(ended_on, date '{END}'))
        select ({measure}) / (select sum(until - since) from windows)
        from events join windows using (employee_id) where happened_at >= since and happened_at < until"""
    others = f"""
        with days as (
            select sum(least(coalesce(exited_on, date '{END}'), date '{END}') - greatest(hired_on, date '{START}')) as n
            from employees left join exits using (employee_id)
            where employee_id not in (select employee_id from plants where cause = '{cause}'))
        select ({measure}) / any_value(n) from events, days
        where employee_id not in (select employee_id from plants where cause = '{cause}')"""
    return company.number(planted), company.number(others)


@pytest.mark.parametrize(
    ("cause", "measure", "low", "high"),
    [
        (
            "fading_activity",
            "count(*) filter (kind in ('crm_update', 'doc_edit', 'ticket_closed', 'login'))",
            0.25,
            0.55,
        ),
        ("fading_activity", "count(*) filter (kind = 'meeting')", 0.85, 1.15),
        ("overtime", "sum(value) filter (kind = 'overtime')", 4.0, 8.0),
        ("isolation", "count(*) filter (kind = 'meeting')", 0.8, 1.2),
        ("feedback_drought", "count(*) filter (kind = 'feedback_received')", 0.02, 0.3),
        ("late_milestones", "count(*) filter (kind = 'milestone_late')", 3.5, 7.0),
        ("late_milestones", "count(*) filter (kind = 'milestone_done')", 0.25, 0.6),
        ("late_milestones", "count(*) filter (kind in ('crm_update', 'login'))", 0.8, 1.2),
    ],
)
def test_a_cause_changes_the_rate_of_its_own_kinds(
    company: Company, *, cause: str, measure: str, low: float, high: float
) -> None:
    planted, others = during(company, cause, measure)
    assert low < planted / others < high


def test_isolation_shrinks_the_circle(company: Company) -> None:
    circles = """
        select cause is not null, median(people) from (
            select e.employee_id, any_value(cause) as cause, count(distinct counterpart_id) as people
            from events e left join (from plants where cause = 'isolation') p
            on p.employee_id = e.employee_id
            where kind = 'meeting' and (p.cause is null or happened_at between started_on + interval 60 day and
                  least(started_on + interval 180 day, coalesce(ended_on, timestamp '2026-10-01')))
              and (p.cause is not null or happened_at between timestamp '2025-01-01' and timestamp '2025-05-01')
            group by 1) group by 1"""
    people = {bool(planted): float(str(median)) for planted, median in company.rows(circles)}
    assert people[True] <= 5 < 10 < people[False]


def test_a_stalled_career_is_long_in_its_level_and_well_rated(company: Company) -> None:
    waits = """
        with levels as (
            select *, level is distinct from lag(level) over (partition by employee_id order by effective_on) as moved
            from positions)
        select median(started_on::date - since), min(started_on::date - since) from (
            select p.employee_id, p.started_on, max(effective_on) as since
            from plants p join levels l using (employee_id)
            where cause = 'stalled_career' and moved and effective_on < started_on group by all)"""
    median, shortest = company.rows(waits)[0]
    assert float(str(median)) > 820 and float(str(shortest)) >= 820
    rating = "select avg(rating) from reviews join plants using (employee_id) where cause = 'stalled_career'"
    assert company.number(rating) > 3.5


def test_goals_behind_are_behind(company: Company) -> None:
    behind = """
        select median(actual / target) from progress join goals using (goal_id) join plants using (employee_id)
        where cause = 'goals_behind' and started_on < period_start - 14
        and measured_at < coalesce(ended_on, timestamp '2026-10-01') and month(measured_at) % 3 = 0"""
    assert company.number(behind) < 0.55
    ordinary = (
        "select median(actual / target) from progress join goals using (goal_id) where month(measured_at) % 3 = 0"
    )
    assert company.number(ordinary) > 0.85


def test_a_rating_slide_has_begun_with_a_drop_that_is_not_low_yet(company: Company) -> None:
    drops = """
        with pairs as (
            select *, lag(rating) over (partition by employee_id order by reviewed_on) - rating as dropped from reviews)
        select min(dropped), min(rating), max(rating), count(*) from plants join pairs
        on pairs.employee_id = plants.employee_id and reviewed_on = started_on where cause = 'rating_slide'"""
    least, low, high, count = company.rows(drops)[0]
    assert float(str(least)) >= 1 and low == high == 3.0 and int(str(count)) > 25


# Reproducible, and not only at one size


@pytest.mark.slow
def test_the_same_seed_gives_the_same_company_and_another_seed_another(tmp_path: Path) -> None:
    span = {"start": date(2024, 1, 1), "end": date(2025, 7, 1)}
    first = simulate(tmp_path / "a", employees=80, seed=3, **span)
    again = simulate(tmp_path / "b", employees=80, seed=3, **span)
    other = simulate(tmp_path / "c", employees=80, seed=4, **span)
    for frame in fields(Truth):
        pd.testing.assert_frame_equal(getattr(first, frame.name), getattr(again, frame.name))
    assert not first.plants.equals(other.plants)
    for path in (tmp_path / "a").iterdir():
        assert pq.read_table(path).equals(pq.read_table(tmp_path / "b" / path.name)), path.name
    assert not pq.read_table(tmp_path / "a/events.parquet").equals(pq.read_table(tmp_path / "c/events.parquet"))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_any_dates_and_a_small_company_will_do(tmp_path: Path, seed: int) -> None:
    end = date(2024, 1, 19)
    small = Company(tmp_path, simulate(tmp_path, employees=40, start=date(2022, 5, 5), end=end, seed=seed))
    for table, happened in HAPPENED.items():
        assert small.none(f"from {table} where {happened} >= date '{end}'"), table
    for table, key in KEYS.items():
        assert small.none(f"select {key} from {table} group by all having count(*) > 1"), table


def test_too_small_or_too_short_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 40 employees and 365 days"):
        simulate(tmp_path, employees=10, start=START, end=END)
    with pytest.raises(ValueError, match="at least 40 employees and 365 days"):
        simulate(tmp_path, start=START, end=date(2024, 1, 1))
