"""The provider of the company: its addresses and keys, the code that is redeemed, and whom its token names.

By the authorization code flow with PKCE (OpenID Connect Core 1.0, section 3.1; RFC 9700). A token tells who somebody is; groups
and roles in it are not looked at, because roles are granted in perfml.
"""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import cast

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization
from requests import RequestException

from perfml.access.oidc.attempt import SignInAttempt, seconds
from perfml.errors import PerfmlError
from perfml.harmless import CONTROL
from perfml.json_types import JsonObject
from perfml.project.spec import OidcSettings, refuse_plain

ALGORITHMS = ["RS256", "ES256", "PS256"]
"""Signatures of keys that the provider alone holds: never ``none``, never one made with a secret that both know."""
TIMEOUT_SECONDS = 5.0
MOST_BYTES = 1_000_000
READ_AGAIN_SECONDS, KEYS_AGAIN_SECONDS = 3600, 60
"""How long addresses and keys are used, and how soon keys are read again for a token of an unknown key."""
LEEWAY_SECONDS = 60
"""By how much the provider's clock may differ."""
LONGEST = 200
SECRET, SECRET_FILE = "PERFML_OIDC_SECRET", "PERFML_OIDC_SECRET_FILE"


class ProviderError(PerfmlError):
    """A provider that does not answer, or answers what nobody can use; nothing of it is trusted."""


@dataclass(frozen=True, kw_only=True)
class _Discovered:
    """What the provider says of itself."""

    authorize: str
    token: str
    keys: KeySet
    read_at: int


class OidcProvider:
    """One provider. Threads may share it."""

    def __init__(self, settings: OidcSettings, *, secret: str | None = None) -> None:
        self._settings, self._secret, self._lock = settings, secret, Lock()
        self._discovered: _Discovered | None = None

    @property
    def issuer(self) -> str:
        """Its own name."""
        return self._settings.issuer

    def address(self, attempt: SignInAttempt, *, back: str, now: dt.datetime) -> str:
        """Where a browser goes to sign in; it comes ``back`` afterwards. Raises :class:`ProviderError`."""
        with self._session(back) as session:
            url, _ = session.create_authorization_url(
                self._described(session, seconds(now)).authorize,
                state=attempt.state,
                code_verifier=attempt.verifier,
                nonce=attempt.nonce,
            )
        return str(url)

    def account(self, attempt: SignInAttempt, code: str, *, back: str, now: dt.datetime) -> str:
        """Whom the token names that ``code`` is redeemed for. Raises :class:`ProviderError` for one that is not the provider's,
        not for perfml, of another attempt, over, or without the claim."""
        try:
            with self._session(back) as session:
                described = self._described(session, seconds(now))
                answer = session.fetch_token(
                    described.token, code=code, code_verifier=attempt.verifier, allow_redirects=False
                )
                text = answer["id_token"]
                token = self._token(session, text, now=seconds(now))
            claims = CodeIDToken(
                token.claims,
                token.header,
                options={
                    "iss": {"essential": True, "value": self._settings.issuer},
                    "aud": {"essential": True, "value": self._settings.client_id},
                    "nonce": {"essential": True, "value": attempt.nonce},
                },
                params={"client_id": self._settings.client_id, "access_token": answer.get("access_token")},
            )
            claims.validate(now=seconds(now), leeway=LEEWAY_SECONDS)
        except _REFUSED as error:
            raise _refused(error) from error
        return _account(claims, self._settings.claim)

    def _session(self, back: str) -> OAuth2Session:
        session = OAuth2Session(
            self._settings.client_id,
            self._secret,
            scope="openid email" if self._settings.claim == "email" else "openid",
            redirect_uri=back,
            code_challenge_method="S256",
            default_timeout=TIMEOUT_SECONDS,
        )
        session.trust_env = self._settings.issuer.startswith("https:")  # no proxy stands before this machine
        return session

    def _described(self, session: OAuth2Session, now: int, *, again: int = READ_AGAIN_SECONDS) -> _Discovered:
        with self._lock:
            known = self._discovered
            if known is None or now - known.read_at >= again:
                known = self._discovered = self._discover(session, now)
            return known

    def _discover(self, session: OAuth2Session, now: int) -> _Discovered:
        issuer = self._settings.issuer
        try:
            document = _read(session, issuer.rstrip("/") + "/.well-known/openid-configuration")
            if document["issuer"] != issuer:
                raise ValueError("it names another issuer")
            authorize, token, keys = (
                refuse_plain(str(document[name])) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")
            )
            known = cast(KeySetSerialization, _read(session, keys))
            signing = [key for key in known["keys"] if key.get("kty") in ("RSA", "EC")]
            return _Discovered(
                authorize=authorize, token=token, keys=KeySet.import_key_set({"keys": signing}), read_at=now
            )
        except _REFUSED as error:
            raise _refused(error) from error

    def _token(self, session: OAuth2Session, text: str, *, now: int) -> jwt.Token:
        """The token with its signature checked; a key that is not known may be new."""
        try:
            return jwt.decode(text, self._described(session, now).keys, algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            return jwt.decode(text, self._described(session, now, again=KEYS_AGAIN_SECONDS).keys, algorithms=ALGORITHMS)


_REFUSED = (AuthlibBaseError, JoseError, RequestException, ValueError, KeyError, TypeError, AttributeError)
"""Whatever a provider can answer wrong."""


def client_secret(environment: Mapping[str, str] = os.environ) -> str | None:
    """The secret that the provider gave perfml, from the environment or the file it names. Raises :class:`PerfmlError`."""
    text, file = environment.get(SECRET), environment.get(SECRET_FILE)
    if file:
        try:
            text = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise PerfmlError(f"cannot be read ({error})", where=SECRET_FILE, remedy="name another file") from error
    return text or None


def _read(session: OAuth2Session, url: str) -> JsonObject:
    with session.get(url, withhold_token=True, allow_redirects=False, stream=True) as response:
        body = response.raw.read(MOST_BYTES + 1, decode_content=True)
    if response.status_code != 200 or len(body) > MOST_BYTES:
        raise ValueError(f"it answers {response.status_code} with {len(body)} bytes")
    document = json.loads(body)
    if not isinstance(document, dict):
        raise ValueError("it answers no JSON object")
    return document


def _account(claims: Mapping[str, object], claim: str) -> str:
    value = claims.get(claim)
    unverified = claim == "email" and claims.get("email_verified") is not True
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST or CONTROL.search(value) or unverified:
        raise ProviderError(
            "names nobody" if not unverified else "did not verify the e-mail address",
            where="the provider's token",
            remedy=f"have the provider put {claim!r} into it",
        )
    return value


def _refused(error: Exception) -> ProviderError:
    """Without what the provider answered: a token in it would go into a log."""
    return ProviderError(
        f"cannot be used ({type(error).__name__})", where="the provider of sign-in", remedy="sign in again"
    )
