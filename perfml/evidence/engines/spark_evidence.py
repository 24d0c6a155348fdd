"""The evidence of one run as Spark computes it: parts of the log, relational files, populations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from perfml.errors import DefinitionError
from perfml.evidence.comparison import GROUPED_BY
from perfml.evidence.engines.duckdb import persons_of_batch
from perfml.evidence.engines.layout import Layout
from perfml.evidence.engines.spark_between import between_sql, by, named
from perfml.evidence.engines.spark_log import PartTask
from perfml.evidence.engines.spark_sql import view_name
from perfml.evidence.population.membership import condition
from perfml.evidence.portable import check_portable, check_reads
from perfml.evidence.snapshots import check_selected, refuse_repeated
from perfml.evidence.tables.reading import quoted
from perfml.progress import Progress
from perfml.project.folder import RelationalFile

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from perfml.evidence.engines.spark import SparkEngine

KEYS: Final = ["employee_id", "as_of"]
FACTS: Final = ("employee_id", "happened_at", "happened_day", "kind", "value", "counterpart_id", "source")
"""Columns of an event that a part is computed from, beside the days on which it counts."""


@dataclass(frozen=True)
class SparkEvidence:
    """One run."""

    engine: SparkEngine
    layout: Layout
    late: bool
    """Whether rows of the log may become known late, or be superseded."""

    def rows(self, progress: Progress) -> DataFrame:
        """One row per employee and as-of date, with all columns of the layout, in no order."""
        selection, rows = self.layout.selection, self._people()
        columns = [column.column.name for column in self.layout.plan.columns]
        if columns:
            progress("windows", 0, 1)
            rows = rows.join(self._windows(), KEYS, "left")
        for number, file in enumerate(selection.relational):
            progress(f"evidence {file.name}", number, len(selection.relational))
            rows = rows.join(self._relational(file), KEYS, "left")
            columns += file.spec.columns
        stored = self.engine.stored(self._within_populations(rows, columns), "rows")
        self._refuse_repeated(stored)
        stored.createOrReplaceTempView(view_name("evidence"))
        for file in selection.derived:
            stored = stored.join(self._relational(file), KEYS, "left")
            columns += file.spec.columns
        if selection.derived:
            derived = [name for file in selection.derived for name in file.spec.columns]
            self._within_populations(stored, derived).createOrReplaceTempView(view_name("evidence"))
        return self.engine.session.sql(between_sql(columns, selection.between, decimals=self.layout.decimals))

    def _people(self) -> DataFrame:
        """The keys, what people are compared by, and whether they belong to each population."""
        facts = [f"{name} as {quoted(by(name))}" for names in GROUPED_BY.values() for name in names]
        inside = [
            f"{condition(file.spec.population.where, file=file.file)} as {quoted(_inside(file.name))}"
            for file in self.layout.populations
        ]
        return self.engine.select(f"select {', '.join([*KEYS, *facts, *inside])} from people")

    def _windows(self) -> DataFrame:
        """The windowed columns: every part of persons goes to one task, with the rows of the log that are about them."""
        from pyspark.sql.pandas.types import from_arrow_schema  # an optional extra

        plan, n_parts = self.layout.plan, self._parts()
        met = plan.counts_received or bool(plan.pair_columns)
        part = f"pmod(xxhash64({{}}), {n_parts})"
        own, theirs = part.format("employee_id"), part.format("counterpart_id")
        # a row for each of the at most two parts that it is about
        parts = f"explode(array_distinct(array({own}, coalesce({theirs}, {own}))))" if met else own
        facts = [name for name in FACTS if met or name != "counterpart_id" or plan.conditions]
        days = ["usable_day", "superseded_day"] if self.late else ["usable_day"]
        usable = f"usable_day < date_add(date'1970-01-01', {self.layout.grid.as_ofs[-1]})"
        log = self.engine.events.where(usable).selectExpr(f"{parts} as part", *facts, *days)
        people = self._posts(part, across=met and any(c.measure == "cross_department_share" for c in plan.pair_columns))
        task = PartTask(
            plan=self.layout.part_plan, late=self.late, lost=self.layout.lost, estimate=self.layout.estimate
        )

        def compute(events: pa.Table, persons: pa.Table) -> pa.Table:
            return task(events, persons)

        grouped = log.groupBy("part").cogroup(people.groupBy("part"))
        return grouped.applyInArrow(compute, from_arrow_schema(task.schema))

    def _posts(self, part: str, *, across: bool) -> DataFrame:
        """Who stands in which part: its own persons and, where departments are compared (``across``), the counterparts in it."""
        dates = "(select as_of, row_number() over (order by as_of) - 1 as position from temp_asofs)"
        posts = self.engine.session.sql(
            "select employee_id, department, collect_list(cast(position as int)) as positions"
            f" from temp_people join {dates} using (as_of) group by employee_id, department"
        )
        own_part, their_part = part.format("employee_id"), part.format("counterpart_id")
        own = posts.selectExpr(f"{own_part} as part", "*", "true as own")
        if not across:
            return own
        met = self.engine.events.where(f"{own_part} <> {their_part}").select("employee_id", "counterpart_id").distinct()
        of_counterparts = met.selectExpr(f"{own_part} as part", "counterpart_id as employee_id")
        pairs = of_counterparts.union(met.selectExpr(f"{their_part} as part", "employee_id")).distinct()
        theirs = pairs.join(posts.where("department is not null"), "employee_id")
        return own.unionByName(theirs.selectExpr("part", "employee_id", "department", "positions", "false as own"))

    def _parts(self) -> int:
        """Parts of the log: as many as memory asks for, and at least one for each task that Spark runs after an exchange."""
        people = self.engine.query("select count(distinct employee_id) as n from people")
        n_persons: int = people.column("n")[0].as_py()
        size = persons_of_batch(
            self.engine.data.rows_read["events"],
            self.layout.plan,
            self.layout.grid,
            n_persons=n_persons,
            n_columns=len(self.layout.columns),
        )
        return max(-(-n_persons // size), int(self.engine.session.conf.get("spark.sql.shuffle.partitions") or 1))

    def _relational(self, file: RelationalFile) -> DataFrame:
        """The rows of a feature file. Raises :class:`DefinitionError` like :func:`~perfml.evidence.snapshots.run_relational`."""
        from pyspark.errors import PySparkException  # an optional extra

        check_portable(file.sql, file=file.file)
        check_reads(file.sql, needs=file.spec.needs, file=file.file)
        try:
            rows = self.engine.select(file.sql, schema="known")
        except PySparkException as error:
            problem = f"does not run on Spark ({str(error).splitlines()[0]})"
            raise DefinitionError(problem, where=file.file, remedy="correct the SQL") from None
        check_selected(rows.columns, file)
        numbers = {name: f"cast({named(name)} as double)" for name in file.spec.columns}
        return rows.selectExpr(
            *KEYS,
            *(f"case when not isnan({value}) then {value} end as {named(name)}" for name, value in numbers.items()),
        )

    def _refuse_repeated(self, rows: DataFrame) -> None:
        """Raise :class:`DefinitionError` where a feature file gives several rows for one employee and as-of date."""
        if rows.count() == self.engine.session.table(view_name("people")).count():
            return
        for file in self.layout.selection.relational:
            of_file = self._relational(file).select(KEYS)
            refuse_repeated(of_file.count(), of_file.distinct().count(), file)

    def _within_populations(self, rows: DataFrame, columns: Sequence[str]) -> DataFrame:
        """``rows``, ``columns`` of which are missing for people outside the population of their evidence."""
        outside = {file.name for file in self.layout.populations}
        evidence = {c.name: c.evidence for c in self.layout.selection.columns if c.name in columns}
        masked = {
            name: f"case when {named(_inside(of))} then {named(name)} end as {named(name)}"
            for name, of in evidence.items()
            if of in outside
        }
        return rows.selectExpr(*(masked.get(name, named(name)) for name in rows.columns)) if masked else rows


def _inside(evidence: str) -> str:
    """The column that says who belongs to the population of ``evidence``."""
    return f"inside {evidence}"
