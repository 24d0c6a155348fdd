"""Figures of groups from which nobody's own can be worked out: of departments, teams and levels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from perfml.arrays import Bools, Floats, Objects
from perfml.disclosure.outcomes import withheld_outcomes
from perfml.disclosure.primary import Suppression, primary
from perfml.disclosure.tables import GroupTable
from perfml.network.record import GroupNetwork, LevelDirection, LevelFlow, NetworkCell
from perfml.project.spec import DisclosureRules

MOST_DEPARTMENTS = 12
"""Departments of the matrix, those with the most people."""
DIRECTIONS: tuple[LevelDirection, ...] = ("up", "same", "down")


def cells(people: pd.DataFrame, pairs: pd.DataFrame, rules: DisclosureRules) -> tuple[NetworkCell, ...]:
    """Contacts between each two departments and within each."""
    department = people.set_index("employee_id")["department"].dropna()
    names = sorted(department.value_counts().index[:MOST_DEPARTMENTS])
    rows = pairs.assign(giving=pairs["giver"].map(department), receiving=pairs["receiver"].map(department))
    rows = rows[rows["giving"].isin(names) & rows["receiving"].isin(names) & (rows["contacts"] > 0)]
    of = [(a, b) for a in names for b in names]
    member = np.array([(rows["giving"] == a) & (rows["receiving"] == b) for a, b in of], dtype=bool)
    why = _withheld(member.reshape(len(of), len(rows)), rows, rules)
    sums = member.reshape(len(of), len(rows)) @ rows["contacts"].to_numpy(dtype=np.int64)
    return tuple(
        NetworkCell(giver=a, receiver=b, contacts=None if each else int(total), withheld=each)
        for (a, b), total, each in zip(of, sums, why, strict=True)
    )


def level_flows(people: pd.DataFrame, pairs: pd.DataFrame, rules: DisclosureRules) -> tuple[LevelFlow, ...]:
    """Recognition up, within a level and down, and what it would be if everybody gave and received as much whatever the level.

    Nothing where no level is on record.
    """
    level = people.set_index("employee_id")["level"].dropna()
    rows = pairs[(pairs["contact"] == "recognition") & (pairs["contacts"] > 0)]
    rows = rows[rows["giver"].isin(level.index) & rows["receiver"].isin(level.index)]
    if not len(rows):
        return ()
    step = rows["receiver"].map(level).to_numpy(dtype=np.float64) - rows["giver"].map(level).to_numpy(dtype=np.float64)
    member = np.array([step > 0, step == 0, step < 0])
    why = _withheld(member, rows, rules)
    sums = member @ rows["contacts"].to_numpy(dtype=np.int64)
    return tuple(
        LevelFlow(direction=way, contacts=None if each else int(n), expected=None if each else mu, withheld=each)
        for way, n, mu, each in zip(DIRECTIONS, sums, _by_level(rows, level), why, strict=True)
    )


def _by_level(rows: pd.DataFrame, level: pd.Series) -> list[float]:
    """Expected contacts up, within and down from what each level gives and receives; nobody gives to themselves."""
    given, received = (rows.groupby(side)["contacts"].sum() for side in ("giver", "receiver"))
    giving, receiving = (each.groupby(level.reindex(each.index)).sum() for each in (given, received))
    own = (given * received.reindex(given.index, fill_value=0)).groupby(level.reindex(given.index)).sum()
    product = np.outer(giving.to_numpy(dtype=np.float64), receiving.to_numpy(dtype=np.float64))
    step = receiving.index.to_numpy()[None, :] - giving.index.to_numpy()[:, None]
    product[step == 0] -= own.reindex(giving.index).to_numpy(dtype=np.float64)[(step == 0).any(axis=1)]
    scale = float(rows["contacts"].sum()) / float(product.sum()) if product.sum() > 0 else 0.0
    return [float(product[chosen].sum()) * scale for chosen in (step > 0, step == 0, step < 0)]


def departments(rows: pd.DataFrame, rules: DisclosureRules) -> tuple[GroupNetwork, ...]:
    """Departments by name, of rows with employee_id, department, outside and beyond_team."""
    names = sorted(rows["department"].dropna().unique())
    member = np.array([rows["department"] == name for name in names], dtype=bool).reshape(len(names), len(rows))
    why = [_outcomes(member, rows, column, rules) for column in ("outside", "beyond_team")]
    return tuple(_group(name, rows[inside], *causes) for name, inside, *causes in zip(names, member, *why, strict=True))


def teams(rows: pd.DataFrame, rules: DisclosureRules) -> tuple[GroupNetwork, ...]:
    """Teams by who leads them; each for itself, since nobody is in two of them."""
    groups = []
    for manager, own in rows.groupby("manager_id"):
        whole = np.ones((1, len(own)), dtype=bool)
        why = [_outcomes(whole, own, column, rules)[0] for column in ("outside", "beyond_team")]
        groups.append(_group(str(manager), own, *why))
    return tuple(groups)


def streets_shown(streets: pd.DataFrame, rules: DisclosureRules) -> int | None:
    """How many one-way streets there are, unless few people give or receive on them."""
    sides = [streets[side].value_counts().to_numpy().astype(np.float64) for side in ("giver", "receiver")]
    return None if any(primary(each, rules) for each in sides) else len(streets)


def _group(name: str, rows: pd.DataFrame, outside: Suppression | None, beyond: Suppression | None) -> GroupNetwork:
    return GroupNetwork(
        group=name,
        people=len(rows),
        outside=None if outside else int(rows["outside"].notna().sum()),
        outside_withheld=outside,
        beyond_team=None if beyond else int(rows["beyond_team"].sum()),
        beyond_withheld=beyond,
    )


def _outcomes(member: Bools, rows: pd.DataFrame, column: str, rules: DisclosureRules) -> tuple[Suppression | None, ...]:
    label: Floats = np.asarray(rows[column].notna() if column == "outside" else rows[column]).astype(np.float64)
    person: Objects = rows["employee_id"].to_numpy(dtype=object)
    return withheld_outcomes(member, label=label, person=person, rules=rules)


def _withheld(member: Bools, rows: pd.DataFrame, rules: DisclosureRules) -> Sequence[Suppression | None]:
    """Why each sum of contacts is withheld, for the sake of who gave or of who received; their total counts as known."""
    if not len(rows):
        return ["few people"] * len(member)
    values: Floats = rows["contacts"].to_numpy(dtype=np.float64).reshape(-1, 1)
    whole = np.concatenate([member, np.ones((1, len(rows)), dtype=bool)])
    causes: list[tuple[Suppression | None, ...]] = []
    for side in ("giver", "receiver"):
        person = np.unique(rows[side].to_numpy(dtype=str), return_inverse=True)[1].ravel()
        known = np.arange(len(whole)) == len(member)
        causes.append(GroupTable(member=whole, person=person, values=values, known=known).withheld(rules)[:-1])
    return [first or second for first, second in zip(*causes, strict=True)]
