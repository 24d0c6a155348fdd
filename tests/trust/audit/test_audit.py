"""The audit log: whole or not, and what it says; on SQLite and on PostgreSQL."""

from __future__ import annotations

import datetime as dt
import os
import random
import signal
import sqlite3
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sql

from benchmarks._audit_faults import NOW, TAMPERINGS, make_log, tamper
from perfml import Project
from perfml.errors import PerfmlError
from perfml.store import opening
from perfml.store.audit import chain
from perfml.store.audit.acting import Actor, acting_as
from perfml.store.audit.heads import read_heads
from perfml.store.audit.secret import KEY_FILE, KEY_VARIABLE, AuditError
from perfml.store.opening import FILE, URL_VARIABLE, StoreFull, session
from perfml.store.record_store import NewEntry, RecordStore
from perfml.store.tables import AUDIT, HOLDS, NOTICES, PERSON_KEYS
from perfml.trust.audit.checkpoints import FOLDER_VARIABLE, checkpoint_folder, write_checkpoint
from perfml.trust.audit.history import erase_older, erase_person, history_of
from perfml.trust.audit.seeing import people_in, record_seen
from perfml.trust.audit.tree import leaf_hash, roots
from perfml.trust.audit.verifying import verify
from tests.postgresql import new_database, postgresql_server

REASON = "left the company three years ago"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql_server() as address:
        yield address


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def home(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if request.param == "postgresql":
        monkeypatch.setenv(URL_VARIABLE, new_database(request.getfixturevalue("server")))
    return tmp_path / "home"


def add(home: Path, key: str, subject: str = "E1", table: sql.Table = NOTICES) -> None:
    RecordStore(home).add(table, [NewEntry(key=key, subject=subject, entry={"event": "given"})])


def codes(home: Path) -> set[str]:
    return {finding.problem.code for finding in verify(home).findings}


def test_the_tree_is_that_of_rfc_6962() -> None:
    """The vectors of the certificate-transparency project."""
    leaves = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243")]
    expected = {
        0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    }
    assert {size: root.hex() for size, root in roots(leaves, expected.keys()).items()} == expected
    assert leaf_hash(b"").hex() == expected[1]


@pytest.mark.slow
def test_writes_reads_and_checkpoints_leave_a_log_that_is_whole(home: Path) -> None:
    make_log(home)
    verification = verify(home)
    assert verification.whole
    assert verification.checkpoints == 2
    assert 0 < verification.covered < verification.rows
    assert verification.erased > 0
    assert stat.S_IMODE((home / KEY_FILE).stat().st_mode) == 0o600


def test_nothing_recorded_is_whole(tmp_path: Path) -> None:
    assert verify(tmp_path / "home").whole
    with pytest.raises(AuditError, match="no row"):
        write_checkpoint(tmp_path / "home", now=NOW)


@pytest.mark.slow
def test_every_kind_of_tampering_is_noticed(tmp_path: Path) -> None:
    assert tamper(tmp_path, times=2 * len(TAMPERINGS), seed=5) == []


@pytest.mark.slow
def test_a_finding_names_the_row_and_the_remedy(tmp_path: Path) -> None:
    make_log(tmp_path, rounds=4)
    with sqlite3.connect(tmp_path / FILE) as db:
        db.execute("update audit set at = '2026-01-01' where number = 5")
    findings = {finding.problem.code: finding for finding in verify(tmp_path).findings}
    assert findings["audit_altered"].where == "row 5"
    assert findings["audit_altered"].to_json()["remedy"]


def test_one_row_cut_off_at_the_tail_is_missed(home: Path) -> None:
    for n in range(3):
        add(home, str(n))
    write_checkpoint(home, now=NOW)
    record_seen(home, "person", ["E1"])
    with session(home, writing=True) as connection:
        newest = connection.execute(sql.select(sql.func.max(AUDIT.c.number))).scalar_one()
        connection.execute(AUDIT.delete().where(AUDIT.c.number == newest))
    assert codes(home) == {"audit_tail"}


def test_a_head_that_was_cut_short_accuses_nobody(tmp_path: Path) -> None:
    add(tmp_path, "1")
    with (tmp_path / "audit" / "heads").open("a") as heads:
        heads.write("\n2")  # a disk that became full within the line
    record_seen(tmp_path, "person", ["E1"])
    assert [head.number for head in read_heads(tmp_path)] == [2, 3]
    assert verify(tmp_path).whole


def test_a_log_that_was_made_again_with_another_key_takes_no_row(home: Path) -> None:
    add(home, "1")
    (home / KEY_FILE).write_text("ab" * 32)
    with pytest.raises(AuditError, match="not written with the key"):
        add(home, "2")
    assert [each.key for each in RecordStore(home).read(NOTICES)] == ["1"]  # what cannot be recorded is not stored
    assert codes(home) == {"audit_other_key"}
    (home / KEY_FILE).unlink()
    with pytest.raises(AuditError, match="is missing"):
        record_seen(home, "person", ["E1"])
    assert codes(home) == {"audit_no_key"}


def test_the_key_may_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "cd" * 32)
    add(tmp_path, "1")
    assert verify(tmp_path).whole
    assert not (tmp_path / KEY_FILE).exists()
    monkeypatch.setenv(KEY_VARIABLE, "no key")
    with pytest.raises(AuditError, match="64 hexadecimal"):
        add(tmp_path, "2")


def test_checkpoints_may_lie_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "elsewhere"))
    home = tmp_path / "home"
    add(home, "1")
    _, path = write_checkpoint(home, now=NOW)
    assert path.parent == tmp_path / "elsewhere"
    assert path.read_text().startswith("perfml.audit\n2\n")
    assert verify(home).checkpoints == 1
    (moved,) = (path.rename(tmp_path / path.name),)
    assert codes(home) == {"audit_checkpoint_missing"}
    assert moved.exists()
    assert verify(home, checkpoints=tmp_path).whole


def test_a_person_sees_who_saw_them_and_for_what(home: Path) -> None:
    with acting_as(Actor(name="李娜", purpose="weekly talk")):
        record_seen(home, "at-risk attrition", ["E1", "E2"])
        add(home, "1", "E1")
        add(home, "2", "E2")
    events = history_of(home, "E1")
    assert [(event.actor, event.action, event.purpose, event.people) for event in events] == [
        ("李娜", "see at-risk attrition", "weekly talk", 2),
        ("李娜", "add notices/1", "weekly talk", 1),
    ]
    assert history_of(home, "E9") == ()


def test_erasure_leaves_a_log_that_is_whole_and_says_nothing_of_the_person(home: Path) -> None:
    add(home, "1", "E1")
    add(home, "2", "E2")
    record_seen(home, "person", ["E1"])
    write_checkpoint(home, now=NOW)
    with session(home, writing=False) as connection:
        key = connection.execute(sql.select(PERSON_KEYS.c.key).where(PERSON_KEYS.c.person == "E1")).scalar_one()
    erase_person(home, "E1", by="王强", reason=REASON)
    verification = verify(home)
    assert verification.whole
    assert verification.erased == 3
    assert history_of(home, "E1") == ()
    assert len(history_of(home, "E2")) == 1
    if (home / FILE).exists():
        assert all(key.encode() not in path.read_bytes() for path in home.glob(f"{FILE}*"))
    with session(home, writing=False) as connection:
        text = "".join(map(str, connection.execute(sql.select(AUDIT)).all()))
    assert '"E1"' not in text and "'E1'" not in text  # the two characters alone occur in base64 by chance
    with pytest.raises(PerfmlError, match="nothing about"):
        erase_person(home, "E1", by="王强", reason=REASON)
    add(home, "3", "E1")  # comes back under another pseudonym
    assert len(history_of(home, "E1")) == 1
    assert verify(home).whole


def test_erasure_wants_a_name_and_a_reason(tmp_path: Path) -> None:
    add(tmp_path, "1")
    with pytest.raises(PerfmlError, match="nobody answers"):
        erase_person(tmp_path, "E1", by=" ", reason=REASON)
    with pytest.raises(PerfmlError, match="no reason"):
        erase_person(tmp_path, "E1", by="王强", reason="old")


def test_retention_erases_people_whom_nothing_mentions_any_more(tmp_path: Path) -> None:
    add(tmp_path, "1", "E1")
    tomorrow = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=2)
    assert erase_older(tmp_path, tomorrow - dt.timedelta(days=4), apply=True) == 0
    assert erase_older(tmp_path, tomorrow, apply=False) == 1
    assert erase_older(tmp_path, tomorrow, apply=True) == 1
    assert erase_older(tmp_path, tomorrow, apply=True) == 0
    assert verify(tmp_path).whole


def test_entries_erased_after_their_period_are_not_missed(home: Path) -> None:
    add(home, "1")
    add(home, "2")
    RecordStore(home).erase(NOTICES, [1])
    assert verify(home).whole


def test_entries_from_before_the_log_are_not_missed(tmp_path: Path) -> None:
    add(tmp_path, "1")
    with session(tmp_path, writing=True) as connection:
        connection.execute(AUDIT.delete())
        connection.execute(PERSON_KEYS.delete())
    (tmp_path / "audit" / "heads").unlink()
    assert codes(tmp_path) == {"audit_entry_unknown"}
    add(tmp_path, "2")
    assert verify(tmp_path).whole


@pytest.mark.parametrize("hours", [-48, 48])
def test_a_clock_that_is_stepped_changes_no_order(home: Path, hours: int, monkeypatch: pytest.MonkeyPatch) -> None:
    add(home, "1")
    with monkeypatch.context() as patched:
        patched.setattr(chain, "time", SimpleNamespace(time=lambda: time.time() + 3600 * hours))
        add(home, "2")
    add(home, "3")
    write_checkpoint(home, now=NOW)
    events = history_of(home, "E1")
    assert [event.action for event in events] == ["add notices/1", "add notices/2", "add notices/3"]
    assert sorted(event.at for event in events) != [event.at for event in events]  # the clock did go astray
    assert verify(home).whole


@pytest.mark.slow
def test_writers_at_once_keep_one_chain(home: Path) -> None:
    def write(writer: int) -> None:
        for n in range(5):
            add(home, f"{writer}/{n}", f"E{n}", HOLDS)
            record_seen(home, "person", [f"E{writer}", f"E{n}"])

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    verification = verify(home)
    assert verification.whole
    assert verification.rows == 1 + 4 * 5 * 2


@pytest.mark.slow
def test_killed_writers_leave_a_log_that_is_whole(tmp_path: Path) -> None:
    add(tmp_path, "first")
    drawn, before, run = random.Random(7), 0, 0
    while run < 8 or (before <= 10 and run < 100):  # as often as it takes a busy machine to write something
        run += 1
        child = os.fork()
        if child == 0:
            for n in range(10_000):
                add(tmp_path, f"{run}/{n}", f"E{n % 7}")
                if n % 20 == 9:
                    write_checkpoint(tmp_path, now=NOW)
        time.sleep(drawn.uniform(0.05, 0.5))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        assert verify(tmp_path).whole, verify(tmp_path).findings
        before, rows = verify(tmp_path).rows, before
        assert before >= rows
    assert before > 10


def test_people_of_an_answer_are_read_from_it() -> None:
    body = '{"a": [{"employee_id": "张伟"}, {"employee_id":"E\\"2"}], "employee_ids": 1, "t": "\\"employee_id\\": \\"E3\\""}'
    assert people_in(body.encode()) == {"张伟", 'E"2'}


@pytest.mark.slow
def test_verbs_of_the_project(tmp_path: Path) -> None:
    make_log(tmp_path)
    project = Project(home=tmp_path)
    assert project.verify_audit().whole
    signed, path = project.checkpoint_audit(now=NOW)
    assert path.parent == checkpoint_folder(tmp_path)
    assert project.verify_audit().covered == signed.size
    assert project.audit("E1")
    project.erase_audit("E1", by="王强", reason=REASON)
    assert project.audit("E1") == ()


@pytest.mark.slow
def test_on_a_full_disk_reads_go_on_and_are_recorded_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record_seen(tmp_path, "scores", ["E1"])
    with sqlite3.connect(tmp_path / FILE) as connection:
        pages = connection.execute("pragma page_count").fetchone()[0]
    connection.close()
    opening._engine.cache_clear()
    with monkeypatch.context() as full:
        full.setattr(opening, "PRAGMAS", (*opening.PRAGMAS, f"max_page_count = {pages}"))
        with pytest.raises(StoreFull, match="no space left"):
            for n in range(2000):
                RecordStore(tmp_path).add(HOLDS, [NewEntry(key=str(n), subject="s" * 500, entry={"n": n})])
        record_seen(tmp_path, "scores", ["E" * 4000])  # more than the last page has room for
        assert RecordStore(tmp_path).read(HOLDS) is not None
    opening._engine.cache_clear()
    assert len(history_of(tmp_path, "E" * 4000)) == 0
    record_seen(tmp_path, "scores", ["E2"])
    assert [len(history_of(tmp_path, person)) for person in ("E1", "E2", "E" * 4000)] == [1, 1, 1]
    assert verify(tmp_path).whole
