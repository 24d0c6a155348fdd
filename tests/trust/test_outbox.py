"""The outbox: a message is stored once, carried at least once, and waits where it cannot be carried."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from perfml.errors import PerfmlError
from perfml.messages import Message
from perfml.store.record_store import KeyTaken
from perfml.trust import outbox
from perfml.trust.carriers import (
    CarryingError,
    EmailCarrier,
    FolderCarrier,
    Letter,
    WebhookCarrier,
    carrier_of,
    signature,
)

MESSAGE = Message.of("gate_duplicates", share=0.25)
LETTER = Letter(key="k", recipient="li@example.com", subject="crm", en="late", zh="迟到")


class Flaky:
    """A carrier that fails at first."""

    def __init__(self, failures: int) -> None:
        self.failures, self.carried = failures, list[str]()

    def carry(self, letter: Letter) -> None:
        if self.failures:
            self.failures -= 1
            raise CarryingError("is away", where="carrier")
        self.carried.append(letter.key)


def notify(home: Path, key: str, message: Message = MESSAGE) -> None:
    outbox.notify(home, recipient="li@example.com", message=message, key=key, subject="crm")


def test_a_message_is_stored_once_and_carried_once(tmp_path: Path) -> None:
    for key in ("a", "b", "a"):
        notify(tmp_path, key)
    with pytest.raises(KeyTaken):
        notify(tmp_path, "a", Message.of("gate_duplicates", share=0.5))
    carrier = Flaky(0)
    assert [post.key for post in outbox.deliver(tmp_path, carrier=carrier).delivered] == ["a", "b"]
    assert outbox.deliver(tmp_path, carrier=carrier).delivered == ()
    assert carrier.carried == ["a", "b"]
    assert all(post.delivered_at and post.message == MESSAGE for post in outbox.posts(tmp_path))


def test_a_message_that_cannot_be_carried_is_retried_and_then_waits(tmp_path: Path) -> None:
    notify(tmp_path, "a")
    notify(tmp_path, "b")
    retried = Flaky(2)
    assert outbox.deliver(tmp_path, carrier=retried, pause_seconds=0).waiting == ()
    assert retried.carried == ["a", "b"]
    notify(tmp_path, "c")
    away = outbox.deliver(tmp_path, carrier=Flaky(99), pause_seconds=0)
    assert [post.key for post in away.waiting] == ["c"] and away.problem == "carrier: is away"
    assert [post.key for post in outbox.deliver(tmp_path, carrier=Flaky(0)).delivered] == ["c"]


def test_a_sender_killed_before_the_mark_carries_again_under_the_same_key(tmp_path: Path) -> None:
    notify(tmp_path, "a")

    class Killed(Flaky):
        def carry(self, letter: Letter) -> None:
            super().carry(letter)
            raise KeyboardInterrupt

    killed = Killed(0)
    with pytest.raises(KeyboardInterrupt):
        outbox.deliver(tmp_path, carrier=killed)
    folder = FolderCarrier(tmp_path / "outbox")
    folder.carry(outbox.posts(tmp_path)[0].letter())
    outbox.deliver(tmp_path)
    (file,) = (tmp_path / "outbox").iterdir()
    written = json.loads(file.read_text(encoding="utf-8"))
    assert killed.carried == ["a"] and written["en"] == "25.0% of rows" and "25.0%" in written["zh"]


@contextmanager
def receiver(status: int) -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    """A server that answers every request with ``status``, and what it received."""
    received: list[tuple[dict[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            received.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(status)
            self.send_header("location", "http://127.0.0.1:9/")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook/token", received
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.slow
def test_a_webhook_is_signed_and_names_the_message() -> None:
    with receiver(204) as (url, received):
        WebhookCarrier(url, "secret").carry(LETTER)
        WebhookCarrier(url, "secret").carry(LETTER)
    (headers, body), (again, _) = received
    assert headers["webhook-id"] == again["webhook-id"] == headers["idempotency-key"]
    assert headers["webhook-signature"] == signature(
        "secret", number=headers["webhook-id"], at=headers["webhook-timestamp"], body=body
    )
    assert json.loads(body)["zh"] == "迟到"


@pytest.mark.slow
@pytest.mark.parametrize("status", [302, 404, 503])
def test_a_webhook_that_refuses_or_points_elsewhere_carries_nothing(status: int) -> None:
    with receiver(status) as (url, _), pytest.raises(CarryingError, match=f"answers {status}") as refused:
        WebhookCarrier(url).carry(LETTER)
    assert "token" not in str(refused.value)
    with pytest.raises(CarryingError, match="does not answer"):
        WebhookCarrier("http://127.0.0.1:9/").carry(LETTER)


def test_mail_goes_to_an_address_in_one_line_a_header(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = []
    monkeypatch.setattr(EmailCarrier, "_send", lambda self, mail: sent.append(mail))
    mail = EmailCarrier(host="localhost", port=25, sender="perfml@example.com")
    mail.carry(Letter(key="k", recipient="li@example.com", subject="crm\r\nBcc: x@example.com", en="late", zh="迟到"))
    assert "\n" not in sent[0]["Subject"] and sent[0]["Bcc"] is None
    assert "迟到" in sent[0].get_content() and "late" in sent[0].get_content()
    with pytest.raises(CarryingError, match="no e-mail address"):
        mail.carry(Letter(key="k", recipient="李娜", subject="crm", en="", zh=""))
    with pytest.raises(CarryingError, match="localhost"):
        monkeypatch.undo()
        EmailCarrier(host="localhost", port=9, sender="a@example.com").carry(LETTER)


def test_the_environment_names_the_carrier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert carrier_of(tmp_path) == FolderCarrier(tmp_path / "outbox")
    monkeypatch.setenv("PERFML_OUTBOX", "https://example.com/hook")
    assert carrier_of(tmp_path) == WebhookCarrier("https://example.com/hook", None)
    monkeypatch.setenv("PERFML_OUTBOX", "smtp://me:p%40ss@mail.example.com?from=hr@example.com")
    assert carrier_of(tmp_path) == EmailCarrier(
        host="mail.example.com", port=587, sender="hr@example.com", user="me", password="p@ss"
    )
    for wrong in ("http://example.com/hook", "pigeon://x"):
        monkeypatch.setenv("PERFML_OUTBOX", wrong)
        with pytest.raises(PerfmlError, match="PERFML_OUTBOX"):
            carrier_of(tmp_path)
