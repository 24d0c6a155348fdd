"""The goal tree of the simulated company: company, department, team lead, person; and what is planted in its last quarter.

Every year has the same objectives. A member's goal serves the lead's goal that it was drawn for, else an objective of the
department; a lead's and a head's goal serves an objective. In the last quarter some goals name nothing above them, name what is
not on record or has ended, or name each other in circles; and engineering has nothing that serves fewer complaints, which needs
it and service (a silo). Everything is linked after all else is drawn, from a stream of its own, so no other figure depends on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa

from perfml.arrays import Bools, Ints, Objects
from perfml.demo.goals import METRICS, Goals
from perfml.demo.lives import DEPARTMENTS, ROLES, Lives
from perfml.demo.shock import last_quarter

COMPANY: Final[dict[str, tuple[str, str, tuple[str, ...]]]] = {
    "growth": ("与新老客户共同增长", "revenue", ("sales", "engineering")),
    "loyalty": ("让客户留下来", "renewals", ("sales", "service")),
    "complaints": ("减少客户投诉", "tickets_solved", ("service", "engineering")),
    "costs": ("降低运营成本", "savings", ("operations", "corporate")),
    "people": ("招到并培养需要的人", "hires", ("corporate",)),
}
"""Company objectives: title, metric, and the departments they need."""
SILO: Final = "complaints"
SILOED: Final = "engineering"
"""In the last quarter no goal of this department serves the objective :data:`SILO`."""
INSTEAD: Final = "growth"
"""What its goals serve then."""
SERVES: Final[dict[tuple[str, str], str]] = {
    **{("sales", metric): "growth" for metric in ("revenue", "new_accounts", "repeat_purchases")},
    **{("account", metric): "loyalty" for metric in ("renewals", "upsell", "visits")},
    **{("support", metric): "complaints" for metric in ("tickets_solved", "articles", "trainings")},
    ("engineering", "features"): "growth",
    **{("engineering", metric): "complaints" for metric in ("defects_fixed", "reviews_done")},
    **{(role, metric): "costs" for role in ("analysis", "logistics", "finance") for metric, _, _ in METRICS[role]},
    **{("people", metric): "people" for metric, _, _ in METRICS["people"]},
}
"""(Role, metric) → the company objective that it serves, by way of the department's own."""
BROKEN_SHARES: Final = {"orphans": 0.05, "unknown": 0.03, "ended": 0.02, "circles": 0.02}
"""Of the goals of the last quarter: without a goal above, with one that is not on record, with one that has ended, and in circles
of two."""


@dataclass(frozen=True, kw_only=True)
class LinkedGoals:
    """Which goal serves which."""

    parent: Objects
    """The id above each goal (goals,); None for none."""
    objectives: pa.Table
    breaks: pd.DataFrame
    """See ``perfml.demo.plants.Truth.goal_breaks``."""
    silos: pd.DataFrame
    """See ``perfml.demo.plants.Truth.silos``."""


def direction(lives: Lives, entries: Goals, ids: Objects, *, planted: bool, rng: np.random.Generator) -> LinkedGoals:
    """Link ``entries``, the goals called ``ids``, to each other and to objectives; ``planted``: with breaks and a silo."""
    years = (np.datetime64("1970-01-01") + entries.first).astype("M8[Y]").astype(np.int64) + 1970
    last = entries.first == last_quarter(lives)[0]
    served = _objective_of(lives, entries, years, silo=last & planted)
    unit = lives.department[entries.person]
    own = np.isin(entries.person, np.concatenate([lives.lead, lives.head])) | (entries.parent < 0)
    own |= last & planted & (unit == tuple(DEPARTMENTS).index(SILOED)) & (unit[entries.parent] != unit)
    parent = np.where(own, served, ids[entries.parent])
    if planted:
        parent = _broken(parent, entries, ids, last=last, rng=rng)
    return LinkedGoals(
        parent=parent,
        objectives=_objectives(lives),
        breaks=_breaks(lives, entries, parent, ids, last=last),
        silos=pd.DataFrame(
            {
                "objective_id": [f"o{years[last][0]}-{SILO}"] if planted and last.any() else [],
                "department": [SILOED] if planted and last.any() else [],
            },
            dtype=object,
        ),
    )


def _objective_of(lives: Lives, entries: Goals, years: Ints, *, silo: Bools) -> Objects:
    """The objective that each goal serves where it serves no other goal: the department's, or the company's."""
    departments = tuple(DEPARTMENTS)
    served = []
    for person, slot, year, lacks in zip(entries.person, entries.slot, years, silo, strict=True):
        role = ROLES[lives.role[person]]
        name = SERVES[role, METRICS[role][slot][0]]
        unit = lives.department[person]
        own = "" if unit < 0 else departments[unit]
        name = INSTEAD if lacks and name == SILO and own == SILOED else name
        served.append(f"o{year}-{name}" if not own or (own, name) not in _UNITS else f"o{year}-{own}-{name}")
    return np.array(served, dtype=object)


_UNITS: Final = frozenset(
    {
        *(("sales", name) for name in ("growth", "loyalty")),
        *(("service", name) for name in ("complaints", "loyalty")),
        *(("engineering", name) for name in ("growth", "complaints", "costs")),
        ("operations", "costs"),
        *(("corporate", name) for name in ("costs", "people")),
    }
)
"""(Department, company objective) of the objectives of departments."""


def _objectives(lives: Lives) -> pa.Table:
    epoch, rows = date(1970, 1, 1), []
    first, end = (epoch + timedelta(day) for day in (lives.start, lives.end))
    for year in range(first.year, end.year + 1):
        if date(year, 1, 1) >= end:
            continue
        period = {"period_start": date(year, 1, 1), "period_end": date(year, 12, 31), "effective_on": date(year, 1, 1)}
        for name, (title, metric, needs) in COMPANY.items():
            stated = {"title": title, "metric": metric}
            rows.append(
                {"objective_id": f"o{year}-{name}", "level": "company", "needs": list(needs), **stated, **period}
            )
            units = sorted(unit for unit, objective in _UNITS if objective == name)
            rows += [
                {
                    "objective_id": f"o{year}-{unit}-{name}",
                    "level": "department",
                    "department": unit,
                    "parent_id": f"o{year}-{name}",
                    **stated,
                    **period,
                }
                for unit in units
            ]
    names = ("objective_id", "level", "department", "metric", "title", "parent_id")
    schema = pa.schema(
        [
            *((name, pa.string()) for name in names),
            ("needs", pa.list_(pa.string())),
            *((name, pa.date32()) for name in ("period_start", "period_end", "effective_on")),
            ("known_at", pa.timestamp("us")),
        ]
    )
    return pa.Table.from_pylist(rows, schema=schema)


def _broken(parent: Objects, entries: Goals, ids: Objects, *, last: Bools, rng: np.random.Generator) -> Objects:
    """``parent`` with breaks planted among the goals of the last quarter."""
    parent = parent.copy()
    drawn = rng.permutation(np.flatnonzero(last))
    count = [round(share * len(drawn)) for share in BROKEN_SHARES.values()]
    orphans, unknown, ended, circles = np.split(drawn, np.cumsum(count))[:4]
    parent[orphans] = None
    parent[unknown] = [f"x{ids[goal]}" for goal in unknown]
    before = np.flatnonzero(entries.first < entries.first[last].min()) if last.any() else last[:0]
    if len(before):
        parent[ended] = ids[rng.choice(before, len(ended))]
    pairs = circles[: len(circles) // 2 * 2].reshape(-1, 2)
    parent[pairs[:, 0]], parent[pairs[:, 1]] = ids[pairs[:, 1]], ids[pairs[:, 0]]
    return parent


def _breaks(lives: Lives, entries: Goals, parent: Objects, ids: Objects, *, last: Bools) -> pd.DataFrame:
    """Where the paths of the last quarter break on its last simulated day, walked goal by goal."""
    goals = np.flatnonzero(last).tolist()
    above = {str(ids[goal]): parent[goal] for goal in goals}
    every = {str(name) for name in ids}
    left = {str(ids[goal]) for goal in goals if lives.exited[entries.person[goal]] < lives.end}
    rows = []
    for goal in goals:
        name = str(ids[goal])
        if name not in left and (why := _why(name, above, every, left)) is not None:
            status = "orphan" if above[name] is None else "circle" if why == "circle" else "broken"
            rows.append({"goal_id": name, "status": status, "cause": why})
    return pd.DataFrame(rows, columns=["goal_id", "status", "cause"], dtype=object)


def _why(name: str, above: dict[str, str | None], every: set[str], left: set[str]) -> str | None:
    """Why the path above a goal breaks; None where it reaches an objective."""
    passed = set()
    while name not in passed:
        passed.add(name)
        if name in left:
            return "owner_left"
        following = above[name]
        if following is None:
            return "nothing_named"
        if following.startswith("o"):
            return None
        if following not in above:
            return "not_in_force" if following in every else "unknown"
        name = following
    return "circle"
