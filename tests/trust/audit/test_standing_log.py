"""What a standing connection knows of the log is no longer relied on when somebody else has committed, or when it failed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sql

from perfml.errors import PerfmlError
from perfml.store.audit.chain import StandingLog, rows, seen
from perfml.store.audit.secret import KEY_FILE
from perfml.store.record_store import RecordStore
from perfml.store.standing import StandingStore
from perfml.store.tables import AUDIT
from perfml.trust.audit.history import erase_person, history_of
from perfml.trust.audit.seeing import record_readings, record_seen
from perfml.trust.audit.verifying import verify

Show = Callable[..., None]


@pytest.fixture
def show(tmp_path: Path) -> Show:
    """Record on one connection that it was shown about people."""
    store, known = StandingStore(tmp_path), StandingLog()
    return lambda *people: record_readings(tmp_path, [seen("x", people)], store.transaction, known=known)


def pseudonyms_of_rows(home: Path) -> list[list[str]]:
    with RecordStore(home).transaction() as connection:
        return [row.pseudonyms for row in rows(connection) if row.action == "see x"]


def test_rows_are_those_of_a_log_that_knows_nothing(tmp_path: Path, show: Show) -> None:
    show("E1", "E2")
    record_seen(tmp_path, "x", ["E2", "E3"])
    show("E3", "E1")
    show("E3", "E2")
    assert verify(tmp_path).whole
    first, second, third, fourth = map(set, pseudonyms_of_rows(tmp_path))
    assert len(first | second) == 3 and third == (first ^ second) and fourth == second
    assert len(history_of(tmp_path, "E2")) == 3


def test_whoever_was_erased_gets_another_pseudonym(tmp_path: Path, show: Show) -> None:
    show("E1")
    show("E1")
    erase_person(tmp_path, "E1", by="Li", reason="the person asked for it in writing")
    show("E1")
    before, same, after = pseudonyms_of_rows(tmp_path)
    assert before == same != after
    assert [event.action for event in history_of(tmp_path, "E1")] == ["see x"] and verify(tmp_path).whole


def test_what_could_not_be_stored_is_not_known(tmp_path: Path, show: Show) -> None:
    show("E1")
    key = (tmp_path / KEY_FILE).read_text()
    (tmp_path / KEY_FILE).write_text("0" * 64)
    with pytest.raises(PerfmlError):
        show("E2")
    (tmp_path / KEY_FILE).write_text(key)
    show("E2")
    assert verify(tmp_path).whole and len(history_of(tmp_path, "E2")) == 1


def test_a_row_that_somebody_altered_in_between_is_noticed(tmp_path: Path, show: Show) -> None:
    show("E1")
    show("E1")
    with RecordStore(tmp_path).transaction() as connection:
        newest = connection.execute(sql.select(sql.func.max(AUDIT.c.number))).scalar()
        connection.execute(AUDIT.update().where(AUDIT.c.number == newest).values(action="see nothing"))
    with pytest.raises(PerfmlError):
        show("E1")
