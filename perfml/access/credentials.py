"""Secrets by which people and programs show who they are: API tokens, sessions and the set-up link.

A secret is 256 random bits, shown once; the store holds its SHA-256. All three kinds are one thing: an account, an end, for
sessions a rest after which they end early, for tokens a limit, for the set-up link a single use.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
import uuid
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from perfml.access.actions import Action
from perfml.errors import DiskFull, PerfmlError
from perfml.json_types import JsonObject
from perfml.store.opening import StoreError
from perfml.store.record_store import KeyTaken, NewEntry, RecordStore, StoredEntry
from perfml.store.tables import CREDENTIALS

PREFIX = "perfml_"
"""How a secret begins, so that programs that look for leaked secrets recognise it."""
SESSION_LASTS, SESSION_RESTS, LINK_LASTS = dt.timedelta(hours=12), dt.timedelta(minutes=30), dt.timedelta(hours=1)
NOTED_EVERY = dt.timedelta(minutes=5)
"""How often the use of a session is stored; that of a token with the first use of a day."""
LONGEST_TOKEN = dt.timedelta(days=366)


class CredentialKind(StrEnum):
    """What a secret is for."""

    TOKEN = "token"
    SESSION = "session"
    SETUP_LINK = "setup_link"


@dataclass(frozen=True, kw_only=True)
class Credential:
    """What the store knows of a secret; all moments are UTC without a zone."""

    id: str
    """To revoke it by; not a secret."""
    kind: CredentialKind
    account: str
    by: str
    expires_at: dt.datetime
    made_at: dt.datetime
    used_at: dt.datetime | None = None
    """The newest use that was noted; None before the first."""
    rests: dt.timedelta | None = None
    """How long it may go unused."""
    actions: frozenset[Action] | None = None
    """All that it allows; None: whatever its account may."""
    label: str = ""
    revoked: bool = False
    spent: bool = False
    """Used, where it may be used once."""

    def valid(self, now: dt.datetime) -> bool:
        """Whether it opens anything at ``now``."""
        rested = self.rests is not None and now >= (self.used_at or self.made_at) + self.rests
        return not (self.revoked or self.spent or rested) and now < self.expires_at

    def use_due(self, now: dt.datetime) -> bool:
        """Whether its use at ``now`` is to be noted: of a session, as it ends after a rest; of a token, as people end those
        that nothing uses."""
        if self.kind is CredentialKind.TOKEN:
            return self.used_at is None or self.used_at.date() < now.date()
        return self.rests is not None and now - (self.used_at or self.made_at) >= NOTED_EVERY

    def to_json(self) -> JsonObject:
        """As commands print it, without the secret."""
        return {
            "id": self.id,
            "kind": self.kind.value,
            "account": self.account,
            "by": self.by,
            "label": self.label,
            "actions": None if self.actions is None else sorted(self.actions),
            "made_at": self.made_at.isoformat(timespec="seconds"),
            "used_at": None if self.used_at is None else self.used_at.isoformat(timespec="seconds"),
            "expires_at": self.expires_at.isoformat(timespec="seconds"),
            "revoked": self.revoked,
        }


@dataclass(frozen=True, kw_only=True)
class IssuedSecret:
    """A secret at the only moment it is known."""

    secret: str
    credential: Credential

    def __repr__(self) -> str:
        return f"IssuedSecret({self.credential.id})"


class CredentialLog:
    """The credentials of a home."""

    def __init__(self, home: Path) -> None:
        self._store = RecordStore(home)

    def token(
        self,
        account: str,
        *,
        by: str,
        now: dt.datetime,
        lasts: dt.timedelta,
        actions: Collection[Action] | None = None,
        label: str = "",
        once: str | None = None,
    ) -> IssuedSecret:
        """Make a token; ``once``: in a way that makes no second one, see :meth:`session`.

        Raises :class:`PerfmlError` for one that allows nothing, ends at once or lasts above a year.
        """
        if not dt.timedelta() < lasts <= LONGEST_TOKEN or (actions is not None and not actions):
            raise PerfmlError(
                f"would last {lasts.days} days and allow {'nothing' if actions is not None and not actions else 'something'}",
                where=f"token of {account!r}",
                remedy=f"name --days from 1 to {LONGEST_TOKEN.days}, and at least one --action or none at all",
            )
        limits: JsonObject = {"actions": None if actions is None else sorted(actions), "label": label}
        return self._issue(CredentialKind.TOKEN, account, by=by, now=now, ends=now + lasts, more=limits, key=once)

    def session(self, account: str, *, now: dt.datetime, once: str | None = None) -> IssuedSecret:
        """Make a session of somebody who has just shown who they are; ``once``: in a way that makes no second one.

        Raises :class:`~perfml.store.record_store.KeyTaken` for the second.
        """
        rests: JsonObject = {"rests": SESSION_RESTS.total_seconds()}
        ends = now + SESSION_LASTS
        return self._issue(CredentialKind.SESSION, account, by=account, now=now, ends=ends, more=rests, key=once)

    def setup_link(self, *, by: str, now: dt.datetime) -> IssuedSecret:
        """Make a link by which the first administrator is named; earlier ones end."""
        for earlier in self.credentials():
            if earlier.kind is CredentialKind.SETUP_LINK and earlier.valid(now):
                self.revoke(earlier.id, by=by)
        return self._issue(CredentialKind.SETUP_LINK, "", by=by, now=now, ends=now + LINK_LASTS, more={})

    def find(self, secret: str, kind: CredentialKind, *, now: dt.datetime) -> Credential | None:
        """The credential of ``secret``, where it is valid; its use is noted now and then."""
        known = self.known(secret, kind)
        if known is None or not known.valid(now):
            return None
        if known.use_due(now):
            with suppress(StoreError, DiskFull):  # it is noted with a later request
                self._add(_digest(secret), {"event": "use", "at": now.isoformat()})
        return known

    def known(self, secret: str, kind: CredentialKind) -> Credential | None:
        """The credential of ``secret``, also where it is not valid any more."""
        digest = _digest(secret)
        known = fold_credentials(self._store.read(CREDENTIALS, subjects=[digest])).get(digest)
        return known if known is not None and known.kind is kind else None

    def spend(self, secret: str, *, now: dt.datetime) -> Credential | None:
        """Use a set-up link; None where it is not valid, and for all but one of those who use it at once."""
        known = self.find(secret, CredentialKind.SETUP_LINK, now=now)
        if known is None:
            return None
        entry: JsonObject = {"event": "spend", "at": now.isoformat(), "once": uuid.uuid4().hex}
        try:
            self._add(_digest(secret), entry, key=f"spend {known.id}")
        except KeyTaken:
            return None
        return replace(known, spent=True)

    def revoke(self, credential_id: str, *, by: str) -> Credential:
        """End a credential at once. Raises :class:`PerfmlError` where there is none of this id."""
        for digest, known in fold_credentials(self._store.read(CREDENTIALS)).items():
            if known.id == credential_id:
                self._add(digest, {"event": "revoke", "by": by})
                return replace(known, revoked=True)
        raise PerfmlError(
            "is no token or session", where=f"credential {credential_id!r}", remedy="`perfml access list` names them"
        )

    def revoke_all(self, account: str, *, by: str) -> int:
        """End every credential of an account; return how many."""
        known = fold_credentials(self._store.read(CREDENTIALS))
        due = [digest for digest, each in known.items() if each.account == account and not each.revoked]
        for digest in due:
            self._add(digest, {"event": "revoke", "by": by})
        return len(due)

    def credentials(self) -> list[Credential]:
        """Every credential, oldest first."""
        return list(fold_credentials(self._store.read(CREDENTIALS)).values())

    def _issue(
        self,
        kind: CredentialKind,
        account: str,
        *,
        by: str,
        now: dt.datetime,
        ends: dt.datetime,
        more: JsonObject,
        key: str | None = None,
    ) -> IssuedSecret:
        secret = PREFIX + secrets.token_urlsafe(32)
        entry: JsonObject = {
            "event": "make",
            "id": secrets.token_hex(6),
            "kind": kind.value,
            "account": account,
            "by": by,
            "at": now.isoformat(),
            "expires_at": ends.isoformat(),
            **more,
        }
        return IssuedSecret(secret=secret, credential=_as_issued(self._add(_digest(secret), entry, key=key)))

    def _add(self, digest: str, entry: JsonObject, *, key: str | None = None) -> StoredEntry:
        return self._store.add(CREDENTIALS, [NewEntry(key=key or uuid.uuid4().hex, subject=digest, entry=entry)])[0]


def fold_credentials(entries: Iterable[StoredEntry]) -> dict[str, Credential]:
    """What the entries add up to, by hash. What was revoked or spent stays so, whatever comes after."""
    credentials: dict[str, Credential] = {}
    for each in entries:
        event, known = each.entry["event"], credentials.get(each.subject)
        if event == "make":
            credentials[each.subject] = _as_issued(each)
        elif known is not None and event == "use":
            used = dt.datetime.fromisoformat(str(each.entry["at"]))
            credentials[each.subject] = replace(known, used_at=max(known.used_at or used, used))
        elif known is not None:
            credentials[each.subject] = replace(
                known, revoked=known.revoked or event == "revoke", spent=known.spent or event == "spend"
            )
    return credentials


def _as_issued(stored: StoredEntry) -> Credential:
    entry = stored.entry
    issued, rests, actions = dt.datetime.fromisoformat(str(entry["at"])), entry.get("rests"), entry.get("actions")
    known = {action.value: action for action in Action}
    return Credential(
        id=str(entry["id"]),
        kind=CredentialKind(str(entry["kind"])),
        account=str(entry["account"]),
        by=str(entry["by"]),
        expires_at=dt.datetime.fromisoformat(str(entry["expires_at"])),
        made_at=issued,
        rests=dt.timedelta(seconds=rests) if isinstance(rests, int | float) else None,
        # an action that a later perfml no longer has allows nothing
        actions=frozenset(known[str(each)] for each in actions if each in known) if isinstance(actions, list) else None,
        label=str(entry.get("label", "")),
    )


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
