"""Messy exports of one small company, as personnel departments send them; each maker returns what its columns mean.

The truth of an export: (file, sheet) → column → the places it belongs to as ``table.column``, separated by spaces; empty where it
belongs nowhere. A column is proposed right where the first of them is proposed, and nothing that is not among them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb
import pandas as pd
import xlsxwriter

from tests.exports.company import DEPARTMENT_ZH, EXIT_ZH, KIND_ZH, MEASURES, Company, days, half_years

Truth = Mapping[tuple[str, str], Mapping[str, str]]
Maker = Callable[[Company, Path], Truth]
MAKERS: dict[str, Maker] = {}
HELD_OUT: dict[str, Maker] = {}
"""Exports whose names nobody looked at while choosing synonyms."""
UNSEEN: dict[str, Maker] = {}
"""Exports of other systems, added after the synonyms of these had been widened."""


def maker(collection: dict[str, Maker]) -> Callable[[Maker], Maker]:
    def enter(function: Maker) -> Maker:
        collection[function.__name__] = function
        return function

    return enter


def everywhere(column: str, *tables: str) -> str:
    return " ".join(f"{table}.{column}" for table in tables)


ROSTER = ("employees", "positions", "exits")
ROSTER_TRUTH = {
    "employee_id": everywhere("employee_id", *ROSTER),
    "hired_on": "employees.hired_on positions.effective_on",
    "name": "employees.name",
}


def sheets(path: Path, frames: Mapping[str, pd.DataFrame], *, titles: tuple[str, ...] = ()) -> None:
    """Write a workbook; dates are dates, ``titles`` stand in merged cells above each header."""
    with xlsxwriter.Workbook(str(path), {"default_date_format": "yyyy-mm-dd", "nan_inf_to_errors": True}) as book:
        for name, frame in frames.items():
            sheet = book.add_worksheet(name)
            for row, title in enumerate(titles):
                sheet.merge_range(row, 0, row, len(frame.columns) - 1, title)
            sheet.write_row(len(titles), 0, list(frame.columns))
            for row, values in enumerate(frame.itertuples(index=False), start=len(titles) + 1):
                for column, value in enumerate(values):
                    if not pd.isna(value):
                        sheet.write(row, column, value.to_pydatetime() if isinstance(value, pd.Timestamp) else value)


def roster_zh(company: Company, *, date: str) -> pd.DataFrame:
    roster = company.roster
    return pd.DataFrame(
        {
            "工号": roster["employee_id"],
            "姓名": roster["name"],
            "性别": roster["gender"].map({"female": "女", "male": "男"}),
            "部门": roster["department"].map(DEPARTMENT_ZH),
            "职级": "P" + roster["level"].astype("Int64").astype(str),
            "直属上级工号": roster["manager_id"],
            "工作地点": roster["location"],
            "手机号码": [f"138{n:08d}" for n in range(len(roster))],
            "入职日期": days(roster["hired_on"], date),
            "离职日期": days(roster["exited_on"], date),
            "离职类型": roster["kind"].map(EXIT_ZH).fillna(""),
        }
    ).fillna("")


ROSTER_ZH = {
    "工号": ROSTER_TRUTH["employee_id"],
    "姓名": "employees.name",
    "性别": "employees.gender",
    "部门": "positions.department",
    "职级": "positions.level",
    "直属上级工号": "positions.manager_id",
    "工作地点": "positions.location",
    "手机号码": "",
    "入职日期": ROSTER_TRUTH["hired_on"],
    "离职日期": "exits.exited_on",
    "离职类型": "exits.kind",
}


@maker(MAKERS)
def gbk_folder(company: Company, out: Path) -> Truth:
    """Chinese file names, headers and values in GBK; ratings in words; periods in words."""
    roster_zh(company, date="%Y/%m/%d").to_csv(out / "员工花名册.csv", index=False, encoding="gbk")
    reviews, events = company.reviews, company.events
    pd.DataFrame(
        {
            "员工编号": reviews["employee_id"],
            "考核周期": half_years(reviews["period_end"]),
            "考核等级": reviews["rating"].map({5: "优", 4: "良", 3: "中", 2: "差", 1: "差"}),
            "考核人": reviews["reviewer_id"],
            "评定日期": days(reviews["reviewed_on"], "%Y/%m/%d"),
            "评语": reviews["comment"],
        }
    ).to_csv(out / "绩效考核结果.csv", index=False, encoding="gbk")
    pd.DataFrame(
        {
            "流水号": events["event_id"],
            "员工编号": events["employee_id"],
            "发生时间": days(events["happened_at"], "%Y/%m/%d %H:%M"),
            "行为类型": events["kind"].map(KIND_ZH),
            "数值": events["value"],
            "对方工号": events["counterpart_id"],
        }
    ).to_csv(out / "行为日志.csv", index=False, encoding="gbk")
    return {
        ("员工花名册.csv", ""): ROSTER_ZH,
        ("绩效考核结果.csv", ""): {
            "员工编号": "reviews.employee_id reviews.review_id",
            "考核周期": "reviews.period_end reviews.period_start reviews.review_id",
            "考核等级": "reviews.rating",
            "考核人": "reviews.reviewer_id",
            "评定日期": "reviews.reviewed_on",
            "评语": "reviews.comment",
        },
        ("行为日志.csv", ""): {
            "流水号": "events.event_id",
            "员工编号": "events.employee_id",
            "发生时间": "events.happened_at",
            "行为类型": "events.kind",
            "数值": "events.value",
            "对方工号": "events.counterpart_id",
        },
    }


@maker(MAKERS)
def five_sheets(company: Company, out: Path) -> Truth:
    """One workbook: 员工信息, 岗位异动, 离职名单, 绩效考核, 考勤明细; dates are dates, letters S/A/B/C/D."""
    roster, positions, exits, reviews = company.roster, company.positions, company.exits, company.reviews
    frames = {
        "员工信息": pd.DataFrame(
            {
                "人员编号": roster["employee_id"],
                "员工姓名": roster["name"],
                "入职时间": roster["hired_on"],
                "出生年份": roster["birth_year"],
                "性别": roster["gender"].map({"female": "女", "male": "男"}),
            }
        ),
        "岗位异动": pd.DataFrame(
            {
                "人员编号": positions["employee_id"],
                "生效日期": positions["effective_on"],
                "所属部门": positions["department"].map(DEPARTMENT_ZH),
                "岗位序列": positions["role_family"],
                "职级": positions["level"],
                "直接上级": positions["manager_id"],
            }
        ),
        "离职名单": pd.DataFrame(
            {
                "人员编号": exits["employee_id"],
                "最后工作日": exits["exited_on"],
                "离职原因分类": exits["kind"].map(
                    {"voluntary": "个人原因", "involuntary": "公司辞退", "other": "退休"}
                ),
                "备注": "",
            }
        ),
        "绩效考核": pd.DataFrame(
            {
                "考核编号": reviews["review_id"],
                "人员编号": reviews["employee_id"],
                "周期开始": reviews["period_start"],
                "周期结束": reviews["period_end"],
                "考核日期": reviews["reviewed_on"],
                "绩效等级": reviews["rating"].map(dict(zip(range(1, 6), "DCBAS", strict=True))),
            }
        ),
        "考勤明细": pd.DataFrame(
            {
                "人员编号": company.events["employee_id"],
                "时间": company.events["happened_at"],
                "事件类型": company.events["kind"].map(KIND_ZH),
                "时长": company.events["value"],
            }
        ).head(20_000),
    }
    sheets(out / "人事数据导出.xlsx", frames)
    file = "人事数据导出.xlsx"
    return {
        (file, "员工信息"): {
            "人员编号": "employees.employee_id",
            "员工姓名": "employees.name",
            "入职时间": "employees.hired_on",
            "出生年份": "employees.birth_year",
            "性别": "employees.gender",
        },
        (file, "岗位异动"): {
            "人员编号": "positions.employee_id",
            "生效日期": "positions.effective_on",
            "所属部门": "positions.department",
            "岗位序列": "positions.role_family",
            "职级": "positions.level",
            "直接上级": "positions.manager_id",
        },
        (file, "离职名单"): {
            "人员编号": "exits.employee_id",
            "最后工作日": "exits.exited_on",
            "离职原因分类": "exits.kind",
            "备注": "",
        },
        (file, "绩效考核"): {
            "考核编号": "reviews.review_id",
            "人员编号": "reviews.employee_id",
            "周期开始": "reviews.period_start",
            "周期结束": "reviews.period_end",
            "考核日期": "reviews.reviewed_on",
            "绩效等级": "reviews.rating",
        },
        (file, "考勤明细"): {
            "人员编号": "events.employee_id",
            "时间": "events.happened_at",
            "事件类型": "events.kind",
            "时长": "events.value",
        },
    }


@maker(MAKERS)
def semicolons(company: Company, out: Path) -> Truth:
    """A European export: semicolons, decimal commas, dd.mm.yyyy, ratings with decimals."""
    roster, reviews, events = company.roster, company.reviews, company.events
    save = {"sep": ";", "index": False, "encoding": "cp1252"}
    pd.DataFrame(
        {
            "Personnel number": roster["employee_id"],
            "Entry date": days(roster["hired_on"], "%d.%m.%Y"),
            "Exit date": days(roster["exited_on"], "%d.%m.%Y"),
            "Reason for leaving": roster["kind"].map(
                {"voluntary": "Resignation", "involuntary": "Dismissal", "other": "Retirement"}
            ),
            "Weekly hours": [("38,5", "40,0")[n % 2] for n in range(len(roster))],
        }
    ).to_csv(out / "staff.csv", **save)
    pd.DataFrame(
        {
            "Review no": reviews["review_id"],
            "Personnel number": reviews["employee_id"],
            "From": days(reviews["period_start"], "%d.%m.%Y"),
            "To": days(reviews["period_end"], "%d.%m.%Y"),
            "Date of review": days(reviews["reviewed_on"], "%d.%m.%Y"),
            "Score (5 = best)": (reviews["rating"] - 0.5).clip(1).map(lambda score: f"{score:.1f}".replace(".", ",")),
        }
    ).to_csv(out / "appraisals.csv", **save)
    pd.DataFrame(
        {
            "Personnel number": events["employee_id"],
            "Timestamp": days(events["happened_at"], "%d.%m.%Y %H:%M:%S"),
            "Activity": events["kind"],
            "Amount": events["value"].map(lambda value: "" if pd.isna(value) else f"{value:.2f}".replace(".", ",")),
        }
    ).to_csv(out / "activity_log.csv", **save)
    return {
        ("staff.csv", ""): {
            "Personnel number": everywhere("employee_id", "employees", "exits"),
            "Entry date": "employees.hired_on",
            "Exit date": "exits.exited_on",
            "Reason for leaving": "exits.kind",
            "Weekly hours": "",
        },
        ("appraisals.csv", ""): {
            "Review no": "reviews.review_id",
            "Personnel number": "reviews.employee_id",
            "From": "reviews.period_start",
            "To": "reviews.period_end",
            "Date of review": "reviews.reviewed_on",
            "Score (5 = best)": "reviews.rating",
        },
        ("activity_log.csv", ""): {
            "Personnel number": "events.employee_id",
            "Timestamp": "events.happened_at",
            "Activity": "events.kind",
            "Amount": "events.value",
        },
    }


@maker(MAKERS)
def day_first(company: Company, out: Path) -> Truth:
    """dd/mm/yyyy, letters A to E, tabs, a review without an id."""
    save = {"sep": "\t", "index": False}
    pd.DataFrame(
        {
            "Employee No": company.employees["employee_id"],
            "Start Date": days(company.employees["hired_on"], "%d/%m/%Y"),
            "Gender": company.employees["gender"].map({"female": "F", "male": "M"}),
        }
    ).to_csv(out / "Employees.txt", **save)
    pd.DataFrame(
        {
            "Employee No": company.exits["employee_id"],
            "Leaving Date": days(company.exits["exited_on"], "%d/%m/%Y"),
            "Leaving Reason": company.exits["kind"].map(
                {"voluntary": "Resigned", "involuntary": "Dismissed", "other": "End of contract"}
            ),
        }
    ).to_csv(out / "Leavers.txt", **save)
    reviews = company.reviews
    pd.DataFrame(
        {
            "Employee No": reviews["employee_id"],
            "Reviewer": reviews["reviewer_id"],
            "Period End": days(reviews["period_end"], "%d/%m/%Y"),
            "Review Date": days(reviews["reviewed_on"], "%d/%m/%Y"),
            "Grade": reviews["rating"].map(dict(zip(range(1, 6), "EDCBA", strict=True))),
            "Comments": reviews["comment"].str.replace("\n", " "),
        }
    ).to_csv(out / "Performance reviews.txt", **save)
    return {
        ("Employees.txt", ""): {
            "Employee No": "employees.employee_id",
            "Start Date": "employees.hired_on",
            "Gender": "employees.gender",
        },
        ("Leavers.txt", ""): {
            "Employee No": "exits.employee_id",
            "Leaving Date": "exits.exited_on",
            "Leaving Reason": "exits.kind",
        },
        ("Performance reviews.txt", ""): {
            "Employee No": "reviews.employee_id reviews.review_id",
            "Reviewer": "reviews.reviewer_id",
            "Period End": "reviews.period_end reviews.review_id",
            "Review Date": "reviews.reviewed_on",
            "Grade": "reviews.rating",
            "Comments": "reviews.comment",
        },
    }


@maker(MAKERS)
def utf16_words(company: Company, out: Path) -> Truth:
    """UTF-16, ratings as "3 - Meets expectations", moments with a T, a period as "2024 H1"."""
    save = {"index": False, "encoding": "utf-16"}
    pd.DataFrame(
        {
            "EmpID": company.employees["employee_id"],
            "Hire Date": days(company.employees["hired_on"], "%d %b %Y"),
            "Birth Year": company.employees["birth_year"],
        }
    ).to_csv(out / "workers.csv", **save)
    reviews, events = company.reviews, company.events
    labels = {
        5: "5 - Outstanding",
        4: "4 - Exceeds expectations",
        3: "3 - Meets expectations",
        2: "2 - Partially meets",
        1: "1 - Unsatisfactory",
    }
    pd.DataFrame(
        {
            "EmpID": reviews["employee_id"],
            "Review Period": half_years(reviews["period_end"], styles=("{} H1", "{} H2")),
            "Overall Rating": reviews["rating"].map(labels),
            "Completed On": days(reviews["reviewed_on"], "%d %b %Y"),
        }
    ).to_csv(out / "reviews_export.csv", **save)
    pd.DataFrame(
        {
            "EmpID": events["employee_id"],
            "Event Time": days(events["happened_at"], "%Y-%m-%dT%H:%M:%SZ"),
            "Event Type": events["kind"],
            "Value": events["value"],
        }
    ).to_csv(out / "activity.csv", **save)
    return {
        ("workers.csv", ""): {
            "EmpID": "employees.employee_id",
            "Hire Date": "employees.hired_on",
            "Birth Year": "employees.birth_year",
        },
        ("reviews_export.csv", ""): {
            "EmpID": "reviews.employee_id reviews.review_id",
            "Review Period": "reviews.period_end reviews.period_start reviews.review_id",
            "Overall Rating": "reviews.rating",
            "Completed On": "reviews.reviewed_on",
        },
        ("activity.csv", ""): {
            "EmpID": "events.employee_id",
            "Event Time": "events.happened_at",
            "Event Type": "events.kind",
            "Value": "events.value",
        },
    }


@maker(MAKERS)
def wide_log(company: Company, out: Path) -> Truth:
    """A row a month, a column a measure; one file of reviews a year."""
    roster_zh(company, date="%Y-%m-%d").to_csv(out / "在职及离职人员.csv", index=False)
    monthly = company.monthly
    pd.DataFrame(
        {"工号": monthly["employee_id"], "月份": days(monthly["month"], "%Y-%m")}
        | {name: monthly[kind].round(2) for name, kind in MEASURES.items()}
    ).to_csv(out / "月度行为汇总.csv", index=False)
    truth: dict[tuple[str, str], Mapping[str, str]] = {}
    for year, rows in company.reviews.groupby(company.reviews["period_end"].map(lambda day: day.year)):
        pd.DataFrame(
            {
                "工号": rows["employee_id"],
                "考核期末": days(rows["period_end"], "%Y-%m-%d"),
                "评价日期": days(rows["reviewed_on"], "%Y-%m-%d"),
                "绩效结果": rows["rating"].map({5: "杰出", 4: "优秀", 3: "良好", 2: "合格", 1: "不合格"}),
            }
        ).to_csv(out / f"绩效{year}.csv", index=False)
        truth["绩效*.csv", ""] = {
            "工号": "reviews.employee_id reviews.review_id",
            "考核期末": "reviews.period_end reviews.review_id",
            "评价日期": "reviews.reviewed_on",
            "绩效结果": "reviews.rating",
        }
    return truth | {
        ("在职及离职人员.csv", ""): ROSTER_ZH,
        ("月度行为汇总.csv", ""): {"工号": "events.employee_id", "月份": "events.happened_at"}
        | dict.fromkeys(MEASURES, "events.kind"),
    }


@maker(MAKERS)
def titles_above(company: Company, out: Path) -> Truth:
    """Two title rows above each header; dates as text with 年月日."""
    roster = roster_zh(company, date="%Y年%m月%d日")
    reviews = company.reviews
    grades = pd.DataFrame(
        {
            "序号": range(1, len(reviews) + 1),
            "工号": reviews["employee_id"],
            "考核年度": [f"{day.year}年" for day in reviews["period_end"]],
            "考核日期": days(reviews["reviewed_on"], "%Y年%m月%d日"),
            "考核得分": (reviews["rating"] * 20 - 4).astype(int),
        }
    )[reviews["period_end"].map(lambda day: day.month == 12)]
    sheets(out / "花名册.xlsx", {"Sheet1": roster}, titles=("某某科技有限公司员工花名册", "制表日期:2026-10-01"))
    sheets(out / "年度绩效.xlsx", {"Sheet1": grades}, titles=("年度绩效考核结果汇总表",))
    return {
        ("花名册.xlsx", "Sheet1"): ROSTER_ZH,
        ("年度绩效.xlsx", "Sheet1"): {
            "序号": "",
            "工号": "reviews.employee_id reviews.review_id",
            "考核年度": "reviews.period_end reviews.period_start reviews.review_id",
            "考核日期": "reviews.reviewed_on",
            "考核得分": "reviews.rating",
        },
    }


@maker(MAKERS)
def merged_headers(company: Company, out: Path) -> Truth:
    """Two header rows: cells merged over several columns, others over both rows."""
    roster, monthly, reviews = roster_zh(company, date="%Y-%m-%d"), company.monthly, company.reviews
    with xlsxwriter.Workbook(str(out / "员工与考勤.xlsx")) as book:
        sheet = book.add_worksheet("考勤月报")
        sheet.merge_range(0, 0, 1, 0, "工号")
        sheet.merge_range(0, 1, 1, 1, "统计月份")
        sheet.merge_range(0, 2, 0, 5, "月度统计")
        sheet.write_row(1, 2, list(MEASURES))
        for row, values in enumerate(monthly.itertuples(index=False), start=2):
            fields = values._asdict()
            sheet.write_row(row, 0, [fields["employee_id"], fields["month"].strftime("%Y年%m月")])
            sheet.write_row(row, 2, [round(float(fields[kind]), 2) for kind in MEASURES.values()])
        sheet = book.add_worksheet("员工名册")
        sheet.merge_range(0, 0, 0, 2, "基本信息")
        sheet.merge_range(0, 3, 0, 6, "任职信息")
        sheet.merge_range(0, 7, 0, 10, "其他")
        sheet.write_row(1, 0, list(roster.columns))
        for row, line in enumerate(roster.itertuples(index=False), start=2):
            sheet.write_row(row, 0, list(line))
        sheet = book.add_worksheet("绩效")
        sheet.write_row(0, 0, ["工号", "考核截止日期", "考核完成日期", "绩效评级"])
        ratings = reviews["rating"].map(dict(zip(range(1, 6), "EDCBA", strict=True)))
        table = zip(reviews["employee_id"], reviews["period_end"], reviews["reviewed_on"], ratings, strict=True)
        for row, (person, end, day, rating) in enumerate(table, start=1):
            sheet.write_row(row, 0, [person, end.strftime("%Y-%m-%d"), day.strftime("%Y-%m-%d"), rating])
    file, groups = "员工与考勤.xlsx", ["基本信息"] * 3 + ["任职信息"] * 4 + ["其他"] * 4
    return {
        (file, "考勤月报"): {"工号": "events.employee_id", "统计月份": "events.happened_at"}
        | {f"月度统计 {name}": "events.kind" for name in MEASURES},
        (file, "员工名册"): {f"{group} {name}": ROSTER_ZH[name] for group, name in zip(groups, roster, strict=True)},
        (file, "绩效"): {
            "工号": "reviews.employee_id reviews.review_id",
            "考核截止日期": "reviews.period_end reviews.review_id",
            "考核完成日期": "reviews.reviewed_on",
            "绩效评级": "reviews.rating",
        },
    }


@maker(MAKERS)
def mark_and_zeros(company: Company, out: Path) -> Truth:
    """A byte order mark, ids with leading zeros that the second file, a workbook, has lost."""
    number = {person: int(person[1:]) - 9_000 for person in company.employees["employee_id"]}
    save = {"index": False, "encoding": "utf-8-sig"}
    pd.DataFrame(
        {
            "员工ID": [f"{number[person]:08d}" for person in company.employees["employee_id"]],
            "入司日期": days(company.employees["hired_on"], "%Y%m%d"),
        }
    ).to_csv(out / "员工.csv", **save)
    pd.DataFrame(
        {
            "员工ID": [f"{number[person]:08d}" for person in company.exits["employee_id"]],
            "离职时间": days(company.exits["exited_on"], "%Y%m%d"),
            "离职性质": company.exits["kind"].map({"voluntary": "主动", "involuntary": "被动", "other": "其他"}),
        }
    ).to_csv(out / "离职.csv", **save)
    reviews = pd.DataFrame(
        {
            "员工ID": company.reviews["employee_id"].map(number),
            "评估周期": half_years(company.reviews["period_end"], styles=("{}H1", "{}H2")),
            "评估日期": company.reviews["reviewed_on"],
            "评估等级": company.reviews["rating"].map({5: "S", 4: "A", 3: "B", 2: "C", 1: "D"}),
        }
    )
    sheets(out / "绩效评估.xlsx", {"评估结果": reviews})
    return {
        ("员工.csv", ""): {"员工ID": "employees.employee_id", "入司日期": "employees.hired_on"},
        ("离职.csv", ""): {"员工ID": "exits.employee_id", "离职时间": "exits.exited_on", "离职性质": "exits.kind"},
        ("绩效评估.xlsx", "评估结果"): {
            "员工ID": "reviews.employee_id reviews.review_id",
            "评估周期": "reviews.period_end reviews.period_start reviews.review_id",
            "评估日期": "reviews.reviewed_on",
            "评估等级": "reviews.rating",
        },
    }


@maker(MAKERS)
def english_system(company: Company, out: Path) -> Truth:
    """Names of an English HR system, Parquet beside CSV, dates with month names in the American order."""
    roster, positions, reviews, events = company.roster, company.positions, company.reviews, company.events
    pd.DataFrame(
        {
            "Staff ID": roster["employee_id"],
            "Full Name": roster["name"],
            "Date of Hire": days(roster["hired_on"], "%m/%d/%Y"),
            "Sex": roster["gender"],
            "Date of Termination": days(roster["exited_on"], "%m/%d/%Y"),
            "Termination Type": roster["kind"].map(
                {"voluntary": "Voluntary", "involuntary": "Involuntary", "other": "Retirement"}
            ),
            "Annual Salary": [50_000 + 10 * n for n in range(len(roster))],
        }
    ).to_csv(out / "EE_master.csv", index=False)
    pd.DataFrame(
        {
            "Staff ID": positions["employee_id"],
            "Effective Date": pd.to_datetime(positions["effective_on"]),
            "Supervisor ID": positions["manager_id"],
            "Org Unit": positions["department"],
            "Job Family": positions["role_family"],
            "Job Level": positions["level"],
            "Work Location": positions["location"],
        }
    ).to_parquet(out / "job_history.parquet")
    pd.DataFrame(
        {
            "Appraisal ID": reviews["review_id"],
            "Staff ID": reviews["employee_id"],
            "Appraiser ID": reviews["reviewer_id"],
            "Period Start Date": pd.to_datetime(reviews["period_start"]),
            "Period End Date": pd.to_datetime(reviews["period_end"]),
            "Appraisal Date": pd.to_datetime(reviews["reviewed_on"]),
            "Performance Score": reviews["rating"],
        }
    ).to_parquet(out / "appraisal.parquet")
    pd.DataFrame(
        {
            "Staff ID": events["employee_id"],
            "Occurred At": events["happened_at"],
            "Action": events["kind"],
            "Quantity": events["value"],
            "Target Staff ID": events["counterpart_id"],
        }
    ).to_parquet(out / "system_usage_log.parquet")
    return {
        ("EE_master.csv", ""): {
            "Staff ID": everywhere("employee_id", "employees", "exits"),
            "Full Name": "employees.name",
            "Date of Hire": "employees.hired_on",
            "Sex": "employees.gender",
            "Date of Termination": "exits.exited_on",
            "Termination Type": "exits.kind",
            "Annual Salary": "",
        },
        ("job_history.parquet", ""): {
            "Staff ID": "positions.employee_id",
            "Effective Date": "positions.effective_on",
            "Supervisor ID": "positions.manager_id",
            "Org Unit": "positions.department",
            "Job Family": "positions.role_family",
            "Job Level": "positions.level",
            "Work Location": "positions.location",
        },
        ("appraisal.parquet", ""): {
            "Appraisal ID": "reviews.review_id",
            "Staff ID": "reviews.employee_id",
            "Appraiser ID": "reviews.reviewer_id",
            "Period Start Date": "reviews.period_start",
            "Period End Date": "reviews.period_end",
            "Appraisal Date": "reviews.reviewed_on",
            "Performance Score": "reviews.rating",
        },
        ("system_usage_log.parquet", ""): {
            "Staff ID": "events.employee_id",
            "Occurred At": "events.happened_at",
            "Action": "events.kind",
            "Quantity": "events.value",
            "Target Staff ID": "events.counterpart_id",
        },
    }


@maker(MAKERS)
def database(company: Company, out: Path) -> Truth:
    """A DuckDB file whose tables and columns have Chinese names."""
    tables = {
        "员工表": company.employees.rename(columns={"employee_id": "工号", "hired_on": "入职日期", "gender": "性别"})[
            ["工号", "入职日期", "性别"]
        ],
        "绩效表": company.reviews.rename(
            columns={
                "review_id": "绩效ID",
                "employee_id": "工号",
                "period_end": "周期截止日",
                "reviewed_on": "评价日期",
                "rating": "绩效评分",
            }
        )[["绩效ID", "工号", "周期截止日", "评价日期", "绩效评分"]],
        "离职表": company.exits.assign(kind=company.exits["kind"].map(EXIT_ZH)).rename(
            columns={"employee_id": "工号", "exited_on": "离职日期", "kind": "离职类别"}
        ),
    }
    with duckdb.connect(str(out / "hr.duckdb")) as connection:
        for name, frame in tables.items():
            connection.register("frame", frame)
            connection.execute(f'create table "{name}" as select * from frame')
            connection.unregister("frame")
    return {
        ("员工表", ""): {"工号": "employees.employee_id", "入职日期": "employees.hired_on", "性别": "employees.gender"},
        ("绩效表", ""): {
            "绩效ID": "reviews.review_id",
            "工号": "reviews.employee_id",
            "周期截止日": "reviews.period_end",
            "评价日期": "reviews.reviewed_on",
            "绩效评分": "reviews.rating",
        },
        ("离职表", ""): {"工号": "exits.employee_id", "离职日期": "exits.exited_on", "离职类别": "exits.kind"},
    }
