"""A value is kept as long as nothing it was computed from has changed."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest

from perfml import home_reads
from perfml.home_reads import Memo, note_file, note_table, note_until, noting


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files count although they are new."""
    monkeypatch.setattr(home_reads, "SETTLED_SECONDS", 0.0)


class Reader:
    """Reads a file through a memo, and counts."""

    def __init__(self, path: Path, most: int = 10) -> None:
        self.path, self.memo, self.times = path, Memo[str](most), 0

    def read(self) -> str:
        self.times += 1
        note_file(self.path)
        return self.path.read_text() if self.path.exists() else "nothing"

    def value(self) -> str:
        return self.memo.of(self.path, self.read)


def test_a_file_is_read_again_when_it_is_another(tmp_path: Path) -> None:
    reader = Reader(tmp_path / "a")
    assert [reader.value(), reader.value()] == ["nothing", "nothing"] and reader.times == 1
    reader.path.write_text("one")
    assert [reader.value(), reader.value()] == ["one", "one"] and reader.times == 2
    status = reader.path.stat()
    reader.path.write_text("two")  # of the same length, and with the time of before
    os.utime(reader.path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert reader.value() == "two"
    other = tmp_path / "b"
    other.write_text("six")
    other.replace(reader.path)
    assert reader.value() == "six"
    reader.path.unlink()
    assert reader.value() == "nothing"


def test_a_folder_is_listed_again_when_a_file_appears(tmp_path: Path) -> None:
    memo = Memo[list[str]](10)

    def names() -> list[str]:
        note_file(tmp_path)
        return sorted(path.name for path in tmp_path.iterdir())

    assert memo.of("names", names) == []
    (tmp_path / "a").touch()
    assert memo.of("names", names) == ["a"]


def test_a_new_file_is_not_relied_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home_reads, "SETTLED_SECONDS", 60.0)
    reader = Reader(tmp_path / "a")
    reader.path.write_text("one")
    assert [reader.value(), reader.value()] == ["one", "one"] and reader.times == 2


def test_what_is_kept_within_is_noted_without(tmp_path: Path) -> None:
    reader, outer = Reader(tmp_path / "a"), Memo[str](10)
    assert outer.of("upper", lambda: reader.value().upper()) == "NOTHING"
    reader.value()  # kept by now
    assert outer.of("again", lambda: reader.value().upper()) == "NOTHING"
    reader.path.write_text("one")
    assert outer.of("upper", lambda: reader.value().upper()) == "ONE"
    assert outer.of("again", lambda: reader.value().upper()) == "ONE"


def test_tables_are_compared_by_their_versions() -> None:
    memo = Memo[str](10)
    with noting() as reads:
        note_table("holds")
    memo.put("k", "v", reads=reads)
    assert memo.get("k") is None, "nobody knows of which entries it is"
    memo.put("k", "v", reads=reads, versions={"holds": (3, 3), "notices": (1, 1)})
    assert memo.get("k", {"holds": (3, 3), "notices": (2, 2)}) == "v"
    assert memo.get("k", {"holds": (4, 4), "notices": (2, 2)}) is None
    assert memo.get("k", {"holds": (3, 3), "notices": (1, 1)}) is None, "it was forgotten"


def test_the_least_used_are_forgotten(tmp_path: Path) -> None:
    memo = Memo[int](3)
    for number in range(3):
        memo.of(number, partial(int, number))
    assert memo.get(0) == 0
    memo.of(3, lambda: 3)
    assert [memo.get(number) for number in range(4)] == [0, None, 2, 3]
    memo.of("heavy", lambda: 4, weight=lambda _: 4)
    assert memo.get("heavy") is None and memo.get(3) == 3


def test_what_the_clock_changes_is_kept_until_then(monkeypatch: pytest.MonkeyPatch) -> None:
    now, inner, outer = [100.0], Memo[float](10), Memo[float](10)
    monkeypatch.setattr("perfml.home_reads.time.time", lambda: now[0])

    def minute() -> float:
        begun = now[0] // 60
        note_until((begun + 1) * 60)
        return begun

    def value() -> float:
        return outer.of("twice", lambda: 2 * inner.of("minute", minute))

    assert [value(), value()] == [2.0, 2.0]
    now[0] = 119.0
    assert value() == 2.0
    now[0] = 120.0
    assert value() == 4.0
