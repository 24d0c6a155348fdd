"""A session of Spark with the settings under which its SQL means what DuckDB's does."""

from __future__ import annotations

import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from perfml.errors import PerfmlError
from perfml.project.spec import EngineSettings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

CONNECT = "sc://"
SAME_MEANING: Final = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",  # a number that does not fit is an error, as in DuckDB
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",  # the id 007 in the name of a folder stays itself
    "spark.sql.execution.arrow.maxRecordsPerBatch": "100000",
}


def spark_session(settings: EngineSettings) -> SparkSession:
    """A session of its own on the cluster of ``settings``; its start is shared by all sessions of this process.

    Raises :class:`PerfmlError` where PySpark or Java is missing.
    """
    if find_spec("pyspark") is None:
        raise PerfmlError("PySpark is not installed", where="[engine] name", remedy="pip install 'perfml[spark]'")
    remote = settings.master.startswith(CONNECT)
    if not remote and not has_java():
        raise PerfmlError(
            "there is no Java, which Spark runs on",
            where="[engine] name",
            remedy="install Java 17 or newer (apt-get install openjdk-17-jre-headless) or name it in JAVA_HOME",
        )
    from pyspark.sql import SparkSession  # an optional extra

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("perfml")
    builder = builder.remote(settings.master) if remote else builder.master(settings.master)
    for key, value in settings.settings.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate().newSession()
    for key, value in SAME_MEANING.items():
        session.conf.set(key, value)
    return session


def has_java() -> bool:
    """Whether Java can be started here."""
    home = os.environ.get("JAVA_HOME")
    return shutil.which("java") is not None or (home is not None and (Path(home) / "bin" / "java").exists())
