"""Accounts of a home: a company around a transfer, a clock, and tokens."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from perfml.access.accounts import AccountLog
from perfml.access.credentials import CredentialLog
from perfml.access.principals import Role, RoleGrant
from perfml.evidence.population.facts import PEOPLE, PERIODS
from perfml.scoring.people.files import keep_people
from perfml.scoring.people.periods import keep_periods
from tests.service.company import DAY

NOW = dt.datetime(2026, 9, 10, 9)
TRANSFER = dt.date(2026, 9, 10)
FIRST = dt.date(2020, 1, 1)
SOUTH, ALL = frozenset({"department:South"}), frozenset({"everything"})
POSITIONS = (
    ("boss", FIRST, None, None, "Board", None),
    ("E1", FIRST, TRANSFER, "boss", "South", None),
    ("E1", TRANSFER, None, "other", "North", None),
    ("E2", FIRST, None, "boss", "South", None),
    ("O'Neil", FIRST, None, "boss", "South", None),
    ("other", FIRST, None, None, "North", None),
)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> dt.datetime:
        return self.now


def keep_lines(home: Path) -> None:
    """Keep the reporting lines under ``home``."""
    _keep_positions(home, POSITIONS)


def keep_who_is_who(home: Path, people: Sequence[tuple[str, str | None, str]], *, name: str | None = None) -> None:
    """Keep people of one name under ``home``, each given as id, manager and department, with their reporting lines."""
    _keep_positions(home, [(person, FIRST, None, manager, unit, None) for person, manager, unit in people])
    facts = [{**dict.fromkeys(PEOPLE.names), "employee_id": person, "name": name} for person, *_ in people]
    keep_people(pa.Table.from_pylist(facts, schema=PEOPLE), home, as_of=DAY)


def _keep_positions(home: Path, rows: Sequence[tuple[object, ...]]) -> None:
    columns = dict(zip(PERIODS.names, zip(*rows, strict=True), strict=True))
    keep_periods(pa.table(columns, schema=PERIODS), home, as_of=DAY)


def token(
    home: Path, account: str, *roles: Role, employee: str | None = None, units: frozenset[str] = ALL
) -> dict[str, str]:
    """The headers of somebody with a token, who asks in order to support people."""
    for role in roles:
        grant = RoleGrant(role=role, units=units if role is Role.HR else frozenset())
        AccountLog(home).grant(account, grant, by="admin", employee_id=employee)
    issued = CredentialLog(home).token(account, by="admin", now=NOW, lasts=dt.timedelta(days=30))
    return {"Authorization": f"Bearer {issued.secret}", "X-Purpose": "support"}
