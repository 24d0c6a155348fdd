"""The commands of holds and disputes, for people in both languages and for programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from perfml.cli import app
from tests.trust.disputes.case import DAY, EARLIER_DAY, Company


def run(company: Company, *arguments: str) -> str:
    """What a command prints; it must end well."""
    project = company.home.parent / "project"
    if not project.is_dir():
        project.mkdir()
        (project / "perfml.toml").write_text('name = "mine"\n[disputes]\nworking_days = 3\nholidays = [2026-09-03]\n')
    outcome = CliRunner().invoke(app, [*arguments, "--project", str(project), "--home", str(company.home)])
    assert outcome.exit_code == 0, outcome.output + repr(outcome.exception)
    return outcome.output


@pytest.fixture
def company(tmp_path: Path) -> Company:
    recorded = Company.of(tmp_path)
    recorded.score(EARLIER_DAY, DAY)
    return recorded


@pytest.mark.slow
def test_holds_are_listed_stopped_and_resumed(company: Company) -> None:
    assert "nothing is held 目前没有暂停" in run(company, "holds")
    signed = ["--by", "Ana", "--reason", "the ranks look wrong", "--today", str(DAY)]
    assert "held since 2026-09-01 自 2026-09-01 起暂停" in run(company, "stop", *signed)
    listed = run(company, "holds")
    assert "everything was stopped by Ana: the ranks look wrong" in listed and "Ana 已全部暂停" in listed
    assert "2026-09-01" in listed
    (hold,) = json.loads(run(company, "holds", "--json"))
    assert (hold["entity"], hold["cause"], hold["active"], hold["days_missing"]) == ("everything", "stop", True, 0)
    assert set(hold["message"]) == {"en", "zh"}
    assert not json.loads(run(company, "resume", *signed, "--json"))["active"]
    outcome = CliRunner().invoke(app, ["release", "none", *signed, "--home", str(company.home)])
    assert "is no hold" in str(outcome.exception)
    assert json.loads(run(company, "recompute", "--json")) == []


@pytest.mark.slow
def test_a_dispute_from_filing_to_review(company: Company, tmp_path: Path) -> None:
    proof = tmp_path / "letter.txt"
    proof.write_text("评级应为 4")
    data = ["--data", str(company.data), "--today", str(DAY)]
    row = ["e2", "--table", "reviews", "--key", "r5", "--right", "rating=4", "--by", "e2", "--proof", str(proof)]
    filed = json.loads(run(company, "dispute", *row, *data, "--json"))
    assert (filed["state"], filed["due_on"], filed["proof"]["kind"]) == ("open", "2026-09-07", "txt")
    assert filed["row"]["comment"] == "mark5x" and filed["concerned"] == ["e0"]
    assert "open, due 2026-09-07 处理中，最迟 2026-09-07" in run(company, "dispute", *row, *data)
    verdict = [filed["dispute_id"], "upheld", "--reason", "the letter shows it", *data]
    escalated = json.loads(run(company, "disputes", "--escalate", "--today", "2026-09-08", "--json"))
    assert escalated["escalated"] == [filed["dispute_id"]] and escalated["agreement"]["verdict"] == "insufficient"
    refused = CliRunner().invoke(app, ["resolve", *verdict, "--by", "e1", "--home", str(company.home)])
    assert "may not decide it" in str(refused.exception)
    assert "upheld by e5 on 2026-09-01: the letter shows it 成立" in run(company, "resolve", *verdict, "--by", "e5")
    assert "insufficient, 0 of 20 reviews 复核一致性：数据不足" in run(company, "disputes")
    shown = run(company, "disputes", "--id", filed["dispute_id"])
    assert "before 之前: " in shown and "rating 3" in shown and "rating 4" in shown
    assert json.loads(run(company, "disputes", "--id", filed["dispute_id"], "--json"))["row_after"]["rating"] == "4"
