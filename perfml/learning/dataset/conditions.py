"""Conditions of a model's definition, such as who is eligible: SQL over evidence and over the person's position."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import sqlglot
from sqlglot import exp

from perfml.arrays import Bools
from perfml.errors import DefinitionError
from perfml.evidence.snapshots import PEOPLE
from perfml.evidence.sources import Data
from perfml.evidence.tables.conditions import require_facts
from perfml.evidence.tables.reading import quoted
from perfml.project.folder import Definitions
from perfml.project.model_spec import ModelSpec
from perfml.project.spec import EVENT_FACTS

REMEDY = f"use evidence columns (`perfml features --json` lists them) or the person's {', '.join(PEOPLE)}"


def conditions(spec: ModelSpec) -> Mapping[str, str]:
    """Key of the definition -> its SQL."""
    segments = {f"segments.{name}.where": segment.where for name, segment in spec.segments.items()}
    return {"population.eligible": spec.population.eligible, "population.thin": spec.population.thin, **segments}


def require_names(definitions: Definitions, spec: ModelSpec, name: str) -> None:
    """Raise :class:`DefinitionError` for a feature file or a column that the model ``name`` names and no definition makes."""
    files = {file.name for file in definitions.windowed} | {file.name for file in definitions.relational}
    for key in (*(spec.evidence.only or ()), *spec.evidence.leave_out):
        if key not in files:
            raise DefinitionError(
                f"no evidence is called {key!r}",
                where=f"models/{name}.toml [evidence]",
                remedy=f"use one of: {', '.join(sorted(files))}",
            )
    named = {"baseline.columns": spec.baseline.columns, "baseline.without_reviews": spec.baseline.without_reviews}
    patterns = {"monotone": spec.monotone, "evidence.without": spec.evidence.without}
    exact = {
        key: tuple(name for name in names if not set("*?[") & set(name)) for key, names in patterns.items()
    } | named
    if spec.label.where is not None:
        require_facts(spec.label.where, EVENT_FACTS, of="an event", where=_where(name, "label.where"))
    asked = {key: named_columns(sql, where=_where(name, key)) - set(PEOPLE) for key, sql in conditions(spec).items()}
    for key, columns in {**exact, **asked}.items():
        for column in sorted(columns):
            if not definitions.makes(column):
                raise DefinitionError(f"no evidence is called {column!r}", where=_where(name, key), remedy=REMEDY)


def named_columns(expression: str, *, where: str) -> set[str]:
    """The columns that the SQL ``expression`` names. Raises :class:`DefinitionError` where it is not SQL."""
    try:
        return {column.name for column in sqlglot.parse_one(expression, read="duckdb").find_all(exp.Column)}
    except sqlglot.errors.SqlglotError as error:
        reason = str(error).splitlines()[0]
        raise DefinitionError(f"{expression!r} is not SQL ({reason})", where=where, remedy=REMEDY) from None


def rows_where(data: Data, frame: pd.DataFrame, expression: str, *, model: str, key: str) -> Bools:
    """Whether the SQL ``expression`` under ``key`` is true of each row of evidence (rows,); ``frame`` is as
    :func:`perfml.evidence.features.build` gives it.

    Columns that are defined and not in ``frame`` are null. Raises :class:`DefinitionError` where it does not run.
    """
    where = _where(model, key)
    named = named_columns(expression, where=where)
    evidence = frame[[column for column in frame.columns if column in named] or ["employee_id"]]
    position = ", ".join(quoted(column) for column in PEOPLE if column in named and column not in frame.columns)
    people = None
    if position:  # the rows of evidence are those of people, in this order
        people = data.connection.sql(f"select {position} from people order by employee_id, as_of").to_arrow_table()
    return true_of(expression, evidence, people, where=where)


def true_of(expression: str, evidence: pd.DataFrame | pa.Table, people: pa.Table | None = None, *, where: str) -> Bools:
    """Whether the SQL ``expression`` is true of each row of ``evidence`` and, side by side, of ``people`` (rows,).

    A column that neither has is null. Raises :class:`DefinitionError`, at ``where``, for what does not run.
    """
    present = {*_names(evidence), *(() if people is None else people.column_names)}
    absent = sorted(named_columns(expression, where=where) - present)
    nulls = "".join(f", null::double as {quoted(name)}" for name in absent)
    with _nothing().cursor() as connection:
        connection.register("evidence", evidence)
        rows = f"select *{nulls} from evidence"
        if people is not None:
            connection.register("people", people)
            rows += " positional join people"
        try:
            true = connection.execute(
                f"select coalesce(({expression})::boolean, false) as yes from ({rows})"
            ).fetchnumpy()
        except duckdb.Error as error:
            reason = str(error).splitlines()[0]
            raise DefinitionError(f"{expression!r} does not run ({reason})", where=where, remedy=REMEDY) from None
    return np.asarray(true["yes"], dtype=bool)


def _names(rows: pd.DataFrame | pa.Table) -> list[str]:
    return rows.column_names if isinstance(rows, pa.Table) else list(rows.columns)


@cache
def _nothing() -> duckdb.DuckDBPyConnection:
    """A database without tables, so that a condition reads nothing but what is registered for it; opened once, as that takes
    longer than the condition."""
    return duckdb.connect()


def _where(model: str, key: str) -> str:
    return f"models/{model}.toml [{key}]"
