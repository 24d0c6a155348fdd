"""What is proposed for exports that leave something open, and what is never proposed."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfml.api import Project
from perfml.errors import DataError
from perfml.evidence.exports.date_formats import date_formats
from perfml.mapping.candidates import SURE
from perfml.mapping.dates import period_of
from perfml.mapping.naming.fitting import Ending, fit
from perfml.mapping.proposal import ColumnProposal, MappingProposal
from perfml.mapping.propose import propose
from perfml.mapping.sheets import header_of
from perfml.mapping.units import units_of
from perfml.mapping.values import exit_kinds, levels, rating_scale
from perfml.project.folder import ProjectFolder
from perfml.project.starter import STARTER

TABLES = ProjectFolder(STARTER).definitions.tables
PEOPLE = [f"E{number:03d}" for number in range(40)]


def write(path: Path, header: str, *rows: object, encoding: str = "utf-8") -> None:
    """A CSV file of rows that are tuples."""
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header.split(","))
        writer.writerows(rows)


def employees(folder: Path) -> None:
    write(folder / "员工.csv", "工号,入职日期", *((person, "2021-03-01") for person in PEOPLE))


def column(proposal: MappingProposal, table: str, target: str) -> ColumnProposal:
    """The only proposal for a column."""
    (match,) = (c for t in proposal.tables if t.table == table for c in t.columns if c.target == target)
    return match


def test_bare_numbers_ask_for_the_direction(tmp_path: Path) -> None:
    employees(tmp_path)
    write(
        tmp_path / "绩效.csv",
        "工号,考核等级,周期结束,考核日期",
        *((p, 1 + n % 5, "2024-06-30", "2024-07-10") for n, p in enumerate(PEOPLE)),
    )
    rating = column(propose(tmp_path, TABLES), "reviews", "rating")
    assert rating.standing == "asked" and rating.reason.code == "mapping_rating_direction"
    _, lowest = rating.choices
    assert lowest.mapping is not None and lowest.mapping.values == {str(n): 6 - n for n in range(1, 6)}


def test_day_and_month_are_asked_unless_another_column_decides(tmp_path: Path) -> None:
    write(tmp_path / "employees.csv", "Employee ID,Hire Date", *((p, "03/04/2021") for p in PEOPLE))
    hired = column(propose(tmp_path, TABLES), "employees", "hired_on")
    assert hired.standing == "asked" and [c.mapping.format for c in hired.choices if c.mapping] == [
        "%d/%m/%Y",
        "%m/%d/%Y",
    ]
    write(
        tmp_path / "leavers.csv",
        "Employee ID,Leaving Date,Leaving Reason",
        *((p, "25/04/2022", "Resigned") for p in PEOPLE[:9]),
    )
    assert column(propose(tmp_path, TABLES), "employees", "hired_on").mapping.format == "%d/%m/%Y"


def test_unknown_causes_of_leaving_are_asked(tmp_path: Path) -> None:
    employees(tmp_path)
    write(
        tmp_path / "离职.csv",
        "工号,离职日期,离职类型",
        *((p, "2024-05-01", "AB"[n % 2]) for n, p in enumerate(PEOPLE[:9])),
    )
    kind = column(propose(tmp_path, TABLES), "exits", "kind")
    assert kind.standing == "asked"
    assert [choice.mapping.values["A"] for choice in kind.choices if choice.mapping] == [
        "voluntary",
        "involuntary",
        "other",
    ]


def test_a_name_that_is_no_id_is_not_a_manager_surely(tmp_path: Path) -> None:
    write(
        tmp_path / "花名册.csv",
        "工号,入职日期,部门,直属上级",
        *((p, "2021-03-01", "销售", "王芳") for p in PEOPLE),
    )
    write(
        tmp_path / "绩效.csv", "工号,绩效等级,考核日期", *((p, "AB"[n % 2], "2024-07-10") for n, p in enumerate(PEOPLE))
    )
    assert column(propose(tmp_path, TABLES), "positions", "manager_id").standing == "asked"


def test_posts_of_a_roster_are_never_used_for_the_past(tmp_path: Path) -> None:
    write(tmp_path / "花名册.csv", "工号,入职日期,部门", *((p, "2021-03-01", "销售") for p in PEOPLE))
    write(
        tmp_path / "绩效.csv", "工号,绩效等级,考核日期", *((p, "AB"[n % 2], "2024-07-10") for n, p in enumerate(PEOPLE))
    )
    known = column(propose(tmp_path, TABLES), "positions", "known_at")
    assert known.mapping.constant == "2024-07-10" and known.standing == "assumed"


def test_the_names_of_the_contract_mean_themselves(tmp_path: Path) -> None:
    write(tmp_path / "employees.csv", "employee_id,hired_on", *((p, "2021-03-01") for p in PEOPLE))
    header = "employee_id,happened_at,kind,counterpart_id,known_at"
    rows = [(p, "2024-01-02 10:00:00", "praise", f"outsider {p}", "2024-01-03 08:00:00") for p in PEOPLE]
    write(tmp_path / "events.csv", header, *rows)
    events = {c.target: c for t in propose(tmp_path, TABLES).tables if t.table == "events" for c in t.columns}
    assert {target: c.mapping.column for target, c in events.items()} == {name: name for name in header.split(",")}
    assert all(c.standing == "sure" for c in events.values())


def test_files_that_differ_in_a_number_are_one(tmp_path: Path) -> None:
    employees(tmp_path)
    header = "工号,绩效等级,考核日期"
    for year in (2023, 2024):
        write(tmp_path / f"绩效{year}.csv", header, *((p, "AB"[n % 2], f"{year}-07-10") for n, p in enumerate(PEOPLE)))
    files = [t.sheet.file for t in propose(tmp_path, TABLES).tables if t.table == "reviews"]
    assert files == ["绩效*.csv"]
    write(tmp_path / "绩效说明.csv", "说明,内容", ("等级", "A 最好"))
    files = [t.sheet.file for t in propose(tmp_path, TABLES).tables if t.table == "reviews"]
    assert files == ["绩效2023.csv", "绩效2024.csv"]


def test_tables_of_a_database_stay_apart(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "hr.duckdb")) as connection:
        for name in ("员工", "备份"):
            connection.execute(
                f"create table {name} as select 'E' || n as 工号, date '2021-03-01' as 入职日期 from range(9) t(n)"
            )
    proposal = propose(tmp_path / "hr.duckdb", TABLES)
    assert 'select * from "员工"' in [table.sheet.query for table in proposal.tables]
    assert len(proposal.tables) + len(proposal.unused) == 2


def test_private_columns_are_never_read(tmp_path: Path) -> None:
    write(
        tmp_path / "花名册.csv",
        "工号,入职日期,手机号码,身份证号,基本工资,Home Address",
        *((p, "2021-03-01", "13800000000", "1", "9000", "x") for p in PEOPLE),
    )
    (table,) = propose(tmp_path, TABLES).tables
    assert table.reads == {"工号", "入职日期"}


def test_ids_that_lost_their_zeros_are_padded(tmp_path: Path) -> None:
    write(tmp_path / "员工.csv", "工号,入职日期", *((f"{n:06d}", "2021-03-01") for n in range(1, 40)))
    write(tmp_path / "绩效.csv", "工号,绩效等级,考核日期", *((n, "AB"[n % 2], "2024-07-10") for n in range(1, 40)))
    assert column(propose(tmp_path, TABLES), "reviews", "employee_id").mapping.width == 6


def test_an_id_without_a_name_is_recognised_by_its_values(tmp_path: Path) -> None:
    employees(tmp_path)
    write(
        tmp_path / "绩效.csv", "甲,绩效等级,考核日期", *((p, "AB"[n % 2], "2024-07-10") for n, p in enumerate(PEOPLE))
    )
    person = column(propose(tmp_path, TABLES), "reviews", "employee_id")
    assert person.reason.code == "mapping_by_joins" and person.mapping.column == "甲"


def test_a_date_of_the_review_that_is_missing_is_assumed_late(tmp_path: Path) -> None:
    employees(tmp_path)
    write(
        tmp_path / "绩效.csv",
        "工号,考核周期,绩效等级",
        *((p, "2024年上半年", "AB"[n % 2]) for n, p in enumerate(PEOPLE)),
    )
    reviewed = column(propose(tmp_path, TABLES), "reviews", "reviewed_on")
    assert reviewed.standing == "assumed" and reviewed.mapping.values == {"2024年上半年": "2024-08-29"}


@pytest.mark.slow
def test_the_answer_is_used(tmp_path: Path) -> None:
    test_unknown_causes_of_leaving_are_asked(tmp_path)
    write(
        tmp_path / "绩效.csv", "工号,绩效等级,考核日期", *((p, "AB"[n % 2], "2024-07-10") for n, p in enumerate(PEOPLE))
    )
    project = Project(STARTER)
    proposal = project.propose(tmp_path)
    (question,) = (q for q in proposal.questions() if q.column.standing == "asked")
    assert question.required
    answer = question.column.choices[1].mapping
    project.map(proposal.answered({(question.table, question.column.target): answer}), tmp_path / "project")
    with Project(tmp_path / "project").open() as data:
        assert data.connection.execute("select distinct kind from exits").fetchall() == [("involuntary",)]


@pytest.mark.slow
def test_units_in_the_cells_are_proposed(tmp_path: Path) -> None:
    employees(tmp_path)
    rows = [(p, "2024-03", f"{n}小时" if n % 2 else f"{n * 30}分钟", f"{n} 次") for n, p in enumerate(PEOPLE, 1)]
    write(tmp_path / "考勤月报.csv", "工号,月份,加班时长,登录次数", *rows)
    value = column(propose(tmp_path, TABLES), "events", "value")
    assert value.standing == "sure" and value.mapping.units == {"小时": 1, "分钟": 1 / 60, "次": 1}
    project = Project(STARTER)
    project.map(project.propose(tmp_path), tmp_path / "project")
    with Project(tmp_path / "project").open() as data:
        first = data.connection.execute("select kind, value from events where employee_id = 'E001' order by kind")
        assert first.fetchall() == [("login", 2.0), ("overtime", 1.0)]


@pytest.mark.parametrize(
    ("values", "units"),
    [
        (["85%", "90%"], {"%": 1}),
        (["12小时", "0"], {"小时": 1}),
        (["3.5 h", "4 h", "7"], {"h": 1}),
        (["90 min", "2"], {}),
        (["3 h", "85%"], {}),
        (["2天"], {}),
        (["销售1部", "P5"], {}),
        (["12", "13"], {}),
    ],
)
def test_units(values: list[str], units: dict[str, float]) -> None:
    assert units_of(values) == units


def test_scores_with_a_unit_are_a_scale(tmp_path: Path) -> None:
    employees(tmp_path)
    rows = [(p, f"{60 + n}分", "2024-07-10") for n, p in enumerate(PEOPLE)]
    write(tmp_path / "绩效.csv", "工号,绩效得分,考核日期", *rows)
    proposal = propose(tmp_path, TABLES)
    assert column(proposal, "reviews", "rating").mapping.units == {"分": 1}
    assert [table.scale for table in proposal.tables if table.table == "reviews"] == [(0, 100)]


def test_groups_of_rows_saved_as_text_are_filled_and_to_be_confirmed(tmp_path: Path) -> None:
    employees(tmp_path)
    rows = [(p if half == 1 else "", "AB"[half - 1], f"2024-0{half * 4}-10") for p in PEOPLE for half in (1, 2)]
    write(tmp_path / "绩效.csv", "工号,绩效等级,考核日期", *rows)
    proposal = propose(tmp_path, TABLES)
    person = column(proposal, "reviews", "employee_id")
    assert (person.standing, person.reason.code) == ("assumed", "mapping_filled_down")
    project = Project(STARTER)
    project.map(proposal, tmp_path / "project")
    assert 'fill_down = ["工号"]' in (tmp_path / "project" / "sources" / "reviews.toml").read_text(encoding="utf-8")
    with Project(tmp_path / "project").open() as data:
        assert data.connection.execute("select count(*), count(distinct employee_id) from reviews").fetchall() == [
            (80, 40)
        ]


def test_ids_of_goals_and_courses_join_their_tables(tmp_path: Path) -> None:
    employees(tmp_path)
    goals = [
        (f"G{n:04d}", p, "销售额", "是", 100, 50, "2024-01-01", "2024-06-30", "2024-01-01")
        for n, p in enumerate(PEOPLE)
    ]
    write(tmp_path / "目标.csv", "目标编号,工号,指标,是否核心,权重,目标值,开始日期,结束日期,生效日期", *goals)
    write(tmp_path / "完成情况.csv", "关联项,填报日期,实际值", *((goal[0], "2024-03-31", 20) for goal in goals))
    joined = column(propose(tmp_path, TABLES), "progress", "goal_id")
    assert joined.mapping.column == "关联项" and joined.reason.code == "mapping_by_joins"


def test_another_person_of_a_row_is_recognised_by_its_ids(tmp_path: Path) -> None:
    employees(tmp_path)
    header = "工号,绩效等级,考核日期,甲"
    rows = [(p, "AB"[n % 2], "2024-07-10", PEOPLE[n // 8]) for n, p in enumerate(PEOPLE)]
    write(tmp_path / "绩效.csv", header, *rows)
    assert column(propose(tmp_path, TABLES), "reviews", "reviewer_id").mapping.column == "甲"
    of_an_office = [(*row[:3], PEOPLE[0] if n else PEOPLE[1]) for n, row in enumerate(rows * 2)]
    write(tmp_path / "绩效.csv", header, *of_an_office)
    (reviews,) = (table for table in propose(tmp_path, TABLES).tables if table.table == "reviews")
    assert "甲" not in reviews.reads


def test_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds nothing to read; expected \.csv, \.xlsx or \.parquet files"):
        propose(tmp_path, TABLES)
    with pytest.raises(DataError, match="is not there"):
        propose(tmp_path / "absent", TABLES)


def test_a_damaged_file_does_not_hide_the_others(tmp_path: Path) -> None:
    employees(tmp_path)
    (tmp_path / "绩效.xlsx").write_bytes(b"PK\x03\x04 no workbook")
    (tmp_path / "leer.parquet").write_bytes(b"PAR1")
    (tmp_path / "empty.csv").write_bytes(b"")
    proposal = propose(tmp_path, TABLES)
    assert [table.table for table in proposal.tables] == ["employees"]
    assert sorted(Path(problem.where).name for problem in proposal.problems) == ["leer.parquet", "绩效.xlsx"]


@pytest.mark.parametrize(
    ("rows", "header"),
    [
        ([["工号", "姓名"], ["1", "李娜"]], (1, 1)),
        ([["花名册", None], ["工号", "姓名"], ["1", "李娜"]], (2, 1)),
        ([[None, None], ["制表:2024-01-01", None], ["工号", "姓名"], ["1", "李娜"]], (3, 1)),
        ([["工号", "绩效", "绩效"], ["工号", "2023年得分", "2024年得分"], ["1", "5", "4"]], (1, 2)),
    ],
)
def test_header(rows: list[list[str | None]], header: tuple[int, int]) -> None:
    assert header_of(rows) == header


@pytest.mark.slow
@given(
    st.dates(dt.date(1950, 1, 13), dt.date(2050, 12, 31)),
    st.sampled_from(["%Y/%m/%d", "%d.%m.%Y", "%Y年%m月%d日", "%d %b %Y"]),
)
def test_a_date_is_read_as_it_was_written(day: dt.date, style: str) -> None:
    assert date_formats([day.strftime(style)]) == (style,)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2024", "2024-01-01", "2024-12-31"),
        ("2024年度", "2024-01-01", "2024-12-31"),
        ("2024H2", "2024-07-01", "2024-12-31"),
        ("2024年第三季度", "2024-07-01", "2024-09-30"),
        ("FY2024", "2024-01-01", "2024-12-31"),
        ("2024-Q1", "2024-01-01", "2024-03-31"),
    ],
)
def test_period(text: str, first: str, last: str) -> None:
    assert period_of(text) == (dt.date.fromisoformat(first), dt.date.fromisoformat(last))


@pytest.mark.parametrize("text", ["", "H1", "20240", "2024年夏", "1/2"])
def test_no_period(text: str) -> None:
    assert period_of(text) is None


@pytest.mark.parametrize(
    ("labels", "ratings"),
    [
        ("S A B C D", [5, 4, 3, 2, 1]),
        ("A B C D", [5, 4, 3, 2]),
        ("杰出 优秀 良好 合格 不合格", [5, 4, 3, 2, 1]),
        ("优秀 良好 合格 不合格", [5, 4, 3, 2]),
        ("A级 B级 C级 D级", [5, 4, 3, 2]),
    ],
)
def test_rating_words(labels: str, ratings: list[int]) -> None:
    scale = rating_scale(labels.split(), name="等级")
    assert scale is not None and scale.certain
    assert [scale.values[word] for word in labels.split()] == ratings


def test_numbers_whose_words_fall_are_turned() -> None:
    scale = rating_scale(["1 - Outstanding", "3 - Meets expectations", "5 - Unsatisfactory"], name="Rating")
    assert scale is not None and scale.values["1 - Outstanding"] == 5 and scale.values["5 - Unsatisfactory"] == 1


def test_what_is_no_rating() -> None:
    assert rating_scale(["销售", "研发"], name="部门") is None
    assert levels(["P5", "M1"]) is None and levels(["7级", "8级"]) == {"7级": 7, "8级": 8}
    assert exit_kinds(["非自愿离职"])[0] == {"非自愿离职": "involuntary"}


def test_a_generic_name_within_another_is_never_sure() -> None:
    assert fit("活动结束日期", ["结束日期"]).score < 0.75 < fit("员工离职日期", ["离职日期"]).score


@pytest.mark.parametrize(
    ("name", "synonym"),
    [
        ("EMP_NO", "employee number"),
        ("Mgr Emp ID", "manager"),
        ("Dept Desc", "department"),
        ("Worker: Hire Date", "hire date"),
        ("Date Hired", "hire date"),
        ("工号 Employee ID", "employee id"),
        ("部门名称", "部门"),
    ],
)
def test_forms_of_a_name_that_are_sure(name: str, synonym: str) -> None:
    ending: Ending = "id" if synonym == "manager" else "label"
    assert fit(name, [synonym, "工号"] if "工号" in name else [synonym], ending=ending).score >= SURE


@pytest.mark.parametrize("name", ["Forward", "Hire Date Source", "KPI得分", "Award"])
def test_words_within_words_are_not_sure(name: str) -> None:
    assert fit(name, ["ward", "hire date", "kpi"], ending="label").score < SURE


def test_abbreviations_and_other_orders_are_no_exact_names() -> None:
    assert fit("Date Hired", ["hire date"]).score < fit("Hire Date", ["hire date"]).score
