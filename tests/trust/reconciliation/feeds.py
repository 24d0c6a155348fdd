"""Feeds with planted errors, and what a count of every sale says that their bridges are."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd

from perfml import Project
from perfml.demo.incident import Incident, Lost, RegisteredElsewhere, tables, write_project
from perfml.demo.incident.parameters import Sale
from perfml.trust.reconciliation.bridge import PARTS, GapBridge
from perfml.trust.reconciliation.reconcile import Reconciliation
from tests.tables import write_tables

OFFICES = ("North", "East", "South", "West")
SMALL: dict[str, Any] = {"people": 2, "days_before": 2, "days_after": 2, "backfilled_at": None}
Planted = dict[tuple[str, dt.date], int]
"""Person and day -> cents by which the settled feed is wrong."""


def reconciled(incident: Incident, folder: Path, *, as_of: dt.date, planted: Planted | None = None) -> Reconciliation:
    """The reconciliation of an incident in version 2, signed off, with errors planted into the settled feed."""
    rows = tables(incident)
    for row in rows["facts"]:
        key = row["entity"], dt.date.fromisoformat(row["business_date"])
        own = row["source"] == f"perf_settled/{key[0].rsplit('-', 1)[0]}"
        if planted and own and key in planted:
            row["value"] = str(Decimal(row["value"]) + Decimal(planted[key]) / 100)
    write_tables(folder / "data", **{name: pd.DataFrame(each) for name, each in rows.items() if each})
    project = Project(write_project(incident, folder / "project", version=2), home=folder / "home")
    project.sign_off("sales", 2, by="Li Na", reason="settled net sales, customer registration")
    return project.reconcile(folder / "data", as_of=as_of)


def expected(incident: Incident, as_of: dt.date, planted: Planted) -> dict[tuple[str, dt.date], GapBridge]:
    """The bridges by a count over the sales, one sale after another, in cents."""
    parts: dict[tuple[str, dt.date], dict[str, int]] = {}

    def add(person: str, sale: Sale, **cents: int) -> None:
        of_person = parts.setdefault(
            (person, sale.day.replace(day=1)), dict.fromkeys((*PARTS, "reference", "actuals"), 0)
        )
        for name, amount in cents.items():
            of_person[name] += amount

    for sale in incident.sales:
        if sale.day >= as_of:
            continue
        settled_at = sale.day + dt.timedelta(days=incident.settlement_days)
        closed, lost = settled_at < as_of, incident.is_lost(sale.office, sale.day)
        error = planted.get((sale.person, sale.day), 0)
        add(sale.person, sale, reference=sale.gross)
        if not closed:
            add(sale.person, sale, timing=-sale.gross)
        elif lost:
            add(sale.person, sale, missing=-sale.gross)
        else:
            add(sale.person, sale, returns=-sale.returned, attribution=-sale.moved, unexplained=error)
            add(sale.person, sale, actuals=sale.settled + error)
            if sale.counted_for:
                add(sale.counted_for, sale, attribution=sale.moved, actuals=sale.moved)
    return {key: GapBridge(**{name: Decimal(n) / 100 for name, n in cents.items()}) for key, cents in parts.items()}


def wrong_bridges(incident: Incident, folder: Path, *, as_of: dt.date, planted: Planted) -> list[str]:
    """What is not to the cent: a part, a sum, or what is left unexplained."""
    reconciliation = reconciled(incident, folder, as_of=as_of, planted=planted)
    correct = expected(incident, as_of, planted)
    wrong = [] if reconciliation.entities or as_of <= incident.month else ["nothing is compared"]
    for row in reconciliation.entities:
        counted = correct[(row.entity.removeprefix("employee:"), row.month)]
        if row.bridge != counted:
            wrong.append(f"{row.entity} {row.month}: {row.bridge} and by a count {counted}; {incident}")
    for row in (*reconciliation.rows, *reconciliation.entities):
        if row.bridge.reference + sum(row.bridge.parts.values()) != row.bridge.actuals:
            wrong.append(f"{row.entity} {row.month} does not add up; {incident}")
        if row.matched.gap - row.matched.missing != row.bridge.unexplained:
            wrong.append(
                f"{row.entity} {row.month}: the gap and the bridge leave different amounts unexplained; {incident}"
            )
    return wrong


def random_feeds(rng: random.Random) -> tuple[Incident, dt.date, Planted]:
    """An incident at random, a date in it, and errors to plant."""
    incident = Incident(
        month=rng.choice([dt.date(2024, 2, 1), dt.date(2025, 3, 1), dt.date(2025, 12, 1)]),
        daily=Decimal(rng.randint(5, 9_999_999)) / 100,
        spread=Decimal(rng.choice(["0", "0.3", "0.9"])),
        returned_percent=Decimal(rng.randint(0, 600)) / 10,
        settlement_days=rng.randint(0, 6),
        lost=tuple(Lost(rng.choice(OFFICES), rng.randint(1, 28), rng.randint(1, 4)) for _ in range(rng.randint(0, 3))),
        moves=tuple(
            RegisteredElsewhere(
                office, rng.choice([each for each in OFFICES if each != office]), Decimal(rng.randint(0, 100))
            )
            for office in rng.sample(OFFICES, rng.randint(0, 3))
        ),
        seed=rng.randrange(1000),
        **SMALL,
    )
    sales = [(sale.person, sale.day) for sale in incident.sales]
    planted = {key: rng.randint(-99_999, 99_999) for key in rng.sample(sales, rng.randint(0, 4))}
    return incident, incident.month + dt.timedelta(days=rng.randint(3, 36)), planted
