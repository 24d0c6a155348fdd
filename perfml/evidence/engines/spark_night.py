"""A night on Spark: the windowed columns of a kept log go to the parts of persons, in place of the rows of the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from perfml.evidence.engines.layout import Layout
from perfml.evidence.engines.spark_blocks import BLOCKS, PersonRanges, blocks, parted
from perfml.evidence.kept_log import KeptLog

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from perfml.evidence.engines.spark import SparkEngine

WINDOWS = "windows"
"""Blocks of the windowed columns of some persons."""
PERSONS_AT_ONCE = 8_192


def window_blocks(engine: SparkEngine, kept_log: KeptLog, layout: Layout, ranges: PersonRanges) -> DataFrame:
    """The windowed columns of everyone at the one as-of date of ``layout``, as blocks for the parts of ``ranges``."""
    people = engine.data.connection.sql("select employee_id, department from people order by employee_id").df()
    persons = people["employee_id"].to_numpy(dtype=object)
    night = kept_log.at(
        layout.plan,
        layout.grid,
        persons=persons,
        departments=pd.factorize(people["department"])[0].astype("int32")[None, :],
        exposure=layout.exposure(persons),
        decimals=layout.decimals,
        folder=engine.folder,
    )
    path = engine.folder / f"{WINDOWS}.parquet"
    with pq.ParquetWriter(path, BLOCKS) as writer:
        for low in range(0, len(persons), PERSONS_AT_ONCE):
            ids = pa.array(persons[low : low + PERSONS_AT_ONCE], pa.string())
            columns = {name: values[0] for name, values in night.columns(low, len(ids)).items()}
            table = pa.table({"employee_id": ids, **columns})
            for part, own in parted(table, ranges.parts(table.column("employee_id"))):
                for block in blocks(own, part=part, content=WINDOWS):
                    writer.write_batch(block)
    return engine.session.read.parquet(str(path))


def windows_of(people: pa.Table, windows: pa.Table) -> dict[str, pa.Array]:
    """The windowed columns of the rows of ``people``."""
    at = pc.index_in(people.column("employee_id"), windows.column("employee_id"))
    return {
        name: pa.array(windows.column(name).take(at).to_numpy(), from_pandas=True)
        for name in windows.column_names
        if name != "employee_id"
    }
