"""What was computed remembers the mapping it was read with."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from perfml import Project
from perfml.errors import DataError
from perfml.evidence.fingerprint import definitions_hash, fingerprint, keep_definitions, kept_definitions
from perfml.evidence.sources import open_data
from perfml.project.folder import ProjectFolder
from tests.tables import TODAY

STAFF = 'file = "staff.csv"\n[columns]\nemployee_id = "工号"\nhired_on = { column = "入职", format = "%d/%m/%Y" }\n'
LOG = """
file = "log.csv"
columns.employee_id = "工号"
columns.happened_at = "日"
columns.kind = { column = "类", values = { "登录" = "login", "会" = "meeting" } }
"""


@pytest.fixture
def export(tmp_path: Path) -> Path:
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "staff.csv").write_bytes("工号;入职\n001;31/01/2020\n002;01/02/2020\n".encode("gb18030"))
    (folder / "log.csv").write_bytes("工号;日;类\n001;2024-01-05;登录\n002;2024-01-06;会\n".encode("gb18030"))
    return folder


def project(folder: Path, **sources: str) -> ProjectFolder:
    (folder / "sources").mkdir(parents=True, exist_ok=True)
    (folder / "perfml.toml").write_text('name = "mine"\n', encoding="utf-8")
    for name, text in {"employees": STAFF, "events": LOG, **sources}.items():
        (folder / "sources" / f"{name}.toml").write_text(text, encoding="utf-8")
    return ProjectFolder(folder)


@pytest.mark.slow
def test_every_verb_reads_through_the_mapping(export: Path, tmp_path: Path) -> None:
    mine = Project(project(tmp_path / "mine").root)
    features = mine.features(export, as_of=[dt.date(2024, 2, 1)])
    assert list(features["employee_id"]) == ["001", "002"]
    assert list(features["login_count_91d"].fillna(0)) == [1, 0]
    assert mine.check(export).problems == ()


@pytest.mark.slow
def test_kept_definitions_hold_the_mapping(export: Path, tmp_path: Path) -> None:
    folder = project(tmp_path / "mine")
    folder_of_run = kept_definitions(tmp_path, keep_definitions(folder, tmp_path))
    assert folder_of_run.sources == folder.sources != {}
    with open_data(export, folder_of_run.definitions.tables, mappings=folder_of_run.sources, today=TODAY) as data:
        assert data.rows_read == {"employees": 2, "events": 2}


@pytest.mark.slow
def test_another_mapping_is_another_definition_and_shows_in_the_data(export: Path, tmp_path: Path) -> None:
    before = project(tmp_path / "before")
    after = project(tmp_path / "after", events=LOG.replace('"meeting"', '"training"'))
    assert definitions_hash(before, "attrition") != definitions_hash(after, "attrition")
    prints = []
    for folder in (before, after):
        with open_data(export, folder.definitions.tables, mappings=folder.sources, today=TODAY) as data:
            prints.append(fingerprint(data, until=TODAY))
    assert prints[0] != prints[1]


def test_a_mapped_table_is_not_read_under_its_own_name(export: Path, tmp_path: Path) -> None:
    (export / "events.csv").write_text("employee_id,happened_at,kind\n001,2024-01-07,other\n", encoding="utf-8")
    folder = project(tmp_path / "mine")
    with open_data(export, folder.definitions.tables, mappings=folder.sources, today=TODAY) as data:
        assert data.connection.execute("select count(*) from events where kind = 'other'").fetchall() == [(0,)]
        assert [notice.code for notice in data.notices] == ["own_name_not_read"]


def test_the_first_problem_stops_what_needs_the_table(export: Path, tmp_path: Path) -> None:
    folder = project(tmp_path / "mine", employees=STAFF.replace("入职", "入职日"))
    with pytest.raises(
        DataError, match=r"sources/employees.toml of staff.csv: column '入职日' \(did you mean '入职'\?\)"
    ):
        open_data(export, folder.definitions.tables, mappings=folder.sources, today=TODAY)
