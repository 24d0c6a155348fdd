"""Spark as tests use it: small, two tasks beside each other, one session for a whole module."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from perfml.evidence.engines.spark_session import has_java
from perfml.project.spec import EngineSettings

SETTINGS = {
    "spark.driver.memory": "1g",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.adaptive.enabled": "false",  # a job for each step of a query, which few rows are not worth
    "spark.sql.codegen.wholeStage": "false",  # compiling takes longer than a few rows
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}


def spark(master: str = "local[2]", **more: str) -> EngineSettings:
    """Settings of a small Spark."""
    return EngineSettings(name="spark", master=master, settings=SETTINGS | more)


needs_spark = pytest.mark.skipif(
    find_spec("pyspark") is None or not has_java(), reason="needs PySpark (perfml[spark]) and Java 17"
)
