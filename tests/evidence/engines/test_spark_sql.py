"""DuckDB's SQL in Spark's words, and what is said where Spark cannot be had. Needs no Spark."""

from __future__ import annotations

import pytest

from perfml.errors import PerfmlError
from perfml.evidence.engines import spark_session as sessions
from perfml.evidence.engines.spark_sql import spark_sql, tables_read
from perfml.project.spec import EngineSettings


def test_tables_are_views_and_names_of_the_query_stay() -> None:
    sql = "with people as (select 1 as a) select people.a, goals.b from people join goals on true join asofs on true"
    assert spark_sql(sql, schema="known").endswith(
        "FROM people JOIN known_goals AS `goals` ON TRUE JOIN temp_asofs AS `asofs` ON TRUE"
    )
    assert tables_read(sql, schema="known") == (("goals", "known"), ("asofs", "known"))
    assert spark_sql("select x.a from main.exits x", schema="known") == "SELECT x.a FROM main_exits AS x"


def test_a_division_by_zero_is_infinite_as_in_duckdb() -> None:
    infinite = "CASE WHEN (b) = 0 THEN CAST(a AS DOUBLE) * CAST('Infinity' AS DOUBLE) ELSE a / b END"
    assert spark_sql("select a / b as c, a / 2 as d from t") == f"SELECT {infinite} AS c, a / 2 AS d FROM main_t AS `t`"


def test_sums_of_definitions_are_added_in_order() -> None:
    sql = "select sum(x) as s, avg(x) filter (where y) as m, sum(x) over (partition by z) as w from t"
    ordered = spark_sql(sql, schema="known")
    assert ordered.count("ARRAY_SORT(COLLECT_LIST(") == 2 and "SUM(x) OVER (PARTITION BY z)" in ordered
    assert "COLLECT_LIST" not in spark_sql(sql)  # perfml's own queries add whole numbers


def test_an_asof_join_is_a_join_with_an_interval() -> None:
    sql = "select 1 as a from events e asof left join posts p on e.id = p.id and e.day >= p.since"
    inside = "(e.id = p.id AND e.day >= p.since) AND (p.until_day IS NULL OR e.day < p.until_day)"
    assert spark_sql(sql) == f"SELECT 1 AS a FROM main_events AS e LEFT JOIN main_posts AS p ON {inside}"


def test_without_pyspark_or_java_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = EngineSettings(name="spark")
    monkeypatch.setattr(sessions, "find_spec", lambda name: None)
    with pytest.raises(PerfmlError, match=r"PySpark is not installed; pip install 'perfml\[spark\]'"):
        sessions.spark_session(settings)
    monkeypatch.setattr(sessions, "find_spec", lambda name: name)
    monkeypatch.setattr(sessions, "has_java", lambda: False)
    with pytest.raises(PerfmlError, match="there is no Java"):
        sessions.spark_session(settings)
