"""What is kept of metrics, of process debt and of the feedback network, for tests of what reads it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa

from perfml.goals.indicators.files import keep_indicators
from perfml.goals.indicators.record import AssociationRecord, IndicatorsRecord, MetricRecord, MissingRecord
from perfml.goals.process_debt.ledger import ProcessDebtReport
from perfml.goals.process_debt.rows import SCHEMA, keep_debts
from perfml.messages import Message
from perfml.network.record import SCHEMA as NETWORK
from perfml.network.record import (
    GroupNetwork,
    LevelFlow,
    NetworkCell,
    NetworkFigures,
    UnitGap,
    UnitsCompared,
    keep_network,
)

ASSOCIATION = AssociationRecord(
    outcome="revenue", outcome_kind="goal", lag=0, rank=0.4, low=0.2, high=0.6, p=0.01, cells=120, groups=20, periods=8
)


def keep_metrics(home: Path, *, as_of: dt.date, metric: str = "visits") -> IndicatorsRecord:
    """Keep one metric that is saturated, one that is insufficient, and a measure that is missing."""
    saturated = MetricRecord(
        metric=metric,
        goals=480,
        people=60,
        periods=8,
        verdict="misleads",
        flags=("saturated",),
        reached=0.97,
        at_one_value=0.96,
        at_threshold=460,
        below_threshold=2,
        last_pace=1.0,
        associations=(ASSOCIATION,),
        by_tenth=(0,) * 10 + (466,) + (14,) + (0,) * 8,
        reasons=(Message.of("indicators_saturated", share=0.96),),
    )
    few = MetricRecord(
        metric="audits",
        goals=3,
        people=2,
        periods=1,
        verdict="insufficient",
        reasons=(Message.of("indicators_few", goals=3, people=2),),
    )
    values = {"outcome": "revenue", "rank": 0.4, "low": 0.2, "high": 0.6}
    missing = MissingRecord(
        measure="demos",
        kind="facts",
        association=ASSOCIATION,
        reason=Message.of("indicators_missing", measure="demos", **values),
    )
    record = IndicatorsRecord(as_of=as_of, metrics=(saturated, few), missing=(missing,), looked_at=9)
    keep_indicators(record, home)
    return record


def keep_owed(
    home: Path,
    *,
    as_of: dt.date,
    people: tuple[str, str] = ("e1", "e2"),
    days: tuple[int | None, int | None] = (12, None),
) -> None:
    """Keep for how many days boss owes feedback to each of two people: by default to the first, and nothing to the other."""
    whose = {"as_of": as_of, "process": "feedback", "rule": "feedback", "owner": "manager", "manager_id": "boss"}
    risk = {"model": "low_performance", "probability": 0.37, "carried": 0.21}
    owed = [
        {"owed": True, "since": as_of - dt.timedelta(days=each), "days": each, **risk} if each else {"owed": False}
        for each in days
    ]
    rows = [
        dict.fromkeys(SCHEMA.names) | whose | {"department": "sales", "employee_id": person} | figures
        for person, figures in zip(people, owed, strict=True)
    ]
    notice = Message.of("process_debt_no_table", process="overtime", table="activity")
    report = ProcessDebtReport(as_of=as_of, table=pa.Table.from_pylist(rows, schema=SCHEMA), notices=(notice,))
    keep_debts(report, home, record={"holds": 0})


def keep_contacts(home: Path, *, as_of: dt.date) -> None:
    """Keep a network in which e1 hears from boss alone, and two departments never speak; one name is hostile."""
    hostile = "<script>alert(1)</script>"
    rows = [("boss", "board", None, None, True), ("e1", "sales", "boss", "manager only", False)]
    rows += [("e2", "sales", "boss", None, True), ("other", "legal", None, None, True)]
    numbers = {("sales", "sales"): 31, ("sales", hostile): 12, (hostile, "sales"): 9, (hostile, hostile): None}
    team = GroupNetwork(
        group="boss",
        people=2,
        outside=None,
        outside_withheld="few people",
        beyond_team=None,
        beyond_withheld="few people",
    )
    figures = NetworkFigures(
        days=182,
        unit_days=364,
        judged=4,
        cells=tuple(
            NetworkCell(giver=a, receiver=b, contacts=n, withheld=None if n else "few people")
            for (a, b), n in numbers.items()
        ),
        gaps=(UnitGap(by="department", kind="silent", first="sales", second="support", ties=0, expected=21.4),),
        compared=(UnitsCompared(by="department", units=4, pairs=6, testable=6),),
        levels=(LevelFlow(direction="up", contacts=12, expected=20.0),),
        departments=(),
        teams=(team,),
        streets=None,
        notices=(Message.of("network_no_levels"),),
    )
    table = pa.Table.from_pylist([dict(zip(NETWORK.names, row, strict=True)) for row in rows], schema=NETWORK)
    keep_network(table, figures, home, as_of=as_of, record={})
