"""One night: the log is opened from the state folder, and the windowed columns of one as-of date come from its sums."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import duckdb
import numpy as np
import pyarrow as pa

from perfml._version import __version__
from perfml.arrays import Indexes, Objects
from perfml.evidence.log.cells import last_day_of_version
from perfml.evidence.log.exposure import Exposure
from perfml.evidence.log.grid import Grid
from perfml.evidence.log.pairs import Departments
from perfml.evidence.log.windows import Condition, Plan
from perfml.evidence.nightly.newest import newest_rows
from perfml.evidence.nightly.row_groups import has_row_groups
from perfml.evidence.nightly.state import DamagedState, StateFolder, StoredFile, StoredSums, state_folder
from perfml.evidence.nightly.step import NightWork
from perfml.evidence.nightly.stored_rows import write_rows
from perfml.evidence.nightly.storing import FAULTS, TOTALS, VERSIONS, GroupReader, StoredColumns, totals_sql
from perfml.evidence.nightly.sums import MOST_PLANS, NightSums
from perfml.evidence.nightly.sync import LogSync, number_persons, write_persons
from perfml.evidence.sources import LOG_DAYS
from perfml.evidence.tables.loading import clean_rows, rank_events
from perfml.evidence.tables.reading import RawTable
from perfml.evidence.tables.typed_rows import typed_rows
from perfml.evidence.tables.versions import single_versions
from perfml.evidence.tasks.runner import TaskRunner
from perfml.evidence.withheld.fact import WithheldFact
from perfml.evidence.withheld.rows import as_they_stand
from perfml.messages import Message
from perfml.progress import SILENT, Progress
from perfml.project.feature_spec import VALUE_MEASURES
from perfml.project.folder import Definitions
from perfml.project.table_spec import TableSpec

T = TypeVar("T")
FORMAT = "4"
"""Of the state; grows with every change of what is stored."""


class NightLog:
    """The log of a source, kept in a state folder from night to night."""

    def __init__(self, state: StateFolder, definitions: Definitions, *, progress: Progress = SILENT) -> None:
        self.state, self.progress = state, progress
        self.columns = stored_columns(definitions)
        self.full: Message | None = Message.of("night_damaged_state") if state.damaged else None
        """Why everything is read; None where only what is new is."""
        self.read = 0
        """Row groups that were read."""
        self.as_of: dt.date | None = None
        """The as-of date of tonight, as soon as it is known."""
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._files: tuple[StoredFile, ...] = ()
        self._n_persons = 0
        """Of the persons that the state names."""
        self._sync: LogSync | None = None

    def load(
        self,
        connection: duckdb.DuckDBPyConnection,
        raw: RawTable,
        spec: TableSpec,
        *,
        today: dt.date,
        withheld: Sequence[WithheldFact],
        has_positions: bool,
        beside: TaskRunner | None = None,
    ) -> int | None:
        """Make the view ``events`` and the table :data:`LOG_DAYS`; return the number of rows, or None for a log that cannot be
        kept, which is then read as a whole. Raises :class:`DamagedState` where a file of the state is damaged again."""
        unfit = _unfit(raw, spec)
        if unfit is not None:
            self.full = unfit
            return None
        facts = [fact for fact in withheld if fact.table == "events"]
        made_from = self._made_from(raw, spec, facts)
        reader = GroupReader(
            folder=self.state.folder, raw=raw, spec=spec, today=today, withheld=facts, columns=self.columns
        )
        manifest = self.state.manifest
        if manifest is not None and manifest.made_from != made_from:
            changed = sorted(name for name in made_from if made_from[name] != manifest.made_from.get(name))
            self.full = Message.of("night_changed", what=", ".join(changed))
            self.state.manifest = None
        elif manifest is None and self.full is None:
            self.full = Message.of("night_first")
        try:
            rows = self._load(connection, reader, made_from, has_positions=has_positions, beside=beside)
        except DamagedState:
            self.full = Message.of("night_damaged_state")
            self.state.manifest = None
            rows = self._load(connection, reader, made_from, has_positions=has_positions, beside=beside)
        self._connection = connection
        return rows

    def _load(
        self,
        connection: duckdb.DuckDBPyConnection,
        reader: GroupReader,
        made_from: dict[str, str],
        *,
        has_positions: bool,
        beside: TaskRunner | None,
    ) -> int:
        sync = LogSync(
            connection=connection,
            state=self.state,
            reader=reader,
            has_positions=has_positions,
            beside=beside,
            progress=self.progress,
        )
        manifest = sync.run(made_from)
        self.read, self._sync = sync.read, sync
        execute, raw, spec = connection.execute, reader.raw, reader.spec
        execute(f"insert into quarantine select * exclude (part) from {FAULTS}")
        typed = as_they_stand(typed_rows(raw, spec, today=reader.today), "events", spec, reader.withheld)
        execute(f"create view typed_events as {typed}")
        refused = execute(f"select count(*) from {FAULTS}").fetchall()[0][0]
        clean = clean_rows(raw, "typed_events", refused=bool(refused))
        execute(f"create temp table {LOG_DAYS} as select * exclude (part) from {TOTALS}")
        if execute(f"select count(*) from {VERSIONS}").fetchall()[0][0]:
            execute(f"create table repeated as select distinct event_id from {VERSIONS}")
            execute(f"create table versioned as select * exclude (part) from {VERSIONS}")
            rank_events(connection, raw, spec, clean, repeated="versioned")
            execute("drop table versioned")
            counts = totals_sql("(select * exclude (superseded_day) from versioned_events)", spec)
            execute(f"insert into {LOG_DAYS} select * replace (null as low, null as high) from ({counts})")
            before = self.state.manifest
            stored = before.repeated if before and before.groups == manifest.groups else None
            if stored is None:
                select = self.columns.select("versioned_events", f", {last_day_of_version()} as superseded_day")
                stored = write_rows(self.state.folder, connection.sql(select).to_arrow_table())
            manifest = manifest.model_copy(update={"repeated": stored})
        else:
            execute(f"create view events as {single_versions(clean)}")
        if manifest != self.state.manifest:
            self.state.keep(manifest)
        self._n_persons = execute("select count(*) from night_persons").fetchall()[0][0]
        files = [group.stored for group in manifest.groups.values()]
        self._files = tuple(sorted([*files, *([manifest.repeated] if manifest.repeated else [])], key=lambda f: f.file))
        return sum(group.rows for group in manifest.groups.values())

    def _made_from(self, raw: RawTable, spec: TableSpec, facts: Sequence[WithheldFact]) -> dict[str, str]:
        return {
            "perfml": __version__,
            "duckdb": duckdb.__version__,
            "format": FORMAT,
            "columns of the log": _hash(sorted(raw.columns.items())),
            "rules of the log": _hash(spec.model_dump(mode="json", exclude_none=True)),
            "disputed events": _hash([repr(fact) for fact in facts]),
            "measures": _hash(repr(self.columns)),
        }

    @property
    def notices(self) -> tuple[Message, ...]:
        """What was read of the log, in a line; before it why everything was."""
        if self._connection is None:
            return (self.full,) if self.full else ()
        groups = self.state.manifest.groups if self.state.manifest else {}
        line = Message.of("night_read", read=self.read, groups=len(groups))
        return (self.full, line) if self.full else (line,)

    def serves(self, as_ofs: Sequence[dt.date]) -> bool:
        """Whether the columns of these dates come from the sums: those of tonight alone."""
        return self._connection is not None and list(as_ofs) == [self.as_of]

    def at(
        self,
        plan: Plan,
        grid: Grid,
        *,
        persons: Objects,
        departments: Departments,
        exposure: Exposure | None,
        decimals: int,
        compute: Callable[[NightWork, Indexes], tuple[T, Sequence[str]]],
    ) -> T:
        """See :meth:`~perfml.evidence.kept_log.KeptLog.at`. Raises :class:`DamagedState` for stored rows."""
        number = self._numbers(persons)
        sums = self._sums(plan, grid)
        units = np.full((1, sums.n_persons), -1, np.int32)
        units[:, number] = departments
        missing = exposure and _of_state(exposure, number, sums.n_persons)

        def night() -> tuple[T, Sequence[str]]:
            assert self.state.manifest is not None
            work = sums.work(self.state.manifest, departments=units, exposure=missing, decimals=decimals)
            return compute(work, number)

        try:
            computed, files = night()
        except DamagedState:
            manifest = self.state.manifest
            assert manifest is not None
            self.state.manifest = manifest.model_copy(update={"sums": {}})
            self.full = Message.of("night_damaged_sums")
            computed, files = night()
        self._keep(sums, sums.stored(files))
        return computed

    def newest_rows(self, as_of: dt.date, *, most: int) -> str:
        """See :meth:`~perfml.evidence.kept_log.KeptLog.newest_rows`. Raises :class:`DamagedState`."""
        assert self._sync is not None and self.state.manifest is not None
        view, manifest = newest_rows(self._sync, self.state.manifest, as_of=as_of, most=most)
        if manifest != self.state.manifest:
            self.state.keep(manifest)
        return view

    def _numbers(self, persons: Objects) -> Indexes:
        """The numbers of ``persons`` in the state; who has none gets one."""
        connection = self._connection
        assert connection is not None
        arrays = pa.table({"employee_id": pa.array(persons, pa.string()), "place": np.arange(len(persons))})
        connection.register("night_arrays", arrays)
        number_persons(connection.execute, "select employee_id as id from night_arrays")
        sql = "select p.person from night_arrays a join night_persons p using (employee_id) order by a.place"
        numbers: Indexes = connection.sql(sql).to_arrow_table().column("person").to_numpy().astype(np.intp)
        connection.unregister("night_arrays")
        return numbers

    def _sums(self, plan: Plan, grid: Grid) -> NightSums:
        """What the rows of tonight add up to at the date of ``grid``."""
        manifest, connection = self.state.manifest, self._connection
        assert manifest is not None and connection is not None
        n_persons = connection.execute("select count(*) from night_persons").fetchall()[0][0]
        return NightSums(
            state=self.state,
            connection=connection,
            plan=plan,
            grid=grid,
            columns=self.columns,
            n_persons=n_persons,
            kinds=manifest.kinds,
            files=self._files,
        )

    def _keep(self, sums: NightSums, stored: StoredSums) -> None:
        """Keep the sums, and the people who have come, unless the state has both."""
        manifest, connection = self.state.manifest, self._connection
        assert manifest is not None and connection is not None
        if manifest.sums.get(stored.plan) == stored and sums.n_persons == self._n_persons:
            return
        others = (each for plan, each in manifest.sums.items() if plan != stored.plan)
        newest = sorted(others, key=lambda each: -each.as_of)[: MOST_PLANS - 1]
        persons = manifest.persons if sums.n_persons == self._n_persons else write_persons(connection, self.state)
        plans = {each.plan: each for each in (stored, *newest)}
        self.state.keep(manifest.model_copy(update={"number": manifest.number + 1, "persons": persons, "sums": plans}))
        self._n_persons = sums.n_persons


def stored_columns(definitions: Definitions) -> StoredColumns:
    """What the measures of ``definitions`` need of each row."""
    measures = [measure for file in definitions.windowed for measure in file.spec.measures]
    used = {measure.measure for measure in measures}
    return StoredColumns(
        decimals=definitions.tables["events"].value_decimals or 0 if "events" in definitions.tables else 0,
        values="sum" in used,
        moments=bool(used & VALUE_MEASURES),
        conditions=tuple(
            sorted({Condition(kinds=(), where=m.where, key="").sql for m in measures if m.where is not None})
        ),
    )


def _unfit(raw: RawTable, spec: TableSpec) -> Message | None:
    """Why the log cannot be kept in a state; None where it can."""
    if not has_row_groups(raw):
        return Message.of("night_no_parquet", where=raw.where)
    looks_up = [name for name, rule in spec.rules.items() if "select" in rule.when.lower()]
    if looks_up or any(column.later for column in spec.columns.values()):
        return Message.of("night_rules", rules=", ".join(looks_up) or "later")
    return None


def _of_state(exposure: Exposure, number: Indexes, n_persons: int) -> Exposure:
    """``exposure`` of the persons of the state."""
    gaps = []
    for gap in exposure.gaps:
        people = np.zeros(n_persons, bool)
        people[number[gap.people]] = True
        gaps.append(replace(gap, people=people))
    return replace(exposure, n=n_persons, gaps=tuple(gaps))


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def run_night(
    folder: Path, definitions: Definitions, run: Callable[[NightLog], T], *, progress: Progress = SILENT
) -> T:
    """What ``run`` returns of the log kept in ``folder``; it is called again, with an empty state, where stored rows turn out to
    be damaged. Raises :class:`~perfml.evidence.nightly.state.StateInUse` while another process has the folder."""
    with state_folder(folder) as state:
        try:
            return run(NightLog(state, definitions, progress=progress))
        except DamagedState:
            state.manifest, state.damaged = None, True
            return run(NightLog(state, definitions, progress=progress))
