"""Each rule of the checklist passes, fails and is unknown for its reason, and says so in both languages."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path

import pytest
import sqlalchemy as sql

from perfml import Project
from perfml.messages import Message, templates
from perfml.store.opening import session
from perfml.store.tables import NOTICES
from perfml.trust.disputes.dispute_log import DisputeLog
from perfml.trust.governance.checklist import RULES, CheckVerdict
from perfml.trust.holds.hold_log import HoldLog
from perfml.trust.notices.notice_log import Notice
from tests.trust.deliveries.project import FEEDS, company, project

DAY = dt.date(2026, 2, 10)


def verdicts(mine: Project, data: Path | None = None) -> dict[str, CheckVerdict]:
    return {check.rule: check.verdict for check in mine.governance(data, now=str(DAY))}


def write(mine: Project, path: str, text: str) -> None:
    file = mine.folder.root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def again(mine: Project) -> Project:
    return Project(mine.folder.root, home=mine.home)


def give(mine: Project, *people: str, version: str = "v1") -> None:
    mine.give_notice(
        [
            Notice(employee_id=each, version=version, given_on=dt.date(2026, 2, 1), how="e-mail", by="李娜")
            for each in people
        ]
    )


def test_every_rule_has_its_texts_in_both_languages() -> None:
    for rule in RULES:
        assert {"en", "zh"} <= set(templates()[f"governance_{rule}"])
        assert {"en", "zh"} <= set(templates()[f"governance_{rule}_remedy"])


def test_an_empty_system_is_mostly_unknown_and_says_why(tmp_path: Path) -> None:
    judged = verdicts(project(tmp_path, feeds=""))
    assert {rule for rule, verdict in judged.items() if verdict == "fail"} == {"final_interpretation"}
    unknown = {"definition_review", "interface_health", "change_notices", "reconciliation", "matching_versions"}
    assert {rule for rule, verdict in judged.items() if verdict == "unknown"} == unknown | {
        "fairness_current",
        "notice_recorded",
        "audit_log",
    }
    assert list(judged) == list(RULES) and len(judged) >= 12


@pytest.mark.slow
def test_deliveries_and_a_damaged_inbox_are_seen(tmp_path: Path) -> None:
    mine, data = project(tmp_path, FEEDS.replace("calendar =", "until = 2025-03-13\ncalendar =")), company(tmp_path)
    assert verdicts(mine, data)["interface_health"] == "fail"
    complete = "source | business_date | due_at | received_at | row_count | total\n" + "\n".join(
        f"crm | 2025-03-{day} | | 2025-03-{day} 20:00:00 | 5 |" for day in (10, 11, 13)
    )
    company(tmp_path, complete)
    assert verdicts(mine, data)["interface_health"] == "pass"
    packet = tmp_path / "packet.csv"
    packet.write_text("event_id,employee_id,happened_at,kind\nw1,e1,2025-03-11 09:00:00,a\n", encoding="utf-8")
    mine.receive("crm", packet, now="2025-03-12")
    assert verdicts(mine)["backfill_log"] == "pass"
    (file,) = (mine.home / "inbox" / "events").iterdir()
    file.write_bytes(b"")
    assert verdicts(mine)["backfill_log"] == "fail"


@pytest.mark.slow
def test_definitions_need_a_sign_off(tmp_path: Path) -> None:
    mine = project(tmp_path, feeds="")
    metric = '[metrics.sales]\nzh = "销售额"\nen = "sales"\nunit = "CNY"\nowner = "李娜"\nversion = 1\nbasis = "net"\n'
    write(mine, "features/definitions.toml", metric + 'attribution = "registration"\n')
    assert verdicts(again(mine))["definition_review"] == "fail"
    again(mine).sign_off("sales", version=1, by="李娜", reason="agreed with finance in January")
    assert verdicts(again(mine))["definition_review"] == "pass"


@pytest.mark.slow
def test_a_text_that_was_changed_or_not_given_anew_is_seen(tmp_path: Path) -> None:
    mine = project(tmp_path, feeds="")
    give(mine, "e1", "e2")
    assert verdicts(mine)["change_notices"] == "pass"
    write(mine, "models/notices.toml", '[versions.v1]\nen = "Other words."\n')
    assert verdicts(again(mine))["change_notices"] == "fail"
    write(mine, "models/notices.toml", '[versions.v2]\nsince = 2026-01-15\nen = "New."\nzh = "新。"\n')
    assert verdicts(again(mine))["change_notices"] == "fail"
    give(again(mine), "e1", "e2", version="v2")
    assert verdicts(again(mine))["change_notices"] == "pass"


@pytest.mark.slow
def test_an_owner_of_the_final_interpretation_and_a_card_are_needed(tmp_path: Path) -> None:
    mine = project(tmp_path, feeds="")
    write(mine, "models/notices.toml", 'reviewer = { name = "王强", address = "wang@example.com" }\n')
    assert verdicts(again(mine))["final_interpretation"] == "pass"
    assert verdicts(again(mine))["model_cards"] == "pass"
    write(mine, "models/attrition.md", "# Risk of leaving\n\n**Purpose.** A list.\n")
    assert verdicts(again(mine))["model_cards"] == "fail"


@pytest.mark.slow
def test_holds_disputes_and_packages_have_deadlines(tmp_path: Path) -> None:
    mine = project(tmp_path, feeds="")
    message = Message.of("hold_stop", by="x", reason="y")
    HoldLog(mine.home).set("department:South", cause="reconciliation", message=message, on=DAY)
    disputes = DisputeLog(mine.home, mine.folder.spec.disputes)
    for key, days in (("r1", 3), ("r2", 15)):
        on = DAY - dt.timedelta(days=days)
        disputes.file("e1", table="reviews", key=key, right={"rating": "4"}, by="e1", on=on, idempotency_key=key)
        assert verdicts(mine)["dispute_deadlines"] == ("pass" if key == "r1" else "fail")
    assert verdicts(mine)["reconciliation"] == "fail"
    mine.outcome("e1", what="was not promoted this year", by="李娜", on=DAY - dt.timedelta(days=30))
    assert verdicts(mine)["packages"] == "pass"
    mine.outcome("e2", what="was not promoted this year", by="李娜", on=DAY - dt.timedelta(days=31))
    assert verdicts(mine)["packages"] == "fail"


@pytest.mark.slow
def test_everyone_scored_needs_a_notice_and_old_records_are_erased(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = project(tmp_path, feeds="")
    scored = {"e1": dt.date(2026, 2, 5), "e2": dt.date(2026, 2, 5)}
    monkeypatch.setattr("perfml.scoring.people.known.scored_people", lambda home: scored)
    give(mine, "e1")
    assert verdicts(mine)["notice_recorded"] == "fail"
    give(mine, "e2")
    assert verdicts(mine)["notice_recorded"] == "pass" and verdicts(mine)["retention"] == "pass"
    mine.opt_out("e2", by="e2", on=DAY)
    assert verdicts(mine)["notice_recorded"] == "fail"
    mine.opt_out("e2", by="e2", on=DAY, withdraw=True)
    with session(mine.home, writing=True) as connection:
        connection.execute(sql.update(NOTICES).values(entered_at="2020-01-01T00:00:00+00:00"))
    assert verdicts(mine)["retention"] == "fail"
    mine.retention(now=str(DAY), apply=True)
    assert verdicts(mine)["retention"] == "pass"


@pytest.mark.slow
def test_the_page_names_nobody_and_says_the_same_in_both_languages(tmp_path: Path) -> None:
    mine = project(tmp_path, feeds="")
    give(mine, "e1")
    checks = mine.governance(now=str(DAY))
    page = mine.write_governance(checks, tmp_path / "g.html", now=str(DAY)).read_text(encoding="utf-8")
    assert "Governance checklist" in page and "治理检查表" in page and "e1" not in re.sub(r"<[^>]*>", " ", page).split()
    assert page.count("未通过</span>") == page.count("fail</span>") == 1
    answer = json.loads(json.dumps([check.to_json() for check in checks]))
    assert all(check["evidence"]["zh"] and check["title"]["en"] for check in answer)
    assert all(("remedy" in check) == (check["verdict"] != "pass") for check in answer)
