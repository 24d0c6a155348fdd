"""A small provider of OpenID Connect on this machine, with real keys, which can be made to answer wrong."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

CLIENT, SECRET = "perfml", "only the two know it"
Claims = dict[str, object]


class Provider:
    """Signs everybody in at once as ``claims`` says; ``change`` spoils a token, ``signed`` makes one differently."""

    def __init__(self, address: str) -> None:
        self.issuer, self.key, self.other = address, RSAKey.generate_key(2048), RSAKey.generate_key(2048)
        self.claims: Claims = {"sub": "anna"}
        self.change: Callable[[Claims], Claims] = dict
        self.signed: Callable[[Claims], str] = self.sign
        self.document: dict[str, object] = {}
        self.asked: list[dict[str, str]] = []
        self._codes: dict[str, dict[str, str]] = {}

    def sign(self, claims: Claims, *, key: RSAKey | None = None, alg: str = "RS256") -> str:
        return jwt.encode({"alg": alg, "kid": self.key.thumbprint()}, claims, key or self.key, algorithms=[alg])

    def with_shared_secret(self, claims: Claims) -> str:
        """Signed by HMAC with the public key, which everybody knows."""
        return jwt.encode(
            {"alg": "HS256", "kid": self.key.thumbprint()}, claims, OctKey.import_key(self.key.as_pem(False))
        )

    def unsigned(self, claims: Claims) -> str:
        parts = ({"alg": "none"}, claims)
        return (
            ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."
        )

    def described(self) -> dict[str, object]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            **self.document,
        }

    def keys(self) -> dict[str, object]:
        return {"keys": [{**self.key.as_dict(private=False), "kid": self.key.thumbprint(), "use": "sig"}]}

    def approve(self, query: dict[str, str]) -> str:
        """Where the browser goes back to, with a code."""
        self.asked.append(query)
        code = secrets.token_urlsafe(16)
        self._codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def redeem(self, form: dict[str, str], authorization: str) -> dict[str, object] | None:
        """The answer to a code, once, for whoever knows the verifier and the secret."""
        asked = self._codes.pop(form.get("code", ""), None)
        known = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if asked is None or authorization != known or asked["redirect_uri"] != form.get("redirect_uri"):
            return None
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if (asked["code_challenge_method"], asked["code_challenge"]) != ("S256", challenge):
            return None
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            **self.claims,
        }
        return {"access_token": "x", "token_type": "Bearer", "id_token": self.signed(self.change(claims))}


@contextmanager
def running() -> Iterator[Provider]:
    """A provider at a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, query = urlsplit(self.path).path, dict(parse_qsl(urlsplit(self.path).query))
            if path == "/authorize":
                self.send_response(302)
                self.send_header("Location", provider.approve(query))
                self.end_headers()
            else:
                self._answer(provider.keys() if path == "/keys" else provider.described())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer(provider.redeem(dict(parse_qsl(body)), self.headers.get("Authorization", "")))

        def _answer(self, document: dict[str, object] | None) -> None:
            body = json.dumps(document or {"error": "invalid_grant"}).encode()
            self.send_response(400 if document is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider = Provider(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
