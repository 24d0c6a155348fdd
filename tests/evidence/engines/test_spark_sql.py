"""DuckDB's SQL in Spark's words, and what is said where Spark cannot be had. Needs no Spark."""

from __future__ import annotations

import pytest

from perfml.errors import PerfmlError
from perfml.evidence.engines import spark_session as sessions
from perfml.evidence.engines.spark_sql import spark_sql, tables_read
from perfml.project.spec import EngineSettings


def test_tables_are_views_and_names_of_the_query_stay() -> None:
    sql = "with people as (select 1 as a) select people.a, e.kind from people join events e on true join temp.asofs on true"
    assert spark_sql(sql).endswith("FROM people JOIN perfml_events AS e ON TRUE JOIN perfml_asofs AS `asofs` ON TRUE")
    assert tables_read(sql) == {"events", "asofs"}


def test_without_pyspark_or_java_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = EngineSettings(name="spark")
    monkeypatch.setattr(sessions, "find_spec", lambda name: None)
    with pytest.raises(PerfmlError, match=r"PySpark is not installed; pip install 'perfml\[spark\]'"):
        sessions.spark_session(settings)
    monkeypatch.setattr(sessions, "find_spec", lambda name: name)
    monkeypatch.setattr(sessions, "has_java", lambda: False)
    with pytest.raises(PerfmlError, match="there is no Java"):
        sessions.spark_session(settings)
