"""Exports of systems that are not among those whose names the synonyms were widened from: Frappe HR in a hospital group, 悟空 HRM
in a factory, UKG Pro and Moodle in a retail chain. The systems were chosen before the synonyms were widened; their names were
looked up in public sources after that and taken as they are. Record 22 has the share read at first sight."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from tests.exports.company import EXIT_ZH, Company, days, half_years
from tests.exports.makers import UNSEEN, Truth, everywhere, maker, sheets


@maker(UNSEEN)
def frappe_hospital(company: Company, out: Path) -> Truth:
    """Labels of the forms Employee, Appraisal and Employee Checkin."""
    roster, reviews, events = company.roster, company.reviews, company.events
    pd.DataFrame(
        {
            "ID": roster["employee_id"],
            "Full Name": roster["name"],
            "Gender": roster["gender"].str.title(),
            "Date of Birth": [f"{year}-05-17" for year in roster["birth_year"]],
            "Salutation": ["Dr", "Ms"] * (len(roster) // 2) + ["Mr"] * (len(roster) % 2),
            "Status": roster["exited_on"].notna().map({True: "Left", False: "Active"}),
            "Company": "St. Elsewhere Hospitals",
            "Department": roster["department"] + " - SEH",
            "Designation": roster["role_family"].str.title(),
            "Grade": roster["level"].astype("Int64"),
            "Branch": roster["location"],
            "Reports to": roster["manager_id"],
            "Date of Joining": days(roster["hired_on"], "%Y-%m-%d"),
            "Confirmation Date": days(roster["hired_on"] + pd.Timedelta(days=180), "%Y-%m-%d"),
            "Notice (days)": 30,
            "Blood Group": ["A+", "O-"] * (len(roster) // 2) + ["B+"] * (len(roster) % 2),
            "Resignation Letter Date": days(roster["exited_on"] - pd.Timedelta(days=30), "%Y-%m-%d"),
            "Relieving Date": days(roster["exited_on"], "%Y-%m-%d"),
            "Reason for Leaving": roster["kind"]
            .map({"voluntary": "Better opportunity", "involuntary": "Dismissed", "other": "Retired"})
            .fillna(""),
        }
    ).to_csv(out / "Employee.csv", index=False)
    pd.DataFrame(
        {
            "ID": reviews["review_id"],
            "Employee": reviews["employee_id"],
            "Employee Name": reviews["employee_id"].map(dict(zip(roster["employee_id"], roster["name"], strict=True))),
            "Appraisal Cycle": half_years(reviews["period_end"], styles=("Cycle 1 of {}", "Cycle 2 of {}")),
            "Start Date": days(reviews["period_start"], "%Y-%m-%d"),
            "End Date": days(reviews["period_end"], "%Y-%m-%d"),
            "Goal Score (%)": [50 + n % 50 for n in range(len(reviews))],
            "Self Score": [round(3 + n % 20 / 10, 2) for n in range(len(reviews))],
            "Final Score": (reviews["rating"] - 0.25).clip(1),
            "Remarks": reviews["comment"],
        }
    ).to_csv(out / "Appraisal.csv", index=False)
    pd.DataFrame(
        {
            "ID": events["event_id"],
            "Employee": events["employee_id"],
            "Log Type": ["IN", "OUT"] * (len(events) // 2) + ["IN"] * (len(events) % 2),
            "Time": days(events["happened_at"], "%Y-%m-%d %H:%M:%S"),
            "Location / Device ID": [f"GATE-{n % 4}" for n in range(len(events))],
            "Shift": [("Day", "Night")[n % 2] for n in range(len(events))],
        }
    ).to_csv(out / "Employee Checkin.csv", index=False)
    return {
        ("Employee.csv", ""): {
            "ID": everywhere("employee_id", "employees", "positions", "exits"),
            "Full Name": "employees.name",
            "Gender": "employees.gender",
            "Date of Birth": "",
            "Salutation": "",
            "Status": "",
            "Company": "",
            "Department": "positions.department",
            "Designation": "positions.role_family",
            "Grade": "positions.level",
            "Branch": "positions.location",
            "Reports to": "positions.manager_id",
            "Date of Joining": "employees.hired_on positions.effective_on",
            "Confirmation Date": "",
            "Notice (days)": "",
            "Blood Group": "",
            "Resignation Letter Date": "",
            "Relieving Date": "exits.exited_on",
            "Reason for Leaving": "exits.kind",
        },
        ("Appraisal.csv", ""): {
            "ID": "reviews.review_id",
            "Employee": "reviews.employee_id",
            "Employee Name": "",
            "Appraisal Cycle": "",
            "Start Date": "reviews.period_start",
            "End Date": "reviews.period_end reviews.reviewed_on",
            "Goal Score (%)": "",
            "Self Score": "",
            "Final Score": "reviews.rating",
            "Remarks": "reviews.comment",
        },
        ("Employee Checkin.csv", ""): {
            "ID": "events.event_id",
            "Employee": "events.employee_id",
            "Log Type": "events.kind",
            "Time": "events.happened_at",
            "Location / Device ID": "",
            "Shift": "",
        },
    }


@maker(UNSEEN)
def wukong_factory(company: Company, out: Path) -> Truth:
    """Comments of the columns of 员工表, 员工岗位/职位变更记录, 离职信息, 员工绩效考核 and 打卡记录表, as one workbook."""
    roster, positions, exits, reviews, events = (
        company.roster,
        company.positions,
        company.exits,
        company.reviews,
        company.events.head(5_000),
    )
    before = positions.groupby("employee_id").shift()
    frames = {
        "员工": pd.DataFrame(
            {
                "员工id": roster["employee_id"],
                "员工姓名": roster["name"],
                "手机": [f"139{n:08d}" for n in range(len(roster))],
                "性别": roster["gender"].map({"female": "女", "male": "男"}),
                "民族": "汉族",
                "籍贯": "江苏",
                "出生日期": [pd.Timestamp(f"{year}-03-09") for year in roster["birth_year"]],
                "年龄": 2026 - roster["birth_year"],
                "最高学历": ["本科", "大专"] * (len(roster) // 2) + ["高中"] * (len(roster) % 2),
                "入职时间": roster["hired_on"],
                "试用期": 3,
                "转正日期": roster["hired_on"] + pd.Timedelta(days=90),
                "工作城市": roster["location"],
                "聘用形式": "正式",
                "员工状态": "正式",
                "司龄": 2026 - pd.to_datetime(roster["hired_on"]).dt.year,
                "司龄开始日期": roster["hired_on"],
            }
        ),
        "员工岗位职位变更记录": pd.DataFrame(
            {
                "员工id": positions["employee_id"],
                "变动类型": "调岗",
                "异动原因": "工作安排",
                "原部门": before["department"],
                "新部门": positions["department"],
                "原岗位": before["role_family"],
                "新岗位": positions["role_family"],
                "原职级": before["level"],
                "新职级": positions["level"],
                "原直属上级": before["manager_id"],
                "新直属上级": positions["manager_id"],
                "生效时间": positions["effective_on"],
                "创建时间": positions["effective_on"] - pd.Timedelta(days=3),
            }
        ),
        "离职信息": pd.DataFrame(
            {
                "员工id": exits["employee_id"],
                "计划离职日期": exits["exited_on"],
                "申请离职日期": exits["exited_on"] - pd.Timedelta(days=30),
                "薪资结算日期": exits["exited_on"] + pd.Timedelta(days=5),
                "离职类型": exits["kind"].map(EXIT_ZH),
                "离职前状态": "正式",
                "备注": "",
            }
        ),
        "员工绩效考核": pd.DataFrame(
            {
                "绩效考核员工考核信息id": reviews["review_id"],
                "考核员工id": reviews["employee_id"],
                "评分人id": reviews["reviewer_id"],
                "考核周期": half_years(reviews["period_end"]),
                "考核等级": reviews["rating"].map({5: "S", 4: "A", 3: "B", 2: "C", 1: "C"}),
                "评语": reviews["comment"],
                "归档时间": reviews["reviewed_on"],
            }
        ),
        "打卡记录表": pd.DataFrame(
            {
                "打卡记录id": events["event_id"],
                "员工id": events["employee_id"],
                "打卡时间": events["happened_at"],
                "打卡类型": ["上班打卡", "下班打卡"] * (len(events) // 2) + ["上班打卡"] * (len(events) % 2),
                "打卡来源类型": "手机端打卡",
                "打卡状态": [("正常", "迟到", "早退")[n % 3] for n in range(len(events))],
                "考勤地址": "一号门",
                "创建时间": events["happened_at"] + pd.Timedelta(hours=1),
            }
        ),
    }
    file = "悟空HRM导出.xlsx"
    sheets(out / file, frames)
    return {
        (file, "员工"): {
            "员工id": everywhere("employee_id", "employees", "positions"),
            "员工姓名": "employees.name",
            "手机": "",
            "性别": "employees.gender",
            "民族": "employees.ethnicity",
            "籍贯": "",
            "出生日期": "",
            "年龄": "",
            "最高学历": "employees.education",
            "入职时间": "employees.hired_on positions.effective_on",
            "试用期": "",
            "转正日期": "",
            "工作城市": "",
            "聘用形式": "",
            "员工状态": "",
            "司龄": "",
            "司龄开始日期": "",
        },
        (file, "员工岗位职位变更记录"): {
            "员工id": "positions.employee_id",
            "变动类型": "",
            "异动原因": "",
            "原部门": "",
            "新部门": "positions.department",
            "原岗位": "",
            "新岗位": "positions.role_family",
            "原职级": "",
            "新职级": "positions.level",
            "原直属上级": "",
            "新直属上级": "positions.manager_id",
            "生效时间": "positions.effective_on",
            "创建时间": "positions.known_at",
        },
        (file, "离职信息"): {
            "员工id": "exits.employee_id",
            "计划离职日期": "exits.exited_on",
            "申请离职日期": "",
            "薪资结算日期": "",
            "离职类型": "exits.kind",
            "离职前状态": "",
            "备注": "",
        },
        (file, "员工绩效考核"): {
            "绩效考核员工考核信息id": "reviews.review_id",
            "考核员工id": "reviews.employee_id",
            "评分人id": "reviews.reviewer_id",
            "考核周期": "reviews.period_end reviews.period_start",
            "考核等级": "reviews.rating",
            "评语": "reviews.comment",
            "归档时间": "reviews.reviewed_on",
        },
        (file, "打卡记录表"): {
            "打卡记录id": "events.event_id",
            "员工id": "events.employee_id",
            "打卡时间": "events.happened_at",
            "打卡类型": "events.kind",
            "打卡来源类型": "",
            "打卡状态": "",
            "考勤地址": "",
            "创建时间": "events.known_at",
        },
    }


@maker(UNSEEN)
def ukg_and_moodle(company: Company, out: Path) -> Truth:
    """Fields of UKG Pro (employee, termination, performance review) beside a Moodle's courses and course completions."""
    roster, exits, reviews = company.roster, company.exits, company.reviews
    pd.DataFrame(
        {
            "Employee ID": roster["employee_id"],
            "Employee number": [f"{70_000 + n}" for n in range(len(roster))],
            "First name": roster["name"].str[1:],
            "Last name": roster["name"].str[:1],
            "Email address": [f"p{n}@shop.example" for n in range(len(roster))],
            "Gender": roster["gender"],
            "Original hire date": days(roster["hired_on"], "%m/%d/%Y"),
            "Org level 1 code": roster["department"].str[:4].str.upper(),
            "Job title": roster["role_family"],
            "Supervisor ID": roster["manager_id"],
            "Supervisor first name": "Sam",
            "Supervisor last name": "Chan",
            "Primary work location code": roster["location"],
            "Full time or part time code": "F",
            "Employee status code": "A",
        }
    ).to_csv(out / "EmployeeEmployment.csv", index=False)
    pd.DataFrame(
        {
            "EmployeeIdentifier": exits["employee_id"],
            "TerminationDate": days(exits["exited_on"], "%m/%d/%Y"),
            "PaidThroughDate": days(exits["exited_on"] + pd.Timedelta(days=9), "%m/%d/%Y"),
            "TerminationReason": exits["kind"].map(
                {"voluntary": "Other employment", "involuntary": "Poor performance", "other": "Retirement"}
            ),
            "EligibleForRehire": [("Y", "N")[n % 2] for n in range(len(exits))],
            "Notes": "",
        }
    ).to_csv(out / "EmployeeTermination.csv", index=False)
    pd.DataFrame(
        {
            "Employee ID": reviews["employee_id"],
            "Review type": "Semi-annual",
            "Review date": days(reviews["reviewed_on"], "%m/%d/%Y"),
            "Next review date": days(reviews["reviewed_on"] + pd.Timedelta(days=182), "%m/%d/%Y"),
            "Overall rating": reviews["rating"].map(
                {5: "Outstanding", 4: "Exceeds", 3: "Meets", 2: "Needs improvement", 1: "Unsatisfactory"}
            ),
            "Reviewer ID": reviews["reviewer_id"],
            "Comments": reviews["comment"],
        }
    ).to_csv(out / "PerformanceReview.csv", index=False)
    learners = roster["employee_id"].tolist()
    pd.DataFrame(
        {
            "shortname": [f"RET-{n:03d}" for n in range(12)],
            "fullname": [f"Serving customers, part {n}" for n in range(12)],
            "category": "Retail",
            "summary": "What customers expect",
            "lang": "en",
            "startdate": "2024-01-01",
        }
    ).to_csv(out / "moodle_courses.csv", index=False)
    pd.DataFrame(
        {
            "User's full name": roster["name"],
            "ID number": learners,
            "Email": [f"p{n}@shop.example" for n in range(len(roster))],
            "Course": [f"RET-{n % 12:03d}" for n in range(len(roster))],
            "Time started": [f"2024-{1 + n % 9:02d}-11 09:00:00" for n in range(len(roster))],
            "Time completed": [f"2024-{1 + n % 9:02d}-28 10:30:00" if n % 3 else "" for n in range(len(roster))],
            "Completion status": [("Yes" if n % 3 else "No") for n in range(len(roster))],
        }
    ).to_csv(out / "course_completions.csv", index=False)
    return {
        ("EmployeeEmployment.csv", ""): {
            "Employee ID": everywhere("employee_id", "employees", "positions"),
            "Employee number": "",
            "First name": "",
            "Last name": "",
            "Email address": "",
            "Gender": "employees.gender",
            "Original hire date": "employees.hired_on positions.effective_on",
            "Org level 1 code": "positions.department",
            "Job title": "positions.role_family",
            "Supervisor ID": "positions.manager_id",
            "Supervisor first name": "",
            "Supervisor last name": "",
            "Primary work location code": "positions.location",
            "Full time or part time code": "",
            "Employee status code": "",
        },
        ("EmployeeTermination.csv", ""): {
            "EmployeeIdentifier": "exits.employee_id",
            "TerminationDate": "exits.exited_on",
            "PaidThroughDate": "",
            "TerminationReason": "exits.kind",
            "EligibleForRehire": "",
            "Notes": "",
        },
        ("PerformanceReview.csv", ""): {
            "Employee ID": "reviews.employee_id reviews.review_id",
            "Review type": "",
            "Review date": "reviews.reviewed_on reviews.period_end reviews.review_id",
            "Next review date": "",
            "Overall rating": "reviews.rating",
            "Reviewer ID": "reviews.reviewer_id",
            "Comments": "reviews.comment",
        },
        ("moodle_courses.csv", ""): {
            "shortname": "courses.course_id",
            "fullname": "courses.title",
            "category": "",
            "summary": "courses.summary",
            "lang": "courses.language",
            "startdate": "",
        },
        ("course_completions.csv", ""): {
            "User's full name": "",
            "ID number": "enrolments.employee_id",
            "Email": "",
            "Course": "enrolments.course_id",
            "Time started": "enrolments.enrolled_on",
            "Time completed": "enrolments.completed_on",
            "Completion status": "",
        },
    }
