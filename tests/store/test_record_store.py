"""The store on SQLite and on PostgreSQL: entries stored once, in order, never lost, never taken for a new one."""

from __future__ import annotations

import json
import sqlite3
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sql
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from perfml.errors import PerfmlError
from perfml.store import migrations
from perfml.store.opening import FILE, MARKER, URL_VARIABLE, StoreError, session
from perfml.store.record_store import KeyTaken, NewEntry, RecordStore
from perfml.store.tables import (
    ALERTS,
    AUDIT,
    CREDENTIALS,
    DECISIONS,
    EXPORTS,
    GRANTS,
    HEAD,
    HOLDS,
    METADATA,
    PERSON_KEYS,
    PROMOTIONS,
)
from tests.postgresql import new_database, postgresql_server


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql_server() as address:
        yield address


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RecordStore:
    if request.param == "postgresql":
        monkeypatch.setenv(URL_VARIABLE, new_database(request.getfixturevalue("server")))
    return RecordStore(tmp_path / "home")


def entry(key: str, subject: str = "s", **fields: str) -> NewEntry:
    return NewEntry(key=key, subject=subject, entry=dict(fields))


def test_entries_are_read_in_order_and_by_subject(store: RecordStore) -> None:
    store.add(HOLDS, [entry("2", "b", why="later"), entry("1", "a", why="更早")])
    store.add(HOLDS, [entry("3", "b")])
    assert [each.key for each in store.read(HOLDS)] == ["2", "1", "3"]
    assert [each.entry for each in store.read(HOLDS, subjects={"a"})] == [{"why": "更早"}]
    assert store.read(DECISIONS) == []


def test_the_same_entry_is_stored_once_and_another_is_refused(store: RecordStore) -> None:
    first = store.add(HOLDS, [entry("k", why="x")])
    assert store.add(HOLDS, [entry("k", why="x")]) == first
    with pytest.raises(KeyTaken, match="another entry"):
        store.add(HOLDS, [entry("new"), entry("k", why="y")])
    assert [each.key for each in store.read(HOLDS)] == ["k"]  # all or none


@pytest.mark.slow
def test_writers_at_once_lose_nothing(store: RecordStore) -> None:
    def write(writer: int) -> None:
        for n in range(10):
            RecordStore(store.home).add(HOLDS, [entry(f"{writer}/{n}"), entry(f"both/{n}")])

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stored = store.read(HOLDS)
    assert len(stored) == 70
    assert [each.number for each in stored] == sorted(each.number for each in stored)
    for writer in range(6):
        assert [each.key for each in stored if each.key.startswith(f"{writer}/")] == [
            f"{writer}/{n}" for n in range(10)
        ]


def test_an_older_store_is_migrated_and_keeps_its_entries(store: RecordStore) -> None:
    stored = store.add(HOLDS, [entry("k", why="x")])
    with session(store.home, writing=True) as connection:
        for table in (ALERTS, AUDIT, PERSON_KEYS, GRANTS, CREDENTIALS, EXPORTS, PROMOTIONS):
            connection.execute(sql.schema.DropTable(table))
        connection.execute(sql.text("update alembic_version set version_num = '0001'"))
    assert store.read(HOLDS) == stored
    with session(store.home, writing=True) as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
        assert connection.execute(sql.text("select version_num from alembic_version")).scalar() == HEAD


def test_a_store_of_a_newer_perfml_is_refused(store: RecordStore) -> None:
    store.add(HOLDS, [entry("k")])
    with session(store.home, writing=True) as connection:
        connection.execute(sql.text("update alembic_version set version_num = '9999'"))
    with pytest.raises(StoreError, match="newer perfml"):
        store.read(HOLDS)


def test_migrations_make_what_the_tables_say(store: RecordStore) -> None:
    store.add(HOLDS, [entry("k")])
    with session(store.home, writing=True) as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


@pytest.mark.parametrize("damage", ["missing", "empty", "another", "cut"])
def test_a_store_that_is_gone_is_not_taken_for_a_new_one(tmp_path: Path, damage: str) -> None:
    home = tmp_path / "home"
    RecordStore(home).add(HOLDS, [entry("k")])
    file = home / FILE
    for rest in home.glob(f"{FILE}-*"):
        rest.unlink()
    if damage == "missing":
        file.unlink()
    elif damage == "another":
        RecordStore(tmp_path / "other").add(HOLDS, [entry("k")])
        file.write_bytes((tmp_path / "other" / FILE).read_bytes())
    else:
        file.write_bytes(file.read_bytes()[: 0 if damage == "empty" else 5000])
    for _ in range(2):  # nor at the second time
        with pytest.raises(StoreError, match=r"store\.sqlite.*restore it from a backup"):
            RecordStore(home).read(HOLDS)
        with pytest.raises(StoreError):
            RecordStore(home).add(HOLDS, [entry("other")])


def test_a_damaged_marker_and_another_address_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    RecordStore(tmp_path).add(HOLDS, [entry("k")])
    monkeypatch.setenv(URL_VARIABLE, "postgresql://me:secret@nowhere/people")
    with pytest.raises(StoreError, match=f"unset {URL_VARIABLE}") as refused:
        RecordStore(tmp_path).read(HOLDS)
    assert "secret" not in str(refused.value)
    monkeypatch.delenv(URL_VARIABLE)
    (tmp_path / MARKER).write_text("{")
    with pytest.raises(StoreError, match=MARKER):
        RecordStore(tmp_path).read(HOLDS)


def test_a_maker_killed_before_the_marker_leaves_a_store_that_is_adopted(tmp_path: Path) -> None:
    RecordStore(tmp_path).add(HOLDS, [entry("k")])
    (tmp_path / MARKER).unlink()
    assert [each.key for each in RecordStore(tmp_path).read(HOLDS)] == ["k"]
    assert (tmp_path / MARKER).is_file()


def test_files_are_the_owners_alone(tmp_path: Path) -> None:
    home = tmp_path / "a" / "home"
    RecordStore(home).add(HOLDS, [entry("k")])
    with session(home, writing=True):
        rights = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (home, home.parent, *home.iterdir())}
    assert set(rights.values()) == {0o700, 0o600} and rights["home"] == rights["a"] == 0o700


def legacy_file(path: Path, *, decisions: int) -> None:
    with sqlite3.connect(path) as legacy:
        for name, subject in (("decisions", "suggestion_id"), ("interventions", "employee_id")):
            legacy.execute(
                f"create table {name} (number integer primary key, key text, said text, entered_at text, {subject} text)"
            )
        for n in range(decisions):
            text = json.dumps({"suggestion_id": f"s{n}", "verdict": "accept", "decided_by": "李", "reason": ""})
            legacy.execute(
                "insert into decisions (key, said, entered_at, suggestion_id) values (?, ?, ?, ?)",
                (f"k{n}", text, f"2026-01-0{n + 1}T00:00:00+00:00", f"s{n}"),
            )
    legacy.close()


def test_entries_of_an_earlier_perfml_are_imported_once(store: RecordStore) -> None:
    store.home.mkdir()
    legacy_file(store.home / "memory.sqlite", decisions=3)
    imported = store.read(DECISIONS)
    assert [(each.key, each.subject, each.entered_at[:10]) for each in imported] == [
        (f"k{n}", f"s{n}", f"2026-01-0{n + 1}") for n in range(3)
    ]
    assert imported[1].entry["decided_by"] == "李"
    assert not (store.home / "memory.sqlite").exists() and (store.home / "memory.sqlite.imported").is_file()
    legacy_file(store.home / "memory.sqlite", decisions=4)  # an earlier perfml went on beside
    assert [each.key for each in store.read(DECISIONS)] == ["k0", "k1", "k2", "k3"]


@pytest.mark.slow
def test_a_damaged_file_of_an_earlier_perfml_is_named_and_stays(tmp_path: Path) -> None:
    (tmp_path / "memory.sqlite").write_bytes(b"no database")
    with pytest.raises(PerfmlError, match=r"memory\.sqlite"):
        RecordStore(tmp_path).read(DECISIONS)
    assert (tmp_path / "memory.sqlite").read_bytes() == b"no database"
