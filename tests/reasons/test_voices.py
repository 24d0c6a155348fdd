"""One reason for HR, the manager and the employee: the same numbers in both languages, and only HR reads of risk."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from perfml.errors import DefinitionError, PerfmlError
from perfml.evidence.columns import Column
from perfml.messages import Language
from perfml.project.folder import ProjectFolder
from perfml.project.policies import parse_policy
from perfml.project.starter import STARTER
from perfml.project.voices import Reader, VoicesSpec, Who
from perfml.reasons.record import Reason
from perfml.reasons.voices import VoicedReason, Voices
from perfml.scoring.voiced import VoicedScore

SPEC = ProjectFolder(STARTER).policy_of(VoicesSpec)[1]
LANGUAGES: tuple[Language, ...] = ("zh", "en")
WHO: tuple[Who, ...] = ("hr", "manager", "employee")
OVERTIME = Column(
    name="overtime_91d",
    evidence="activity",
    reason="activity:overtime",
    reason_zh="加班",
    reason_en="overtime",
    zh="近91天加班次数",
    en="overtime in the last 91 days",
    unit="times",
    direction="lower",
    owner="manager",
)
COLUMNS = {OVERTIME.name: OVERTIME}


def reason(contribution: float = 0.5, *, other: bool = False) -> Reason:
    return {
        "evidence": "other" if other else OVERTIME.reason,
        "contribution": contribution,
        "owner": "data" if other else "manager",
        "steady": None,
        "zh": "any",
        "en": "any",
        "values": []
        if other
        else [{"column": OVERTIME.name, "value": 1234.0, "usual": 56.0, "zh": OVERTIME.zh, "en": OVERTIME.en}],
    }


def text(who: Who, language: Language, line: Reason) -> str:
    return Voices(SPEC, COLUMNS).text(line, who, language)


@pytest.mark.parametrize("contribution", [0.5, -0.5])
def test_the_numbers_agree_across_voices_and_languages(contribution: float) -> None:
    lines = [text(who, language, reason(contribution)) for who in WHO for language in LANGUAGES]
    assert {tuple(re.findall(r"\d[\d,]*", line)) for line in lines} == {("91", "1,234", "56")}
    assert len(set(lines)) == (
        6 if contribution > 0 else 4
    )  # manager and employee read the same of what lowers the risk


def test_only_hr_reads_of_risk() -> None:
    for language, word in zip(LANGUAGES, ("风险", "risk"), strict=True):
        for line in (reason(), reason(-0.5), reason(other=True), reason(-0.5, other=True)):
            assert [word in text(who, language, line) for who in WHO] == [True, False, False]


def test_owner_and_action_are_named_where_the_risk_is_raised() -> None:
    assert text("manager", "en", reason()).endswith(
        "you can change this; redistribute the work, and agree on a limit to overtime"
    )
    assert text("employee", "zh", reason()).endswith("应由您的上级改变；重新分配工作量，约定加班上限")
    assert "change" not in text("manager", "en", reason(-0.5))


def test_only_the_texts_are_retold() -> None:
    lines = [reason(), reason(-0.5), reason(0.1, other=True)]
    again = Voices(SPEC, COLUMNS).retell(lines)
    assert [{**line, "zh": "", "en": ""} for line in again] == [{**line, "zh": "", "en": ""} for line in lines]
    assert [line["en"] for line in again] == [text("hr", "en", line) for line in lines]
    assert lines[0] == reason(), "the given reasons are not altered"


FORBIDDEN = re.compile("probab|rank|band|margin|base|incidence|contribution|segment|log_odds|score|percent")


def score_row(*reasons: Reason) -> dict[str, Any]:
    figures = {
        "probability": 0.4321,
        "margin": -0.27,
        "base_value": -1.0,
        "rank": 17,
        "band": "act",
        "segments": ["top"],
    }
    facts = {"employee_id": "E1", "model": "attrition", "as_of": dt.date(2026, 1, 1), "horizon_days": 91}
    return {**facts, **figures, "status": "scored", "why_not": None, "reasons": list(reasons)}


def test_the_type_for_manager_and_employee_has_no_figure_of_the_risk() -> None:
    for kind in (VoicedScore, VoicedReason):
        assert not [field.name for field in fields(kind) if FORBIDDEN.search(field.name)]
    assert FORBIDDEN.search("base_value")
    assert [name for name in score_row() if FORBIDDEN.search(name)], "the search would see them"


@pytest.mark.parametrize("who", ["manager", "employee"])
def test_manager_and_employee_read_concerns_and_good_news_alone(who: Reader) -> None:
    overtime: Reason = reason(0.5)
    fine = reason(-0.5)
    fine["values"] = [{**fine["values"][0], "value": 3.0}]
    worse = reason(-0.4)  # more overtime than usual, and yet it lowers the risk
    row = score_row(overtime, fine, worse, reason(0.2, other=True))
    voiced = VoicedScore.of(row, Voices(SPEC, COLUMNS), who)
    assert [line.concern for line in voiced.reasons] == [True, False]
    assert voiced.reasons[1].en == "Going well: overtime in the last 91 days: 3 times (usually 56 times)"
    assert "0.43" not in str(voiced)
    assert VoicedScore.of({**score_row(), "reasons": []}, Voices(SPEC, COLUMNS), who).reasons == ()


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("activity:overtime", "redistribute the work, and agree on a limit to overtime"),
        ("activity:代码评审", SPEC.actions["activity"].en),
        ("career:level", SPEC.actions["career"].en),
        ("my_evidence", SPEC.owner_actions["manager"].en),
    ],
)
def test_an_action_is_inherited_from_the_evidence_and_from_the_owner(name: str, action: str) -> None:
    assert Voices(SPEC, COLUMNS).action({**reason(), "evidence": name}, "en") == action


def test_a_combination_calls_for_talk_and_names_nobody() -> None:
    line: Reason = {**reason(), "form": "combined"}
    assert text("hr", "en", line).endswith(
        "in combination with other evidence; raises the risk; " + SPEC.owner_actions["manager"].en
    )


def test_a_combination_is_for_hr_who_read_the_figures_beside_it() -> None:
    voices = Voices(SPEC, COLUMNS)
    combined: Reason = {**reason(), "form": "combined"}
    assert [voices.readable(combined, who) for who in ("hr", "manager", "employee")] == [True, False, False]
    assert voices.readable(reason(), "manager") and not voices.readable({**reason(), "evidence": "other"}, "hr")
    assert voices.voiced_reasons([combined], "manager") == ()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            {"raises": {"zh": "{evidence}", "en": "{evidense}"}},
            r"\{evidense\} is not a field; use one of: \{evidence\}",
        ),
        (
            {"raises": {"zh": "风险", "en": "{evidence}"}},
            "zh and en do not have the same fields; use the same ones in both",
        ),
        ({"raises": {"zh": "风险", "en": "risk"}}, r"raises does not contain \{evidence\}; add it to both languages"),
        ({"raises": {"zh": "{evidence}"}}, "key 'en' is missing"),
        ({"owners": {}}, "owners lacks 'company'"),
    ],
)
def test_a_template_that_lacks_something_is_refused(change: dict[str, Any], problem: str) -> None:
    raw = SPEC.model_dump(mode="json")
    raw["voices"]["manager"] |= change
    with pytest.raises(DefinitionError, match=problem):
        parse_policy(raw, file="models/voices.toml")


def test_every_action_belongs_to_evidence_that_exists() -> None:
    definitions = ProjectFolder(STARTER).definitions
    kinds = {f"{f.name}:{kind}" for f in definitions.windowed for kind in f.spec.kinds}
    named = {m.reason for f in definitions.windowed for m in f.spec.measures if m.reason}
    named |= {w.reason for f in definitions.relational for w in f.spec.columns.values() if w.reason}
    files = {f.name for f in (*definitions.windowed, *definitions.relational)}
    assert set(SPEC.actions) <= kinds | named | files


def test_voices_are_a_definition_that_a_project_may_change(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "perfml.toml").write_text('name = "mine"\n')
    (tmp_path / "models" / "voices.toml").write_text(
        '[voices.manager]\nraises = { zh = "请看：{evidence}", en = "Look: {evidence}" }\n', encoding="utf-8"
    )
    mine = ProjectFolder(tmp_path).policy_of(VoicesSpec)[1]
    assert Voices(mine, COLUMNS).text(reason(), "manager", "en").startswith("Look: ")
    assert mine.voices["employee"] == SPEC.voices["employee"]


def test_a_column_that_the_model_does_not_have_is_refused() -> None:
    with pytest.raises(PerfmlError, match=r"overtime_91d.*not a column of the model"):
        Voices(SPEC, {}).text(reason(), "hr", "en")
