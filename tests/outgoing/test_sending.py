"""Delivered once, signed, tried again, given up, and never sent to where it was not meant to go."""

from __future__ import annotations

import datetime as dt
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from perfml import Project
from perfml.errors import PerfmlError
from perfml.outgoing import webhook
from perfml.outgoing.content import ExportRequest, make_export
from perfml.outgoing.ledger import ExportDelivery, ExportLedger
from perfml.outgoing.sending import due_exports, send_export
from perfml.outgoing.signing import KEY_VARIABLE, signed_headers, signing_keys, verify
from perfml.outgoing.webhook import NotDelivered, post
from perfml.project.trust.export_spec import ExportRecipient, ExportsSpec
from perfml.store.opening import URL_VARIABLE
from perfml.store.record_store import RecordStore
from perfml.store.tables import EXPORTS
from perfml.terminal.trust.exports import run_lines
from tests.outgoing.home import Receiver, dispute, make_home, receiver, spec
from tests.postgresql import new_database, postgresql_server

NOW = dt.datetime(2026, 11, 2, 6, tzinfo=dt.UTC)  # a Monday
KEYS = ("n" * 32, "o" * 32)
THIS_MACHINE = ["127.0.0.1/32"]


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEYS[0])


@pytest.fixture
def inbox() -> Iterator[Receiver]:
    with receiver() as own:
        yield own


def send(
    home: Path, url: str, *, now: dt.datetime = NOW, slot: dt.date | None = None, **keys: object
) -> ExportDelivery:
    of_list = spec("at_risk", recipient={"webhook": url, "allow": THIS_MACHINE}, **keys)
    return send_export(home, "list", of_list, as_of=None, slot=slot, now=now, pause_seconds=0)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_the_same_content_is_delivered_once(
    database: str, inbox: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if database == "sqlite":
        check_delivered_once(inbox, tmp_path)
        return
    with postgresql_server() as server:
        monkeypatch.setenv(URL_VARIABLE, new_database(server))
        check_delivered_once(inbox, tmp_path)


def check_delivered_once(inbox: Receiver, tmp_path: Path) -> None:
    home = make_home(tmp_path)
    first, again = send(home, inbox.url), send(home, inbox.url)
    assert first == again and first.state == "delivered" and first.attempts == 1
    ((headers, body),) = inbox.messages
    assert headers["idempotency-key"] == first.delivery_id == headers["webhook-id"]
    assert (
        headers["x-perfml-schema"] == "perfml.export.at_risk/1" and headers["content-type"] == "text/csv; charset=utf-8"
    )
    assert verify(KEYS, headers, body, now=NOW.timestamp())
    Project(home=home).opt_out("E1", by="E1", on=NOW.date())
    assert send(home, inbox.url).delivery_id != first.delivery_id and b"E1" not in inbox.messages[1][1]
    assert (first.recipient, first.people, first.bytes) == ("127.0.0.1", 3, len(body))
    history = Project(home=home).audit("E1")
    assert [each.action for each in history].count("see export list 2026-09-01") == 1, (
        "no longer shown after the opt-out"
    )
    assert Project(home=home).verify_audit().whole


def test_a_new_key_beside_the_old_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "\n".join(KEYS))
    message = signed_headers(signing_keys(), delivery_id="d", at=1000, body=b"x")
    assert all(verify([key], message, b"x", now=1000) for key in KEYS)
    assert not verify(["z" * 32], message, b"x", now=1000) and not verify(
        KEYS, message | {"webhook-id": "e"}, b"x", now=1000
    )
    assert not verify(KEYS, {}, b"x", now=1000) and not verify(KEYS, message | {"webhook-timestamp": "²"}, b"x", now=2)
    for wrong in ("", "short", " ".join("abc"), " ".join(["k" * 32] * 3)):
        monkeypatch.setenv(KEY_VARIABLE, wrong)
        with pytest.raises(PerfmlError, match=KEY_VARIABLE) as refused:
            signing_keys()
        assert "short " not in str(refused.value).removeprefix(f"{KEY_VARIABLE}: holds a short key")


def test_without_a_key_nothing_is_sent(inbox: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE)
    with pytest.raises(PerfmlError, match=KEY_VARIABLE):
        send(make_home(tmp_path), inbox.url)
    assert inbox.messages == [] and ExportLedger(tmp_path).deliveries() == []


def test_what_is_not_taken_is_tried_again_under_the_same_id(inbox: Receiver, tmp_path: Path) -> None:
    home = make_home(tmp_path)
    inbox.answers = [500, 503, 429, 500, 200]
    waiting = send(home, inbox.url)
    assert (waiting.state, waiting.attempts, waiting.problem) == ("waiting", 1, "127.0.0.1: answers 429")
    taken = send(home, inbox.url)
    assert (taken.state, taken.attempts, taken.problem) == ("delivered", 2, None)
    assert len(inbox.messages) == 5 and {headers["idempotency-key"] for headers, _ in inbox.messages} == {
        taken.delivery_id
    }


@pytest.mark.parametrize("status", [301, 307, 400, 404, 410])
def test_a_refusal_is_not_repeated_in_the_same_run_nor_a_redirect_followed(
    status: int, inbox: Receiver, tmp_path: Path
) -> None:
    inbox.answers, inbox.location = [status], "http://127.0.0.1:9/elsewhere"
    refused = send(make_home(tmp_path), inbox.url)
    assert refused.state == "waiting" and refused.problem == f"127.0.0.1: answers {status}" and len(inbox.messages) == 1


def test_it_is_given_up_until_somebody_asks(inbox: Receiver, tmp_path: Path) -> None:
    home, slot = make_home(tmp_path), dt.date(2026, 11, 2)
    inbox.answers = [404]
    keys = {"schedule": {"every": "week"}, "attempts": 2, "recipient": {"webhook": inbox.url, "allow": THIS_MACHINE}}
    all_of = ExportsSpec(exports={"list": spec("at_risk", **keys)})
    states = []
    for _ in range(2):
        assert [each.slot for each in due_exports(home, all_of, slot + dt.timedelta(days=2))] == [slot]
        states.append(
            send_export(home, "list", all_of.exports["list"], as_of=None, slot=slot, now=NOW, pause_seconds=0).state
        )
    assert states == ["waiting", "given_up"] and due_exports(home, all_of, slot) == ()
    inbox.answers = [200]
    assert send(home, inbox.url, schedule={"every": "week"}, attempts=2).state == "delivered"
    assert [each.slot for each in due_exports(home, all_of, slot + dt.timedelta(days=7))] == [
        slot + dt.timedelta(days=7)
    ]


def test_whoever_is_held_meanwhile_is_not_in_what_is_tried_again(inbox: Receiver, tmp_path: Path) -> None:
    home, slot = make_home(tmp_path), NOW.date()
    inbox.answers = [503]
    first = send(home, inbox.url, slot=slot, schedule={"every": "day"})
    dispute(home, "E1", on=slot)
    inbox.answers, inbox.messages = [200], []
    assert send(home, inbox.url, slot=slot, schedule={"every": "day"}).delivery_id != first.delivery_id
    ((_, body),) = inbox.messages
    assert b"E1" not in body and "张伟".encode() in body
    of_list = ExportsSpec(
        exports={
            "list": spec("at_risk", schedule={"every": "day"}, recipient={"webhook": inbox.url, "allow": THIS_MACHINE})
        }
    )
    assert due_exports(home, of_list, slot) == ()


def test_the_same_content_answers_the_next_due_day_without_being_sent(inbox: Receiver, tmp_path: Path) -> None:
    home = make_home(tmp_path)
    for day in (2, 3):
        delivered = send(home, inbox.url, slot=dt.date(2026, 11, day), schedule={"every": "day"})
    assert delivered.slots == ("2026-11-02", "2026-11-03") and len(inbox.messages) == 1


def test_of_two_processes_one_sends_and_a_killed_one_is_followed(inbox: Receiver, tmp_path: Path) -> None:
    home = make_home(tmp_path)
    of_list = spec("at_risk", recipient={"webhook": inbox.url, "allow": THIS_MACHINE})
    exported = make_export(home, "list", of_list, ExportRequest(), today=NOW.date())
    now = dt.datetime.now(dt.UTC)
    ExportLedger(home).begin(exported, recipient="x", slot=None, now=now)  # and then it is killed
    with pytest.raises(PerfmlError, match="another process sends it"):
        send(home, inbox.url, now=now)
    assert inbox.messages == []
    later = send(home, inbox.url, now=now + dt.timedelta(minutes=6))
    assert later.state == "delivered" and later.attempts == 2 and later.delivery_id == exported.manifest.delivery_id


def test_parallel_senders_deliver_once(inbox: Receiver, tmp_path: Path) -> None:
    home, ended = make_home(tmp_path), list[object]()
    now = dt.datetime.now(dt.UTC)

    def run() -> None:
        try:
            ended.append(send(home, inbox.url, now=now).state)
        except PerfmlError as error:
            ended.append(error)

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(inbox.messages) == 1 and len(ended) == 6 and "delivered" in ended


@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
        ),
        *("::1", "fe80::1", "fd00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "::"),
    ],
)
def test_a_name_in_a_private_network_is_not_posted_to(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        public = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", port))
        return [public, (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port))]

    def connected(*_: object, **__: object) -> None:
        raise AssertionError("it is connected to")

    monkeypatch.setattr(webhook.socket, "getaddrinfo", resolve)
    monkeypatch.setattr(webhook.socket, "create_connection", connected)
    with pytest.raises(NotDelivered, match="lies in a private network"):
        post(ExportRecipient(webhook="https://hooks.example.com/x"), b"", {})


def test_the_connection_goes_to_the_address_that_was_checked(inbox: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that resolves elsewhere the second time leads nowhere else."""
    answers, port = iter(["127.0.0.1", "10.0.0.1"]), int(inbox.url.split(":")[2].split("/")[0])
    monkeypatch.setattr(
        webhook.socket, "getaddrinfo", lambda *_, **__: [(socket.AF_INET, 1, 6, "", (next(answers), port))]
    )
    recipient = ExportRecipient(webhook=f"http://localhost:{port}/x", allow=tuple(THIS_MACHINE))
    original = socket.create_connection
    monkeypatch.setattr(webhook.socket, "create_connection", lambda address, **keys: _direct(original, address))
    assert post(recipient, b"x", {}) == 200 and inbox.messages[0][0]["host"] == f"localhost:{port}"


def _direct(_: object, address: tuple[str, int]) -> socket.socket:
    connection = socket.socket()
    connection.connect(address)
    return connection


def test_a_proxy_of_the_environment_is_not_used(inbox: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert post(ExportRecipient(webhook=inbox.url, allow=tuple(THIS_MACHINE)), b"x", {}) == 200


@pytest.mark.parametrize(
    "sent",
    [b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 10_000_000, b"nonsense\r\n", b"", b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000],
)
def test_an_answer_is_bounded(sent: bytes) -> None:
    """A long body is not read to its end; what is no answer is a failure that passes."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                try:
                    connection.sendall(sent)
                except OSError:
                    return

        thread = threading.Thread(target=answer)
        thread.start()
        recipient = ExportRecipient(
            webhook=f"http://127.0.0.1:{listening.getsockname()[1]}/", allow=tuple(THIS_MACHINE)
        )
        if sent.startswith(b"HTTP/1.1 200 OK\r\n\r\n"):
            assert post(recipient, b"x", {}) == 200
        else:
            with pytest.raises(NotDelivered, match="does not answer") as failed:
                post(recipient, b"x", {})
            assert failed.value.passing
        thread.join()


def test_a_receiver_that_never_ends_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Byte by byte no single read lasts too long; the whole does."""
    monkeypatch.setattr(webhook, "WHOLE_SECONDS", 0.3)
    ended = threading.Event()
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()

        def drip() -> None:
            connection, _ = listening.accept()
            with connection:
                while not ended.wait(0.05):
                    try:
                        connection.send(b"H")
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        recipient = ExportRecipient(
            webhook=f"http://127.0.0.1:{listening.getsockname()[1]}/", allow=tuple(THIS_MACHINE)
        )
        with pytest.raises(NotDelivered, match="does not answer"):
            post(recipient, b"x", {})
        ended.set()
        thread.join()


def test_a_folder_gets_the_file_before_its_manifest(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    of_list = spec("at_risk", recipient={"folder": str(tmp_path / "out")})
    delivery = send_export(home, "list", of_list, as_of=None, slot=None, now=NOW)
    assert delivery.state == "delivered"
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    stem = f"list-2026-09-01-{delivery.delivery_id[:8]}.csv"
    assert names == [stem, f"{stem}.json"] and (tmp_path / "out" / stem).stat().st_mode & 0o777 == 0o600
    (tmp_path / "file").write_text("")
    away = spec("at_risk", recipient={"folder": str(tmp_path / "file")})
    assert send_export(home, "list", away, as_of=None, slot=None, now=NOW).state == "waiting"


def test_no_secret_of_an_address_is_written_down(inbox: Receiver, tmp_path: Path) -> None:
    inbox.answers = [404]
    delivery = send(make_home(tmp_path), inbox.url)
    assert "path-secret" not in str(delivery.to_json())
    assert "path-secret" not in str([entry.entry for entry in RecordStore(tmp_path).read(EXPORTS)])


def test_a_run_that_failed_does_not_say_that_nothing_is_due(capsys: pytest.CaptureFixture[str]) -> None:
    run_lines([], ["list: everything is stopped"], "en")
    run_lines([], [], "en")
    assert capsys.readouterr().out.splitlines() == ["list: everything is stopped", "nothing is due"]
