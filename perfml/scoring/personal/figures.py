"""A person beside others, computed when people are scored: their own value, and the mean of others of a group."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping

import numpy as np
import pandas as pd
import pyarrow as pa

from perfml.arrays import Floats, Objects
from perfml.errors import DefinitionError
from perfml.evidence.features import build
from perfml.evidence.snapshots import make_snapshots
from perfml.evidence.sources import Data
from perfml.learning.dataset.conditions import REMEDY
from perfml.project.folder import Definitions
from perfml.project.spec import DisclosureRules
from perfml.project.trust.peers_spec import PeerGroup, PeersSpec
from perfml.scoring.personal.files import PEERS, SCHEMA
from perfml.scoring.personal.groups import Above, Comparison, PeopleGroup

DECIMALS = 2
"""Of a mean; of a share two more."""


def peer_rows(
    data: Data,
    definitions: Definitions,
    spec: PeersSpec,
    rules: DisclosureRules,
    *,
    as_of: dt.date,
    without: Collection[str] = (),
) -> pa.Table:
    """The figures of everyone employed at ``as_of`` but those in ``without``, who are in no group either.

    The values of a row are :data:`~.files.PEER_COLUMNS`.

    Raises :class:`DefinitionError` for a column that no definition makes.
    """
    columns = {name: measure.column for name, measure in spec.measures.items()}
    for name, column in columns.items():
        if not definitions.makes(column):
            where = f"[measures.{name}] column of the policy of kind 'peers'"
            raise DefinitionError(f"no evidence is called {column!r}", where=where, remedy=REMEDY)
    evidence = build(data, definitions.making(set(columns.values())), [as_of]).frame
    make_snapshots(data, [as_of])  # of this machine, wherever the evidence was computed
    query = "select employee_id, department, role_family, manager_id from temp.people order by employee_id"
    people = data.connection.execute(query).df()
    present = ~people["employee_id"].isin(list(without)).to_numpy()
    people, evidence = people[present].reset_index(drop=True), evidence[present].reset_index(drop=True)
    ids = people["employee_id"].to_numpy(dtype=object)
    groups = [list(_groups(kind, people)) for kind in spec.groups]
    lines = _lines(ids, people["manager_id"].to_numpy(dtype=object))
    rows: list[tuple[str, list[str | None]]] = []
    for measure, column in columns.items():
        if column not in evidence:
            continue
        values = evidence[column].to_numpy(dtype=np.float64)
        decimals = DECIMALS + 2 * (spec.measures[measure].unit == "share")
        rows += [
            (person, [measure, *figure])
            for person, figure in zip(ids, _figures(values, groups, lines, rules, decimals=decimals), strict=True)
        ]
    days = pa.array([as_of] * len(rows), pa.date32())
    arrays = [[person for person, _ in rows], [PEERS] * len(rows), days, days, [values for _, values in rows]]
    return pa.table([pa.array(each, field.type) for each, field in zip(arrays, SCHEMA, strict=True)], schema=SCHEMA)


def _figures(
    values: Floats,
    groups: list[list[PeopleGroup]],
    lines: Mapping[int, Above],
    rules: DisclosureRules,
    *,
    decimals: int,
) -> Iterator[list[str | None]]:
    """For each person the own value, and the mean of others with its group; nothing of others where no group may be used."""
    of_person = Comparison(values=values, lines=lines, rules=rules).usable(groups)
    sums = {group: _sum(values, group) for group in set(of_person.values())}
    for person, value in enumerate(values):
        own = None if np.isnan(value) else f"{value:.{decimals}f}"
        group = of_person.get(person)
        if group is None:
            yield [own, None, None, None, None]
            continue
        total, n = sums[group]
        others = n - (own is not None)
        mean = (total - (value if own is not None else 0.0)) / others
        yield [own, f"{mean:.{decimals}f}", str(others), group.kind, group.name]


def _sum(values: Floats, group: PeopleGroup) -> tuple[float, int]:
    of_group = values[group.people]
    return float(np.nansum(of_group)), int((~np.isnan(of_group)).sum())


def _groups(kind: PeerGroup, people: pd.DataFrame) -> Iterator[PeopleGroup]:
    if kind == "company":
        yield PeopleGroup(kind=kind, name="", people=np.arange(len(people)))
        return
    names = people[kind].to_numpy(dtype=object)
    for name in sorted({each for each in names if isinstance(each, str)}):
        yield PeopleGroup(kind=kind, name=name, people=np.flatnonzero(names == name))


def _lines(ids: Objects, managers: Objects) -> dict[int, Above]:
    """Person → everyone above them, by number; a circle ends where it closes."""
    number = {str(person): at for at, person in enumerate(ids)}
    above = [number.get(manager) if isinstance(manager, str) else None for manager in managers]
    lines: dict[int, Above] = {}
    for person in range(len(ids)):
        chain: list[int] = []
        manager = above[person]
        while manager is not None and manager != person and manager not in chain:
            chain.append(manager)
            manager = above[manager]
        lines[person] = frozenset(chain)
    return lines
