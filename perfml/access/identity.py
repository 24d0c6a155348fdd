"""From a secret to who asks: the account behind it with the roles it has now.

What the store said is kept until an entry about credentials or grants is made, by whatever process: a revocation ends what it
ends with the next request.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path

from perfml.access.accounts import AccountLog
from perfml.access.credentials import Credential, CredentialKind, CredentialLog
from perfml.access.principals import Principal
from perfml.home_reads import Memo, noting
from perfml.store.standing import StoreVersions

MOST_KEPT = 10_000
"""Secrets whose answers a process keeps."""


class Identities:
    """Who stands behind the secrets that a service is shown."""

    def __init__(self, home: Path, versions: StoreVersions) -> None:
        self._accounts, self._credentials, self._versions = AccountLog(home), CredentialLog(home), versions
        self._memo: Memo[tuple[Credential, Principal]] = Memo(MOST_KEPT)

    def known(self, secret: str, kind: CredentialKind, *, now: dt.datetime) -> Principal | None:
        """Who stands behind a secret that was asked about before; None where the store is to be asked."""
        answer = self._memo.get(_key(secret, kind), self._versions.now())
        if answer is None or answer[0].use_due(now) or not answer[0].valid(now):
            return None
        return answer[1]

    def principal(self, secret: str, kind: CredentialKind, *, now: dt.datetime) -> Principal | None:
        """Who asks; None for a secret that opens nothing. A purpose is stated with each request, not here."""
        principal = self.known(secret, kind, now=now)
        if principal is not None:
            return principal
        versions = self._versions.now()
        with noting() as reads:
            credential = self._credentials.find(secret, kind, now=now)
            if credential is None:
                return None
            account = self._accounts.account(credential.account)
        principal = Principal(
            id=account.id,
            employee_id=account.employee_id,
            grants=account.all_grants,
            token_actions=credential.actions,
        )
        self._memo.put(_key(secret, kind), (credential, principal), reads=reads, versions=versions)
        return principal


def _key(secret: str, kind: CredentialKind) -> bytes:
    return hashlib.sha256(f"{kind.value} {secret}".encode("utf-8", "surrogatepass")).digest()
