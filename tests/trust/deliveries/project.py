"""A project with one feed, and the tables that it fills."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from perfml import Project
from tests.tables import write_tables

FEEDS = """
[calendars.workdays]
weekdays = ["mon", "tue", "wed", "thu", "fri"]
holidays = [2025-03-12]
working_days = [2025-03-15]

[feeds.crm]
zh = "客户系统"
en = "customer system"
since = 2025-03-10
calendar = "workdays"
due = 06:00:00
timezone = "Asia/Shanghai"
table = "events"
rows = { least = 2, most = 10 }
owner = { name = "李娜", address = "lina@example.com" }
escalation = { name = "王强", address = "wang@example.com", after_hours = 24 }
"""
EMPLOYEES = "employee_id | hired_on\ne1 | 2020-01-01\ne2 | 2020-01-01"
EVENTS = "event_id | employee_id | happened_at | kind | source\nv0 | e1 | 2025-03-10 09:00:00 | a | crm"
DELIVERIES = """source | business_date | due_at | received_at | row_count | total
crm | 2025-03-10 | | 2025-03-10 20:00:00 | 5 |
crm | 2025-03-11 | | 2025-03-12 03:00:00 | 5 |
crm | 2025-03-13 | | 2025-03-13 21:00:00 | 1 |"""


def project(folder: Path, feeds: str = FEEDS) -> Project:
    """A project in ``folder`` with its home beside."""
    (folder / "project" / "features").mkdir(parents=True)
    (folder / "project" / "perfml.toml").write_text('name = "mine"\n', encoding="utf-8")
    (folder / "project" / "features" / "deliveries.toml").write_text(feeds, encoding="utf-8")
    return Project(folder / "project", home=folder / "home")


def company(folder: Path, deliveries: str = DELIVERIES) -> Path:
    """Its tables."""
    return write_tables(folder / "data", employees=EMPLOYEES, events=EVENTS, deliveries=deliveries)


def at(text: str) -> dt.datetime:
    """A moment."""
    return dt.datetime.fromisoformat(text)
