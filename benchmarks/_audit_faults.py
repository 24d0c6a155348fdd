"""Tampering with an audit log in every way that its defences name, each on a fresh copy."""

from __future__ import annotations

import base64
import datetime as dt
import json
import os
import random
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from perfml.files import write_text
from perfml.store.audit.acting import Actor, acting_as
from perfml.store.audit.chain import AuditRow, chained
from perfml.store.audit.secret import KEY_FILE
from perfml.store.opening import FILE
from perfml.store.record_store import NewEntry, RecordStore
from perfml.store.tables import DECISIONS, NOTICES
from perfml.trust.audit.checkpoints import checkpoint_folder, write_checkpoint
from perfml.trust.audit.history import erase_person
from perfml.trust.audit.seeing import record_seen
from perfml.trust.audit.verifying import verify

COLUMNS = ("at", "action", "subjects", "payload", "previous", "hash")
NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)


def make_log(home: Path, *, rounds: int = 12) -> None:
    """A log of writes, reads, an erasure and two checkpoints, with rows after the last one."""
    store = RecordStore(home)
    for n in range(rounds):
        with acting_as(Actor(name=f"hr{n % 3}", purpose="weekly talk")):
            entry = NewEntry(key=f"n{n}", subject=f"E{n % 5}", entry={"event": "given", "on": "2026-01-01"})
            store.add(NOTICES, [entry])
            store.add(DECISIONS, [NewEntry(key=f"d{n}", subject=f"s{n}", entry={"verdict": "accept"})])
            record_seen(home, "at-risk attrition", [f"E{n % 5}", f"E{(n + 1) % 5}"])
        if n in (rounds // 3, 2 * rounds // 3):
            write_checkpoint(home, now=NOW)
    erase_person(home, "E4", by="王强", reason="left the company three years ago")


def tamper(folder: Path, *, times: int, seed: int) -> list[str]:
    """Tamper ``times`` times with copies of a log; return what verification did not find."""
    sound, copy, drawn = folder / "sound", folder / "copy", random.Random(seed)
    make_log(sound)
    wrong = [] if verify(sound).whole else [f"the sound log: {verify(sound).findings[0]}"]
    names, counts = list(TAMPERINGS), Counter[str]()
    for n in range(times):
        name = names[n % len(names)]
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(sound, copy)
        if not TAMPERINGS[name](copy, drawn):
            continue
        counts[name] += 1
        findings = verify(copy).findings
        if not findings or not all(finding.where for finding in findings):
            wrong.append(f"{name} ({n}) was not found")
    print(f"  {dict(counts)}")
    return wrong


def _rows(connection: sqlite3.Connection) -> list[AuditRow]:
    names = ("number", *COLUMNS)
    return [
        AuditRow(**dict(zip(names, row, strict=True)))
        for row in connection.execute(f"select {', '.join(names)} from audit order by number")
    ]


def _alter(home: Path, drawn: random.Random) -> bool:
    """One character of one column of one row."""
    with closing(sqlite3.connect(home / FILE)) as db, db:
        row, column = drawn.choice(_rows(db)), drawn.choice(COLUMNS)
        text = str(getattr(row, column))
        at = drawn.randrange(len(text))
        other = drawn.choice([each for each in "0123456789abcdefghij" if each != text[at]])
        db.execute(f"update audit set {column} = ? where number = ?", (text[:at] + other + text[at + 1 :], row.number))
    return True


def _truncate(home: Path, drawn: random.Random) -> bool:
    """Rows at the tail, often one alone."""
    with closing(sqlite3.connect(home / FILE)) as db, db:
        count = len(_rows(db))
        cut = drawn.choice([1, 1, 2, 3, drawn.randint(1, count)])
        db.execute("delete from audit where number > ?", (count - cut,))
    return True


def _truncate_and_go_on(home: Path, drawn: random.Random) -> bool:
    """Rows at the tail, and then perfml itself appends others."""
    _truncate(home, drawn)
    for n in range(drawn.randint(1, 4)):
        record_seen(home, "other", [f"E{n}"])
    return True


def _cut(home: Path, drawn: random.Random) -> bool:
    """A row in the middle."""
    with closing(sqlite3.connect(home / FILE)) as db, db:
        db.execute("delete from audit where number = ?", (drawn.randrange(1, len(_rows(db))),))
    return True


def _cut_and_renumber(home: Path, drawn: random.Random) -> bool:
    """A row in the middle; later ones move up."""
    with closing(sqlite3.connect(home / FILE)) as db, db:
        number = drawn.randrange(1, len(_rows(db)))
        db.execute("delete from audit where number = ?", (number,))
        for later in range(number + 1, len(_rows(db)) + 2):
            db.execute("update audit set number = ? where number = ?", (later - 1, later))
    return True


def _swap(home: Path, drawn: random.Random) -> bool:
    """Two rows change places."""
    with closing(sqlite3.connect(home / FILE)) as db, db:
        first, second = drawn.sample(range(1, len(_rows(db)) + 1), 2)
        for old, new in ((first, -1), (second, first), (-1, second)):
            db.execute("update audit set number = ? where number = ?", (new, old))
    return True


def _insert(home: Path, drawn: random.Random) -> bool:
    """A copy of a row at the end, or with its own hash, made with another key."""
    with closing(sqlite3.connect(home / FILE)) as db, db:
        rows = _rows(db)
        row, key = drawn.choice(rows), drawn.randbytes(32)
        copy = row._replace(number=len(rows) + 1, previous=rows[-1].hash)
        if drawn.random() < 0.5:
            copy = copy._replace(hash=chained(key, copy.content()))
        db.execute(f"insert into audit values ({', '.join('?' * len(copy))})", copy)
    return True


def _rehash(home: Path, drawn: random.Random) -> bool:
    """A row is altered and the chain from it on is made again with another key, as whoever lacks the key must."""
    _chain_again(home, drawn.randbytes(32), drawn)
    return True


def _rehash_with_key(home: Path, drawn: random.Random) -> bool:
    """Whoever has the key makes the chain again, and leaves the signatures and heads outside the database."""
    _chain_again(home, bytes.fromhex((home / KEY_FILE).read_text()), drawn)
    return True


def _chain_again(home: Path, key: bytes, drawn: random.Random | None) -> None:
    """Make the chain again with ``key``: from a drawn row on, which gets another time; the whole without ``drawn``."""
    with closing(sqlite3.connect(home / FILE)) as db, db:
        rows = _rows(db)
        start = 0 if drawn is None else drawn.randrange(len(rows))
        previous = rows[start].previous
        for row in rows[start:]:
            at = "2026-01-01T00:00:00.000+00:00" if drawn is not None and row is rows[start] else row.at
            hashed = chained(key, row._replace(at=at, previous=previous).content())
            values = (at, previous, hashed, row.number)
            db.execute("update audit set at = ?, previous = ?, hash = ? where number = ?", values)
            previous = hashed


def _swap_key(home: Path, drawn: random.Random) -> bool:
    """The key is another, or gone."""
    if drawn.random() < 0.2:
        (home / KEY_FILE).unlink()
    else:
        write_text(home / KEY_FILE, drawn.randbytes(32).hex())
    return True


def _swap_key_and_rehash(home: Path, drawn: random.Random) -> bool:
    """The key is another, and the whole chain is made again with it."""
    _swap_key(home, drawn)
    if (home / KEY_FILE).exists():
        _chain_again(home, bytes.fromhex((home / KEY_FILE).read_text()), None)
    return True


def _remove_checkpoint(home: Path, drawn: random.Random) -> bool:
    """One checkpoint, or all."""
    files = sorted(checkpoint_folder(home).iterdir())
    for path in files if drawn.random() < 0.3 else [drawn.choice(files)]:
        path.unlink()
    return True


def _alter_checkpoint(home: Path, drawn: random.Random) -> bool:
    """A byte of a checkpoint, or one under the name of another."""
    path = drawn.choice(sorted(checkpoint_folder(home).iterdir()))
    data = bytearray(path.read_bytes())
    if drawn.random() < 0.2:
        path.rename(path.with_name(f"{drawn.randrange(10**11):012d}.checkpoint"))
        return True
    at = drawn.randrange(len(data))
    data[at] ^= 1 << drawn.randrange(7)
    before = path.read_bytes()
    os.chmod(path, 0o600)
    path.write_bytes(bytes(data))
    try:  # an unused bit of the last digit of base64 changes nothing that is signed
        same = base64.b64decode(before.split()[-1]) == base64.b64decode(bytes(data).split()[-1])
    except ValueError:
        same = False
    return not (same and before.rsplit(b" ", 1)[0] == bytes(data).rsplit(b" ", 1)[0])


def _person_key(home: Path, drawn: random.Random) -> bool:
    """A person's key is gone without an erasure, altered, or stands for somebody else."""
    with closing(sqlite3.connect(home / FILE)) as db, db:
        people = [row[0] for row in db.execute("select person from person_keys order by person")]
        person = drawn.choice(people)
        match drawn.randrange(3):
            case 0:
                db.execute("delete from person_keys where person = ?", (person,))
            case 1:
                db.execute("update person_keys set key = ? where person = ?", (drawn.randbytes(32).hex(), person))
            case _:
                db.execute("update person_keys set person = 'E99' where person = ?", (person,))
    return True


def _entry(home: Path, drawn: random.Random) -> bool:
    """An entry of the store is altered, gone, or was never recorded."""
    table = drawn.choice(["notices", "decisions"])
    with closing(sqlite3.connect(home / FILE)) as db, db:
        where = "" if table == "decisions" else "where subject <> 'E4'"  # what was erased is compared no more
        numbers = [row[0] for row in db.execute(f"select number from {table} {where}")]
        number = drawn.choice(numbers)
        match drawn.randrange(3):
            case 0:
                entry = json.dumps({"event": "altered", "n": drawn.random()})
                db.execute(f"update {table} set entry = ? where number = ?", (entry, number))
            case 1:
                db.execute(f"delete from {table} where number = ?", (number,))
            case _:
                db.execute(f"insert into {table} (key, subject, entry, entered_at) values ('x', 'E1', '{{}}', '2026')")
    return True


TAMPERINGS: dict[str, Callable[[Path, random.Random], bool]] = {
    "a character of a row": _alter,
    "the tail cut off": _truncate,
    "the tail cut off, others appended": _truncate_and_go_on,
    "a row cut out": _cut,
    "a row cut out, later ones renumbered": _cut_and_renumber,
    "two rows swapped": _swap,
    "a row inserted": _insert,
    "the chain made again with another key": _rehash,
    "the chain made again with the key": _rehash_with_key,
    "the key swapped": _swap_key,
    "the key swapped, the chain made again": _swap_key_and_rehash,
    "a checkpoint removed": _remove_checkpoint,
    "a checkpoint altered": _alter_checkpoint,
    "a person's key": _person_key,
    "an entry of the store": _entry,
}
