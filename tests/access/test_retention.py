"""What is over of access is erased some days later, and nothing that still opens or allows something."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from perfml import Project
from perfml.access.accounts import AccountLog
from perfml.access.credentials import CredentialKind, CredentialLog
from perfml.access.principals import Role, RoleGrant
from perfml.store.record_store import RecordStore
from perfml.store.tables import CREDENTIALS

DAYS = dt.timedelta(days=1)


@pytest.mark.slow
def test_secrets_are_forgotten_a_month_after_their_end(tmp_path: Path) -> None:
    now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    log, project = CredentialLog(tmp_path), Project(home=tmp_path)
    long = log.token("anna", by="ops", now=now, lasts=300 * DAYS)
    short = log.token("anna", by="ops", now=now, lasts=5 * DAYS)
    revoked = log.token("anna", by="ops", now=now, lasts=300 * DAYS)
    log.revoke(revoked.credential.id, by="ops")
    log.session("anna", now=now)

    def erased(days: int) -> int:
        return project.retention(now=str((now + days * DAYS).date()), apply=True).entries["credentials"]

    assert [erased(days) for days in (0, 29)] == [0, 0]
    assert erased(32) == 3, "the session, and the revoked token with its revocation"
    assert erased(34) == 0
    assert erased(37) == 1, "the short token"
    subjects = {each.subject for each in RecordStore(tmp_path).read(CREDENTIALS)}
    assert len(subjects) == 1
    assert log.find(long.secret, CredentialKind.TOKEN, now=now + 40 * DAYS) is not None
    assert log.find(short.secret, CredentialKind.TOKEN, now=now + 3 * DAYS) is None
    assert project.verify_audit().whole


@pytest.mark.slow
def test_accounts_are_forgotten_years_after_their_last_grant(tmp_path: Path) -> None:
    today = dt.datetime.now(dt.UTC).date()
    log, project = AccountLog(tmp_path), Project(home=tmp_path)
    log.grant("left", RoleGrant(role=Role.AUDITOR, begins=today), by="ops")
    log.revoke("left", Role.AUDITOR, by="ops", day=today + DAYS)
    log.grant("moved", RoleGrant(role=Role.AUDITOR, ends=today + DAYS), by="ops", employee_id="E1")
    log.grant("moved", RoleGrant(role=Role.DATA_SCIENTIST), by="ops")
    for years, count in ((0, 0), (2, 0), (6, 2)):
        due = project.retention(now=str(today + 366 * years * DAYS), apply=True)
        assert due.entries["grants"] == count, years
    assert [account.id for account in log.accounts()] == ["moved"]
    assert log.account("moved").employee_id == "E1", "also where the grant that said so has ended"
