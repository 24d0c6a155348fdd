"""A source that is away for a moment is read again; one that is wrong is not."""

from __future__ import annotations

import time
from pathlib import Path

import duckdb
import pytest

from perfml.errors import DataError
from perfml.evidence import sources
from perfml.evidence.exports import retrying
from perfml.evidence.sources import open_data
from tests.tables import TODAY, shipped, write_tables

EMPLOYEES = "employee_id | hired_on\ne1 | 2020-01-01"
EVENTS = "employee_id | happened_at | kind\ne1 | 2021-01-01 | a"


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)


@pytest.mark.parametrize(
    ("answer", "failures", "succeeds"),
    [
        ("server closed the connection unexpectedly", 2, True),
        ("FATAL: the database system is starting up", 1, True),
        ("connection to server failed: Connection refused", 3, False),
        ("password authentication failed for user", 1, False),
    ],
)
def test_what_may_pass_is_tried_three_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, failures: int, succeeds: bool
) -> None:
    data, calls, read = write_tables(tmp_path, employees=EMPLOYEES, events=EVENTS), list[str](), sources.raw_tables

    def flaky(*arguments: object, **keys: object) -> object:
        calls.append(answer)
        if len(calls) <= failures:
            try:
                raise duckdb.IOException(answer)
            except duckdb.Error:
                raise DataError("cannot be read", where="server", remedy="check it") from None
        return read(*arguments, **keys)

    monkeypatch.setattr(sources, "raw_tables", flaky)
    if succeeds:
        assert open_data(data, shipped().tables, today=TODAY).has("events")
        assert len(calls) == failures + 1
    else:
        with pytest.raises(DataError, match="cannot be read"):
            open_data(data, shipped().tables, today=TODAY)
        assert len(calls) == (3 if "refused" in answer else 1)


def test_a_table_that_stalls_is_read_again_without_strictness_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, calls, read = write_tables(tmp_path, employees=EMPLOYEES, events=EVENTS), list[int](), sources.raw_tables

    def stalling(*arguments: object, **keys: object) -> object:
        raw, errors, notices = read(*arguments, **keys)
        calls.append(1)
        if len(calls) == 1:
            errors.append(DataError("cannot be read (Stale file handle)", where="events"))
        return raw, errors, notices

    monkeypatch.setattr(sources, "raw_tables", stalling)
    assert open_data(data, shipped().tables, today=TODAY, strict=False).problems == [] and len(calls) == 2


def test_signs_are_in_lower_case() -> None:
    assert all(sign == sign.lower() for sign in retrying.PASSING)
