"""From a secret to who asks: the account behind it with the roles it has now.

The store is asked at most every :data:`REMEMBERED` seconds for the same secret, so whatever another process revokes ends
within that time; what this process revokes ends at once.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import time
from collections import OrderedDict
from pathlib import Path

from perfml.access.accounts import AccountLog
from perfml.access.credentials import CredentialKind, CredentialLog
from perfml.access.principals import Principal

REMEMBERED = 2.0
MOST_REMEMBERED = 10_000


class Identities:
    """Who stands behind the secrets that a service is shown."""

    def __init__(self, home: Path) -> None:
        self._accounts, self._credentials = AccountLog(home), CredentialLog(home)
        self._remembered: OrderedDict[bytes, tuple[float, Principal]] = OrderedDict()

    def remembered(self, secret: str, kind: CredentialKind) -> Principal | None:
        """Who stood behind a secret a moment ago, without asking the store; None where that is to be asked."""
        known = self._remembered.get(_key(secret, kind))
        return known[1] if known is not None and time.monotonic() - known[0] < REMEMBERED else None

    def principal(self, secret: str, kind: CredentialKind, *, now: dt.datetime) -> Principal | None:
        """Who asks; None for a secret that opens nothing. A purpose is stated with each request, not here."""
        known = self.remembered(secret, kind)
        if known is not None:
            return known
        principal = self._read(secret, kind, now=now)
        if principal is not None:
            key = _key(secret, kind)
            self._remembered[key] = (time.monotonic(), principal)
            self._remembered.move_to_end(key)
            while len(self._remembered) > MOST_REMEMBERED:
                self._remembered.popitem(last=False)
        return principal

    def forget(self) -> None:
        """Ask the store again for everyone: something was revoked or granted."""
        self._remembered.clear()

    def _read(self, secret: str, kind: CredentialKind, *, now: dt.datetime) -> Principal | None:
        credential = self._credentials.find(secret, kind, now=now)
        if credential is None:
            return None
        account = self._accounts.account(credential.account)
        return Principal(
            id=account.id,
            employee_id=account.employee_id,
            grants=account.all_grants,
            token_actions=credential.actions,
        )


def _key(secret: str, kind: CredentialKind) -> bytes:
    return hashlib.sha256(f"{kind.value} {secret}".encode("utf-8", "surrogatepass")).digest()
