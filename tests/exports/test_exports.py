"""Exports as companies have them: `perfml map --yes`, then check, train and score, or one named question; and the share of
columns proposed right."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from perfml import cli
from perfml.api import Project
from tests.exports import held_out, unseen  # which enter their exports into HELD_OUT and UNSEEN
from tests.exports.company import END, Company
from tests.exports.makers import HELD_OUT, MAKERS, UNSEEN, Maker
from tests.exports.measuring import Count, count, source_of
from tests.simulated import FEW_ROUNDS

RIGHT = 0.9
"""Share of the columns that must be proposed right."""
RIGHT_UNSEEN = 0.85
"""The same for names that nobody looked at while choosing synonyms."""
QUICKEST = ("mark_and_zeros",)
"""Exports that are trained on in the fast tier: reviews alone, without a log."""
TRAINED = (*QUICKEST, "five_sheets", "gbk_folder", "wide_log", "merged_headers")
"""One export of each kind of folder and workbook; every export is mapped and checked."""
assert held_out and unseen


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """The exit code of a command."""
    monkeypatch.setattr(sys, "argv", ["perfml", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def total(collection: dict[str, Maker], company: Company, folder: Path) -> Count:
    """All exports of a collection, each printed."""
    added = Count()
    for name, make in collection.items():
        out = folder / name
        out.mkdir()
        counted = count(out, make(company, out))
        print(f"{name}: {counted}")
        added += counted
    print(f"all: {added.right} of {added.columns} right, {len(added.wrong)} wrong without being marked unsure")
    return added


@pytest.mark.slow
def test_columns_are_proposed_right(small: Company, tmp_path: Path) -> None:
    counted = total(MAKERS, small, tmp_path)
    assert len(MAKERS) >= 8 and counted.columns > 150
    assert counted.right >= RIGHT * counted.columns, counted
    assert counted.wrong == []


@pytest.mark.slow
def test_names_nobody_looked_at(small: Company, tmp_path: Path) -> None:
    counted = total(HELD_OUT, small, tmp_path)
    assert counted.right >= RIGHT_UNSEEN * counted.columns, counted
    assert counted.wrong == []


@pytest.mark.slow
def test_names_of_other_systems(small: Company, tmp_path: Path) -> None:
    counted = total(UNSEEN, small, tmp_path)
    assert counted.right >= RIGHT_UNSEEN * counted.columns, counted
    assert counted.wrong == []


@dataclass(frozen=True)
class Mapped:
    """What `perfml map --yes` ended in: the folder it wrote into, its exit code and what it printed."""

    project: Path
    ended: int
    out: str
    err: str


@pytest.fixture
def mapped(
    small: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], Mapped]:
    """Map an export by its name; where that ends well, its check finds every row in use."""

    def call(name: str) -> Mapped:
        (export := tmp_path / "export").mkdir()
        (MAKERS | HELD_OUT | UNSEEN)[name](small, export)
        project = tmp_path / "project"
        ended = run(monkeypatch, "map", source_of(export), "--out", project, "--yes")
        printed = capsys.readouterr()
        assert max(map(len, printed.out.splitlines())) <= 80
        if not ended:
            report = Project(project).check()
            assert report.ready and not report.problems
            assert {
                table.name: sum(f.rows for f in table.findings if not f.in_use)
                for table in report.tables
                if table.available
            }
            assert not any(finding.rows for table in report.tables for finding in table.findings if not finding.in_use)
        return Mapped(project, ended, printed.out, printed.err)

    return call


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in [*MAKERS, *HELD_OUT, *UNSEEN] if name not in TRAINED])
def test_mapped_and_checked_or_stopped_at_a_question(mapped: Callable[[str], Mapped], name: str) -> None:
    mapping = mapped(name)
    if mapping.ended:
        assert name in HELD_OUT | UNSEEN and "before this is answered" in mapping.err


@pytest.mark.parametrize(
    "name", [name if name in QUICKEST else pytest.param(name, marks=pytest.mark.slow) for name in TRAINED]
)
def test_mapped_checked_trained_and_scored(
    mapped: Callable[[str], Mapped], tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mapping = mapped(name)
    assert mapping.ended == 0
    model = mapping.project / "models" / "low_performance.toml"
    model.parent.mkdir(exist_ok=True)
    own = model.read_text(encoding="utf-8").partition("[label]")[2] if model.exists() else ""
    model.write_text(FEW_ROUNDS.replace("[label]", f"[label]{own}"), encoding="utf-8")
    options = ("--project", mapping.project, "--home", tmp_path / "home")
    assert run(monkeypatch, "train", "low_performance", "--until", END, *options) == 0
    assert run(monkeypatch, "score", "low_performance", "--out", tmp_path / "scores.csv", *options) == 0
    assert (tmp_path / "scores.csv").read_text(encoding="utf-8").count("\n") > 50
