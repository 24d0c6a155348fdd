"""Everything about the goals in force at a date: paths, alignment, coverage, silo flags and sums."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection
from dataclasses import asdict, dataclass

import pyarrow as pa

from perfml.advice.targets.forecasting.forecast import forecast
from perfml.evidence.sources import Data
from perfml.goals.sums.levels import summed
from perfml.goals.tree.alignment import PersonAlignment, together
from perfml.goals.tree.coverage import coverage, silos
from perfml.goals.tree.flags import GoalFlags
from perfml.goals.tree.paths import trace
from perfml.goals.tree.reading import read_tree
from perfml.goals.tree.rows import alignment_rows, path_rows
from perfml.json_types import JsonObject
from perfml.progress import SILENT, Progress
from perfml.project.target_policy import TargetPolicy


@dataclass(frozen=True, kw_only=True)
class GoalsReport:
    """The goals in force at ``as_of``, as known before it."""

    as_of: dt.date
    paths: pa.Table
    """See ``perfml.goals.tree.rows.PATHS``."""
    alignment: pa.Table
    """See ``perfml.goals.tree.rows.ALIGNMENT``."""
    sums: pa.Table
    """See ``perfml.goals.sums.levels.SUMS``."""
    flags: GoalFlags

    @property
    def people(self) -> list[PersonAlignment]:
        """Everyone's shares, without those who are held."""
        rows = self.alignment.drop_columns(["as_of"]).to_pylist()
        return [PersonAlignment(**row) for row in rows if row["aligned"] is not None]

    def to_json(self) -> JsonObject:
        """What is said of the goals as a whole, and how many paths have which status."""
        statuses = Counter(str(status) for status in self.paths.column("status").to_pylist())
        people = self.people
        whole = asdict(together(people)) if people else None
        return {"as_of": str(self.as_of), "paths": dict(statuses), "alignment": whole, **asdict(self.flags)}


def report_goals(
    data: Data,
    policy: TargetPolicy,
    as_of: dt.date,
    *,
    held: Collection[str] = (),
    progress: Progress = SILENT,
) -> GoalsReport:
    """Report on the goals in force at ``as_of``; people who are ``held`` are in no sum."""
    tree = read_tree(data, as_of)
    paths = trace(tree)
    forecasts = forecast(data, policy, as_of, progress=progress)
    return GoalsReport(
        as_of=as_of,
        paths=path_rows(tree, paths),
        alignment=alignment_rows(tree, paths),
        sums=summed(tree, forecasts, without=frozenset(held)),
        flags=GoalFlags(basis=tree.basis, coverage=coverage(tree, paths), silos=silos(data, tree)),
    )
