"""A backup is of one moment although others write, complete or not there, and restored as it was or not at all."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from perfml.api.scores import NIGHTLY
from perfml.files import write_text
from perfml.store.audit.secret import KEY_FILE, audit_key
from perfml.store.backup.making import make_backup
from perfml.store.backup.manifest import MANIFEST, BackupError
from perfml.store.backup.restoring import restore_backup, verified
from perfml.store.opening import URL_VARIABLE, StoreError
from perfml.store.record_store import NewEntry, RecordStore
from perfml.store.tables import DECISIONS, ENTRIES, NOTICES
from perfml.trust.audit.checkpoints import write_checkpoint
from perfml.trust.audit.history import erase_person
from perfml.trust.audit.seeing import record_seen
from perfml.trust.audit.verifying import verify
from tests.postgresql import new_database, postgresql_server

NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A PostgreSQL server of this module's own."""
    with postgresql_server() as url:
        yield url


def store(home: Path) -> Path:
    """A home with files, entries, an erased person and a checkpoint."""
    records = RecordStore(home)
    for n in range(6):
        records.add(NOTICES, [NewEntry(key=f"n{n}", subject=f"E{n}", entry={"event": "given", "on": "2026-01-01"})])
        records.add(
            DECISIONS, [NewEntry(key=f"d{n}", subject=f"s{n}", entry={"verdict": "accept", "为": "\u2028\x00"})]
        )
        if n == 3:
            write_checkpoint(home, now=NOW)
    record_seen(home, "list", ["E1", "E2"])
    erase_person(home, "E4", by="王强", reason="left three years ago")
    records.erase(DECISIONS, [6])
    write_text(home / "scores" / "attrition" / "2026-09-01.parquet", "rows")
    write_text(home / "people" / "员工.json", "{}")
    (home / "x.key").write_text("secret")
    write_text(home / NIGHTLY / "manifest.json", "made from the log")
    return home


def entries(home: Path) -> dict[str, list[tuple[int, str]]]:
    """Everything in the tables of entries."""
    return {table.name: [(each.number, each.key) for each in RecordStore(home).read(table)] for table in ENTRIES}


def key_of(home: Path, tmp_path: Path) -> Path:
    """A copy of the key, as somebody keeps it elsewhere."""
    path = tmp_path / "kept.key"
    path.write_bytes((home / KEY_FILE).read_bytes())
    return path


def test_what_is_restored_is_what_was(tmp_path: Path) -> None:
    home = store(tmp_path / "home")
    path, manifest = make_backup(home, tmp_path, now=NOW)
    assert path.name == "perfml-20261101T000000Z.tar.gz" and path.stat().st_mode & 0o777 == 0o600
    with tarfile.open(path) as members:
        names = members.getnames()
    assert not [name for name in names if "key" in name or "sqlite" in name or name.startswith(NIGHTLY)]
    assert audit_key(home).hex().encode() not in gzip.decompress(path.read_bytes())
    assert any("audit.key" in line for line in manifest.left_out)
    other = tmp_path / "other"
    restore_backup(path, other, key_file=key_of(home, tmp_path))
    assert entries(other) == entries(home) and verify(other).whole and verify(other).rows == verify(home).rows
    assert (other / "people" / "员工.json").read_text() == "{}" and not (other / "x.key").exists()
    assert not list(tmp_path.glob(".*"))
    added = RecordStore(other).add(DECISIONS, [NewEntry(key="new", subject="s", entry={})])
    assert added[0].number == 7, "the number of an entry that was erased is not given again"
    assert verify(other).whole


@pytest.mark.parametrize(
    ("source", "target"), [("postgresql", "sqlite"), ("sqlite", "postgresql"), ("postgresql",) * 2]
)
def test_databases_take_over_from_each_other(
    source: str, target: str, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def use(name: str) -> None:
        if name == "sqlite":
            monkeypatch.delenv(URL_VARIABLE, raising=False)
        else:
            monkeypatch.setenv(URL_VARIABLE, new_database(server))

    use(source)
    home = store(tmp_path / "home")
    path, _ = make_backup(home, tmp_path / "b.tar.gz", now=NOW)
    stored, key = entries(home), key_of(home, tmp_path)
    use(target)
    restore_backup(path, tmp_path / "other", key_file=key)
    assert entries(tmp_path / "other") == stored and verify(tmp_path / "other").whole
    added = RecordStore(tmp_path / "other").add(DECISIONS, [NewEntry(key="new", subject="s", entry={})])
    assert added[0].number == 7 and verify(tmp_path / "other").whole
    if target == "postgresql":
        with pytest.raises(StoreError, match="is not empty"):
            restore_backup(path, tmp_path / "third", key_file=key)
        assert not (tmp_path / "third").exists()


def test_a_home_that_holds_something_is_not_overwritten(tmp_path: Path) -> None:
    home = store(tmp_path / "home")
    path, _ = make_backup(home, tmp_path, now=NOW)
    before = entries(home)
    with pytest.raises(BackupError, match="is not empty"):
        restore_backup(path, home)
    assert entries(home) == before
    with pytest.raises(BackupError, match="lies in the home"):
        make_backup(home, home / "b.tar.gz", now=NOW)
    with pytest.raises(BackupError, match="cannot be read"):
        restore_backup(tmp_path / "none.tar.gz", tmp_path / "other")


def test_without_the_key_or_with_another_nothing_is_restored(tmp_path: Path) -> None:
    home = store(tmp_path / "home")
    path, _ = make_backup(home, tmp_path, now=NOW)
    with pytest.raises(BackupError, match="needs the key"):
        restore_backup(path, tmp_path / "other")
    (tmp_path / "wrong.key").write_text("0" * 64)
    with pytest.raises(BackupError, match="was not signed with this key"):
        restore_backup(path, tmp_path / "other", key_file=tmp_path / "wrong.key")
    assert not (tmp_path / "other").exists() and not list(tmp_path.glob(".*"))


Change = Callable[[dict[str, bytes]], dict[str, bytes]]


def rewritten(path: Path, change: Change) -> None:
    """Write a backup again with other members."""
    with tarfile.open(path) as members:
        files = {}
        for member in members:
            file = members.extractfile(member)
            assert file is not None
            files[member.name] = file.read()
    with tarfile.open(path, "w:gz") as members:
        for name, content in change(files).items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            members.addfile(info, io.BytesIO(content))


def unsigned(files: dict[str, bytes]) -> dict[str, bytes]:
    manifest = json.loads(files[MANIFEST]) | {"signature": None}
    return files | {MANIFEST: json.dumps(manifest).encode()}


def other_store_under_its_own_hash(files: dict[str, bytes]) -> dict[str, bytes]:
    rows = files["store.jsonl"].replace(b"accept", b"refuse")
    manifest = json.loads(files[MANIFEST])
    manifest["files"]["store.jsonl"] = hashlib.sha256(rows).hexdigest()
    return files | {"store.jsonl": rows, MANIFEST: json.dumps(manifest).encode()}


TAMPERINGS: dict[str, Change] = {
    "a file altered": lambda files: files | {"people/员工.json": b"[]"},
    "a file removed": lambda files: {name: text for name, text in files.items() if name != "people/员工.json"},
    "an entry altered": lambda files: files | {"store.jsonl": files["store.jsonl"].replace(b"accept", b"refuse")},
    "an entry altered with its hash": other_store_under_its_own_hash,
    "no signature": unsigned,
    "no manifest": lambda files: {name: text for name, text in files.items() if name != MANIFEST},
    "a file outside": lambda files: files | {"../outside": b"x"},
    "an absolute file": lambda files: files | {"/tmp/outside": b"x"},
    "a key of its own": lambda files: files | {"audit.key": b"0" * 64},
    "a database": lambda files: files | {"store.sqlite": b"x"},
    "another form": lambda files: files | {MANIFEST: files[MANIFEST].replace(b'"form": 1', b'"form": 2')},
    "a manifest that is a list": lambda files: files | {MANIFEST: b"[]"},
}


@pytest.mark.parametrize("tampering", TAMPERINGS.values(), ids=TAMPERINGS.keys())
def test_a_tampered_backup_is_refused(tampering: Change, tmp_path: Path) -> None:
    home = store(tmp_path / "home")
    path, _ = make_backup(home, tmp_path / "b.tar.gz", now=NOW)
    rewritten(path, dict)
    verified(path)  # writing it again changes nothing
    rewritten(path, tampering)
    with pytest.raises(BackupError):
        restore_backup(path, tmp_path / "other", key_file=key_of(home, tmp_path))
    assert not (tmp_path / "other").exists() and not (tmp_path / "outside").exists()


def test_a_backup_that_was_cut_is_refused(tmp_path: Path) -> None:
    home = store(tmp_path / "home")
    path, _ = make_backup(home, tmp_path / "b.tar.gz", now=NOW)
    whole = path.read_bytes()
    for length in (0, 10, len(whole) // 3, len(whole) // 2, len(whole) - 9):
        path.write_bytes(whole[:length])
        with pytest.raises(BackupError):
            restore_backup(path, tmp_path / "other", key_file=key_of(home, tmp_path))
    assert not (tmp_path / "other").exists()


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_writers_go_on_while_a_backup_is_made(
    database: str, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every backup is whole, holds a beginning of each writer's entries, and what was acknowledged before it began."""
    if database == "postgresql":
        monkeypatch.setenv(URL_VARIABLE, new_database(server))
    home = store(tmp_path / "home")
    done, acknowledged = threading.Event(), [0, 0]

    def write(writer: int) -> None:
        while not done.is_set():
            n = acknowledged[writer]
            RecordStore(home).add(NOTICES, [NewEntry(key=f"w{writer}/{n}", subject=f"W{n % 7}", entry={"n": n})])
            write_text(home / "scores" / f"{writer}.parquet", str(n))
            if n % 20 == 19 and writer == 0:
                write_checkpoint(home, now=NOW)
            acknowledged[writer] += 1
            time.sleep(0.02)

    threads = [threading.Thread(target=write, args=[n]) for n in (0, 1)]
    for thread in threads:
        thread.start()
    backups = []
    try:
        while len(backups) < 4 or (min(acknowledged) <= 2 and len(backups) < 40):
            before = list(acknowledged)
            backups.append((make_backup(home, tmp_path / f"{len(backups)}.tar.gz", now=NOW)[0], before))
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert min(acknowledged) > 2
    for number, (path, before) in enumerate(backups):
        other = tmp_path / f"other{number}"
        if database == "postgresql":
            monkeypatch.setenv(URL_VARIABLE, new_database(server))
        restore_backup(path, other, key_file=key_of(home, tmp_path))
        assert verify(other).findings == ()
        keys = [each.key for each in RecordStore(other).read(NOTICES)]
        for writer in (0, 1):
            own = [key for key in keys if key.startswith(f"w{writer}/")]
            assert own == [f"w{writer}/{n}" for n in range(len(own))] and len(own) >= before[writer]


MAKE = """
import datetime, sys
from pathlib import Path
from perfml.store.backup.making import make_backup
print("begun", flush=True)
make_backup(Path(sys.argv[1]), Path(sys.argv[2]), now=datetime.datetime.now(datetime.UTC))
"""


@pytest.mark.slow
def test_a_killed_backup_leaves_none(tmp_path: Path) -> None:
    home = store(tmp_path / "home")
    for n in range(40):
        (home / "scores" / f"{n}.bin").write_bytes(os.urandom(1 << 20))
    for n in range(6):
        to = tmp_path / "backups" / f"{n}.tar.gz"
        process = subprocess.Popen([sys.executable, "-c", MAKE, str(home), str(to)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.05 * n)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert not to.exists()
    path, _ = make_backup(home, tmp_path / "backups" / "whole.tar.gz", now=NOW)
    verified(path)
    assert [each.name for each in (tmp_path / "backups").iterdir() if not each.name.startswith(".")] == ["whole.tar.gz"]
