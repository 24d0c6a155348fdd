"""Carriers of messages: a folder on this machine, a webhook, e-mail.

``PERFML_OUTBOX`` in the environment names one: nothing for ``home/outbox``, ``https://…`` for a webhook (signed with
``PERFML_OUTBOX_SECRET``), ``smtp://user:password@host:port?from=address`` or ``smtps://…`` for e-mail. A password belongs in
no file.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import os
import smtplib
import ssl
import time
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from perfml.errors import PerfmlError
from perfml.files import write_text
from perfml.harmless import printable

VARIABLE, SECRET_VARIABLE = "PERFML_OUTBOX", "PERFML_OUTBOX_SECRET"
TIMEOUT_SECONDS = 10.0
HOSTS_WITHOUT_ENCRYPTION = ("localhost", "127.0.0.1", "::1")


class CarryingError(PerfmlError):
    """A message that could not be carried now."""


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A message as a person reads it, in English and Chinese."""

    key: str
    recipient: str
    subject: str
    en: str
    zh: str


class Carrier(Protocol):
    """A way to a person."""

    def carry(self, letter: Letter) -> None:
        """Carry ``letter``; the same key may come again. Raises :class:`CarryingError` where it could not be carried."""


@dataclass(frozen=True)
class FolderCarrier:
    """Write each message as a JSON file in ``folder``, named after its key: the same message is one file."""

    folder: Path

    def carry(self, letter: Letter) -> None:
        """Write the file."""
        path = self.folder / f"{hashlib.sha256(letter.key.encode()).hexdigest()[:32]}.json"
        try:
            write_text(path, json.dumps(asdict(letter), ensure_ascii=False, indent=2))
        except OSError as error:
            problem = f"cannot be written ({error.strerror or error})"
            raise CarryingError(problem, where=str(path), remedy="free or choose another folder") from error


@dataclass(frozen=True)
class WebhookCarrier:
    """Post each message as JSON, signed as https://www.standardwebhooks.com says: HMAC-SHA256 over id, time and body."""

    url: str
    secret: str | None = None

    def carry(self, letter: Letter) -> None:
        """Post the message; the receiver knows one that it has already by ``webhook-id``."""
        body = json.dumps(asdict(letter), ensure_ascii=False).encode()
        number, at = hashlib.sha256(letter.key.encode()).hexdigest(), str(int(time.time()))
        headers = {"content-type": "application/json", "webhook-id": number, "webhook-timestamp": at}
        headers["idempotency-key"] = number
        if self.secret:
            headers["webhook-signature"] = signature(self.secret, number=number, at=at, body=body)
        request = urllib.request.Request(self.url, data=body, headers=headers, method="POST")
        try:
            with _PLAIN.open(request, timeout=TIMEOUT_SECONDS):
                return
        except urllib.error.HTTPError as error:
            problem = f"answers {error.code}"
        except (OSError, http.client.HTTPException) as error:
            problem = f"does not answer ({getattr(error, 'reason', None) or error})"
        where = urlsplit(self.url).hostname or "webhook"  # its path may hold a token
        raise CarryingError(problem, where=where, remedy=f"check {VARIABLE}; the message waits") from None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A webhook that points elsewhere is not followed: the message is for the address that was named."""

    def redirect_request(self, *_: object, **__: object) -> None:
        """Follow nothing."""


_PLAIN = urllib.request.build_opener(_NoRedirect)


def signature(secret: str, *, number: str, at: str, body: bytes) -> str:
    """The value of ``webhook-signature``: ``v1,`` and the base64 of HMAC-SHA256 over ``number.at.body``.

    >>> signature("s", number="1", at="0", body=b"{}")[:3]
    'v1,'
    """
    digest = hmac.new(secret.encode(), f"{number}.{at}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


@dataclass(frozen=True, kw_only=True)
class EmailCarrier:
    """Send each message as e-mail; its ``Message-ID`` follows from the key."""

    host: str
    port: int
    sender: str
    user: str | None = None
    password: str | None = None
    encrypted: bool = False
    """Whether the connection begins encrypted (``smtps``); otherwise it is upgraded, on this machine alone not."""

    def carry(self, letter: Letter) -> None:
        """Send the message. Raises :class:`CarryingError` also for a recipient that is no address."""
        if "@" not in letter.recipient:
            problem = f"{letter.recipient!r} is no e-mail address"
            raise CarryingError(problem, where=letter.subject, remedy="name the address in the definition")
        try:
            self._send(_mail(letter, self.sender))
        except (OSError, smtplib.SMTPException) as error:
            problem = f"does not take the message ({type(error).__name__})"
            raise CarryingError(problem, where=self.host, remedy=f"check {VARIABLE}; the message waits") from error

    def _send(self, mail: EmailMessage) -> None:
        context = ssl.create_default_context()
        if self.encrypted:
            server: smtplib.SMTP = smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT_SECONDS, context=context)
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_SECONDS)
        with server:
            if not self.encrypted and self.host not in HOSTS_WITHOUT_ENCRYPTION:
                server.starttls(context=context)
            if self.user is not None:
                server.login(self.user, self.password or "")
            server.send_message(mail)


def _mail(letter: Letter, sender: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"] = sender, _line(letter.recipient)
    mail["Subject"] = _line(f"perfml: {letter.subject}")
    mail["Message-ID"] = f"<{hashlib.sha256(letter.key.encode()).hexdigest()}@perfml>"
    mail.set_content(f"{printable(letter.en)}\n\n{printable(letter.zh)}\n")
    return mail


def _line(text: str) -> str:
    """A header has one line, whatever the data hold."""
    return " ".join(printable(text).split())


def carrier_of(home: Path) -> Carrier:
    """The carrier that ``PERFML_OUTBOX`` names, else files under ``home/outbox``. Raises :class:`PerfmlError` for none such."""
    address = os.environ.get(VARIABLE)
    if not address:
        return FolderCarrier(home / "outbox")
    parts = urlsplit(address)
    local = parts.hostname in HOSTS_WITHOUT_ENCRYPTION
    if parts.scheme == "https" or (parts.scheme == "http" and local):
        return WebhookCarrier(address, os.environ.get(SECRET_VARIABLE))
    if parts.scheme in ("smtp", "smtps") and parts.hostname:
        return EmailCarrier(
            host=parts.hostname,
            port=parts.port or (465 if parts.scheme == "smtps" else 587),
            sender=parse_qs(parts.query).get("from", ["perfml@localhost"])[0],
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            encrypted=parts.scheme == "smtps",
        )
    raise PerfmlError(
        f"{parts.scheme or address!r} is no way to carry messages",
        where=VARIABLE,
        remedy="unset it, or write https://…, smtp://host:port?from=address or smtps://…",
    )
