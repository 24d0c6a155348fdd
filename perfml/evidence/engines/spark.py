"""Spark on a cluster: the log lies in files that its executors read; all other tables are read by this machine and lent to it.

Rows of the log are exchanged by id where ids are repeated, and by part of persons; everything else that is exchanged has a row
per person and as-of date, or fewer. Tasks leave it for each other in a shared folder. See ``docs/decisions/0057-spark.md``.
"""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

import duckdb
import pyarrow as pa

from perfml.errors import PerfmlError
from perfml.evidence.engines.evidence_file import parquet_writer
from perfml.evidence.engines.layout import Layout, lay_out
from perfml.evidence.engines.spark_evidence import SparkEvidence
from perfml.evidence.engines.spark_log import (
    BROKEN,
    RAW,
    LogShares,
    ShareQuery,
    StoredShares,
    parquet_files,
    rank_versions,
    shares,
)
from perfml.evidence.engines.spark_session import spark_session
from perfml.evidence.engines.spark_sql import spark_sql, tables_read, view_name
from perfml.evidence.engines.spark_tasks import EachNumber
from perfml.evidence.holes.rhythm import WITH_POSTS, post_intervals
from perfml.evidence.log.cells import require_conditions
from perfml.evidence.snapshots import make_snapshots
from perfml.evidence.sources import Data
from perfml.evidence.tables.loading import make_empty, quarantined_rows
from perfml.evidence.tables.reading import RawTable, described, literal, quoted, unreadable
from perfml.evidence.tables.typed_rows import faults, typed_rows
from perfml.evidence.withheld.rows import as_they_stand
from perfml.files import atomic_write
from perfml.progress import Progress
from perfml.project.folder import Definitions
from perfml.project.spec import EngineSettings
from perfml.project.table_spec import TableSpec

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

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

    def close(self) -> None:
        """Release what the executors keep, and the rows between the steps. The session itself is left to the process."""
        if "events" in self.__dict__:
            self.events.unpersist()
        self._resources.close()

    def read_log(self, raw: RawTable, rows: int | None) -> int:
        """Take ``raw`` for the log, its rows unread; return their number, which is ``rows`` where a kept log answers for them."""
        self._raw = raw
        if rows is not None:
            return rows
        make_empty(self.data.connection, "unread_events", self._spec)
        self._refuse_log()
        counted: int = self.data.connection.execute(f"select count(*) from {raw.relation}").fetchall()[0][0]
        return counted

    @property
    def can_be_late(self) -> bool:
        """Whether rows of the log may become known after the day they happened, or be superseded by a correction."""
        if "known_at" in self.data.columns["events"]:
            return True
        with self.named_failures():
            return bool(self.log.ranked)

    @cached_property
    def _single_rows(self) -> LogShares:
        """The log as it lies, with rows whose id is repeated as they stand."""
        raw = self._stored_log
        relation, data = raw.relation, self.data
        typed = typed_rows(replace(raw, relation=RAW), self._spec, today=data.today)
        typed = as_they_stand(typed, "events", self._spec, data.withheld.facts)
        return LogShares(
            relation=relation,
            shares=shares(data.connection, raw, at_least=self.parallel),
            typed=f"select *, greatest(happened_day, known_day) as usable_day from ({typed})",
            hidden=(BROKEN, *filter(None, faults(raw).values())),
        )

    @property
    def parallel(self) -> int:
        """Tasks that Spark runs after an exchange."""
        return int(self.session.conf.get("spark.sql.shuffle.partitions") or 1)

    @cached_property
    def _stored_log(self) -> RawTable:
        """The log in Parquet files that every executor can read; where it is in others, copied to the shared folder."""
        raw, connection = self._raw, self.data.connection
        dataset = raw.dataset
        if dataset is not None and dataset.storage is None and dataset.fields is None and not dataset.deletes:
            return raw
        if raw.parquet is not None:
            return raw
        path = str(self.folder / "raw.parquet")
        connection.execute(f"copy (select * from {raw.relation}) to {literal(path)} (format parquet)")
        relation = parquet_files((path,))
        stored = described(connection, relation)
        columns = {name: stored[name] for name in raw.columns}
        return replace(raw, relation=relation, columns=columns, parquet=path, dataset=None)

    @property
    def log(self) -> LogShares:
        """The log with the versions of repeated ids in order, but for what a measurement hides for a while."""
        hidden = self.data.hidden
        return replace(self._ranked_log, unseen=" or ".join(hidden)) if hidden else self._ranked_log

    @cached_property
    def _ranked_log(self) -> LogShares:
        single = self._single_rows
        if "event_id" not in self.data.columns["events"]:
            return single
        ids = self.each_share(ShareQuery(log=single, sql="select event_id from events where event_id is not null"))
        repeated = self.stored(ids.groupBy("event_id").count().where("count > 1").select("event_id"), "repeated_ids")
        n = repeated.count()
        if not n:
            return single
        files = self.stored_files("repeated_ids")
        versions = (
            f"from typed_log where {BROKEN} is null and event_id in (select event_id from {parquet_files(files)})"
        )
        query = ShareQuery(log=single, sql=f"select * {versions}")
        rows = self.each_share(query).selectExpr("*", f"pmod(xxhash64(event_id), {1 + n // IDS_IN_A_BUCKET}) as bucket")
        types = from_arrow(rank_versions(query.schema.empty_table()).schema)

        def rank(bucket: pa.Table) -> pa.Table:
            return rank_versions(bucket.drop_columns(["bucket"]))

        self.stored(rows.groupBy("bucket").applyInArrow(rank, types), "ranked")
        return replace(single, repeated=files, ranked=self.stored_files("ranked"))

    def of_shares(self, sql: str) -> DataFrame:
        """The rows of a SELECT in DuckDB's SQL over each share of the log, one after the other."""
        return self.each_share(ShareQuery(log=self.log, sql=sql))

    def each_share(self, query: ShareQuery) -> DataFrame:
        """The rows of ``query`` over all shares of the log."""
        n = len(query.log.shares)
        return self.session.range(0, n, 1, n).mapInArrow(query, from_arrow(query.schema))

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder in the shared one, for what tasks leave for each other."""
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            yield Path(folder)

    def run(self, task: Callable[[int], None], n: int) -> None:
        """Let the executors do ``task`` for each number below ``n``."""
        with self.named_failures():
            self.session.range(0, n, 1, n).mapInArrow(EachNumber(task), "id long").toArrow()

    def add_quarantined(self) -> None:
        """Add the rows of the log that cannot be used to the table ``quarantine`` on this machine."""
        sql = f"select * from typed_log where {BROKEN} is not null"
        if self.log.ranked:  # where copies stand is not said on one machine either
            at_fault = ", ".join(filter(None, faults(self._stored_log).values()))
            sql += f" union all by name select * exclude ({at_fault}) from ranked_log where {BROKEN} is not null"
        with self.named_failures():
            refused = self.of_shares(sql).toArrow()
        self.data.connection.register("refused_events", refused)
        rows = quarantined_rows(self._stored_log, self._spec, "refused_events")
        self.data.connection.execute(f"insert into quarantine {rows}")
        self.data.connection.unregister("refused_events")

    def of_batches(self, sql: str) -> pa.Table:
        """What a SELECT in DuckDB's SQL gives of each batch of the clean ``events``, one after the other; few rows a batch."""
        with self.named_failures():
            return self.of_shares(sql).toArrow()

    @contextmanager
    def lent_log(self, sql: str) -> Iterator[None]:
        """Let ``events`` on this machine be the rows that a SELECT in DuckDB's SQL gives; otherwise reading it is refused."""
        with self.named_failures():
            self.stored(self.select(sql), "lent_events")
        files = parquet_files(self.stored_files("lent_events"))
        self.data.connection.execute(f"create or replace view events as select * from {files}")
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
        """The rows of a SELECT in DuckDB's SQL: what concerns rows of the log is asked on the cluster, all else here."""
        read = tables_read(sql)
        with self.named_failures():
            if "events" in read:
                return self.select(sql).toArrow()
            if self.data.whole_kept_log is None and self.data.log_days_table in read:
                self.data.once_in_a_row(self.data.log_days_table, None, self._count_days)
        return self.data.connection.sql(sql).to_arrow_table()

    def select(self, sql: str) -> DataFrame:
        """The rows of a SELECT in DuckDB's SQL, on the cluster."""
        for table in tables_read(sql):
            rows = self._events() if table == "events" else self.session.read.parquet(self.lent(table))
            rows.createOrReplaceTempView(view_name(table))
        return self.session.sql(spark_sql(sql))

    def _events(self) -> DataFrame:
        return self.of_shares("select * from events") if self.data.hidden else self.events

    @cached_property
    def events(self) -> DataFrame:
        """The clean log, for questions about its rows; once it was read the executors keep it on disk."""
        from pyspark import StorageLevel  # an optional extra

        return self.of_shares("select * from events").persist(StorageLevel.DISK_ONLY)

    def _count_days(self) -> None:
        """Make the table :attr:`Data.log_days_table` on this machine: rows of the log by source, kind, unit and day."""
        has_positions = self.data.has("positions")
        views = {"positions": f"select * from {parquet_files((self.lent('positions'),))}"} if has_positions else {}
        sql = (
            f"with posts as ({post_intervals(has_positions)}) select e.source, e.kind, p.department, p.location,"
            f" e.happened_day, e.usable_day, count(*) as n from {WITH_POSTS} group by all"
        )
        table = self.data.log_days_table
        query, folder = ShareQuery(log=self.log, sql=sql, views=views), self.folder / table
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        self.run(StoredShares(query, folder), len(self.log.shares))
        counted = parquet_files((f"{folder}/*.parquet",))
        self.data.connection.execute(
            f"create or replace temp table {table} as select * replace (sum(n)::bigint as n) from {counted} group by all"
        )

    def lent(self, table: str) -> str:
        """The file with the rows of a table that this machine holds."""
        path = self.folder / f"{table}.parquet"
        return str(path) if path.exists() else self.lend(f"from {quoted(table)}", table)

    def lend(self, sql: str, name: str) -> str:
        """The file with the rows of a SELECT in DuckDB's SQL on this machine, in its order."""
        path = str(self.folder / f"{name}.parquet")
        self.data.connection.execute(f"copy ({sql}) to {literal(path)} (format parquet)")
        return path

    def make_snapshots(self, as_ofs: Sequence[dt.date]) -> None:
        """See :func:`~perfml.evidence.snapshots.make_snapshots`: on this machine, for questions; tasks make their own."""
        make_snapshots(self.data, as_ofs)
        for table in ("asofs", "people"):
            (self.folder / f"{table}.parquet").unlink(missing_ok=True)

    def stored(self, rows: DataFrame, name: str) -> DataFrame:
        """``rows``, computed once and stored in a file."""
        path = str(self.folder / f"{name}.parquet")
        rows.write.mode("overwrite").parquet(path)
        return self.session.read.parquet(path)

    def stored_files(self, name: str) -> tuple[str, ...]:
        """The files of what was :meth:`stored`, in the order of its partitions."""
        return tuple(map(str, sorted((self.folder / f"{name}.parquet").glob("*.parquet"))))

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
        with self.scratch() as folder:
            with self.named_failures():
                progress("people", 0, 1)
                layout = self.lay_out(definitions, as_ofs, kinds=kinds, estimate=estimate)
                parts = self.evidence(layout, folder).parts(progress)
            progress("writing", 0, 1)
            n = 0
            with atomic_write(out) as path, parquet_writer(path, layout) as writer:
                for number in range(len(parts)):
                    rows = parts.part(number)
                    writer.write_table(rows.cast(writer.schema))
                    n += rows.num_rows
                    progress("writing", number + 1, len(parts))
        return n

    def lay_out(
        self, definitions: Definitions, as_ofs: Sequence[dt.date], *, kinds: Sequence[str] | None, estimate: bool
    ) -> Layout:
        """What a run at ``as_ofs``, ascending, computes; makes the snapshots."""
        self.make_snapshots(as_ofs)
        layout = lay_out(self.data, definitions, as_ofs, kinds=kinds, estimate=estimate)
        if layout.plan.conditions:
            with self._single_rows.opened(-1) as connection:
                require_conditions(connection, layout.plan)
        return layout

    def evidence(self, layout: Layout, folder: Path) -> SparkEvidence:
        """What computes the evidence of :meth:`lay_out`, and leaves it in ``folder``, new in one of :meth:`scratch`."""
        kept_log, windowed = self.data.whole_kept_log, bool(layout.plan.columns)
        if not windowed or kept_log is None or not kept_log.serves(layout.as_ofs):
            kept_log = None
        late = windowed and kept_log is None and self.can_be_late
        return SparkEvidence(self, layout, folder=folder, late=late, kept_log=kept_log)

    @contextmanager
    def named_failures(self) -> Iterator[None]:
        """Raise :class:`PerfmlError` where a task fails, with what it raised, and :class:`DataError` for damaged files."""
        from pyspark.errors import PySparkException  # an optional extra

        try:
            yield
        except duckdb.Error as error:  # as on one machine: the log is read from its files, so damage may show only now
            raise unreadable(self.data.source, error) from None
        except PySparkException as error:
            raised = str(error)
            in_python = raised.partition("SQLSTATE")[0] if "Traceback" in raised else ""
            reason = in_python.rstrip().rpartition("\n")[2] or raised.partition("\n")[0]
            raise PerfmlError(
                f"a task failed ({reason[:500]})",
                where=f"Spark {self.session.version}",
                remedy="see the logs of its executors; give them more memory where one was ended",
            ) from None


def from_arrow(schema: pa.Schema) -> StructType:
    """Spark's types of the columns of ``schema``."""
    from pyspark.sql.pandas.types import from_arrow_schema  # an optional extra

    return from_arrow_schema(schema, prefer_timestamp_ntz=True)
