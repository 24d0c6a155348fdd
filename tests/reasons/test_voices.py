"""One reason told to HR, to the manager and to the employee: the same numbers, in both languages, and no risk but to HR."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from perfml import words
from perfml.errors import DefinitionError
from perfml.project.folder import ProjectFolder
from perfml.project.policies import parse_policy
from perfml.project.starter import STARTER
from perfml.project.voices import VoicesSpec, Who
from perfml.reasons.reasons import Reason
from perfml.reasons.voices import retold, voiced
from perfml.words import Language

SPEC = ProjectFolder(STARTER).policy_of(VoicesSpec)[1]
LANGUAGES: tuple[Language, ...] = ("zh", "en")
WHO: tuple[Who, ...] = ("hr", "manager", "employee")
OVERTIME = {
    "zh": "近91天加班次数 1,234 次（通常 56 次）",
    "en": "overtime in the last 91 days: 1,234 times (usually 56 times)",
}


def reason(contribution: float = 0.5, *, other: bool = False) -> Reason:
    said = {each: words.other(each) if other else OVERTIME[each] for each in LANGUAGES}
    told = {each: words.reason(said[each], raises=contribution >= 0, language=each) for each in LANGUAGES}
    return {
        "evidence": "other" if other else "activity:overtime",
        "contribution": contribution,
        "owner": "data" if other else "manager",
        "steady": None,
        "zh": told["zh"],
        "en": told["en"],
        "values": [],
    }


def told(who: Who, language: Language, said: Reason) -> str:
    return voiced(said, SPEC, who, language)


@pytest.mark.parametrize("contribution", [0.5, -0.5])
def test_the_numbers_agree_across_voices_and_languages(contribution: float) -> None:
    lines = [told(who, language, reason(contribution)) for who in WHO for language in LANGUAGES]
    assert {tuple(re.findall(r"\d[\d,]*", line)) for line in lines} == {("91", "1,234", "56")}
    assert len(set(lines)) == (6 if contribution > 0 else 4)  # what goes well is told to both alike


def test_only_hr_is_told_of_risk() -> None:
    for language, word in zip(LANGUAGES, ("风险", "risk"), strict=True):
        for said in (reason(), reason(-0.5), reason(other=True), reason(-0.5, other=True)):
            assert [word in told(who, language, said) for who in WHO] == [True, False, False]


def test_who_can_act_and_how_is_said_where_something_is_wrong() -> None:
    assert told("manager", "en", reason()).endswith(
        "you can change this; share the work anew, and agree on a limit to overtime"
    )
    assert told("employee", "zh", reason()).endswith("应由您的上级改变；重新分配工作量，约定加班上限")
    assert "change" not in told("manager", "en", reason(-0.5))


def test_only_the_texts_are_retold() -> None:
    lines = [reason(), reason(-0.5), reason(0.1, other=True)]
    for who in WHO:
        again = retold(lines, SPEC, who)
        assert [{**one, "zh": "", "en": ""} for one in again] == [{**one, "zh": "", "en": ""} for one in lines]
        assert [one["en"] for one in again] == [voiced(one, SPEC, who, "en") for one in lines]
    assert lines[0] == reason(), "what was kept is not altered"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"raises": {"zh": "{evidence}", "en": "{evidense}"}}, r"\{evidense\} is no place; use one of: \{evidence\}"),
        ({"raises": {"zh": "风险", "en": "{evidence}"}}, "zh and en do not hold the same places"),
        ({"raises": {"zh": "风险", "en": "risk"}}, r"raises does not hold \{evidence\}"),
        ({"raises": {"zh": "{evidence}"}}, "key 'en' is missing"),
        ({"owners": {}}, "owners lacks 'company'"),
    ],
)
def test_a_template_that_lacks_something_is_refused(change: dict[str, Any], said: str) -> None:
    raw = SPEC.model_dump(mode="json")
    raw["voices"]["manager"] |= change
    with pytest.raises(DefinitionError, match=said):
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
    assert voiced(reason(), mine, "manager", "en").startswith("Look: ")
    assert mine.voices["employee"] == SPEC.voices["employee"]
