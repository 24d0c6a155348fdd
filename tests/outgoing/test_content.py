"""What is in an export: nobody who is withheld, no formula, and the same bytes for the same rows."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from perfml import Project
from perfml.advice.courses.match import SCHEMA as COURSES
from perfml.advice.suggestion_files import keep_suggestions
from perfml.errors import DefinitionError, PerfmlError
from perfml.harmless import FORMULA
from perfml.messages import Message
from perfml.outgoing.content import Exported, ExportRequest, make_export
from perfml.outgoing.kinds import KINDS
from perfml.project.trust.export_spec import ExportFormat
from perfml.trust.holds.hold_log import HoldLog
from tests.outgoing.home import dispute, make_home, spec
from tests.service.company import COURSE, DAY

TODAY = dt.date(2026, 11, 1)
FORMATS: tuple[ExportFormat, ...] = ("csv", "xlsx", "parquet")


def export(home: Path, what: str = "at_risk", request: ExportRequest | None = None, **keys: object) -> Exported:
    return make_export(home, "list", spec(what, **keys), request or ExportRequest(), today=TODAY)


def rows(exported: Exported) -> list[dict[str, str]]:
    """The rows of a CSV."""
    return list(csv.DictReader(io.StringIO(exported.body.decode("utf-8-sig"))))


def people(exported: Exported) -> list[str]:
    assert exported.people == frozenset(row["employee_id"] for row in rows(exported))
    return [row["employee_id"] for row in rows(exported)]


def test_the_list_is_that_of_the_band_with_who_each_is(tmp_path: Path) -> None:
    exported = export(make_home(tmp_path))
    assert people(exported) == ["张伟", "E1", "E2"]
    first = rows(exported)[0]
    assert (first["name"], first["department"], first["rank"]) == ("Name of 张伟", "South", "1")
    assert "tenure: 40 days" in first["reasons_en"] and "司龄" in first["reasons_zh"]


def test_units_reach_and_columns_limit_it(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    assert people(export(home, units=["department:South"])) == ["张伟", "E1"]
    assert people(export(home, request=ExportRequest(units=("department:South", "location:Harbour")))) == ["张伟", "E1"]
    assert people(export(home, request=ExportRequest(units=("department:South", "location:X")))) == []
    assert people(export(home, request=ExportRequest(reach={"E2", "E3"}))) == ["E2"]
    chosen = export(home, columns=["rank", "employee_id"])
    assert list(rows(chosen)[0]) == ["rank", "employee_id"] and chosen.manifest.columns["rank"] == "int64"
    with pytest.raises(DefinitionError, match=r"'ranks' is not a column of at_risk; did you mean 'rank'"):
        export(home, columns=["ranks"])


@pytest.mark.parametrize("what", ["at_risk", "courses", "targets"])
def test_whoever_is_withheld_is_left_out_from_that_moment_on(what: str, tmp_path: Path) -> None:
    home = make_home(tmp_path)
    project = Project(home=home)
    assert "张伟" in people(export(home, what)) and "H1" not in people(export(home, what))
    project.opt_out("张伟", by="张伟", on=TODAY)
    assert "张伟" not in people(export(home, what))


def test_every_kind_of_hold_counts(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    project, log, why = Project(home=home), HoldLog(home), Message.of("as_worded", text="a gap")
    dispute(home, "E1", on=TODAY)
    assert people(export(home)) == ["张伟", "E2"]
    log.set("department:North", cause="quarantine", message=why, on=TODAY, by="Ana")
    assert people(export(home)) == ["张伟"]
    log.set("metric:new_accounts", cause="definition", message=why, on=TODAY, by="Ana")
    assert people(export(home)) == ["张伟"] and people(export(home, "targets")) == []
    stop = project.stop(by="Ana", reason="the ranks look wrong", today=TODAY)
    for each in KINDS:
        with pytest.raises(PerfmlError, match="everything is stopped"):
            export(home, each)
    project.resume(by="Ana", reason="they were right", today=TODAY)
    assert people(export(home)) == ["张伟"], stop


def test_the_export_of_holds_names_no_person(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    why = Message.of("as_worded", text="a gap")
    HoldLog(home).set("department:North", cause="quarantine", message=why, on=TODAY, by="Ana")
    HoldLog(home).set("employee:E1", cause="quarantine", message=why, on=TODAY, by="Ana")
    Project(home=home).opt_out("E2", by="E2", on=TODAY)
    dispute(home, "E3", on=TODAY)
    exported = export(home, "holds")
    assert {(row["entity"], row["cause"], row["count"]) for row in rows(exported)} == {
        ("department:North", "quarantine", ""),
        ("people", "quarantine", "1"),
        ("people", "opt_out", "1"),
        ("people", "dispute", "1"),
    }
    assert not re.search(rb"E1|E2|E3", exported.body)


def test_decisions_count_from_the_next_day_on(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    project = Project(home=home)
    project.decide("t1", "refuse", by="Ana", reason="the market is fine, as we saw", key="k1")
    project.decide("t1", "accept", by="Ana", reason="", key="k2")
    entered = dt.datetime.now(dt.UTC).date()
    assert rows(export(home, "decisions", ExportRequest(as_of=entered))) == []
    (row,) = rows(export(home, "decisions", ExportRequest(as_of=entered + dt.timedelta(days=1))))
    assert (row["employee_id"], row["verdict"], row["old_target"], row["new_target"]) == (
        "张伟",
        "accept",
        "12.0",
        "10.2",
    )


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_rows_are_the_same_bytes_under_the_same_id(form: ExportFormat, tmp_path: Path) -> None:
    home = make_home(tmp_path)
    first, again = export(home, format=form), export(home, format=form)
    assert first == again and first.manifest.bytes == len(first.body)
    others = [export(home, format=form, version=2), export(home, format=form, columns=["employee_id"])]
    others += [
        export(home, format=form, recipient={"folder": "x"}),
        export(home, format=form, units=["department:South"]),
    ]
    assert len({each.manifest.delivery_id for each in [first, *others]}) == 5


def test_the_schema_stands_in_the_file(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    marks = pq.read_schema(io.BytesIO(export(home, format="parquet", version=3).body)).metadata
    assert marks[b"perfml.schema"] == b"perfml.export.at_risk/3" and marks[b"perfml.as_of"] == str(DAY).encode()
    with zipfile.ZipFile(io.BytesIO(export(home, format="xlsx").body)) as book:
        assert "perfml.export.at_risk/1" in book.read("docProps/custom.xml").decode()


PAYLOADS = [
    "=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1+1", "\r=1+1", "＝1+1", "＋1", "－1", "＠x",
    '=HYPERLINK("http://x","y")',
    "=1\n+2", '"=1', "'=1", " =1", "{=1}", "=DDE(\"a\")", "https://example.com", "mailto:a@b", "\ufeff=1",
    "\x00=1", "1e9", "=" * 300,
]  # fmt: skip
TEXTS = st.one_of(
    st.sampled_from(PAYLOADS),
    st.builds(str.__add__, st.sampled_from([*FORMULA, " ", "\n", '"', "'", ";", ","]), st.text(max_size=20)),
    st.text(max_size=20),
).map(lambda text: text.encode("utf-8", "replace").decode())


def with_titles(home: Path, titles: list[str]) -> None:
    """Suggest a course of each title."""
    courses = [{**COURSE, "suggestion_id": f"c{n}", "title": title, "rank": n} for n, title in enumerate(titles)]
    keep_suggestions(pa.Table.from_pylist(courses, schema=COURSES), home, policy="course_match", as_of=DAY)


def assert_no_formula(csv_file: bytes, workbook: bytes, titles: list[str]) -> None:
    cells = [cell for row in csv.reader(io.StringIO(csv_file.decode("utf-8-sig"), newline="")) for cell in row]
    assert not [cell for cell in cells if cell[:1] and cell[0] in FORMULA]
    with zipfile.ZipFile(io.BytesIO(workbook)) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet and "<f " not in sheet and "<hyperlink" not in sheet
    read = CalamineWorkbook.from_filelike(io.BytesIO(workbook)).get_sheet_by_index(0).to_python()
    column = read[0].index("title")
    shown = [str(row[column]) for row in read[1:]]
    assert len(shown) == len(titles) and not [text for text in shown if text[:1] and text[0] in FORMULA]
    assert [type(row[read[0].index("hours")]) for row in read[1:]] == [float] * len(titles), "numbers stay numbers"


@pytest.mark.slow
def test_no_cell_is_a_formula(tmp_path: Path) -> None:
    home = make_home(tmp_path)

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(TEXTS, min_size=1, max_size=8))
    def holds(titles: list[str]) -> None:
        with_titles(home, titles)
        assert_no_formula(export(home, "courses").body, export(home, "courses", format="xlsx").body, titles)

    holds()


@pytest.mark.parametrize("format_of_file", ["csv", "xlsx"])
def test_libreoffice_finds_no_formula(format_of_file: ExportFormat, tmp_path: Path) -> None:
    office = shutil.which("soffice") or shutil.which("libreoffice")
    if office is None:
        pytest.skip("LibreOffice is not installed here")
    home = make_home(tmp_path / "home")
    with_titles(home, PAYLOADS)
    path = tmp_path / f"list.{format_of_file}"
    path.write_bytes(export(home, "courses", format=format_of_file).body)
    command = [
        office,
        f"-env:UserInstallation=file://{tmp_path}/office",
        "--headless",
        "--convert-to",
        "fods",
        "--outdir",
    ]
    subprocess.run([*command, str(tmp_path), str(path)], check=True, capture_output=True, timeout=120)
    assert "table:formula" not in (tmp_path / "list.fods").read_text(encoding="utf-8")
