"""A bridge adds up exactly, and gives back to the cent what was planted in the feeds."""

from __future__ import annotations

import datetime as dt
import tempfile
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perfml import Project
from perfml.demo.incident import Incident, Lost, RegisteredElsewhere, tables, write_project
from perfml.demo.incident.parameters import Sale
from perfml.trust.reconciliation.bridge import PARTS, GapBridge, Matched, Reconciled, added_up
from perfml.trust.reconciliation.reconcile import Reconciliation
from tests.tables import write_tables

import pandas as pd  # isort: skip

SMALL = {"people": 2, "days_before": 2, "days_after": 2, "backfilled_at": None}
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


incidents = st.builds(
    Incident,
    month=st.sampled_from([dt.date(2024, 2, 1), dt.date(2025, 3, 1), dt.date(2025, 12, 1)]),
    daily=st.decimals("0.05", "99999.99", places=2),
    spread=st.sampled_from([Decimal(0), Decimal("0.3"), Decimal("0.9")]),
    returned_percent=st.decimals(0, 60, places=1),
    settlement_days=st.integers(0, 6),
    lost=st.lists(
        st.builds(Lost, st.sampled_from(["North", "East", "South", "West"]), st.integers(1, 28), st.integers(1, 4)),
        max_size=3,
    ).map(tuple),
    moves=st.sampled_from(
        [
            (),
            (RegisteredElsewhere("South", "West", Decimal(20)),),
            (
                RegisteredElsewhere("West", "North", Decimal("33.3")),
                RegisteredElsewhere("North", "West", Decimal("0.7")),
            ),
        ]
    ),
    seed=st.integers(0, 999),
    **{name: st.just(value) for name, value in SMALL.items()},
)


@settings(deadline=None, max_examples=12, suppress_health_check=list(HealthCheck))
@given(incident=incidents, day=st.integers(3, 36), data=st.data())
@pytest.mark.slow
def test_planted_parts_come_back_to_the_cent(incident: Incident, day: int, data: st.DataObject) -> None:
    """The residual is 0 where everything is explained, and what was planted where not."""
    as_of = incident.month + dt.timedelta(days=day)
    keys = data.draw(st.lists(st.sampled_from([(s.person, s.day) for s in incident.sales]), max_size=4, unique=True))
    planted = {key: data.draw(st.integers(-99_999, 99_999)) for key in keys}
    with tempfile.TemporaryDirectory() as folder:
        reconciliation = reconciled(incident, Path(folder), as_of=as_of, planted=planted)
    correct = expected(incident, as_of, planted)
    assert reconciliation.entities
    for row in reconciliation.entities:
        assert row.bridge == correct[(row.entity.removeprefix("employee:"), row.month)], row.entity
    for row in (*reconciliation.rows, *reconciliation.entities):
        assert row.bridge.reference + sum(row.bridge.parts.values()) == row.bridge.actuals
        assert row.matched.gap - row.matched.missing == row.bridge.unexplained


def gap(reference: str, actuals: str, limit: str = "5") -> bool:
    matched = Matched(reference=Decimal(reference), actuals=Decimal(actuals), missing=Decimal(0))
    return matched.exceeds(Decimal(limit))


@pytest.mark.parametrize(
    ("reference", "actuals", "over"),
    [
        ("100.00", "95.00", False),  # exactly 5.00 % does not hold
        ("100.00", "94.99", True),
        ("100.00", "105.00", False),
        ("100.00", "105.01", True),
        ("0.00", "0.00", False),
        ("0.00", "0.01", True),  # a share of nothing is no share: any gap is over the limit
        ("-100.00", "-95.00", False),
        ("99999999999.99", "94999999999.99", True),
        ("99999999999.98", "94999999999.98", True),
        ("100000000000.00", "95000000000.00", False),
    ],
)
def test_the_limit_is_compared_exactly(reference: str, actuals: str, over: bool) -> None:
    assert gap(reference, actuals) is over


amounts = st.decimals(-(10**9), 10**9, places=2)


@given(st.lists(st.lists(amounts, min_size=6, max_size=6), min_size=1, max_size=8))
def test_rows_that_add_up_add_up_together(rows: list[list[Decimal]]) -> None:
    members = []
    for reference, *parts in rows:
        bridge = GapBridge(
            reference=reference, **dict(zip(PARTS, parts, strict=True)), actuals=reference + sum(parts, Decimal(0))
        )
        members.append(row_of(bridge))
    whole = added_up(members).bridge
    assert whole.reference + sum(whole.parts.values()) == whole.actuals


def row_of(bridge: GapBridge, *, month: int = 3, **more: int) -> Reconciled:
    figures = {"days": 31, "closed_days": 31, "missing_days": 0, "unreported_days": 0} | more
    return Reconciled(
        metric="sales",
        month=dt.date(2025, month, 1),
        entity="employee:a",
        belongs_to="location:x",
        bridge=bridge,
        matched=Matched(reference=bridge.reference, actuals=bridge.actuals, missing=bridge.missing),
        first_gap_day=None,
        limit_percent=Decimal(5),
        **figures,
    )


def bridge(reference: str, **parts: str) -> GapBridge:
    amounts_of = {name: Decimal(parts.get(name, "0")) for name in PARTS}
    total = Decimal(reference) + sum(amounts_of.values(), Decimal(0))
    return GapBridge(reference=Decimal(reference), **amounts_of, actuals=total)


@pytest.mark.parametrize(
    ("row", "standing"),
    [
        (row_of(bridge("100")), "final"),
        (row_of(bridge("100"), closed_days=29), "provisional"),
        (row_of(bridge("100", unexplained="-1")), "provisional"),
        (row_of(bridge("100", unexplained="-6")), "held"),
        (row_of(bridge("100"), missing_days=1), "provisional"),
        (row_of(bridge("100"), closed_days=0), "insufficient"),
        (row_of(bridge("100"), closed_days=2, unreported_days=2), "insufficient"),
    ],
)
def test_standing(row: Reconciled, standing: str) -> None:
    assert row.standing == standing
