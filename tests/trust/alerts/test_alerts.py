"""Who is told of what, once; who is not; what becomes of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from perfml import Project, cli
from perfml.errors import DefinitionError, PerfmlError
from perfml.messages import render
from perfml.project.folder import ProjectFolder
from perfml.project.starter import STARTER
from perfml.project.trust.alert_spec import AlertsSpec
from perfml.trust.alerts.alert_log import read_alerts
from perfml.trust.outbox import posts
from tests.trust.alerts.company import RULES, company, day, events, project


def open_alerts(mine: Project, data: Path, number: int) -> list[tuple[str, str, str]]:
    return [(a.first.rule, a.first.employee_id, a.state) for a in mine.alerts(data, as_of=day(number)).alerts]


def recipients(mine: Project) -> list[str]:
    return sorted(post.recipient for post in posts(mine.home))


@pytest.mark.slow
def test_two_weeks_of_silence_are_told_to_manager_and_employee(tmp_path: Path) -> None:
    mine, data = project(tmp_path), company(tmp_path / "data")
    assert open_alerts(mine, data, 16) == []  # the update of the third is 13 days old
    report = mine.alerts(data, as_of=day(17))
    (alert,) = report.raised
    assert (alert.first.employee_id, alert.first.numbers) == ("ana", {"crm_update_days_since_last": 14.0})
    assert [(row.table, row.key, row.happened) for row in alert.first.rows] == [("events", "v-ana", "2026-03-03")]
    assert recipients(mine) == ["ana@example.com", "mia@example.com"]
    to_manager, to_employee = sorted((post.message for post in posts(mine.home)), key=lambda m: m.code, reverse=True)
    assert "ana: no update for 14 days." in render(to_manager, "en") and alert.first.alert_id in render(
        to_manager, "zh"
    )
    assert render(to_employee, "zh") == "您已 14 天未更新。"
    assert len(report.carried.delivered) == 2


@pytest.mark.slow
def test_the_same_look_again_changes_nothing(tmp_path: Path) -> None:
    mine, data = project(tmp_path), company(tmp_path / "data")
    first = mine.alerts(data, as_of=day(17)).to_json()
    again = mine.alerts(data, as_of=day(17)).to_json()
    assert again["alerts"] == first["alerts"] and again["messages"] == {"carried": 0, "waiting": 0}
    for number in (18, 20, 22):
        mine.alerts(data, as_of=day(number))
    assert recipients(mine).count("mia@example.com") == 1


@pytest.mark.slow
def test_what_nobody_takes_care_of_is_escalated_once(tmp_path: Path) -> None:
    mine, data = project(tmp_path), company(tmp_path / "data")
    for number in (17, 21):
        mine.alerts(data, as_of=day(number))
    assert "hr" not in recipients(mine)
    assert open_alerts(mine, data, 22) == [("quiet", "ana", "escalated")]
    mine.alerts(data, as_of=day(23))
    assert recipients(mine).count("hr") == 1
    (letter,) = (post.message for post in posts(mine.home) if post.recipient == "hr")
    assert "19 days" in render(letter, "en") and "2026-03-17" in render(letter, "zh")


@pytest.mark.slow
def test_an_acknowledged_alert_is_not_escalated(tmp_path: Path) -> None:
    mine, data = project(tmp_path), company(tmp_path / "data")
    (alert,) = mine.alerts(data, as_of=day(17)).alerts
    mine.acknowledge_alert(alert.first.alert_id, by="mia", note="talked", today=day(18))
    assert open_alerts(mine, data, 25) == [("quiet", "ana", "acknowledged")]
    assert "hr" not in recipients(mine)
    with pytest.raises(PerfmlError, match="mia takes care of it"):
        mine.acknowledge_alert(alert.first.alert_id, by="zed", today=day(19))
    with pytest.raises(PerfmlError, match="is no alert"):
        mine.acknowledge_alert("nothing", by="zed", today=day(19))
    with pytest.raises(PerfmlError, match="is empty"):
        mine.acknowledge_alert(alert.first.alert_id, by=" ", today=day(19))


@pytest.mark.slow
def test_an_alert_is_resolved_when_its_condition_no_longer_holds(tmp_path: Path) -> None:
    mine, data = project(tmp_path), company(tmp_path / "data")
    mine.alerts(data, as_of=day(17))
    later = "\nlate | ana | 2026-03-18 09:00:00 | crm_update"
    company(tmp_path / "data", events=events({"ana": 3, "ben": 20, "cam": 25, "dee": 28}) + later)
    assert open_alerts(mine, data, 19) == [("quiet", "ana", "resolved")]
    assert open_alerts(mine, data, 20) == []


@pytest.mark.slow
def test_nobody_away_is_alerted_about(tmp_path: Path) -> None:
    absences = "employee_id | first_day | last_day | known_at\nana | 2026-03-05 | 2026-03-20 | 2026-02-01"
    mine, data = project(tmp_path), company(tmp_path / "data", absences=absences)
    for number in (17, 20, 27):  # away until the 20th, and seven days more count
        assert open_alerts(mine, data, number) == []
    assert open_alerts(mine, data, 28) == [("quiet", "ana", "open")]


def test_leave_that_nobody_knew_of_silences_nothing(tmp_path: Path) -> None:
    absences = "employee_id | first_day | last_day | known_at\nana | 2026-03-05 | 2026-03-20 | 2026-03-17"
    mine, data = project(tmp_path), company(tmp_path / "data", absences=absences)
    assert open_alerts(mine, data, 17) == [("quiet", "ana", "open")]


@pytest.mark.slow
def test_nobody_held_or_opted_out_is_alerted_about(tmp_path: Path) -> None:
    mine, data = project(tmp_path), company(tmp_path / "data", last={"ana": 3, "ben": 3, "cam": 28, "dee": 28})
    mine.opt_out("ana", by="ana", on=day(1))
    assert open_alerts(mine, data, 17) == [("quiet", "ben", "open")]
    mine.stop(by="mia", reason="The figures are being checked.", today=day(18))
    assert open_alerts(mine, data, 18) == []
    assert [alert.first.employee_id for alert in read_alerts(mine.home)] == ["ben"]


@pytest.mark.slow
def test_a_team_is_told_of_once_it_is_large_enough(tmp_path: Path) -> None:
    mine, data = project(tmp_path), company(tmp_path / "data", last={"ana": 3, "ben": 3, "cam": 28})
    mine.opt_out("dee", by="dee", on=day(1))
    report = mine.alerts(data, as_of=day(29))  # three reports are known, two of them quiet
    (alert,) = (each for each in report.alerts if each.first.rule == "team")
    assert alert.first.employee_id == "mia" and alert.first.people == ("ana", "ben")
    assert alert.first.texts["employee"].en == "2 of 3, coverage 33 %."
    assert "mia@example.com" in recipients(mine)


def test_a_rule_without_its_evidence_is_insufficient_and_ends_nothing_else(tmp_path: Path) -> None:
    mine, data = project(tmp_path), company(tmp_path / "data")
    report = mine.alerts(data, as_of=day(17))
    assert [alert.first.rule for alert in report.alerts] == ["quiet"]
    assert {rule: render(why, "en") for rule, why in report.insufficient.items()} == {
        "rare": "insufficient: this record has no praise_count_91d"
    }
    assert not report.leave_known


def test_without_a_manager_hr_reads(tmp_path: Path) -> None:
    positions = "employee_id | effective_on | manager_id\nben | 2020-01-01 | mia"
    mine, data = project(tmp_path), company(tmp_path / "data", positions=positions)
    mine.alerts(data, as_of=day(17))
    assert recipients(mine) == ["ana@example.com", "hr"]


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("{person}: no update for", "{person} may resign; no update for", "tells what might become of a person"),
        ("您已 {crm_update_days_since_last}未更新", "您未更新", "same fields"),
        ("{concerned} of {team}, coverage {coverage}", "{name}, {concerned} {team} {coverage}", "same fields"),
        ('to = ["manager", "employee"]', 'to = ["manager", "employee"]\nsize = 3', "'size' is not a key"),
        ('escalate_to = "hr"', 'escalate_to = "everyone"', "everyone"),
        ('numbers = ["crm_update_days_since_last"]', "numbers = []", "add the column to numbers"),
        ('address = "{employee_id}@example.com"', 'address = "all"', "employee_id"),
    ],
)
def test_a_rule_that_cannot_be_used_is_refused_with_its_key(
    before: str, after: str, problem: str, tmp_path: Path
) -> None:
    assert before in RULES
    with pytest.raises(DefinitionError, match=problem) as error:
        _ = project(tmp_path, RULES.replace(before, after)).folder.policies
    assert "models/alerts.toml" in str(error.value)


def test_a_column_that_nothing_makes_is_refused(tmp_path: Path) -> None:
    mine, data = project(tmp_path, RULES.replace("praise_count_91d = 0", "zeal = 0")), company(tmp_path / "data")
    with pytest.raises(DefinitionError, match=r"rules\.rare.*no evidence is called 'zeal'"):
        mine.alerts(data, as_of=day(17))


def test_shipped_rules_speak_in_both_languages_and_mind_leave() -> None:
    rules = ProjectFolder(STARTER).policy_of(AlertsSpec)[1].used
    assert {"no_crm_update", "feedback_owed", "goal_behind_unmentioned", "weekly_feedback"} <= rules.keys()
    assert all(rule.leave_aware for rule in rules.values())
    assert rules["no_crm_update"].to == ("manager", "employee")


@pytest.mark.slow
def test_commands(tmp_path: Path) -> None:
    mine, data = project(tmp_path), company(tmp_path / "data")
    where = ["--project", str(mine.folder.root), "--home", str(mine.home)]
    run = CliRunner()
    look = run.invoke(cli.app, ["alerts", "--data", str(data), "--as-of", "2026-03-17", "--json", *where])
    (alert,) = json.loads(look.output)["alerts"]
    assert alert["employee_id"] == "ana" and alert["texts"]["hr"]["zh"] == "ana 已 14 天未更新。"
    for language, text in (("zh", "待确认"), ("en", "open")):
        shown = run.invoke(
            cli.app, ["alerts", "--data", str(data), "--as-of", "2026-03-17", "--language", language, *where]
        )
        assert shown.exit_code == 0 and text in shown.output and "v-ana" in shown.output
    taken = run.invoke(cli.app, ["alerts", "acknowledge", alert["alert_id"], "--by", "mia", *where])
    assert taken.exit_code == 0 and "mia" in taken.output
    tested = run.invoke(cli.app, ["alerts", "backtest", "--data", str(data), "--json", *where[:2]])
    assert tested.exit_code == 0 and {rule["rule"] for rule in json.loads(tested.output)["rules"]} >= {"quiet", "team"}
