"""Accounts and their roles: who granted what, from when and until when. What is so now is what the entries add up to."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from perfml.access.principals import EVERYTHING, Role, RoleGrant, own_grants
from perfml.errors import PerfmlError
from perfml.json_types import JsonObject
from perfml.messages import Message
from perfml.store.record_store import NewEntry, RecordStore, StoredEntry, caller_key
from perfml.store.tables import GRANTS

UNIT_KINDS = ("department:", "location:")


@dataclass(frozen=True, kw_only=True)
class Account:
    """Somebody who may show who they are. Without grants they are nobody."""

    id: str
    """As the identity provider or a token names them."""
    employee_id: str | None = None
    grants: tuple[tuple[RoleGrant, str], ...] = ()
    """Each with who granted it."""

    @property
    def all_grants(self) -> tuple[RoleGrant, ...]:
        """What was granted, and what follows from being employed, as long as anything is granted."""
        granted = [grant for grant, _ in self.grants]
        own = (own_grants(self.employee_id, begins=grant.begins, ends=grant.ends) for grant in granted)
        return tuple(dict.fromkeys(chain(granted, *own)))

    def to_json(self) -> JsonObject:
        """As commands print it."""
        return {
            "account": self.id,
            "employee_id": self.employee_id,
            "grants": [_as_json(grant) | {"by": by} for grant, by in self.grants],
        }


class AccountLog:
    """The accounts of a home."""

    def __init__(self, home: Path) -> None:
        self._store = RecordStore(home)

    def grant(
        self, account: str, grant: RoleGrant, *, by: str, employee_id: str | None = None, once: str | None = None
    ) -> Account:
        """Store a grant; ``employee_id`` says which employee the account is; ``once``: a caller's key, under which it is stored
        once. Raises :class:`PerfmlError` for one that gives nothing: HR without a unit, an employee without an id, a period
        that ends before it begins."""
        _require_sound(account, grant, by=by, employee_id=employee_id)
        entry: JsonObject = {"event": "grant", **_as_json(grant), "by": by}
        if employee_id is not None:
            entry["employee_id"] = employee_id
        self._add(account, entry, key=None if once is None else caller_key(once))
        return self.account(account)

    def revoke(self, account: str, role: Role, *, by: str, day: dt.date) -> Account:
        """End every grant of ``role`` with ``day``, which no longer has it. Raises :class:`PerfmlError` where none is open."""
        known = self.account(account)
        if not any(grant.role is role and (grant.ends is None or day < grant.ends) for grant, _ in known.grants):
            raise PerfmlError(
                Message.of("access_no_such_role", role=role.value),
                where=f"account {account}",
                remedy=Message.of("access_list_roles"),
            )
        self._add(account, {"event": "revoke", "role": role.value, "ends": day.isoformat(), "by": by})
        return self.account(account)

    def revoke_all(self, account: str, *, by: str, day: dt.date) -> Account:
        """End every grant with ``day``. Raises :class:`PerfmlError` for an account that nobody granted anything."""
        grants = self.account(account).grants
        if not grants:
            raise PerfmlError(
                "is unknown", where=f"account {account}", remedy="`perfml access list` names all accounts"
            )
        for role in sorted({grant.role for grant, _ in grants if grant.ends is None or day < grant.ends}):
            self.revoke(account, role, by=by, day=day)
        return self.account(account)

    def account(self, account: str) -> Account:
        """One account; without grants where nobody granted it anything."""
        return fold_accounts(self._store.read(GRANTS, subjects=[account])).get(account, Account(id=account))

    def accounts(self) -> list[Account]:
        """Every account, by id."""
        return sorted(fold_accounts(self._store.read(GRANTS)).values(), key=lambda account: account.id)

    def has_administrator(self, day: dt.date) -> bool:
        """Whether somebody can grant roles on ``day``."""
        return bool(self.administrators(day))

    def administrators(self, day: dt.date) -> set[str]:
        """The accounts that can grant roles on ``day``."""
        return {
            account.id
            for account in self.accounts()
            for grant, _ in account.grants
            if grant.role is Role.ADMINISTRATOR and grant.holds(day)
        }

    def _add(self, account: str, entry: JsonObject, *, key: str | None = None) -> None:
        self._store.add(GRANTS, [NewEntry(key=key or uuid.uuid4().hex, subject=account, entry=entry)])


def fold_accounts(entries: Iterable[StoredEntry]) -> dict[str, Account]:
    """What the entries add up to, by account; a revocation ends what was granted before it."""
    accounts: dict[str, Account] = {}
    for each in entries:
        account, entry = accounts.get(each.subject, Account(id=each.subject)), each.entry
        if entry["event"] == "grant":
            employee = entry.get("employee_id")
            account = replace(
                account,
                employee_id=account.employee_id if employee is None else str(employee),
                grants=(*account.grants, (_of_json(entry), str(entry["by"]))),
            )
        else:
            day = dt.date.fromisoformat(str(entry["ends"]))
            account = replace(
                account,
                grants=tuple(
                    (
                        replace(grant, ends=min(day, grant.ends or day))
                        if grant.role.value == entry["role"]
                        else grant,
                        by,
                    )
                    for grant, by in account.grants
                ),
            )
        accounts[each.subject] = account
    return accounts


def _require_sound(account: str, grant: RoleGrant, *, by: str, employee_id: str | None) -> None:
    problem: Message | None = None
    if not account.strip() or not by.strip():
        problem, remedy = Message.of("access_names_nobody"), Message.of("access_name_account")
    elif grant.role is Role.HR and not grant.units:
        problem, remedy = Message.of("access_hr_without_unit"), Message.of("access_name_unit")
    elif grant.role is Role.EMPLOYEE and employee_id is None:
        problem, remedy = Message.of("access_which_employee"), Message.of("access_name_employee")
    elif grant.role is Role.MANAGER:
        problem, remedy = Message.of("access_manager_follows"), Message.of("access_grant_employee")
    elif grant.ends is not None and grant.ends <= grant.begins:
        problem, remedy = (
            Message.of("access_ends_too_early", day=grant.ends.isoformat()),
            Message.of("access_name_later_day"),
        )
    else:
        wrong = _wrong_unit(grant.units)
        if wrong is not None:
            problem, remedy = Message.of("access_no_unit", unit=wrong), Message.of("access_write_unit")
    if problem is not None:
        raise PerfmlError(problem, where=f"grant {grant.role.value} to {account!r}", remedy=remedy)


def _wrong_unit(units: Collection[str]) -> str | None:
    for unit in sorted(units):
        named = unit.startswith(UNIT_KINDS) and unit.partition(":")[2].strip()
        if unit != EVERYTHING and not named:
            return unit
    return None


def _as_json(grant: RoleGrant) -> JsonObject:
    return {
        "role": grant.role.value,
        "units": sorted(grant.units),
        "begins": grant.begins.isoformat(),
        "ends": None if grant.ends is None else grant.ends.isoformat(),
    }


def _of_json(entry: JsonObject) -> RoleGrant:
    units, ends = entry["units"], entry["ends"]
    return RoleGrant(
        role=Role(str(entry["role"])),
        units=frozenset(map(str, units)) if isinstance(units, list) else frozenset(),
        begins=dt.date.fromisoformat(str(entry["begins"])),
        ends=None if ends is None else dt.date.fromisoformat(str(ends)),
    )
