"""A log without some of its days, to measure what losing them does: the rows are hidden, and the days declared lost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from perfml.evidence.holes.hole import Hole
from perfml.evidence.holes.known import people_concerned
from perfml.evidence.snapshots import make_snapshots
from perfml.evidence.sources import Data
from perfml.evidence.tables.reading import literal
from perfml.project.folder import Definitions
from perfml.project.trust.holes_spec import HoleAnswer


@contextmanager
def without_days(data: Data, definitions: Definitions, holes: Sequence[Hole], as_of: dt.date) -> Iterator[Definitions]:
    """Hide the rows of ``holes`` as :func:`hidden_rows` does; yield ``definitions`` that declare them lost."""
    lost = [HoleAnswer(**hole.part.given, first=hole.first, last=hole.last, verdict="lost") for hole in holes]
    spec = definitions.holes.model_copy(update={"answers": (*definitions.holes.answers, *lost)})
    with hidden_rows(data, holes, as_of):
        yield replace(definitions, holes=spec)


@contextmanager
def hidden_rows(data: Data, holes: Sequence[Hole], as_of: dt.date) -> Iterator[None]:
    """Hide the rows of ``holes`` from everything that reads the log of ``data``.

    Of a hole in a department or location, the rows of its people at ``as_of`` are hidden.
    """
    if data.engine is None:
        make_snapshots(data, [as_of])
    else:
        data.engine.make_snapshots([as_of])
    hidden = []
    for hole in holes:
        given = hole.part.given
        where = [f"e.happened_day between date '{hole.first}' and date '{hole.last}'"]
        where += [f"e.{name} = {literal(given[name])}" for name in ("source", "kind") if name in given]
        if given.keys() - {"source", "kind"}:
            people = ", ".join(map(literal, sorted(people_concerned(data, hole, as_of)))) or "null"
            where.append(f"e.employee_id in ({people})")
        hidden.append(" and ".join(where))
    data.hidden += hidden
    try:
        _show(data)
        yield
    finally:
        del data.hidden[len(data.hidden) - len(hidden) :]
        _show(data)


def _show(data: Data) -> None:
    """Let a view of the rows that are not hidden stand before the log; none where nothing is hidden."""
    if data.hidden:
        data.connection.execute(
            "create or replace temp view events as select * from memory.main.events e"
            f" where not coalesce({' or '.join(data.hidden)}, false)"
        )
    else:
        data.connection.execute("drop view if exists temp.events")
