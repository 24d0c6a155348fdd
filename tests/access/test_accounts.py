"""Roles that are granted and revoked, and the accounts that they add up to."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from perfml.access.accounts import AccountLog
from perfml.access.principals import Principal, Role, RoleGrant
from perfml.errors import PerfmlError
from perfml.store.audit.chain import rows
from perfml.store.record_store import RecordStore

DAY = dt.date(2026, 6, 1)
LATER = dt.date(2026, 7, 1)
SOUTH = frozenset({"department:South"})


def roles(log: AccountLog, day: dt.date) -> set[str]:
    account = log.account("anna")
    return {role.value for role in Principal(id="anna", grants=account.all_grants).roles(day)}


def test_a_grant_holds_from_its_first_day_until_before_its_last(tmp_path: Path) -> None:
    log = AccountLog(tmp_path)
    log.grant("anna", RoleGrant(role=Role.HR, units=SOUTH, begins=DAY, ends=LATER), by="boss", employee_id="E1")
    day = dt.timedelta(days=1)
    held = [roles(log, each) for each in (DAY - day, DAY, LATER - day, LATER)]
    everything = {"hr", "employee", "manager"}
    assert held == [set(), everything, everything, set()]
    assert log.account("anna").employee_id == "E1"
    assert roles(AccountLog(tmp_path / "other"), DAY) == set()


def test_a_revoked_role_ends_on_the_day_and_can_be_granted_again(tmp_path: Path) -> None:
    log = AccountLog(tmp_path)
    log.grant("anna", RoleGrant(role=Role.HR, units=SOUTH, begins=DAY), by="boss")
    log.grant("anna", RoleGrant(role=Role.AUDITOR, begins=DAY), by="boss")
    log.revoke("anna", Role.HR, by="boss", day=LATER)
    assert roles(log, LATER - dt.timedelta(days=1)) == {"hr", "auditor"}
    assert roles(log, LATER) == {"auditor"}
    with pytest.raises(PerfmlError, match="does not have the role 'hr'"):
        log.revoke("anna", Role.HR, by="boss", day=LATER)
    log.grant("anna", RoleGrant(role=Role.HR, units=SOUTH, begins=LATER), by="boss")
    assert roles(log, LATER) == {"hr", "auditor"}
    log.revoke_all("anna", by="boss", day=LATER)
    assert roles(log, LATER) == set()


@pytest.mark.parametrize(
    ("grant", "problem"),
    [
        (RoleGrant(role=Role.HR), "HR has no unit"),
        (RoleGrant(role=Role.HR, units=frozenset({"South"})), "'South' is not a unit"),
        (RoleGrant(role=Role.HR, units=frozenset({"department: "})), "is not a unit"),
        (RoleGrant(role=Role.EMPLOYEE), "which employee"),
        (RoleGrant(role=Role.MANAGER), "follows from the reporting line"),
        (RoleGrant(role=Role.AUDITOR, begins=LATER, ends=DAY), "before it begins"),
    ],
)
def test_a_grant_that_gives_nothing_is_refused(tmp_path: Path, grant: RoleGrant, problem: str) -> None:
    with pytest.raises(PerfmlError, match=problem):
        AccountLog(tmp_path).grant("anna", grant, by="boss")
    assert AccountLog(tmp_path).accounts() == []


def test_grants_are_audited_without_the_name_of_the_employee(tmp_path: Path) -> None:
    grant = RoleGrant(role=Role.EMPLOYEE, begins=DAY)
    AccountLog(tmp_path).grant("anna", grant, by="boss", employee_id="E-canary")
    with RecordStore(tmp_path).transaction() as connection:
        log = rows(connection)
    assert log[-1].action == "add grants/1"
    assert log[-1].pseudonyms
    assert not any("E-canary" in f"{row.payload}{row.subjects}" for row in log)
