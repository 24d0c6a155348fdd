"""What is compared, and what is not: packets, days, entities and values in the ways that they come."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from perfml import Project
from perfml.errors import PerfmlError
from perfml.trust.holds.hold_log import HoldLog
from perfml.trust.outbox import posts
from perfml.trust.reconciliation.reconcile import Reconciliation
from tests.tables import write_tables

DEFINITION = """
[metrics.calls]
zh = "通话"
en = "calls"
unit = "times"
owner = "Head of service"
version = 1
basis = "all"
attribution = "agent"
reference = "pbx"
actuals = "crm"
decimals = 0
[metrics.calls.sources.pbx]
basis = "all"
attribution = "agent"
[metrics.calls.sources.crm]
basis = "all"
attribution = "agent"
"""
EMPLOYEES = "employee_id | hired_on\ne1 | 2020-01-01\ne2 | 2020-01-01"
REVIEWS = "review_id | employee_id | period_end | reviewed_on | rating\nr1 | e1 | 2025-01-31 | 2025-02-01 | 3"
HEAD = "source | metric | entity | business_date | value | known_at"


def project(folder: Path, facts: str, *, definition: str = DEFINITION, deliveries: str | None = None) -> Project:
    root = folder / "project"
    (root / "features").mkdir(parents=True)
    (root / "perfml.toml").write_text('name = "mine"\n[data]\nsource = "data"\n', encoding="utf-8")
    (root / "features" / "definitions.toml").write_text(definition, encoding="utf-8")
    frames = {"employees": EMPLOYEES, "reviews": REVIEWS, "facts": HEAD + facts}
    write_tables(folder / "data", **frames, **({"deliveries": deliveries} if deliveries else {}))
    return Project(root, home=folder / "home")


def reconciled(folder: Path, facts: str, **more: str) -> Reconciliation:
    return project(folder, facts, **more).reconcile(folder / "data", as_of="2025-03-20")


def parts(reconciliation: Reconciliation, entity: str = "e1") -> dict[str, Decimal]:
    (row,) = (row for row in reconciliation.entities if row.entity == f"employee:{entity}")
    return {name: amount for name, amount in row.bridge.parts.items() if amount}


BOTH = """
pbx | calls | e1 | 2025-03-10 | 40 |
pbx | calls | e1 | 2025-03-11 | 50 |
crm | calls | e1 | 2025-03-10 | 40 |
"""


@pytest.mark.slow
def test_a_day_without_rows_is_unexplained_unless_a_delivery_is_known_to_be_missing(tmp_path: Path) -> None:
    assert parts(reconciled(tmp_path / "a", BOTH)) == {"unexplained": -50}
    missing = "source | business_date | received_at\ncrm | 2025-03-11 |"
    assert parts(reconciled(tmp_path / "b", BOTH, deliveries=missing)) == {"missing": -50}
    late = "source | business_date | received_at\ncrm | 2025-03-11 | 2025-03-20 00:00:00"
    assert parts(reconciled(tmp_path / "c", BOTH, deliveries=late)) == {"missing": -50}
    came = "source | business_date | received_at\ncrm | 2025-03-11 | 2025-03-19 23:59:00"
    assert parts(reconciled(tmp_path / "d", BOTH, deliveries=came)) == {"unexplained": -50}


@pytest.mark.slow
def test_a_day_that_the_reference_did_not_deliver_is_compared_with_nothing(tmp_path: Path) -> None:
    facts = BOTH + "crm | calls | e1 | 2025-03-12 | 7 |"
    missing = "source | business_date | received_at\npbx | 2025-03-12 |\ncrm | 2025-03-11 |"
    reconciliation = reconciled(tmp_path, facts, deliveries=missing)
    (row,) = reconciliation.rows
    assert row.bridge.missing == -43 and row.bridge.unexplained == 0
    assert (row.matched.reference, row.matched.actuals, row.unreported_days) == (90, 40, 1)


@pytest.mark.slow
def test_nothing_of_the_future_counts(tmp_path: Path) -> None:
    """Not a day from the as-of date on, not a row that became known later, and a correction only once it is known."""
    facts = """
pbx | calls | e1 | 2025-03-10 | 40 |
crm | calls | e1 | 2025-03-10 | 30 |
crm | calls | e1 | 2025-03-10 | 40 | 2025-03-20 00:00:00
pbx | calls | e1 | 2025-03-11 | 9 | 2025-03-20 00:00:00
pbx | calls | e1 | 2025-03-20 | 9 |
"""
    mine = project(tmp_path, facts)
    assert parts(mine.reconcile(tmp_path / "data", as_of="2025-03-20")) == {"unexplained": -10}
    assert parts(mine.reconcile(tmp_path / "data", as_of="2025-03-21")) == {"unexplained": -18}


@pytest.mark.slow
def test_packets_are_matched_where_both_sides_have_them(tmp_path: Path) -> None:
    """A packet that is missing explains what it would have carried, and nothing of another packet."""
    facts = """
pbx/a | calls | e1 | 2025-03-10 | 40 |
pbx/b | calls | e1 | 2025-03-10 | 2 |
crm/a | calls | e1 | 2025-03-10 | 39 |
"""
    missing = "source | business_date | received_at\ncrm/b | 2025-03-10 |"
    assert parts(reconciled(tmp_path, facts, deliveries=missing)) == {"missing": -2, "unexplained": -1}


@pytest.mark.slow
def test_a_source_without_packets_is_compared_with_the_sum_of_them(tmp_path: Path) -> None:
    facts = """
pbx | calls | e1 | 2025-03-10 | 42 |
crm/a | calls | e1 | 2025-03-10 | 40 |
crm/b | calls | e1 | 2025-03-10 | 2 |
"""
    assert parts(reconciled(tmp_path, facts)) == {}


@pytest.mark.slow
def test_amounts_are_added_exactly_where_floats_are_not(tmp_path: Path) -> None:
    """0.1 + 0.2 is 0.3 here, a thousand times; a value with more decimal places is rounded, and said so."""
    cents = DEFINITION.replace("decimals = 0", "decimals = 2")
    rows = [f"pbx/{n} | calls | e1 | 2025-03-10 | 0.1 |\ncrm/{n} | calls | e1 | 2025-03-10 | 0.1 |" for n in range(300)]
    rows += ["pbx/x | calls | e1 | 2025-03-10 | 1234567890.12 |", "crm/x | calls | e1 | 2025-03-10 | 1234567890.13 |"]
    reconciliation = reconciled(tmp_path / "a", "\n" + "\n".join(rows), definition=cents)
    assert parts(reconciliation) == {"unexplained": Decimal("0.01")}
    assert reconciliation.entities[0].bridge.reference == Decimal("1234567920.12")
    finer = reconciled(tmp_path / "b", "\npbx | calls | e1 | 2025-03-10 | 1.005 |", definition=cents)
    assert [notice.code for notice in finer.notices] == ["reconcile_finer"]


@pytest.mark.slow
def test_opposite_errors_do_not_hide_in_their_department(tmp_path: Path) -> None:
    """Each person over the limit is held where their level is not."""
    level = DEFINITION.replace("decimals = 0", 'decimals = 0\nlevel = "department"')
    facts = """
pbx | calls | e1 | 2025-03-10 | 40 |
crm | calls | e1 | 2025-03-10 | 30 |
pbx | calls | e2 | 2025-03-10 | 40 |
crm | calls | e2 | 2025-03-10 | 50 |
"""
    mine = project(tmp_path, facts, definition=level)
    positions = "employee_id | effective_on | department\ne1 | 2020-01-01 | D\ne2 | 2020-01-01 | D"
    write_tables(tmp_path / "data", positions=positions)
    reconciliation = mine.reconcile(tmp_path / "data", as_of="2025-03-20")
    assert [row.entity for row in reconciliation.rows] == ["department:D"]
    assert [row.entity for row in reconciliation.over_limit] == ["employee:e1", "employee:e2"]
    assert {hold.entity for hold in HoldLog(mine.home).active()} == {"employee:e1", "employee:e2"}


@pytest.mark.slow
def test_a_hold_is_told_once_and_its_days_are_noted(tmp_path: Path) -> None:
    mine = project(tmp_path, BOTH)
    for day in ("2025-03-15", "2025-03-16", "2025-03-16"):
        mine.reconcile(tmp_path / "data", as_of=day)
    (hold,) = HoldLog(mine.home).active()
    assert (hold.entity, hold.since, hold.clean_days) == ("employee:e1", dt.date(2025, 3, 11), ())
    assert [post.recipient for post in posts(mine.home)] == ["Head of service"]
    with pytest.raises(PerfmlError, match="needs 2 clean days"):
        HoldLog(mine.home).release(hold.hold_id, by="Li Na", reason="it is the holidays", on=dt.date(2025, 3, 17))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("definition", "facts", "code"),
    [
        ("", BOTH, "reconcile_nothing_defined"),
        (DEFINITION.replace('reference = "pbx"\n', ""), BOTH, "reconcile_one_source"),
        (DEFINITION, "\npbx | calls | e1 | 2025-03-25 | 1 |", "reconcile_nothing_closed"),
    ],
)
def test_what_cannot_be_compared_says_why(tmp_path: Path, definition: str, facts: str, code: str) -> None:
    reconciliation = reconciled(tmp_path, facts, definition=definition)
    assert [notice.code for notice in reconciliation.notices] == [code] and not reconciliation.rows


@pytest.mark.slow
def test_sources_that_mean_something_else_are_not_compared(tmp_path: Path) -> None:
    other = DEFINITION.replace(
        '[metrics.calls.sources.pbx]\nbasis = "all"', '[metrics.calls.sources.pbx]\nbasis = "answered"'
    )
    reconciliation = reconciled(tmp_path, BOTH, definition=other)
    assert [(clash.aspect, clash.stops) for clash in reconciliation.clashes] == [("basis", True)]
    assert not reconciliation.rows


@pytest.mark.slow
def test_the_month_of_a_hold_is_compared_until_its_gap_is_closed(tmp_path: Path) -> None:
    """Months without a fault later do not count as clean days of a gap that nobody has closed."""
    later = "".join(
        f"{source} | calls | e1 | 2025-{month:02}-10 | 40 |\n" for month in (4, 5, 6) for source in ("pbx", "crm")
    )
    mine = project(tmp_path, BOTH + later)
    mine.reconcile(tmp_path / "data", as_of="2025-03-15")
    for day in ("2025-06-15", "2025-06-16"):
        mine.reconcile(tmp_path / "data", as_of=day)
    (hold,) = HoldLog(mine.home).active()
    assert hold.clean_days == ()
    write_tables(
        tmp_path / "data", facts=HEAD + BOTH + later + "crm | calls | e1 | 2025-03-11 | 50 | 2025-06-16 08:00:00\n"
    )
    for day in ("2025-06-17", "2025-06-18"):
        mine.reconcile(tmp_path / "data", as_of=day)
    (hold,) = HoldLog(mine.home).active()
    assert hold.clean_days == (dt.date(2025, 6, 17), dt.date(2025, 6, 18))


@pytest.mark.slow
@pytest.mark.parametrize("value", ["1e40", "nan", "inf"])
def test_a_value_that_is_no_amount_ends_nothing(tmp_path: Path, value: str) -> None:
    facts = BOTH + f"pbx | calls | e2 | 2025-03-10 | {value} |\n"
    reconciliation = reconciled(tmp_path, facts)
    assert parts(reconciliation) == {"unexplained": -50}


@pytest.mark.slow
def test_moves_that_lead_nowhere_are_reported(tmp_path: Path) -> None:
    first, second = DEFINITION.split("[metrics.calls.sources.crm]")
    moved = first.replace('attribution = "agent"', 'attribution = "queue"') + "[metrics.calls.sources.crm]" + second
    moved = moved.replace('attribution = "queue"', 'attribution = "agent"', 1)
    moved += '[metrics.calls.bridge]\nattribution = "calls_moved"\n'
    facts = BOTH + "pbx | calls_moved | e1 | 2025-03-11 | -50 |\n"
    reconciliation = reconciled(tmp_path / "a", facts, definition=moved)
    assert parts(reconciliation) == {"attribution": -50}
    assert [notice.code for notice in reconciliation.notices] == ["reconcile_moves"]
    whole = reconciled(tmp_path / "b", facts + "pbx | calls_moved | e2 | 2025-03-11 | 50 |\n", definition=moved)
    assert whole.notices == ()


@pytest.mark.slow
def test_by_default_every_fact_counts(tmp_path: Path) -> None:
    mine = project(tmp_path, BOTH)
    assert mine.reconcile(tmp_path / "data").as_of == dt.date(2025, 3, 12)
