"""The table a model learns from and scores: evidence, who is eligible, and whose record is too thin."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd

from perfml.arrays import Bools, Floats
from perfml.errors import DefinitionError, ModelError
from perfml.evidence.columns import Column
from perfml.evidence.features import build
from perfml.evidence.reading import quoted
from perfml.evidence.sources import Data
from perfml.learning.dataset.folds import as_of_dates
from perfml.progress import SILENT, Progress
from perfml.project.folder import Definitions
from perfml.project.spec import ModelSpec

REMEDY = "use evidence columns; `perfml features --json` lists them"
COVERED = 0.9
"""Share of a window that the record has to hold for its value to be learnt from."""
MOST_DATES = 120
"""As-of dates to learn from; older ones are left out."""


@dataclass(frozen=True)
class Table:
    """Rows (employee_id, as_of) with a matrix of evidence beside them."""

    frame: pd.DataFrame
    columns: tuple[Column, ...]
    kinds: tuple[str, ...]
    eligible: Bools
    thin: Bools
    left_out: tuple[str, ...]
    record_begins: Mapping[dt.date, dt.date]
    segments: Mapping[str, Bools]
    """For each of the spec's segments, which rows belong to it."""

    @property
    def usable(self) -> Bools:
        """Rows to learn from and to score."""
        return self.eligible & ~self.thin

    def matrix(self, names: Sequence[str] | None = None) -> Floats:
        """(rows, columns), missing where the evidence has no such column.

        Missing also where a window reaches back before the record began: what was not recorded is not zero, and counts
        that grow only because the record does would teach a model the calendar.
        """
        wanted = [c.name for c in self.columns] if names is None else list(names)
        values = np.ascontiguousarray(self.frame.reindex(columns=wanted).to_numpy(dtype=np.float64))
        reach = {c.name: c.reach_days * COVERED for c in self.columns}
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
    name: str,
    spec: ModelSpec,
    dates: Sequence[dt.date],
    *,
    kinds: Sequence[str] | None = None,
    progress: Progress = SILENT,
) -> Table:
    """The evidence of ``dates`` that the model's spec chooses.

    Raises :class:`DefinitionError` for an expression or a kind of evidence that does not exist.
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
    columns = tuple(
        c
        for c in evidence.columns
        if c.evidence not in spec.evidence.leave_out
        and (spec.evidence.only is None or c.evidence in spec.evidence.only)
    )
    where = f"models/{name}.toml [population."
    return Table(
        evidence.frame,
        columns,
        evidence.kinds,
        _condition(evidence.frame, definitions, spec.population.eligible, where + "eligible]"),
        _condition(evidence.frame, definitions, spec.population.thin, where + "thin]"),
        evidence.left_out,
        evidence.record_begins,
        {
            key: _condition(evidence.frame, definitions, segment.where, f"models/{name}.toml [segments.{key}.where]")
            for key, segment in spec.segments.items()
        },
    )


def learning_dates(data: Data, spec: ModelSpec, until: dt.date) -> list[dt.date]:
    """As-of dates to learn from: after the warm-up of the record, before ``until``."""
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
    return dates[-MOST_DATES:]


def _condition(frame: pd.DataFrame, definitions: Definitions, expression: str, where: str) -> Bools:
    """Where the SQL ``expression`` over the evidence is true. Evidence that is defined and left out here is null."""
    import sqlglot
    from sqlglot import exp

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
            found = connection.execute(
                f"select coalesce(({expression})::boolean, false) as yes from (select *{nulls} from evidence)"
            ).fetchnumpy()
        except duckdb.Error as error:
            said = str(error).splitlines()[0]
            raise DefinitionError(f"{expression!r} does not run ({said})", where=where, remedy=REMEDY) from None
    return np.asarray(found["yes"], dtype=bool)
