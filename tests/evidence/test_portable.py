"""What feature SQL may not say, and what it may."""

import duckdb
import numpy as np
import pandas as pd
import pytest

from perfml.errors import DefinitionError
from perfml.evidence.portable import check_portable, check_reads, repeatable
from tests.tables import shipped

REFUSED = {
    "select * from a asof join b using (x)": "ASOF JOIN",
    "select * from a asof left join b on a.x >= b.x": "ASOF JOIN",
    "select * from (pivot a on x using sum(y))": "PIVOT",
    "select * from (unpivot a on x, y into name n value v)": "PIVOT",
    "select list(x order by y) from a": "an ordered list aggregate",
    "select array_agg(x order by y) filter (where z) from a": "an ordered list aggregate",
    "select string_agg(x, ',' order by y) from a": "an ordered list aggregate",
    "select first(x order by y) from a": "an ordered list aggregate",
    "select x * 0.5 from a": "the bare decimal 0.5",
    "select -.5": "the bare decimal 0.5",
    "select 1e6": "the bare decimal 1e6",
    "select x from a where y > 1.0": "the bare decimal 1.0",
    "select current_date": "today's date",
    "select x from a where d < current_date": "today's date",
    "select today()": "today's date",
    "select now()": "today's date",
    "select current_timestamp": "today's date",
    "select get_current_timestamp()": "today's date",
    "select localtimestamp": "today's date",
    "select random()": "a random value",
    "select uuid()": "a random value",
    "select any_value(x) from a": "whichever row comes first",
    "select first(x) from a": "whichever row comes first",
    "select x from a where d < date '2026-01-01'": "a date filter (d < CAST('2026-01-01' AS DATE))",
    "select x from a where d >= '2026-1-1'": "a date filter",
    "select x from a where '2026-01-01 08:00:00'::timestamp < d": "a date filter",
    "select x from a where d between date '2025-01-01' and as_of": "a date filter",
    "select x from a where d in ('2026-01-01')": "a date filter",
    "select x from a where d < make_date(2026, 1, 1)": "a date filter",
    "select x from a where d < strptime('01/02/2026', '%d/%m/%Y')": "a date filter",
    "select x from a where d > date '2026-01-01' - interval 3 month": "a date filter",
    "select x from a where date_diff('day', date '2026-01-01', d) > 0": "a date filter",
    "select case when d < date('2026-01-01') then 1 end from a": "a date filter",
    "select x from a join b on a.x = b.x and b.d > date '2026-01-01'": "a date filter",
    "select x from a qualify max(d) over () > '2026/01/01'": "a date filter",
    "select 1; select 2": "is not one SELECT",
    "": "is not one SELECT",
    "delete from a": "is not one SELECT",
    "create table b as select 1": "is not one SELECT",
    "copy a to 'x.csv'": "is not one SELECT",
    "attach 'x.db'": "is not one SELECT",
    "pragma database_list": "is not one SELECT",
    "selct 1": "is not",
    "select (1": "is not SQL",
}
ALLOWED = [
    "select 1",
    "select 0.5::double, cast(2.5 as double), try_cast(1e3 as double) from a",
    "with a as (select 1 as x) select x from a",
    "select 1 union all select 2",
    "select row_number() over (partition by x order by y desc) from a order by x",
    "select sum(x) over (order by y rows between 1 preceding and current row) from a",
    "select list(distinct x) from a",
    "select 'now, 0.5; current_date' -- 1.5; now()",
    "select x from a where d < as_of and d < e",
    "select x from a where d >= as_of - interval 3 month and date_diff('day', d, as_of) <= 365",
    "select date_diff('day', date '1970-01-01', d) as x from a",
    "select x from a where kind = '2026-01' and d < make_date(year(as_of), 1, 1)",
]


@pytest.mark.parametrize("sql", REFUSED)
def test_refused(sql: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        check_portable(sql, file="features/x.sql")
    assert str(caught.value).startswith(f"features/x.sql: {REFUSED[sql]}") and caught.value.remedy


@pytest.mark.parametrize("sql", ALLOWED)
def test_allowed(sql: str) -> None:
    check_portable(sql, file="features/x.sql")


@pytest.mark.parametrize("file", [file.name for file in shipped().relational])
def test_shipped_files_are_portable_and_read_what_they_need(file: str) -> None:
    spec = next(each for each in shipped().relational if each.name == file)
    check_portable(spec.sql, file=spec.file)
    check_reads(spec.sql, needs=spec.spec.needs, file=spec.file)


@pytest.mark.parametrize(
    "table",
    [
        "events",
        "employees",
        "main.reviews",
        "MAIN.reviews",
        "known.reviews",
        "read_csv('x.csv')",
        "'x.parquet'",
        "exits",
        "temp.cells",
        "quarantine",
    ],
)
def test_reading_anything_else_is_refused(table: str) -> None:
    needs = ("people", "reviews")
    instead = r"which it may not; (name it in needs, .*offered: people, reviews|count the log|select from people)"
    for sql in (
        f"select * from people join {table} using (employee_id)",
        f"with x as (select * from {table}) select * from x",
    ):
        with pytest.raises(DefinitionError, match=instead):
            check_reads(sql, needs=needs, file="features/x.sql")
    check_reads(
        "with Own as (select * from REVIEWS) select * from own, people, range(3)",
        needs=needs,
        file="features/x.sql",
    )


def test_a_table_that_is_needed_and_never_read_is_refused() -> None:
    """Positions may stand for the columns of people that come from there: without them the file says nothing."""
    query = "select employee_id, as_of from people"
    check_reads(query, needs=("people", "positions"), file="features/x.sql")
    with pytest.raises(
        DefinitionError, match="needs 'reviews', which the SELECT never reads; select from it, or leave"
    ):
        check_reads(query, needs=("people", "reviews"), file="features/x.sql")
    with pytest.raises(DefinitionError, match="needs 'positions', which the SELECT never reads"):
        check_reads("select * from reviews", needs=("positions", "reviews"), file="features/x.sql")


SUMS = [
    "sum(x)",
    "avg(x) filter (where g < 5)",
    "sum(distinct x)",
    "stddev(x)",
    "var_pop(x)",
    "sum(x * g) / sum(case when g > 1 then x end)",
    "sum(sum(x)) over ()",
]


def answers(sql: str, rows: pd.DataFrame) -> list[tuple[object, ...]]:
    with duckdb.connect() as connection:
        connection.register("a", rows)
        return connection.execute(sql).fetchall()


@pytest.mark.parametrize("sum_", SUMS)
def test_the_order_of_rows_does_not_reach_a_digit(sum_: str) -> None:
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(
        {"g": rng.integers(0, 9, 20_000), "x": rng.normal(size=20_000) * 10.0 ** rng.integers(-9, 9, 20_000)}
    )
    plain = f"select g % 3 as third, {sum_} as v from a group by g % 3 order by third"
    results = [answers(repeatable(plain), rows.sample(frac=1, random_state=seed)) for seed in range(4)]
    assert len(set(map(tuple, results))) == 1
    assert np.allclose([value for _, value in results[0]], [value for _, value in answers(plain, rows)], rtol=1e-6)


def test_running_sums_stay_as_they_are() -> None:
    rows = pd.DataFrame({"g": [1, 1, 2], "x": [3, 1, 2]})
    sql = "select g, x, sum(x) over (partition by g order by x) as running from a order by g, x"
    assert answers(repeatable(sql), rows) == [(1, 1, 1), (1, 3, 4), (2, 2, 2)]
