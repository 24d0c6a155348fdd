"""The project that is written, and the template: what they say, and that they are read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from perfml import cli
from perfml.api import Project
from perfml.errors import PerfmlError
from perfml.project.starter import STARTER
from perfml.terminal import mapping as screens
from tests.mapping.test_propose import PEOPLE, employees, write


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """Ratings without a direction: one question that stops, and nothing else."""
    folder = tmp_path / "导出"
    folder.mkdir()
    employees(folder)
    rows = ((p, 1 + n % 5, "2024-06-30", "2024-07-10") for n, p in enumerate(PEOPLE))
    write(folder / "绩效.csv", "工号,考核等级,周期结束,考核日期", *rows)
    return folder


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr("sys.argv", ["perfml", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


@pytest.mark.slow
def test_stops_at_the_question_it_names(
    export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "map", export, "--out", tmp_path / "p", "--yes", "--language", "zh") == 1
    printed = capsys.readouterr()
    assert "回答后才能读取 reviews：reviews.rating：数值最大是否为最好？（1 至 5）" in printed.err.replace("\n", "")
    text = (tmp_path / "p" / "sources" / "reviews.toml").read_text(encoding="utf-8")
    assert "# 待答：reviews.rating: 数值最大是否为最好？" in text
    assert '# rating = "考核等级"  # 最大为最好' in text
    edited = text.replace('# rating = "考核等级"  #', 'rating = "考核等级"  #')
    (tmp_path / "p" / "sources" / "reviews.toml").write_text(edited, encoding="utf-8")
    with Project(tmp_path / "p").open() as data:
        assert data.rows_read == {"employees": 40, "reviews": 40}


@pytest.mark.slow
def test_asks_at_a_terminal(
    export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(screens.Prompt, "ask", lambda *_, **__: "2")
    assert run(monkeypatch, "map", export, "--out", tmp_path / "p") == 0
    assert "lowest is best" in capsys.readouterr().out
    with Project(tmp_path / "p").open() as data:
        first = data.connection.execute("select rating from reviews where employee_id = 'E000'").fetchall()
    assert first == [(5.0,)]


def test_nothing_is_overwritten(export: Path, tmp_path: Path) -> None:
    project = Project(STARTER)
    proposal = project.propose(export)
    written = project.map(proposal, tmp_path / "p")
    written[0].write_text("mine", encoding="utf-8")
    with pytest.raises(PerfmlError, match="already exists; choose another folder, or overwrite it with --force"):
        project.map(proposal, tmp_path / "p")
    assert written[0].read_text(encoding="utf-8") == "mine"
    project.map(proposal, tmp_path / "p", force=True)
    assert written[0].read_text(encoding="utf-8") != "mine"


@pytest.mark.slow
def test_odd_names_survive(tmp_path: Path) -> None:
    (folder := tmp_path / 'a "quoted" folder').mkdir()
    write(folder / "员工 [2024]'s.csv", '工号,"入职\t日期"', *((p, "2021-03-01") for p in PEOPLE))
    write(
        folder / "绩效.csv", "工号,绩效等级,考核日期", *((p, "AB"[n % 2], "2024-07-10") for n, p in enumerate(PEOPLE))
    )
    project = Project(STARTER)
    project.map(project.propose(folder), tmp_path / "p")
    with Project(tmp_path / "p").open() as data:
        assert data.rows_read["employees"] == 40


def test_the_password_of_a_database_is_not_written(tmp_path: Path) -> None:
    (folder := tmp_path / "e").mkdir()
    employees(folder)
    proposal = replace(Project(STARTER).propose(folder), source="postgresql://hr:secret@db/people")
    written = Project(STARTER).map(proposal, tmp_path / "p")
    assert "secret" not in written[0].read_text(encoding="utf-8") and "hr@db" in written[0].read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_template_is_read_without_a_mapping(tmp_path: Path) -> None:
    files = Project(STARTER).template(tmp_path)
    tables = Project(STARTER).folder.definitions.tables
    assert len(files) == 1 + len(tables)
    for source in (tmp_path / "csv", tmp_path / "perfml.xlsx"):
        with Project(STARTER).open(source) as data:
            assert set(data.specs) == set(tables)
            assert all(rows == 1 for rows in data.rows_read.values())
            assert data.connection.execute("from quarantine").fetchall() == [], source
    with pytest.raises(PerfmlError, match="already exists"):
        Project(STARTER).template(tmp_path)


def test_every_column_of_the_contract_is_explained() -> None:
    for name, table in Project(STARTER).folder.definitions.tables.items():
        for column, kind in table.columns.items():
            assert kind.en and kind.zh, (name, column)
            assert kind.example is not None or not kind.required, (name, column)
