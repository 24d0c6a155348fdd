"""One way to the provider and back: what ties the answer to the browser that asked, without storing anything.

Everything follows from a secret that only a cookie of that browser holds: the ``state`` that comes back with it (RFC 6749),
the ``nonce`` in the provider's token, and the verifier that redeems the code (PKCE, RFC 7636).
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

LASTS_SECONDS = 600
"""How long somebody may take at the provider."""


@dataclass(frozen=True, kw_only=True)
class SignInAttempt:
    """An attempt to sign in that began at ``begun``, in seconds since 1970."""

    begun: int
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @property
    def state(self) -> str:
        """What the provider sends back: when the attempt began, and that this browser began it."""
        return f"{self.begun}.{self._derived('state')}"

    @property
    def nonce(self) -> str:
        """What the provider's token repeats."""
        return self._derived("nonce")

    @property
    def verifier(self) -> str:
        """What redeems the code."""
        return self._derived("verifier")

    @property
    def key(self) -> str:
        """Under which its session is stored: an attempt makes one session and no second."""
        return "sign-in " + hashlib.sha256(self.state.encode()).hexdigest()

    def _derived(self, part: str) -> str:
        digest = hmac.new(self.secret.encode(), f"{part} {self.begun}".encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def attempt_of(secret: str, state: str, now: dt.datetime) -> SignInAttempt | None:
    """The attempt that ``state`` belongs to; None where the browser that holds ``secret`` did not begin it, or too long ago."""
    begun, _, _ = state.partition(".")
    if not secret or not begun.isascii() or not begun.isdigit() or len(begun) > 12:
        return None
    attempt = SignInAttempt(begun=int(begun), secret=secret)
    own = hmac.compare_digest(attempt.state.encode(), state.encode("utf-8", "replace"))
    return attempt if own and 0 <= seconds(now) - attempt.begun <= LASTS_SECONDS else None


def seconds(now: dt.datetime) -> int:
    """Seconds since 1970 of a moment in UTC without a zone."""
    return int(now.replace(tzinfo=dt.UTC).timestamp())
