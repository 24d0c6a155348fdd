"""Served equals known: suggestions are computed again from the policies, the refusals and the holds of then."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import pyarrow as pa
import pytest

from perfml import Project
from perfml.advice.served import ServedSample, check_served, served_files
from perfml.demo.company import simulate
from perfml.messages import render
from perfml.scoring.table_files import read_rows
from tests.sealed import seal_again

DAY = dt.date(2026, 2, 1)
POLICY = "course_match"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A company with the suggestions of two policies at one date, of which one was suggested again after a refusal."""
    base: Path = tmp_path_factory.mktemp("served")
    simulate(base / "data", employees=60, start=dt.date(2024, 10, 1), end=dt.date(2026, 3, 1), seed=3)
    (base / "project" / "models").mkdir(parents=True)
    (base / "project" / "perfml.toml").write_text('name = "served"')
    project = Project(base / "project", home=base / "home")
    courses = project.courses(base / "data", as_of=DAY)
    refused = next(row for row in courses.to_pylist() if row["status"] == "suggested")
    project.decide(refused["suggestion_id"], "refuse", by="Ana Lee", reason="She has taken it.", key="k")
    assert not project.courses(base / "data", as_of=DAY).equals(courses)
    project.targets(base / "data", as_of=DAY)
    return base


@pytest.fixture
def home(base: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(base / "home", tmp_path / "home"))


def path_of(home: Path) -> Path:
    return home / "suggestions" / POLICY / f"{DAY}.parquet"


def checked(home: Path) -> ServedSample:
    return check_served(home, seed="s", files=9, people=5)


def test_everything_served_is_the_same_again_superseded_files_too(home: Path, base: Path) -> None:
    """Definitions that change later, and what is refused later, change nothing of it."""
    Project(home=home).decide(
        read_rows(path_of(home), only=("status", "suggested"))["suggestion_id"][0].as_py(),
        "refuse",
        by="Ana Lee",
        reason="He has taken it.",
        key="later",
    )
    sample = checked(home)
    assert sample.sound, sample.to_json()
    assert sorted((check.served.name, check.served.superseded, check.people) for check in sample.checks) == [
        (POLICY, False, 5),
        (POLICY, True, 5),
        ("target_adjustment", False, 5),
    ]
    assert render(sample.text, "en").startswith("served equals known: 3 of 3 checked dates, 15 people compared")


def test_a_value_that_was_not_what_was_known_is_named(home: Path) -> None:
    rows = read_rows(path_of(home))
    at = rows.column_names.index("score")
    other = [None if value is None else value + 1e-9 for value in rows.column(at).to_pylist()]
    seal_again(path_of(home), rows.set_column(at, rows.schema.field(at), pa.array(other)))
    sample = checked(home)
    (differing,) = [check for check in sample.checks if check.verdict == "differs"]
    assert not sample.sound and differing.served.path == path_of(home)
    assert render(differing.details[0], "en").startswith("score: ")
    assert "重算结果不一致" in render(differing.text, "zh")


def test_what_cannot_be_computed_again_is_unknown_and_ends_nothing_else(home: Path) -> None:
    content = bytearray(path_of(home).read_bytes())
    content[len(content) // 2] ^= 1
    path_of(home).write_bytes(content)
    sample = checked(home)
    assert sorted(check.verdict for check in sample.checks) == ["same", "same", "unknown"]
    (unknown,) = [check for check in sample.checks if check.verdict == "unknown"]
    assert "was altered or cut; suggest again for that date" in render(unknown.details[0], "en")
    assert not sample.sound


def test_rows_that_were_set_aside_are_set_aside_again(base: Path, tmp_path: Path) -> None:
    """No metric is defined and every one must be, so that no goal counts."""
    shutil.copytree(base / "project", tmp_path / "project")
    (tmp_path / "project" / "features").mkdir()
    (tmp_path / "project" / "features" / "definitions.toml").write_text("required = true\n")
    Project(tmp_path / "project", home=tmp_path / "home").targets(base / "data", as_of=DAY)
    sample = checked(tmp_path / "home")
    assert sample.sound and sample.checks[0].rows == 0, sample.to_json()


def test_the_seed_draws_the_sample(home: Path, tmp_path: Path) -> None:
    assert len(served_files(home)) == 3
    drawn = {
        seed: [check.served for check in check_served(home, seed=seed, files=1, people=1, data=tmp_path).checks]
        for seed in "abcdefgh"
    }
    assert drawn["a"] == [
        check.served for check in check_served(home, seed="a", files=1, people=1, data=tmp_path).checks
    ]
    assert len({files[0].path for files in drawn.values()}) > 1
    empty = check_served(tmp_path / "nothing", seed="s", files=3, people=1)
    assert empty.sound and "neither scores nor suggestions" in render(empty.text, "en")


def test_all_that_is_written_is_readable_by_its_owner_alone(base: Path) -> None:
    modes = {path: path.stat().st_mode & 0o777 for path in (base / "home").rglob("*")}
    assert len(modes) > 30
    assert {path: oct(mode) for path, mode in modes.items() if mode != (0o700 if path.is_dir() else 0o600)} == {}
