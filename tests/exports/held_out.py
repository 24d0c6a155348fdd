"""Exports named as large HR systems name their columns. Written before the synonyms, and never used to choose them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from tests.exports.company import DEPARTMENT_ZH, EXIT_ZH, KIND_ZH, Company, days, half_years
from tests.exports.makers import HELD_OUT, Truth, everywhere, maker, sheets


@maker(HELD_OUT)
def success_factors(company: Company, out: Path) -> Truth:
    """Names of SAP SuccessFactors' employment and job entities."""
    employees, exits, positions, reviews = company.employees, company.exits, company.positions, company.reviews
    left = employees.merge(exits, on="employee_id", how="left")
    pd.DataFrame(
        {
            "personIdExternal": left["employee_id"],
            "originalStartDate": days(left["hired_on"], "%Y-%m-%d"),
            "endDate": days(left["exited_on"], "%Y-%m-%d"),
            "isContingentWorker": "false",
        }
    ).to_csv(out / "EmpEmployment.csv", index=False)
    pd.DataFrame(
        {
            "userId": positions["employee_id"],
            "startDate": days(positions["effective_on"], "%Y-%m-%d"),
            "managerId": positions["manager_id"],
            "department": positions["department"],
            "jobCode": positions["role_family"],
            "payGrade": positions["level"],
            "location": positions["location"],
            "eventReason": "DATACHG",
        }
    ).to_csv(out / "EmpJob.csv", index=False)
    pd.DataFrame(
        {
            "formDataId": reviews["review_id"],
            "formSubjectId": reviews["employee_id"],
            "formReviewStartDate": days(reviews["period_start"], "%Y-%m-%d"),
            "formReviewEndDate": days(reviews["period_end"], "%Y-%m-%d"),
            "formLastModifiedDate": days(reviews["reviewed_on"], "%Y-%m-%d"),
            "rating": reviews["rating"],
        }
    ).to_csv(out / "FormHeader.csv", index=False)
    return {
        ("EmpEmployment.csv", ""): {
            "personIdExternal": everywhere("employee_id", "employees", "exits"),
            "originalStartDate": "employees.hired_on",
            "endDate": "exits.exited_on",
            "isContingentWorker": "",
        },
        ("EmpJob.csv", ""): {
            "userId": "positions.employee_id",
            "startDate": "positions.effective_on",
            "managerId": "positions.manager_id",
            "department": "positions.department",
            "jobCode": "positions.role_family",
            "payGrade": "positions.level",
            "location": "positions.location",
            "eventReason": "",
        },
        ("FormHeader.csv", ""): {
            "formDataId": "reviews.review_id",
            "formSubjectId": "reviews.employee_id reviews.review_id",
            "formReviewStartDate": "reviews.period_start",
            "formReviewEndDate": "reviews.period_end reviews.review_id",
            "formLastModifiedDate": "reviews.reviewed_on",
            "rating": "reviews.rating",
        },
    }


@maker(HELD_OUT)
def workday(company: Company, out: Path) -> Truth:
    """Names of Workday's delivered reports."""
    roster, reviews, events = company.roster, company.reviews, company.events
    frames = {
        "All Workers": pd.DataFrame(
            {
                "Worker": roster["name"],
                "Employee ID": roster["employee_id"],
                "Original Hire Date": roster["hired_on"],
                "Supervisory Organization": roster["department"],
                "Worker's Manager ID": roster["manager_id"],
                "Job Profile": roster["role_family"],
                "Management Level": "L" + roster["level"].astype("Int64").astype(str),
                "Primary Work Address City": roster["location"],
                "Termination Date": roster["exited_on"],
                "Termination Category": roster["kind"].map(
                    {"voluntary": "Terminate Employee > Voluntary", "involuntary": "Terminate Employee > Involuntary"}
                ),
            }
        ),
        "Performance Review Ratings": pd.DataFrame(
            {
                "Employee ID": reviews["employee_id"],
                "Review Period End Date": reviews["period_end"],
                "Manager Evaluation Completed Date": reviews["reviewed_on"],
                "Overall Performance Rating": reviews["rating"].map(
                    {
                        5: "Significantly Exceeds",
                        4: "Exceeds",
                        3: "Achieves",
                        2: "Partially Achieves",
                        1: "Does Not Achieve",
                    }
                ),
            }
        ),
        "Time Blocks": pd.DataFrame(
            {
                "Employee ID": events["employee_id"],
                "In Time": events["happened_at"],
                "Time Type": events["kind"],
                "Reported Quantity": events["value"],
            }
        ).head(20_000),
    }
    sheets(out / "Workday.xlsx", frames, titles=("All Workers as of 10/01/2026",))
    return {
        ("Workday.xlsx", "All Workers"): {
            "Worker": "employees.name",
            "Employee ID": everywhere("employee_id", "employees", "positions", "exits"),
            "Original Hire Date": "employees.hired_on positions.effective_on",
            "Supervisory Organization": "positions.department",
            "Worker's Manager ID": "positions.manager_id",
            "Job Profile": "positions.role_family",
            "Management Level": "positions.level",
            "Primary Work Address City": "positions.location",
            "Termination Date": "exits.exited_on",
            "Termination Category": "exits.kind",
        },
        ("Workday.xlsx", "Performance Review Ratings"): {
            "Employee ID": "reviews.employee_id reviews.review_id",
            "Review Period End Date": "reviews.period_end reviews.review_id",
            "Manager Evaluation Completed Date": "reviews.reviewed_on",
            "Overall Performance Rating": "reviews.rating",
        },
        ("Workday.xlsx", "Time Blocks"): {
            "Employee ID": "events.employee_id",
            "In Time": "events.happened_at",
            "Time Type": "events.kind",
            "Reported Quantity": "events.value",
        },
    }


@maker(HELD_OUT)
def beisen(company: Company, out: Path) -> Truth:
    """Names as in 北森 iTalent."""
    roster, reviews = company.roster, company.reviews
    pd.DataFrame(
        {
            "工号": roster["employee_id"],
            "姓名": roster["name"],
            "任职部门": roster["department"].map(DEPARTMENT_ZH),
            "职务序列": roster["role_family"],
            "职等": roster["level"],
            "直线经理工号": roster["manager_id"],
            "最近入职日期": days(roster["hired_on"], "%Y-%m-%d"),
            "实际离职日期": days(roster["exited_on"], "%Y-%m-%d"),
            "离职类型": roster["kind"].map(EXIT_ZH),
            "司龄": 3.5,
        }
    ).to_csv(out / "人员任职明细.csv", index=False, encoding="gb18030")
    pd.DataFrame(
        {
            "被考核人工号": reviews["employee_id"],
            "考核活动周期": half_years(reviews["period_end"]),
            "活动结束日期": days(reviews["reviewed_on"], "%Y-%m-%d"),
            "最终绩效等级": reviews["rating"].map({5: "S", 4: "A", 3: "B", 2: "C", 1: "D"}),
        }
    ).to_csv(out / "绩效结果明细.csv", index=False, encoding="gb18030")
    return {
        ("人员任职明细.csv", ""): {
            "工号": everywhere("employee_id", "employees", "positions", "exits"),
            "姓名": "employees.name",
            "任职部门": "positions.department",
            "职务序列": "positions.role_family",
            "职等": "positions.level",
            "直线经理工号": "positions.manager_id",
            "最近入职日期": "employees.hired_on positions.effective_on",
            "实际离职日期": "exits.exited_on",
            "离职类型": "exits.kind",
            "司龄": "",
        },
        ("绩效结果明细.csv", ""): {
            "被考核人工号": "reviews.employee_id reviews.review_id",
            "考核活动周期": "reviews.period_end reviews.period_start reviews.review_id",
            "活动结束日期": "reviews.reviewed_on",
            "最终绩效等级": "reviews.rating",
        },
    }


@maker(HELD_OUT)
def yonyou(company: Company, out: Path) -> Truth:
    """Names as in 用友 NC: 人员编码, 到职日期, 任职开始日期, 考核方案."""
    employees, positions, exits = company.employees, company.positions, company.exits
    reviews, events = company.reviews, company.events
    frames = {
        "人员基本信息": pd.DataFrame(
            {
                "人员编码": employees["employee_id"],
                "到职日期": days(employees["hired_on"], "%Y-%m-%d"),
                "出生年": employees["birth_year"],
                "性别": employees["gender"].map({"female": "女", "male": "男"}),
            }
        ),
        "任职记录": pd.DataFrame(
            {
                "人员编码": positions["employee_id"],
                "任职开始日期": days(positions["effective_on"], "%Y-%m-%d"),
                "任职部门名称": positions["department"].map(DEPARTMENT_ZH),
                "岗位族": positions["role_family"],
                "岗位等级": positions["level"],
                "上级人员编码": positions["manager_id"],
            }
        ),
        "离职记录": pd.DataFrame(
            {
                "人员编码": exits["employee_id"],
                "离职生效日期": days(exits["exited_on"], "%Y-%m-%d"),
                "异动类型": exits["kind"].map({"voluntary": "辞职", "involuntary": "解除劳动合同", "other": "退休"}),
            }
        ),
        "考核结果": pd.DataFrame(
            {
                "人员编码": reviews["employee_id"],
                "考核期间": half_years(reviews["period_end"]),
                "考核完成时间": days(reviews["reviewed_on"], "%Y-%m-%d"),
                "考核结果等级": reviews["rating"].map({5: "优秀", 4: "良好", 3: "称职", 2: "基本称职", 1: "不称职"}),
            }
        ),
        "操作记录": pd.DataFrame(
            {
                "人员编码": events["employee_id"],
                "操作时间": days(events["happened_at"], "%Y-%m-%d %H:%M:%S"),
                "操作类型": events["kind"].map(KIND_ZH),
                "时长(小时)": events["value"],
            }
        ).head(20_000),
    }
    sheets(out / "NC导出.xlsx", frames)
    return {
        ("NC导出.xlsx", "人员基本信息"): {
            "人员编码": "employees.employee_id",
            "到职日期": "employees.hired_on",
            "出生年": "employees.birth_year",
            "性别": "employees.gender",
        },
        ("NC导出.xlsx", "任职记录"): {
            "人员编码": "positions.employee_id",
            "任职开始日期": "positions.effective_on",
            "任职部门名称": "positions.department",
            "岗位族": "positions.role_family",
            "岗位等级": "positions.level",
            "上级人员编码": "positions.manager_id",
        },
        ("NC导出.xlsx", "离职记录"): {
            "人员编码": "exits.employee_id",
            "离职生效日期": "exits.exited_on",
            "异动类型": "exits.kind",
        },
        ("NC导出.xlsx", "考核结果"): {
            "人员编码": "reviews.employee_id reviews.review_id",
            "考核期间": "reviews.period_end reviews.period_start reviews.review_id",
            "考核完成时间": "reviews.reviewed_on",
            "考核结果等级": "reviews.rating",
        },
        ("NC导出.xlsx", "操作记录"): {
            "人员编码": "events.employee_id",
            "操作时间": "events.happened_at",
            "操作类型": "events.kind",
            "时长(小时)": "events.value",
        },
    }


@maker(HELD_OUT)
def teaching_set(company: Company, out: Path) -> Truth:
    """The names of a well-known public HR teaching set, where one row a person holds everything."""
    roster = company.roster
    newest = company.reviews.sort_values("reviewed_on").groupby("employee_id").tail(1)
    table = roster.merge(newest[["employee_id", "rating", "reviewed_on"]], on="employee_id", how="left")
    pd.DataFrame(
        {
            "Employee_Name": table["name"],
            "EmpID": table["employee_id"],
            "Salary": 50_000,
            "Position": table["role_family"],
            "Sex": table["gender"].map({"female": "F", "male": "M"}),
            "DateofHire": days(table["hired_on"], "%m/%d/%Y"),
            "DateofTermination": days(table["exited_on"], "%m/%d/%Y"),
            "EmploymentStatus": table["kind"].map(
                {"voluntary": "Voluntarily Terminated", "involuntary": "Terminated for Cause"}
            ),
            "Department": table["department"],
            "ManagerID": table["manager_id"],
            "PerformanceScore": table["rating"].map(
                {5: "Exceeds", 4: "Exceeds", 3: "Fully Meets", 2: "Needs Improvement", 1: "PIP"}
            ),
            "LastPerformanceReview_Date": days(table["reviewed_on"], "%m/%d/%Y"),
            "Absences": 3,
        }
    ).to_csv(out / "HRDataset.csv", index=False)
    return {
        ("HRDataset.csv", ""): {
            "Employee_Name": "employees.name",
            "EmpID": everywhere("employee_id", "employees", "positions", "exits", "reviews") + " reviews.review_id",
            "Salary": "",
            "Position": "positions.role_family",
            "Sex": "employees.gender",
            "DateofHire": "employees.hired_on positions.effective_on",
            "DateofTermination": "exits.exited_on",
            "EmploymentStatus": "exits.kind",
            "Department": "positions.department",
            "ManagerID": "positions.manager_id",
            "PerformanceScore": "reviews.rating",
            "LastPerformanceReview_Date": "reviews.reviewed_on reviews.period_end reviews.review_id",
            "Absences": "",
        },
    }
