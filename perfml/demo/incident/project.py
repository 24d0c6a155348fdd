"""The project of the incident: what its metric means, in the version before and after the incident, its feeds and its model."""

from __future__ import annotations

from pathlib import Path

from perfml.demo.incident.parameters import Incident
from perfml.demo.incident.tables import SETTLED

DEFINITION = """# What sales means here. A changed meaning is a new version, signed off by name.
required = true

[metrics.sales]
zh = "销售额"
en = "sales"
unit = "CNY"
owner = "Head of sales operations"
version = {version}
basis = "net"
attribution = "{attribution}"
closing_days = {closing_days}
level = "location"
reference = "bi_orders"
actuals = "perf_settled"

[metrics.sales.sources.bi_orders]
basis = "gross"
attribution = "delivery"

[metrics.sales.sources.perf_settled]
basis = "net"
attribution = "registration"

[metrics.sales.bridge]
returns = "sales_returned"
attribution = "sales_moved"
"""


RISK = "low_performance"
"""The model that scores the people of the offices: the starter's, learnt from the record of :mod:`.earlier`."""
QUICK = """# The risk of a low rating at the next quarterly review. Quick to train: one seed, two folds, two refits.
[label]
horizons_days = [91]
[learner]
seeds = [11]
max_rounds = 60
blend = "trees"
[backtest]
folds = 2
[gates]
refits = 2
"""
FEED = """
[feeds."{source}"]
zh = "{office} 结算数据"
en = "settlements of {office}"
since = {since}
until = {until}
due = 06:00:00
days_after = {days}
table = "facts"
owner = {{ name = "Feed owner", address = "feeds@example.com" }}
escalation = {{ name = "Head of data", address = "data@example.com", after_hours = 24 }}
"""


def write_project(incident: Incident, root: Path, *, version: int = 1) -> Path:
    """Write the project that defines the metric, in version 1 or 2 of its meaning, and its feeds; return its folder."""
    (root / "features").mkdir(parents=True, exist_ok=True)
    (root / "perfml.toml").write_text('name = "incident"\n', encoding="utf-8")
    attribution = {1: "delivery", 2: "registration"}[version]
    text = DEFINITION.format(version=version, attribution=attribution, closing_days=incident.settlement_days)
    (root / "features" / "definitions.toml").write_text(text, encoding="utf-8")
    (root / "models").mkdir(exist_ok=True)
    (root / "models" / f"{RISK}.toml").write_text(QUICK, encoding="utf-8")
    first, *_, last = incident.days
    feeds = (
        FEED.format(source=f"{SETTLED}/{office}", office=office, since=first, until=last, days=incident.settlement_days)
        for office in incident.offices
    )
    (root / "features" / "deliveries.toml").write_text("".join(feeds), encoding="utf-8")
    return root
