"""The table for training and scoring: evidence, eligible rows, and rows whose record is too thin."""

from __future__ import annotations

import datetime as dt
import fnmatch
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from perfml.arrays import Bools, Floats
from perfml.errors import ModelError
from perfml.evidence.columns import Column
from perfml.evidence.features import Evidence, build
from perfml.evidence.holes.hole import MissingDays
from perfml.evidence.population.membership import belongs
from perfml.evidence.snapshots import make_snapshots
from perfml.evidence.sources import Data
from perfml.learning.dataset.conditions import conditions, named_columns, require_names, rows_where
from perfml.learning.dataset.drawn_rows import among_drawn
from perfml.learning.dataset.folds import as_of_dates
from perfml.messages import Message
from perfml.progress import SILENT, Progress
from perfml.project.folder import Definitions
from perfml.project.model_spec import ModelSpec, SampleSpec

MIN_COVERED = 0.9
"""Share of a window that the record must cover for its value to be used."""


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
    missing: tuple[MissingDays, ...] = ()
    """Days of the log that are missing; ``frame`` has estimates where evidence lacks them."""
    stated: pd.DataFrame | None = None
    """Like ``frame`` without estimates: what may be stated of a person. None where nothing is estimated."""

    @property
    def usable(self) -> Bools:
        """Rows for training and scoring: (rows,)."""
        return self.eligible & ~self.thin

    def matrix(self, names: Sequence[str] | None = None, *, stated: bool = False) -> Floats:
        """(rows, columns), missing where the evidence has no such column; with ``stated`` also where it would be an estimate.

        Values of windows that begin before the record are missing too: what was not recorded is not zero, and counts that grow
        only because the record does would let a model learn the calendar.
        """
        wanted = [c.name for c in self.columns] if names is None else list(names)
        frame = self.stated if stated and self.stated is not None else self.frame
        own = frame.reindex(columns=wanted).to_numpy(
            dtype=np.float64, copy=True
        )  # a view of pandas cannot be written to
        values = np.ascontiguousarray(own)
        as_of = self.frame["as_of"].to_numpy().astype("M8[D]")
        for date in np.unique(as_of).tolist():
            before_record = names_before_record(self.columns, date, self.record_begins)
            partial = [i for i, name in enumerate(wanted) if name in before_record]
            if partial:
                values[np.ix_(as_of == np.datetime64(date), partial)] = np.nan
        return values


def names_before_record(
    columns: Iterable[Column], as_of: dt.date, record_begins: Mapping[dt.date, dt.date]
) -> frozenset[str]:
    """The ``columns`` whose window at ``as_of`` reaches too far back before the record: their values are missing."""
    held_days = (as_of - record_begins.get(as_of, as_of)).days
    return frozenset(column.name for column in columns if column.reach_days * MIN_COVERED > held_days)


def columns_of(spec: ModelSpec, columns: Iterable[Column]) -> tuple[Column, ...]:
    """Those that the spec selects."""
    return tuple(
        c
        for c in columns
        if c.evidence not in spec.evidence.leave_out
        and (spec.evidence.only is None or c.evidence in spec.evidence.only)
        and not any(fnmatch.fnmatchcase(c.name, pattern) for pattern in spec.evidence.without)
    )


def make_table(
    data: Data,
    definitions: Definitions,
    spec: ModelSpec,
    *,
    name: str,
    dates: Sequence[dt.date],
    kinds: Sequence[str] | None = None,
    evidence: Evidence | None = None,
    stated: bool = False,
    sample: SampleSpec | None = None,
    progress: Progress = SILENT,
) -> Table:
    """The evidence of ``dates`` that the spec of the model ``name`` selects; of ``evidence``, where it has been built for more
    models and dates (:func:`evidence_of_conditions`). ``stated``: also what may be stated of people whose days are missing from
    the log. ``sample``: hold the people that it draws only (``people_share``).

    Raises :class:`DefinitionError` for an unknown column or file, and for an expression that does not run.
    """
    require_names(definitions, spec, name)
    named = conditions(spec)
    if evidence is None:
        among = among_drawn(sample)
        # models that stand on the same evidence are trained, or score, one after another
        evidence = data.once_in_a_row(
            "evidence",
            (definitions, dates, kinds, sample),
            lambda: build(data, definitions, dates, kinds=kinds, estimate=True, among=among, progress=progress),
        )
        make_snapshots(data, dates)
        if among is not None:
            _keep_people(data, evidence.frame)
    else:
        make_snapshots(data, dates)
        evidence = evidence.at(dates)
    without = build(data, definitions, dates, kinds=kinds).frame if stated and evidence.missing else None
    inside = belongs(data, spec.population.where, file=f"models/{name}.toml")  # of the same people in the same order
    true = {key: rows_where(data, evidence.frame, sql, model=name, key=key) for key, sql in named.items()}
    return Table(
        frame=evidence.frame,
        columns=columns_of(spec, evidence.columns),
        kinds=evidence.kinds,
        eligible=true["population.eligible"] & inside,
        thin=true["population.thin"],
        left_out=evidence.left_out,
        record_begins=evidence.record_begins,
        segments={key: true[f"segments.{key}.where"] for key in spec.segments},
        missing=evidence.missing,
        stated=without,
    )


def _keep_people(data: Data, frame: pd.DataFrame) -> None:
    """Leave in the temp table ``people`` those of ``frame``: conditions read the two side by side."""
    data.connection.register("drawn_people", frame[["employee_id"]].drop_duplicates())
    data.connection.execute(
        "delete from temp.people where employee_id not in (select employee_id from drawn_people)"
    ).fetchall()
    data.connection.unregister("drawn_people")


def evidence_of_conditions(
    data: Data,
    definitions: Definitions,
    specs: Collection[ModelSpec],
    *,
    dates: Collection[dt.date],
    progress: Progress = SILENT,
) -> Evidence:
    """What the conditions of all ``specs`` name, at ``dates``, in one pass over the log."""
    named = {
        column for spec in specs for key, sql in conditions(spec).items() for column in named_columns(sql, where=key)
    }
    return build(data, definitions.making(named), sorted(dates), progress=progress)


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
            Message.of("nothing_known"),
            where=f"{data.source} until {until}",
            remedy=Message.of("nothing_known_remedy"),
        )
    start = min(known) + dt.timedelta(days=spec.population.warm_up_days)
    dates = as_of_dates(start, until, spec.population.every)
    if not dates:
        raise ModelError(
            Message.of("record_too_short"),
            where=f"{data.source} until {until}",
            remedy=Message.of("record_too_short_remedy", begins=str(min(known)), days=spec.population.warm_up_days),
        )
    return dates[-spec.population.most_dates :]
