"""Who belongs to the population of a definition: a condition on the person's position as known at the as-of date."""

from __future__ import annotations

import datetime as dt

import duckdb
import numpy as np

from perfml.arrays import Bools
from perfml.errors import DefinitionError
from perfml.evidence.snapshots import make_snapshots
from perfml.evidence.sources import Data
from perfml.evidence.tables.conditions import require_facts
from perfml.project.spec import POSITION


def condition(where: str | None, *, file: str) -> str:
    """``where`` as SQL over the temp table ``people``, never null. Raises :class:`DefinitionError` for what is no condition on a
    position."""
    if where is None:
        return "true"
    require_facts(where, POSITION, of="a position", where=f"{file} [population] where")
    return f"coalesce(({where})::boolean, false)"


def belongs(data: Data, where: str | None, *, file: str) -> Bools:
    """Whether each row of the temp table ``people`` belongs (rows,), in the order of employee_id and as_of."""
    query = f"select {condition(where, file=file)} as yes from temp.people order by employee_id, as_of"
    try:
        return np.asarray(data.connection.execute(query).fetchnumpy()["yes"], dtype=bool)
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise DefinitionError(
            f"{where!r} does not run ({reason})", where=f"{file} [population] where", remedy="correct the condition"
        ) from None


def outsiders(data: Data, where: str | None, as_of: dt.date, *, file: str) -> frozenset[str]:
    """The people employed at ``as_of`` who do not belong."""
    if where is None:
        return frozenset()
    make_snapshots(data, [as_of])
    people = data.connection.execute("select employee_id from temp.people order by employee_id, as_of").fetchall()
    inside = belongs(data, where, file=file)
    return frozenset(row[0] for row, yes in zip(people, inside.tolist(), strict=True) if not yes)
