"""Spark on a cluster: the log lies in files that its executors read; all other tables are read by this machine and lent to it.

Exchanges of rows of the log: by id where ids are repeated, and by part of persons. Everything else that is exchanged has a row
per person and as-of date, or fewer. See ``docs/decisions/0057-spark.md``.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.parquet as pq

from perfml.errors import PerfmlError
from perfml.evidence.engines.evidence_file import parquet_writer
from perfml.evidence.engines.layout import Layout, lay_out
from perfml.evidence.engines.spark_evidence import SparkEvidence
from perfml.evidence.engines.spark_log import BROKEN, RAW, BatchQuery, RowTyping, connect, rank_versions
from perfml.evidence.engines.spark_session import spark_session
from perfml.evidence.engines.spark_sql import TEMPORARY, Schema, spark_sql, tables_read, view_name
from perfml.evidence.log.cells import require_conditions
from perfml.evidence.snapshots import known_sql, people_sql
from perfml.evidence.tables.loading import make_empty, quarantined_rows
from perfml.evidence.tables.reading import RawTable, described, literal, quoted
from perfml.evidence.tables.typed_rows import faults, typed_rows
from perfml.evidence.withheld.rows import as_they_stand
from perfml.files import atomic_write
from perfml.progress import Progress
from perfml.project.folder import Definitions
from perfml.project.spec import EngineSettings
from perfml.project.table_spec import TableSpec

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from perfml.evidence.sources import Data

IDS_IN_A_BUCKET: Final = 200_000
"""Rows with repeated ids that are ranked together, roughly."""


class SparkEngine:
    """Computes evidence on a cluster."""

    def __init__(self, data: Data, settings: EngineSettings, spec: TableSpec) -> None:
        self.data, self._spec = data, spec
        self.session = spark_session(settings)
        self._resources = ExitStack()
        folder = settings.folder
        self.folder = Path(
            self._resources.enter_context(tempfile.TemporaryDirectory(prefix="perfml-spark-", dir=folder))
        )
        self._shown: set[str] = set()

    def close(self) -> None:
        """Release what the executors keep, and the rows between the steps. The session itself is left to the process."""
        if "typed" in self.__dict__:
            self.typed.unpersist()
        self._resources.close()

    def read_log(self, raw: RawTable) -> int:
        """Take ``raw`` for the log, its rows unread; return their number."""
        self._raw = raw
        make_empty(self.data.connection, "unread_events", self._spec)
        self._refuse_log()
        rows: int = self.data.connection.execute(f"select count(*) from {raw.relation}").fetchall()[0][0]
        return rows

    @property
    def can_be_late(self) -> bool:
        """Whether rows of the log may become known after the day they happened, or be superseded by a correction."""
        return "known_at" in self.data.columns["events"] or self._repeated is not None

    @cached_property
    def typed(self) -> DataFrame:
        """The rows of the log in their types, as :func:`~perfml.evidence.tables.typed_rows.typed_rows` says, with ``usable_day``;
        kept by the executors on disk."""
        from pyspark import StorageLevel  # an optional extra
        from pyspark.sql.pandas.types import from_arrow_schema

        rows, raw = self._stored_log
        spec = self._spec
        typed = typed_rows(raw, spec, today=self.data.today)
        typed = as_they_stand(typed, "events", spec, self.data.withheld.facts)
        typing = RowTyping(sql=f"select *, greatest(happened_day, known_day) as usable_day from ({typed})")
        schema = typing.typed(self.data.connection, rows.limit(0).toArrow()).schema
        types = from_arrow_schema(schema, prefer_timestamp_ntz=True)
        return rows.mapInArrow(typing, types).persist(StorageLevel.DISK_ONLY)

    @cached_property
    def _usable(self) -> DataFrame:
        """The rows of :attr:`typed` that break no rule."""
        return self.typed.where(f"{BROKEN} is null")

    @cached_property
    def _stored_log(self) -> tuple[DataFrame, RawTable]:
        """The rows of the log as they are stored, and how they are read."""
        raw, types = self._raw, described(self.data.connection, self._raw.relation)
        files, root = _parquet_files(raw)
        if not files or "TIMESTAMP_NS" in types.values():  # Spark has no nanoseconds
            path = self.folder / "raw.parquet"
            coarser = [
                f"{quoted(name)}::timestamp as {quoted(name)}" for name, kind in types.items() if kind == "TIMESTAMP_NS"
            ]
            replaced = f" replace ({', '.join(coarser)})" if coarser else ""
            self.data.connection.execute(
                f"copy (select *{replaced} from {raw.relation}) to {literal(str(path))} (format parquet)"
            )
            rows = self.session.read.parquet(str(path))
        else:
            reader = self.session.read.option("mergeSchema", "true")
            reader = reader.option("basePath", root) if root else reader
            rows = reader.parquet(*files).select(*(f"`{name}`" for name in raw.columns))
            raw = replace(raw, row=None, file=None)  # nothing numbers the rows where they lie
        self.data.connection.register(RAW, rows.limit(0).toArrow())
        stored = described(self.data.connection, RAW)
        return rows, replace(raw, relation=RAW, columns={name: stored[name] for name in raw.columns})

    @cached_property
    def _repeated_ids(self) -> DataFrame:
        """Ids that several rows have."""
        given = self._usable.where("event_id is not null")
        return self.stored(given.groupBy("event_id").count().where("count > 1").select("event_id"), "repeated_ids")

    @cached_property
    def _repeated(self) -> DataFrame | None:
        """All rows of repeated ids, ranked; None where no id is repeated."""
        from pyspark.sql.pandas.types import from_arrow_schema  # an optional extra

        if "event_id" not in self.data.columns["events"]:
            return None
        n = self._repeated_ids.count()
        if not n:
            return None
        rows = self._usable.join(self._repeated_ids, "event_id", "left_semi").selectExpr(
            "*", f"pmod(xxhash64(event_id), {1 + n // IDS_IN_A_BUCKET}) as bucket"
        )
        empty = rows.limit(0).toArrow().drop_columns(["bucket"])
        types = from_arrow_schema(rank_versions(empty).schema, prefer_timestamp_ntz=True)

        def rank(bucket: pa.Table) -> pa.Table:
            return rank_versions(bucket.drop_columns(["bucket"]))

        return rows.groupBy("bucket").applyInArrow(rank, types)

    @cached_property
    def events(self) -> DataFrame:
        """The clean log: its usable rows with ``superseded_day``."""
        _, raw = self._stored_log
        hidden = [BROKEN, *filter(None, faults(raw).values())]
        repeated, single = self._repeated, self._usable
        if repeated is not None:
            single = single.join(self._repeated_ids, "event_id", "left_anti")
        single = single.drop(*hidden).selectExpr("*", "cast(null as date) as superseded_day")
        return single if repeated is None else single.unionByName(repeated.where(f"{BROKEN} is null").drop(*hidden))

    def add_quarantined(self) -> None:
        """Add the rows of the log that cannot be used to the table ``quarantine`` on this machine."""
        _, raw = self._stored_log
        rows = self.typed.where(f"{BROKEN} is not null")
        if self._repeated is not None:
            copies = self._repeated.where(f"{BROKEN} is not null").drop(*filter(None, faults(raw).values()))
            rows = rows.unionByName(copies, allowMissingColumns=True)
        self.data.connection.register("refused_events", rows.toArrow())
        refused = quarantined_rows(raw, self._spec, "refused_events")
        self.data.connection.execute(f"insert into quarantine {refused}")
        self.data.connection.unregister("refused_events")

    def of_batches(self, sql: str) -> pa.Table:
        """What a SELECT in DuckDB's SQL gives of each batch of the clean ``events``, one after the other; few rows a batch."""
        from pyspark.sql.pandas.types import from_arrow_schema  # an optional extra

        select = BatchQuery(sql=sql)
        schema = select.of(self.events.limit(0).toArrow()).schema
        return self.events.mapInArrow(select, from_arrow_schema(schema, prefer_timestamp_ntz=True)).toArrow()

    @contextmanager
    def lent_log(self, sql: str) -> Iterator[None]:
        """Let ``events`` on this machine be the rows that a SELECT in DuckDB's SQL gives; otherwise reading it is refused."""
        self.stored(self.select(sql), "lent_events")
        files = literal(str(self.folder / "lent_events.parquet" / "*.parquet"))
        self.data.connection.execute(f"create or replace view events as select * from read_parquet({files})")
        try:
            yield
        finally:
            self._refuse_log()

    def _refuse_log(self) -> None:
        """Let ``events`` on this machine be a view that no query reads, so that nothing takes an unread log for an empty one."""
        problem = literal("the log lies on Spark: ask for it with Data.query")
        self.data.connection.execute(
            f"create or replace view events as select n.* from (select 1 where error({problem}) is null)"
            " left join unread_events n on true"
        )

    def query(self, sql: str) -> pa.Table:
        """The rows of a SELECT in DuckDB's SQL."""
        return self.select(sql).toArrow()

    def select(self, sql: str, *, schema: Schema = "main") -> DataFrame:
        """The rows of a SELECT in DuckDB's SQL, where they are."""
        for table, of in tables_read(sql, schema=schema):
            self._show(table, of)
        return self.session.sql(spark_sql(sql, schema=schema))

    def _show(self, table: str, schema: Schema) -> None:
        """Make the view of a table, unless it is there."""
        name = view_name(table, schema)
        if table in TEMPORARY or name in self._shown:
            return
        if schema == "known":
            rows = self.select(known_sql(self.data, table))
        elif table == "events":
            rows = self.events
        else:
            path = self.folder / f"{name}.parquet"
            self.data.connection.execute(
                f"copy (select * from main.{quoted(table)}) to {literal(str(path))} (format parquet)"
            )
            rows = self.session.read.parquet(str(path))
        rows.createOrReplaceTempView(name)
        self._shown.add(name)

    def make_snapshots(self, as_ofs: Sequence[dt.date]) -> None:
        """See :func:`~perfml.evidence.snapshots.make_snapshots`."""
        self._shown = {name for name in self._shown if not name.startswith("known_")}
        dates = pa.table({"as_of": pa.array(as_ofs, pa.date32())})
        self.session.createDataFrame(dates).createOrReplaceTempView(view_name("asofs"))
        self.stored(self.select(people_sql(self.data)), "people").createOrReplaceTempView(view_name("people"))

    def stored(self, rows: DataFrame, name: str) -> DataFrame:
        """``rows``, computed once and stored in a file."""
        path = str(self.folder / f"{name}.parquet")
        rows.write.mode("overwrite").parquet(path)
        return self.session.read.parquet(path)

    def batches(self, name: str, *, rows: int = 65_536) -> Iterator[pa.RecordBatch]:
        """What :meth:`stored` stored as ``name``, in its order and at most ``rows`` at a time, on this machine."""
        for part in sorted((self.folder / f"{name}.parquet").glob("*.parquet")):
            with pq.ParquetFile(part) as file:
                yield from file.iter_batches(rows)

    def write(
        self,
        definitions: Definitions,
        as_ofs: Sequence[dt.date],
        out: Path,
        *,
        kinds: Sequence[str] | None,
        estimate: bool,
        progress: Progress,
    ) -> int:
        """See :func:`perfml.evidence.features.write`. Raises :class:`PerfmlError` where a task fails."""
        with self.named_failures():
            progress("people", 0, 1)
            layout = self.lay_out(definitions, as_ofs, kinds=kinds, estimate=estimate)
            self.stored(self.evidence(layout, progress).orderBy("employee_id", "as_of"), "evidence")
        progress("writing", 0, 1)
        n = 0
        with atomic_write(out) as path, parquet_writer(path, layout) as writer:
            for batch in self.batches("evidence"):
                writer.write_table(pa.Table.from_batches([batch]).cast(writer.schema))
                n += batch.num_rows
        progress("writing", 1, 1)
        return n

    def lay_out(
        self, definitions: Definitions, as_ofs: Sequence[dt.date], *, kinds: Sequence[str] | None, estimate: bool
    ) -> Layout:
        """What a run at ``as_ofs``, ascending, computes; makes the snapshots."""
        self.make_snapshots(as_ofs)
        layout = lay_out(self.data, definitions, as_ofs, kinds=kinds, estimate=estimate)
        if layout.plan.conditions:
            with connect() as connection:
                connection.register("events", self.events.limit(0).toArrow())
                require_conditions(connection, layout.plan)
        return layout

    def evidence(self, layout: Layout, progress: Progress) -> DataFrame:
        """The rows of the evidence of :meth:`lay_out`, where they are and in no order."""
        late = bool(layout.plan.columns) and self.can_be_late
        return SparkEvidence(self, layout, late=late).rows(progress)

    @contextmanager
    def named_failures(self) -> Iterator[None]:
        """Raise :class:`PerfmlError` where a task fails, with what it raised."""
        from pyspark.errors import PySparkException  # an optional extra

        try:
            yield
        except PySparkException as error:
            lines = str(error).splitlines()
            raised = next((line for line in reversed(lines) if line.startswith(PerfmlError.__module__)), lines[0])
            raise PerfmlError(
                f"a task failed ({raised[:500]})",
                where=f"Spark {self.session.version}",
                remedy="see the logs of its executors; give them more memory where one was ended",
            ) from None


def _parquet_files(raw: RawTable) -> tuple[list[str], str | None]:
    """The Parquet files whose rows Spark can read as they are, and the folder below which they are parted; none where DuckDB has
    to read them."""
    if raw.parquet is not None:
        return [raw.parquet], None
    dataset = raw.dataset
    if dataset is None or dataset.storage is not None or dataset.fields is not None or dataset.deletes:
        return [], None
    return [f"{dataset.root}/{name}" for name in dataset.names], dataset.root
