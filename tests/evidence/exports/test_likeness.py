"""An error about an export in another shape says what its sheets look like, and the command that maps them."""

from __future__ import annotations

from pathlib import Path

import pytest

from perfml import DataError, Project
from perfml.messages import render
from perfml.project.starter import STARTER
from tests.tables import write_tables

STAFF = "工号,姓名,入职日期\n" + "".join(f"{i:05d},张{i},2020-01-{i % 28 + 1:02d}\n" for i in range(60))
LIKE = "员工 looks like employees: 工号 → employee_id, 入职日期 → hired_on, 姓名 → name"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(STARTER, home=tmp_path / "home")


def test_nothing_fits(project: Project, tmp_path: Path) -> None:
    (tmp_path / "员工.csv").write_bytes(STAFF.encode("gbk"))
    for verb in (project.open, project.check):
        with pytest.raises(DataError) as caught:
            verb(tmp_path)
        assert caught.value.remedy.startswith(LIKE)


@pytest.mark.slow
def test_one_table_fits_and_the_other_looks_like_one(project: Project, tmp_path: Path) -> None:
    write_tables(tmp_path, events="employee_id | happened_at | kind\n00001 | 2024-01-01 | login")
    (tmp_path / "员工.csv").write_bytes(STAFF.encode("gbk"))
    with pytest.raises(DataError, match="the table 'employees' is missing") as caught:
        project.open(tmp_path)
    assert caught.value.remedy == f"{LIKE}; add employees.csv or .parquet, or map an export with `perfml map`"
    assert LIKE in [render(notice, "en") for notice in project.check(tmp_path).notices]
