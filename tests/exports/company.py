"""A small simulated company as text, and the styles that its exports use instead of the contract's."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from perfml.demo.company import simulate

END = dt.date(2026, 10, 1)
LOGGED = ("login", "overtime", "feedback_given", "praise", "milestone_late")
EVERY = 4
"""Of the log, one row in so many is kept, so that training takes seconds."""
EXIT_ZH = {"voluntary": "主动离职", "involuntary": "辞退", "other": "退休"}
DEPARTMENT_ZH = {
    "sales": "销售部",
    "service": "客服部",
    "engineering": "研发部",
    "operations": "运营部",
    "corporate": "总部职能",
}
KIND_ZH = {
    "login": "登录",
    "overtime": "加班",
    "feedback_given": "给出反馈",
    "praise": "收到表扬",
    "milestone_late": "里程碑延期",
}
MEASURES = {"加班小时": "overtime", "登录次数": "login", "反馈次数": "feedback_given", "表扬次数": "praise"}


@dataclass(frozen=True)
class Company:
    """The tables, every date as a ``Timestamp``; ``monthly`` is the log added up: a row a month, a column a measure."""

    employees: pd.DataFrame
    positions: pd.DataFrame
    exits: pd.DataFrame
    reviews: pd.DataFrame
    events: pd.DataFrame
    monthly: pd.DataFrame
    roster: pd.DataFrame
    """What personnel departments call a roster: everybody with the post of today and, where they left, the exit."""


def company(folder: Path, *, employees: int = 120) -> Company:
    """Simulate it below ``folder``, with a log of the kinds :data:`LOGGED`."""
    simulate(folder, employees=employees, start=dt.date(2023, 10, 1), end=END, seed=7)
    tables = {path.stem: pd.read_parquet(path) for path in folder.glob("*.parquet")}
    events = tables["events"]
    events = events[events["kind"].isin(LOGGED)].drop(columns=["known_at", "source", "event_id"])
    events = events.iloc[::EVERY].reset_index(drop=True)
    events["event_id"] = [f"V{number:06d}" for number in range(len(events))]
    month = events["happened_at"].dt.to_period("M").dt.to_timestamp()
    amount = events["value"].fillna(1.0).rename("amount")
    monthly = (
        pd.concat([events[["employee_id", "kind"]], month.rename("month"), amount], axis=1)
        .pivot_table(index=["employee_id", "month"], columns="kind", values="amount", aggfunc="sum", fill_value=0)
        .reset_index()
    )
    newest = tables["positions"].sort_values("effective_on").groupby("employee_id").tail(1)
    roster = (
        tables["employees"]
        .merge(newest.drop(columns=["effective_on", "known_at"]), on="employee_id", how="left")
        .merge(tables["exits"].drop(columns="known_at"), on="employee_id", how="left")
    )
    names = [
        f"{'王李张刘陈杨黄赵周吴'[n % 10]}{'伟芳娜敏静强磊洋艳勇'[n // 10 % 10]}{n:03d}" for n in range(len(roster))
    ]
    roster["name"] = names
    return Company(
        employees=tables["employees"],
        positions=tables["positions"].drop(columns="known_at"),
        exits=tables["exits"].drop(columns="known_at"),
        reviews=tables["reviews"].drop(columns="known_at"),
        events=events,
        monthly=monthly,
        roster=roster,
    )


def days(column: pd.Series, style: str) -> pd.Series:
    """Dates as text in a style; missing ones stay empty."""
    return pd.to_datetime(column).dt.strftime(style).where(column.notna(), "")


def half_years(column: pd.Series, *, styles: tuple[str, str] = ("{}年上半年", "{}年下半年")) -> pd.Series:
    """The half-year in which each date lies, in styles."""
    return pd.Series([styles[day.month > 6].format(day.year) for day in column], index=column.index)
