"""Tokens, sessions and the set-up link: random, hashed, ended by time, rest, use and revocation."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from perfml.access.accounts import AccountLog
from perfml.access.actions import Action
from perfml.access.credentials import (
    LINK_LASTS,
    NOTED_EVERY,
    SESSION_LASTS,
    SESSION_RESTS,
    CredentialKind,
    CredentialLog,
)
from perfml.access.identity import Identities
from perfml.access.principals import Role, RoleGrant
from perfml.access.setting_up import (
    LinkState,
    is_set_up,
    link_state,
    make_setup_link,
    newest_link,
    state_of,
    use_setup_link,
)
from perfml.errors import PerfmlError
from perfml.store.opening import FILE
from perfml.store.record_store import KeyTaken, RecordStore
from perfml.store.standing import StoreVersions
from perfml.store.tables import CREDENTIALS

NOW = dt.datetime(2026, 6, 1, 9)
MONTH, SECOND = dt.timedelta(days=30), dt.timedelta(seconds=1)


def test_a_token_opens_until_it_ends(tmp_path: Path) -> None:
    log = CredentialLog(tmp_path)
    issued = log.token("anna", by="boss", now=NOW, lasts=MONTH, actions={Action.READ_REASONS}, label="export")
    known = log.find(issued.secret, CredentialKind.TOKEN, now=NOW + MONTH - SECOND)
    assert known is not None
    assert (known.account, known.actions, known.label) == ("anna", {Action.READ_REASONS}, "export")
    assert log.find(issued.secret, CredentialKind.TOKEN, now=NOW + MONTH) is None
    assert log.find(issued.secret, CredentialKind.SESSION, now=NOW) is None, "a token is no session"
    for wrong in ("", issued.secret[:-1], issued.secret + "A", issued.credential.id, "\ud800"):
        assert log.find(wrong, CredentialKind.TOKEN, now=NOW) is None


def test_a_revoked_token_opens_nothing(tmp_path: Path) -> None:
    log = CredentialLog(tmp_path)
    first, second = (log.token("anna", by="boss", now=NOW, lasts=MONTH) for _ in range(2))
    log.revoke(first.credential.id, by="boss")
    assert log.find(first.secret, CredentialKind.TOKEN, now=NOW) is None
    assert log.find(second.secret, CredentialKind.TOKEN, now=NOW) is not None
    assert log.revoke_all("anna", by="boss") == 1
    assert log.find(second.secret, CredentialKind.TOKEN, now=NOW) is None
    with pytest.raises(PerfmlError, match="is no token"):
        log.revoke("nothing", by="boss")


def test_secrets_are_long_different_and_stored_nowhere(tmp_path: Path) -> None:
    log = CredentialLog(tmp_path)
    issued = [log.token("anna", by="boss", now=NOW, lasts=MONTH) for _ in range(3)]
    assert len({each.secret for each in issued}) == 3
    assert all(len(each.secret.removeprefix("perfml_")) >= 43 for each in issued), "256 bits"
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert (tmp_path / FILE).is_file()
    assert not any(each.secret.encode() in stored for each in issued)
    assert issued[0].secret not in repr(issued[0])


@pytest.mark.parametrize("lasts", [dt.timedelta(), -MONTH, dt.timedelta(days=367)])
def test_a_token_without_a_sensible_end_is_refused(tmp_path: Path, lasts: dt.timedelta) -> None:
    with pytest.raises(PerfmlError, match="would last"):
        CredentialLog(tmp_path).token("anna", by="boss", now=NOW, lasts=lasts)


@pytest.mark.slow
def test_a_session_ends_after_rest_and_after_its_day_even_in_use(tmp_path: Path) -> None:
    log = CredentialLog(tmp_path)
    rested = log.session("anna", now=NOW)
    assert log.find(rested.secret, CredentialKind.SESSION, now=NOW + SESSION_RESTS) is None
    used, now = log.session("anna", now=NOW), NOW
    while now + NOTED_EVERY < NOW + SESSION_LASTS:
        now += NOTED_EVERY
        assert log.find(used.secret, CredentialKind.SESSION, now=now) is not None
    assert log.find(used.secret, CredentialKind.SESSION, now=NOW + SESSION_LASTS) is None


def test_the_setup_link_names_the_first_administrator_once(tmp_path: Path) -> None:
    earlier = make_setup_link(tmp_path, by="ops", now=NOW)
    link = make_setup_link(tmp_path, by="ops", now=NOW)
    assert use_setup_link(tmp_path, earlier.secret, account="eve", now=NOW) is None, "a newer link ends it"
    assert use_setup_link(tmp_path, link.secret, account="eve", now=NOW + LINK_LASTS) is None
    assert use_setup_link(tmp_path, link.secret, account=" ", now=NOW) is None
    assert not is_set_up(tmp_path, NOW.date())
    account = use_setup_link(tmp_path, link.secret, account="anna", now=NOW)
    assert account is not None
    assert [grant.role for grant, _ in account.grants] == [Role.ADMINISTRATOR]
    assert use_setup_link(tmp_path, link.secret, account="eve", now=NOW) is None
    with pytest.raises(PerfmlError, match="administrator already"):
        make_setup_link(tmp_path, by="ops", now=NOW)


def test_a_link_says_what_became_of_it(tmp_path: Path) -> None:
    assert newest_link(tmp_path) is None
    earlier = make_setup_link(tmp_path, by="ops", now=NOW)
    link = make_setup_link(tmp_path, by="ops", now=NOW)
    states = {"x": LinkState.UNKNOWN, earlier.secret: LinkState.REPLACED, link.secret: LinkState.OPEN}
    assert {secret: link_state(tmp_path, secret, now=NOW) for secret in states} == states
    assert link_state(tmp_path, link.secret, now=NOW + LINK_LASTS) is LinkState.EXPIRED
    use_setup_link(tmp_path, link.secret, account="anna", now=NOW)
    assert {link_state(tmp_path, secret, now=NOW) for secret in states} == {LinkState.NOT_NEEDED}
    newest = newest_link(tmp_path)
    assert newest is not None and state_of(newest, NOW) is LinkState.USED


def test_the_use_of_a_token_is_noted_once_a_day(tmp_path: Path) -> None:
    log = CredentialLog(tmp_path)
    issued = log.token("anna", by="boss", now=NOW, lasts=MONTH)
    assert issued.credential.used_at is None
    identities, before = Identities(tmp_path, StoreVersions(tmp_path)), len(RecordStore(tmp_path).read(CREDENTIALS))
    AccountLog(tmp_path).grant("anna", RoleGrant(role=Role.AUDITOR), by="boss")
    uses = [NOW, NOW, NOW + dt.timedelta(hours=3), NOW + dt.timedelta(days=1), NOW + dt.timedelta(days=1, hours=1)]
    for now in uses:
        assert identities.principal(issued.secret, CredentialKind.TOKEN, now=now) is not None
    assert len(RecordStore(tmp_path).read(CREDENTIALS)) == before + 2
    (known,) = log.credentials()
    assert (known.used_at, known.made_at) == (uses[3], NOW)
    again = log.token("anna", by="boss", now=NOW, lasts=MONTH, once="form")
    with pytest.raises(KeyTaken):
        log.token("anna", by="boss", now=NOW, lasts=MONTH, once="form")
    assert again.credential.id in {each.id for each in log.credentials()}


def test_of_many_who_use_the_link_at_once_one_succeeds(tmp_path: Path) -> None:
    log = CredentialLog(tmp_path)
    link = make_setup_link(tmp_path, by="ops", now=NOW)
    with ThreadPoolExecutor(8) as pool:
        spent = list(pool.map(lambda _: log.spend(link.secret, now=NOW), range(8)))
    assert sum(each is not None for each in spent) == 1


def test_who_stands_behind_a_secret(tmp_path: Path) -> None:
    accounts, log = AccountLog(tmp_path), CredentialLog(tmp_path)
    identities = Identities(tmp_path, StoreVersions(tmp_path))
    accounts.grant("anna", RoleGrant(role=Role.EMPLOYEE, begins=NOW.date()), by="boss", employee_id="E1")
    issued = log.token("anna", by="boss", now=NOW, lasts=MONTH)
    principal = identities.principal(issued.secret, CredentialKind.TOKEN, now=NOW)
    assert principal is not None
    assert (principal.id, principal.employee_id, principal.purpose) == ("anna", "E1", None)
    assert principal.roles(NOW.date()) == {Role.EMPLOYEE, Role.MANAGER}
    assert identities.principal("guessed", CredentialKind.TOKEN, now=NOW) is None
    log.revoke(issued.credential.id, by="boss")
    assert identities.principal(issued.secret, CredentialKind.TOKEN, now=NOW) is None
