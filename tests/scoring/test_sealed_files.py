"""A sealed file is what was written to its address, or it is refused; a process that is killed leaves the old one or the new."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from perfml.messages import render
from perfml.scoring import sealed_files
from perfml.scoring.sealed_files import DamagedFile, open_sealed, remedy_of, verify, write_sealed

ADDRESS = "scores/attrition/2026-09-01.parquet"
ROWS = pa.table({"employee_id": ["张伟", "e2", "e3"], "probability": [0.3, None, 0.1], "reasons": [["a"], [], None]})


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    return write_sealed([ROWS], tmp_path / "home", ADDRESS, record={"source": "export", "zh": "评分"})


def test_rows_and_record_come_back(sealed: Path) -> None:
    with open_sealed(sealed) as opened:
        assert opened.file.read().equals(ROWS)
        record = opened.record
    assert (record["source"], record["zh"], record["address"], record["rows"]) == ("export", "评分", ADDRESS, 3)
    assert pq.read_table(sealed).equals(ROWS), "other readers of Parquet read it too"


def test_any_single_bit_counts(sealed: Path) -> None:
    sound = sealed.read_bytes()
    for position in [*range(0, len(sound) - 100, 7), *range(len(sound) - 100, len(sound))]:
        flipped = bytearray(sound)
        flipped[position] ^= 1 << position % 8
        sealed.write_bytes(flipped)
        with pytest.raises(
            DamagedFile, match=r"2026-09-01\.parquet: was altered.*; score that date again: `perfml score"
        ):
            verify(sealed)
    sealed.write_bytes(sound)
    verify(sealed)


def test_any_truncation_and_any_addition_counts(sealed: Path) -> None:
    sound = sealed.read_bytes()
    for size in [*range(0, len(sound), 50), len(sound) - 1]:
        sealed.write_bytes(sound[:size])
        with pytest.raises(DamagedFile, match="was altered"):
            verify(sealed)
    for added in (b"\0", b"PAR1", sound):
        sealed.write_bytes(sound + added)
        with pytest.raises(DamagedFile, match="was altered"):
            verify(sealed)


@pytest.mark.parametrize(
    "address",
    [
        "scores/attrition/2026-10-01.parquet",
        "scores/low_performance/2026-09-01.parquet",
        "suggestions/attrition/2026-09-01.parquet",
        "scores/attrition/superseded/2026-10-01.0123456789ab.parquet",
    ],
)
def test_a_file_that_was_copied_elsewhere_is_refused(sealed: Path, tmp_path: Path, address: str) -> None:
    target = tmp_path / "home" / address
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(sealed, target)
    with pytest.raises(DamagedFile, match=f"belongs elsewhere: it was written as {ADDRESS}"):
        verify(target)


def test_a_whole_home_may_move(sealed: Path, tmp_path: Path) -> None:
    shutil.copytree(tmp_path / "home", tmp_path / "backup")
    with open_sealed(tmp_path / "backup" / ADDRESS) as moved:
        assert moved.file.read().equals(ROWS)


def test_a_file_without_a_seal_is_of_another_perfml(sealed: Path) -> None:
    pq.write_table(ROWS, sealed)
    with pytest.raises(
        DamagedFile, match="was altered, or written by another version of perfml; score that date again"
    ):
        verify(sealed)


def settle(path: Path) -> None:
    """Let the file be older than a tick of the clock."""
    before = path.stat().st_mtime - 2 * sealed_files.SETTLED_SECONDS
    os.utime(path, (before, before))


def test_a_file_is_verified_once_and_again_when_it_changes(sealed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = []
    digest = sealed_files._digest

    def counting(file, at):
        counted.append(at)
        return digest(file, at)

    monkeypatch.setattr(sealed_files, "_digest", counting)
    verify(sealed)
    verify(sealed)
    assert len(counted) == 2, "just written: another change within the same tick would not show"
    monkeypatch.setattr(sealed_files, "SETTLED_SECONDS", -1.0)
    verify(sealed)
    verify(sealed)
    verify(sealed)
    assert len(counted) == 3
    status = sealed.stat()
    content = bytearray(sealed.read_bytes())
    content[20] ^= 1
    sealed.write_bytes(content)
    os.utime(sealed, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert sealed.stat().st_size == status.st_size
    with pytest.raises(DamagedFile):
        verify(sealed)


def test_what_was_served_before_stays_where_its_rows_were_others(sealed: Path, tmp_path: Path) -> None:
    home, folder = tmp_path / "home", sealed.parent / "superseded"
    before = sealed.read_bytes()
    write_sealed([ROWS], home, ADDRESS, record={"source": "the same rows"}, keep_earlier=True)
    assert not folder.exists()
    before = sealed.read_bytes()
    for _ in range(2):
        write_sealed([ROWS.slice(1)], home, ADDRESS, keep_earlier=True)
    (earlier,) = folder.iterdir()
    assert earlier.read_bytes() == before and earlier.stat().st_mode & 0o777 == 0o600
    verify(earlier)
    sealed.write_bytes(b"damaged")
    write_sealed([ROWS], home, ADDRESS, keep_earlier=True)
    verify(sealed)
    assert list(folder.iterdir()) == [earlier]


@pytest.mark.parametrize(
    ("address", "remedy"),
    [
        ("scores/m/2026-09-01.parquet", "score that date again: `perfml score m --as-of 2026-09-01`"),
        ("scores/m/superseded/2026-09-01.0123.parquet", "score that date again: `perfml score m --as-of 2026-09-01`"),
        ("suggestions/p/2026-09-01.parquet", "with `--policy p --as-of 2026-09-01`"),
        ("people/2026-09-01.parquet", "score or suggest again for that date"),
        ("2026-09-01.parquet", "restore it from a backup"),
    ],
)
def test_the_remedy_writes_the_file_again(tmp_path: Path, address: str, remedy: str) -> None:
    assert remedy in render(remedy_of(tmp_path / address), "en")


def killed_at(step: int, publish: Callable[[], object]) -> bool:
    """Publish in a child that is killed before its call number ``step`` that changes a file; whether it was killed."""
    child = os.fork()
    if child == 0:
        calls = iter(range(step))

        def counted(call):
            def run(*args, **kwargs):
                if next(calls, None) is None:
                    os.kill(os.getpid(), 9)
                return call(*args, **kwargs)

            return run

        for owner, name in (
            (os, "fsync"),
            (os, "link"),
            (os, "unlink"),
            (Path, "replace"),
            (Path, "chmod"),
            (Path, "open"),
        ):
            setattr(owner, name, counted(getattr(owner, name)))
        try:
            publish()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


@pytest.mark.slow
def test_a_publisher_killed_at_any_step_leaves_the_old_file_or_the_new_one(sealed: Path, tmp_path: Path) -> None:
    home, old = tmp_path / "home", sealed.read_bytes()
    new = write_sealed([ROWS.slice(1)], tmp_path / "other", ADDRESS).read_bytes()
    step, outcomes = 0, []
    while killed_at(step, lambda: write_sealed([ROWS.slice(1)], home, ADDRESS, keep_earlier=True)):
        verify(sealed)
        outcomes.append(sealed.read_bytes() == new)
        assert sealed.read_bytes() in (old, new)
        shutil.rmtree(home)
        sealed.parent.mkdir(parents=True)
        sealed.write_bytes(old)
        step += 1
    assert sealed.read_bytes() == new
    assert step > 10 and set(outcomes) == {False, True}
