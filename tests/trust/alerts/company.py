"""A small company with rules of its own: mia manages ana, ben, cam and dee; zed manages mia."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from perfml import Project
from tests.tables import write_tables

RULES = """
off = ["no_crm_update", "feedback_owed", "goal_behind_unmentioned", "weekly_feedback"]
address = "{employee_id}@example.com"

[rules.quiet]
zh = "两周未更新"
en = "Quiet for two weeks"
severity = "attention"
when = "crm_update_days_since_last >= 14"
numbers = ["crm_update_days_since_last"]
to = ["manager", "employee"]
cooldown_days = 10
acknowledge_days = 5
escalate_to = "hr"
leave_days = 7
[rules.quiet.texts.manager]
zh = "{person} 已 {crm_update_days_since_last}未更新。"
en = "{person}: no update for {crm_update_days_since_last}."
[rules.quiet.texts.employee]
zh = "您已 {crm_update_days_since_last}未更新。"
en = "No update of yours for {crm_update_days_since_last}."
[rules.quiet.texts.hr]
zh = "{person} 已 {crm_update_days_since_last}未更新。"
en = "{person}: no update for {crm_update_days_since_last}."
[rules.quiet.outcome]
model = "low_performance"
horizon_days = 182

[rules.team]
zh = "团队安静"
en = "A quiet team"
concerns = "team"
when = "crm_update_days_since_last >= 14"
least_people = 3
least_share = 0.5
to = ["employee"]
[rules.team.texts.employee]
zh = "{team} 人中 {concerned} 人，覆盖率 {coverage}。"
en = "{concerned} of {team}, coverage {coverage}."

[rules.rare]
zh = "表扬"
en = "Praise"
when = "praise_count_91d = 0"
to = ["manager"]
[rules.rare.texts.manager]
zh = "{person}"
en = "{person}"
"""
PEOPLE = ("ana", "ben", "cam", "dee")
EMPLOYEES = "employee_id | hired_on\n" + "\n".join(f"{name} | 2020-01-01" for name in (*PEOPLE, "mia", "zed"))
POSITIONS = "employee_id | effective_on | manager_id\nmia | 2020-01-01 | zed\n" + "\n".join(
    f"{name} | 2020-01-01 | mia" for name in PEOPLE
)
LAST = {"ana": 3, "ben": 20, "cam": 25, "dee": 28}
"""Day of March 2026 of the last update."""


def day(number: int) -> dt.date:
    """A day counted from the first of March 2026."""
    return dt.date(2026, 3, 1) + dt.timedelta(days=number - 1)


def events(last: dict[str, int]) -> str:
    """The log: one update each on the day of March that ``last`` names; mia logs in for half a year."""
    rows = [f"v-{who} | {who} | {day(number)} 09:00:00 | crm_update" for who, number in last.items()]
    rows += [f"m{n} | mia | {day(n)} 10:00:00 | login" for n in range(1, 200)]
    return "event_id | employee_id | happened_at | kind\n" + "\n".join(rows)


def company(folder: Path, *, last: dict[str, int] | None = None, absences: str | None = None, **more: str) -> Path:
    """Its tables in ``folder``."""
    tables = {"employees": EMPLOYEES, "positions": POSITIONS, "events": events(LAST if last is None else last)} | more
    return write_tables(folder, **tables, **({} if absences is None else {"absences": absences}))


def project(folder: Path, rules: str = RULES) -> Project:
    """A project with ``rules`` and its home beside."""
    (folder / "project" / "models").mkdir(parents=True)
    (folder / "project" / "features").mkdir()
    (folder / "project" / "perfml.toml").write_text('name = "mine"\n', encoding="utf-8")
    (folder / "project" / "features" / "holes.toml").write_text("look = false\n", encoding="utf-8")
    (folder / "project" / "models" / "alerts.toml").write_text(rules, encoding="utf-8")
    return Project(folder / "project", home=folder / "home")
