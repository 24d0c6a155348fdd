"""The table for training and scoring: evidence, eligible rows, and rows whose record is too thin."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd
import sqlglot
from sqlglot import exp

from perfml.arrays import Bools, Floats
from perfml.errors import DefinitionError, ModelError
from perfml.evidence.columns import Column
from perfml.evidence.features import build
from perfml.evidence.population.membership import belongs
from perfml.evidence.sources import Data
from perfml.evidence.tables.reading import quoted
from perfml.learning.dataset.folds import as_of_dates
from perfml.messages import Message
from perfml.progress import SILENT, Progress
from perfml.project.folder import Definitions
from perfml.project.model_spec import ModelSpec

REMEDY = "use evidence columns; `perfml features --json` lists them"
MIN_COVERED = 0.9
"""Share of a window that the record must cover for its value to be used."""
MAX_DATES = 120
"""As-of dates of a training table; older ones are left out."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows (employee_id, as_of) with a matrix of evidence."""

    frame: pd.DataFrame
    columns: tuple[Column, ...]
    kinds: tuple[str, ...]
    eligible: Bools
    thin: Bools
    left_out: tuple[Message, ...]
    record_begins: Mapping[dt.date, dt.date]
    segments: Mapping[str, Bools]
    """For each of the spec's segments, whether each row belongs to it."""

    @property
    def usable(self) -> Bools:
        """Rows for training and scoring: (rows,)."""
        return self.eligible & ~self.thin

    def matrix(self, names: Sequence[str] | None = None) -> Floats:
        """(rows, columns), missing where the evidence has no such column.

        Values of windows that begin before the record are missing too: what was not recorded is not zero, and counts that grow
        only because the record does would let a model learn the calendar.
        """
        wanted = [c.name for c in self.columns] if names is None else list(names)
        values = np.ascontiguousarray(self.frame.reindex(columns=wanted).to_numpy(dtype=np.float64))
        reach = {c.name: c.reach_days * MIN_COVERED for c in self.columns}
        as_of = self.frame["as_of"].to_numpy().astype("M8[D]")
        for date in np.unique(as_of).tolist():
            held_days = (date - self.record_begins.get(date, date)).days
            partial = [i for i, name in enumerate(wanted) if reach.get(name, 0) > held_days]
            if partial:
                values[np.ix_(as_of == np.datetime64(date), partial)] = np.nan
        return values


def make_table(
    data: Data,
    definitions: Definitions,
    spec: ModelSpec,
    *,
    name: str,
    dates: Sequence[dt.date],
    kinds: Sequence[str] | None = None,
    progress: Progress = SILENT,
) -> Table:
    """The evidence of ``dates`` that the spec of the model ``name`` selects.

    Raises :class:`DefinitionError` for an unknown column or file, and for an expression that does not run.
    """
    files = {file.name for file in definitions.windowed} | {file.name for file in definitions.relational}
    for key in (*(spec.evidence.only or ()), *spec.evidence.leave_out):
        if key not in files:
            raise DefinitionError(
                f"no evidence is called {key!r}",
                where=f"models/{name}.toml [evidence]",
                remedy=f"use one of: {', '.join(sorted(files))}",
            )
    named = {"baseline.columns": spec.baseline.columns, "baseline.without_reviews": spec.baseline.without_reviews}
    for key, wanted in {**named, "monotone": tuple(spec.monotone)}.items():
        for column in wanted:
            if "*" not in column and not definitions.makes(column):
                where = f"models/{name}.toml [{key}]"
                raise DefinitionError(f"no evidence is called {column!r}", where=where, remedy=REMEDY)
    evidence = build(data, definitions, dates, kinds=kinds, progress=progress)
    inside = belongs(data, spec.population.where, file=f"models/{name}.toml")  # of the same people in the same order
    columns = tuple(
        c
        for c in evidence.columns
        if c.evidence not in spec.evidence.leave_out
        and (spec.evidence.only is None or c.evidence in spec.evidence.only)
    )

    def condition(expression: str, key: str) -> Bools:
        return _condition(evidence.frame, definitions, expression, where=f"models/{name}.toml [{key}]")

    return Table(
        frame=evidence.frame,
        columns=columns,
        kinds=evidence.kinds,
        eligible=condition(spec.population.eligible, "population.eligible") & inside,
        thin=condition(spec.population.thin, "population.thin"),
        left_out=evidence.left_out,
        record_begins=evidence.record_begins,
        segments={key: condition(segment.where, f"segments.{key}.where") for key, segment in spec.segments.items()},
    )


def learning_dates(data: Data, spec: ModelSpec, until: dt.date) -> list[dt.date]:
    """As-of dates for training: after the warm-up of the record and before ``until``."""
    firsts = [
        data.connection.execute(
            f"select quantile_disc(happened_day, 0.001) from {table} where usable_day < date '{until}'"
        ).fetchall()[0][0]
        for table in ("events", "reviews")
        if data.has(table)
    ]
    known = [day for day in firsts if day is not None]
    if not known:
        raise ModelError(
            "nothing was known yet", where=f"{data.source} until {until}", remedy="choose a later date with --until"
        )
    start = min(known) + dt.timedelta(days=spec.population.warm_up_days)
    dates = as_of_dates(start, until, spec.population.every)
    if not dates:
        raise ModelError(
            "the record is too short to learn from",
            where=f"{data.source} until {until}",
            remedy=f"it begins {min(known)}; the first as-of date comes {spec.population.warm_up_days} days later",
        )
    return dates[-MAX_DATES:]


def _condition(frame: pd.DataFrame, definitions: Definitions, expression: str, *, where: str) -> Bools:
    """Whether the SQL ``expression`` is true of each row (rows,). Columns that are defined and not in ``frame`` are null."""
    try:
        named = {column.name for column in sqlglot.parse_one(expression, read="duckdb").find_all(exp.Column)}
    except sqlglot.errors.ParseError as error:
        raise DefinitionError(
            f"{expression!r} is not SQL ({str(error).splitlines()[0]})", where=where, remedy=REMEDY
        ) from None
    absent = sorted(named - set(frame.columns))
    for name in absent:
        if not definitions.makes(name):
            raise DefinitionError(f"no evidence is called {name!r}", where=where, remedy=REMEDY)
    with duckdb.connect() as connection:
        connection.register("evidence", frame[[c for c in frame.columns if c in named] or ["employee_id"]])
        nulls = "".join(f", null::double as {quoted(name)}" for name in absent)
        try:
            rows = connection.execute(
                f"select coalesce(({expression})::boolean, false) as yes from (select *{nulls} from evidence)"
            ).fetchnumpy()
        except duckdb.Error as error:
            reason = str(error).splitlines()[0]
            raise DefinitionError(f"{expression!r} does not run ({reason})", where=where, remedy=REMEDY) from None
    return np.asarray(rows["yes"], dtype=bool)
