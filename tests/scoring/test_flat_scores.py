"""Scores for people to open: who it is, one fact a column, three reasons a voice, and nothing to compute."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from perfml.scoring.flat_scores import SCORED
from perfml.scoring.people.files import FACTS
from perfml.scoring.score_files import DEBT_COLUMNS
from tests.simulated import END, Simulated


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_scores_are_flat_in_files_that_people_open(company_of_500: Simulated, tmp_path: Path, ending: str) -> None:
    opened = company_of_500.open()
    path = company_of_500.home / "scores" / "attrition" / f"{END}.parquet"
    out = opened.export_scores([path], tmp_path / f"scores.{ending}", language="zh")
    if ending == "csv":
        rows: list[list[object]] = list(csv.reader(out.read_text("utf-8-sig").splitlines()))
    else:
        rows = CalamineWorkbook.from_path(out).get_sheet_by_index(0).to_python()
    voices = [f"{who}_reason_{number}" for who in ("hr", "manager", "employee") for number in (1, 2, 3)]
    assert rows[0] == ["employee_id", *FACTS, *SCORED, *DEBT_COLUMNS, *voices]
    first = dict(zip(map(str, rows[0]), rows[1], strict=True))
    stored = company_of_500.rows["attrition"][0]
    assert first["employee_id"] == stored["employee_id"]
    assert float(str(first["probability"])) == pytest.approx(stored["probability"])
    assert dt.date.fromisoformat(str(first["as_of"])) == END
    assert first["hr_reason_1"] and first["manager_reason_1"] != first["hr_reason_1"]
    assert not [cell for row in rows for cell in row if str(cell)[:2] in ("[{", "{'", '{"')]
    assert len(rows) == 1 + len(company_of_500.rows["attrition"])
