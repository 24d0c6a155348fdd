"""The windowed columns written directly in pandas: for each as-of date the rows before it, grouped window by window.

The same columns as perfml's from the same definitions, for a log without ``known_at`` and without relational columns.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from perfml.evidence.log.windows import Plan, WindowColumn, compile_windows
from perfml.project.folder import Definitions

RELATIONS = {"team": ["manager_id"], "peers": ["role_family", "level"]}
SMALLEST_GROUP = 3


def features(folder: Path, definitions: Definitions, as_ofs: Sequence[dt.date]) -> pd.DataFrame:
    """``employee_id``, ``as_of`` and one column for each windowed one of perfml's."""
    log = pd.concat([_part(path) for path in sorted((folder / "events").glob("*.parquet"))], ignore_index=True)
    for column in ("employee_id", "kind", "counterpart_id"):
        log[column] = log[column].astype("category")
    log["day"] = log["happened_at"].dt.normalize()
    log = log.sort_values("happened_at", kind="stable", ignore_index=True)
    plan = compile_windows(definitions.windowed, list(log["kind"].value_counts().index), has_counterparts=True)
    employees = pd.read_parquet(folder / "employees.parquet")
    positions = pd.read_parquet(folder / "positions.parquet").sort_values("effective_on")
    for table, column in ((employees, "hired_on"), (positions, "effective_on")):
        table[column] = pd.to_datetime(table[column])
    frames = []
    for date in as_ofs:
        as_of = pd.Timestamp(date)
        past = log.iloc[: log["happened_at"].searchsorted(as_of)]
        people = employees.loc[employees["hired_on"] < as_of, ["employee_id"]].sort_values("employee_id")
        held = positions[positions["effective_on"] < as_of].groupby("employee_id").last().reset_index()
        people = people.merge(held, how="left", on="employee_id").set_index("employee_id")
        frames.append(_at(_Past(past, as_of, people), plan))
    return pd.concat(frames, ignore_index=True)


def _part(path: Path) -> pd.DataFrame:
    return pd.read_parquet(path, columns=["employee_id", "happened_at", "kind", "value", "counterpart_id"])


class _Past:
    """The log before one as-of date, and tables that several columns share."""

    def __init__(self, log: pd.DataFrame, as_of: pd.Timestamp, people: pd.DataFrame) -> None:
        self.log, self.as_of, self.people = log, as_of, people
        self.grouped: dict[tuple[str, str, int], pd.DataFrame] = {}
        self.contacts: dict[int, pd.DataFrame] = {}

    def window(self, days: int) -> pd.DataFrame:
        first = self.log["happened_at"].searchsorted(self.as_of - pd.Timedelta(days=days)) if days else 0
        return self.log.iloc[first:]

    def by_kind(self, measure: str, side: str, days: int) -> pd.DataFrame:
        """People × kinds."""
        if (measure, side, days) not in self.grouped:
            rows, person = self.window(days), "employee_id" if side == "own" else "counterpart_id"
            if side == "received":
                rows = rows[rows["counterpart_id"].notna()]
                rows = rows[rows["counterpart_id"].astype(str) != rows["employee_id"].astype(str)]
            groups = rows.groupby([person, "kind"], observed=False)
            table = {"count": groups.size, "sum": groups["value"].sum, "last": groups["day"].max}[measure]().unstack()
            table.columns = table.columns.astype(str)
            self.grouped[measure, side, days] = table.reindex(self.people.index)
        return self.grouped[measure, side, days]

    def met(self, days: int, mirrored: set[str]) -> pd.DataFrame:
        """Contacts in the window: me, them, kind, and whether I reached them."""
        if days not in self.contacts:
            rows = self.window(days)
            rows = rows.loc[rows["counterpart_id"].notna(), ["employee_id", "counterpart_id", "kind"]]
            rows = rows.drop_duplicates().astype(str)
            rows = rows[rows["employee_id"] != rows["counterpart_id"]]
            forth = rows.set_axis(["me", "them", "kind"], axis=1).assign(reached=~rows["kind"].isin(mirrored))
            back = rows.set_axis(["them", "me", "kind"], axis=1).assign(reached=rows["kind"].isin(mirrored))
            self.contacts[days] = pd.concat([forth, back])
        return self.contacts[days]


def _at(past: _Past, plan: Plan) -> pd.DataFrame:
    """All columns at one as-of date."""
    columns = {column.column.name: _column(past, plan, column) for column in plan.columns}
    features_at = pd.DataFrame(columns, index=past.people.index).astype("float64")
    scores = {
        f"{column.column.name}_{relation}_z": _z_scores(
            features_at[column.column.name], past.people, RELATIONS[relation]
        )
        for column in plan.columns
        for relation in column.compare
    }
    features_at = pd.concat([features_at, pd.DataFrame(scores)], axis=1).reset_index()
    features_at.insert(1, "as_of", past.as_of)
    return features_at


def _column(past: _Past, plan: Plan, column: WindowColumn) -> pd.Series:
    kinds = [plan.kinds[i] for i in column.kinds if i < len(plan.kinds)]
    mirrored = {plan.kinds[i] for i in plan.mirrored}
    direct = [kind for kind in kinds if column.side == "own" or kind not in mirrored]
    match column.measure:
        case "count" | "sum":
            return past.by_kind(column.measure, column.side, column.window_days)[direct].sum(axis=1)
        case "days_since_last":
            since: pd.Series = (past.as_of - past.by_kind("last", column.side, 0)[direct].max(axis=1)).dt.days
            return since
        case "active_days" | "active_weeks":
            rows = past.window(column.window_days)
            rows = rows[rows["kind"].isin(kinds)] if len(kinds) < len(plan.kinds) else rows
            days_ago = (past.as_of - rows["day"]).dt.days
            part = days_ago if column.measure == "active_days" else (days_ago - 1) // 7
            active = part.groupby(rows["employee_id"], observed=True).nunique()
            counts: pd.Series = active.reindex(past.people.index, fill_value=0)
            return counts
        case "days_since_active_day":
            rows = past.window(column.window_days)
            rows = rows[rows["kind"].isin(kinds)] if len(kinds) < len(plan.kinds) else rows
            days = rows[["employee_id", "day"]].drop_duplicates().sort_values("day", ascending=False)
            chosen = days[days.groupby("employee_id", observed=True).cumcount() == column.last_events - 1]
            back: pd.Series = (past.as_of - chosen.set_index("employee_id")["day"]).dt.days
            return back.reindex(past.people.index)
        case "mean":
            rows = past.window(column.window_days)
            rows = rows[rows["kind"].isin(direct) & rows["value"].notna()].sort_values(["happened_at", "value"])
            latest = rows.groupby("employee_id", observed=True).tail(column.last_events)
            mean: pd.Series = latest.groupby("employee_id", observed=True)["value"].mean()
            return mean.reindex(past.people.index)
        case "trend" | "own_past":
            count = past.by_kind("count", column.side, column.window_days)[direct].sum(axis=1)
            longer = past.by_kind("count", column.side, column.past_days)[direct].sum(axis=1)
            recent, before = count / column.window_days, (longer - count) / (column.past_days - column.window_days)
            return recent - before if column.measure == "trend" else recent / before.where(before > 0)
    met = past.met(column.window_days, mirrored)
    met = met[met["kind"].isin(kinds)]
    reached = met[met["reached"]][["me", "them"]].drop_duplicates()
    reaching = met[~met["reached"]][["me", "them"]].drop_duplicates()
    either = met[["me", "them"]].drop_duplicates()
    if column.measure == "distinct_counterparts":
        return _count(past, {"own": reached, "received": reaching, "either": either}[column.side])
    if column.measure == "cross_department_share":
        department = past.people["department"]
        mine, theirs = either["me"].map(department), either["them"].map(department)
        known = mine.notna() & theirs.notna()
        return _share(_count(past, either[known & (mine != theirs)]), _count(past, either[known]))
    mutual = _count(past, reached.merge(reaching))
    return mutual if column.measure == "mutual_counterparts" else _share(mutual, _count(past, either))


def _count(past: _Past, pairs: pd.DataFrame) -> pd.Series:
    return pairs.groupby("me").size().reindex(past.people.index, fill_value=0)


def _share(part: pd.Series, whole: pd.Series) -> pd.Series:
    return part / whole.where(whole > 0)


def _z_scores(values: pd.Series, people: pd.DataFrame, keys: list[str]) -> pd.Series:
    groups = values.groupby([people[key] for key in keys])
    deviation = values - groups.transform("mean")
    spread = groups.transform("std")
    z = (deviation / spread.where(spread > 0)).where(groups.transform("max") > groups.transform("min"), 0.0)
    return z.where((groups.transform("count") >= SMALLEST_GROUP) & values.notna())
