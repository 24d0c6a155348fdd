"""A bridge adds up exactly, and gives back to the cent what was planted in the feeds."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfml.trust.reconciliation.bridge import PARTS, GapBridge, Matched, Reconciled, added_up
from tests.trust.reconciliation.feeds import random_feeds, wrong_bridges


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_planted_parts_come_back_to_the_cent(seed: int, tmp_path: Path) -> None:
    """The residual is 0 where everything is explained, and what was planted where not. `benchmark faults bridges` runs more."""
    incident, as_of, planted = random_feeds(random.Random(seed))
    assert wrong_bridges(incident, tmp_path, as_of=as_of, planted=planted) == []


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


@pytest.mark.slow
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
