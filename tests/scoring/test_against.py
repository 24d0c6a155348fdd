"""Reasons against a reference group: exact sums, words in both languages, and nothing from which one other could be told."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from perfml import Project
from perfml.learning.registry.model_store import load
from perfml.messages import render
from perfml.project.voices import Who
from perfml.reasons.leading import UNLISTED
from perfml.scoring.against.comparison import GroupComparison, VoicedComparison
from perfml.scoring.what_if.evidence import read_everyone
from perfml.trust.holds.hold_log import HoldLog
from tests.simulated import END, Simulated

MODEL = "attrition"


@pytest.fixture(scope="module")
def home(company_of_500: Simulated, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return company_of_500.copy_home(tmp_path_factory.mktemp("against") / "home")


@pytest.fixture(scope="module")
def project(company_of_500: Simulated, home: Path) -> Project:
    return Project(company_of_500.project, home=home)


@pytest.fixture(scope="module")
def teams(project: Project, company_of_500: Simulated) -> dict[str, list[str]]:
    """Manager → the people with a score."""
    scored = {row["employee_id"] for row in company_of_500.rows[MODEL] if row["status"] == "scored"}
    out: dict[str, list[str]] = {}
    for person, facts in project.people(END).items():
        if facts.manager_id is not None and person in scored:
            out.setdefault(facts.manager_id, []).append(person)
    return out


def somebody(teams: dict[str, list[str]], *, least: int, most: int = 10**6) -> str:
    return next(members[0] for members in teams.values() if least <= len(members) <= most)


@pytest.mark.slow
def test_reasons_add_up_from_the_mean_of_the_others_to_the_margin(
    project: Project, home: Path, teams: dict[str, list[str]], company_of_500: Simulated
) -> None:
    for members in [members for members in teams.values() if len(members) > 6][:3]:
        person = members[2]
        (row,) = project.explain_against(person, "team", model=MODEL)
        (stored,) = project.explain(person, model=MODEL)
        assert row.status == "explained" and row.others == len(members) - 1 and row.why_not is None
        assert row.margin == stored["margin"]
        total = row.base_value + sum(reason["contribution"] for reason in row.reasons)
        assert total == pytest.approx(row.margin, abs=1e-9)
        model = load(home, MODEL, row.model_version)
        columns = [column.name for column in model.columns]
        people, values = read_everyone(home, model=MODEL, version=row.model_version, as_of=END, columns=columns)
        others = values[[people.index(other) for other in members if other != person]]
        assert row.base_value == pytest.approx(model.incidences(others).margin.mean(), abs=1e-9)
        assert [reason["evidence"] for reason in row.reasons].count(UNLISTED) == 1


@pytest.mark.slow
def test_words_say_with_whom_and_on_which_side_and_no_figure_of_others(
    project: Project, teams: dict[str, list[str]]
) -> None:
    person = somebody(teams, least=7)
    heads: dict[Who, str] = {"hr": "the team", "manager": "the team", "employee": "your team"}
    for voice, group in heads.items():
        (row,) = project.explain_against(person, "team", model=MODEL, voice=voice)
        assert render(row.compared, "en") == f"Compared with the other people of {group}"
        assert "相比" in render(row.compared, "zh")
    (hr,) = project.explain_against(person, "team", model=MODEL)
    assert isinstance(hr, GroupComparison)
    for reason in hr.reasons:
        assert "usually" not in reason["en"] and "通常" not in reason["zh"] and reason["zh"] and reason["en"]
        assert all(value["usual"] is None for value in reason["values"])
    worded = [reason["en"] for row in _some(project, teams) for reason in row.reasons]
    phrases = Counter(
        re.findall(r"above most of them|below most of them|most of the team|in combination", " ".join(worded))
    )
    assert phrases["above most of them"] and phrases["below most of them"]


def _some(project: Project, teams: dict[str, list[str]]) -> list[GroupComparison]:
    people = [members[0] for members in teams.values() if len(members) > 6][:8]
    return [row for person in people for row in project.explain_against(person, "team", model=MODEL)]


@pytest.mark.slow
def test_what_a_sentence_says_of_most_others_is_so(project: Project, home: Path, teams: dict[str, list[str]]) -> None:
    """Counted again from the stored evidence."""
    counted = 0
    for row in _some(project, teams):
        meaning = {column.name: column for column in load(home, MODEL, row.model_version).columns}
        columns = list(meaning)
        people, values = read_everyone(home, model=MODEL, version=row.model_version, as_of=END, columns=columns)
        members = next(members for members in teams.values() if row.employee_id in members)
        others = [people.index(other) for other in members if other != row.employee_id]
        for reason in row.reasons:
            side = re.search(r"(above|below) most of them", reason["en"])
            if side is None:
                continue
            first = reason["values"][0]
            theirs = values[others, columns.index(first["column"])]
            theirs = theirs[~np.isnan(theirs)]
            assert len(theirs) >= 5
            less = (theirs < first["value"]) if side[1] == "above" else (theirs > first["value"])
            assert less.mean() > 0.5
            good = {"higher": "above", "lower": "below", "neither": ""}[meaning[first["column"]].direction]
            assert (reason["contribution"] > 0) != (side[1] == good) or not good  # no sentence contradicts itself
            counted += 1
    assert counted > 5


@pytest.mark.slow
def test_too_few_others_are_insufficient_and_not_counted(project: Project, teams: dict[str, list[str]]) -> None:
    person = somebody(teams, least=1, most=5)
    voices: tuple[Who | None, ...] = (None, "manager", "employee")
    for voice in voices:
        (row,) = project.explain_against(person, "team", model=MODEL, voice=voice)
        assert row.status == "insufficient" and row.reasons == ()
        assert render(row.why_not, "en").startswith("insufficient: fewer than 5 others")
        text = json.dumps(row.to_json(), default=str, ensure_ascii=False)
        assert "base_value" not in text or (row.base_value is None and row.others is None and row.margin is None)


@pytest.mark.slow
def test_whoever_is_held_or_opted_out_is_no_other(
    company_of_500: Simulated, teams: dict[str, list[str]], tmp_path: Path
) -> None:
    home = company_of_500.copy_home(tmp_path / "home")
    project = Project(company_of_500.project, home=home)
    person, *others = next(members for members in teams.values() if len(members) == min(map(len, _enough(teams))))
    (before,) = project.explain_against(person, "team", model=MODEL)
    assert before.others == len(others) and before.status == "explained"
    for other in others[: len(others) - 4]:
        project.opt_out(other, by="works council")
    (after,) = project.explain_against(person, "team", model=MODEL)
    assert after.status == "insufficient" and HoldLog(home).state().holds


def _enough(teams: dict[str, list[str]]) -> list[list[str]]:
    return [members for members in teams.values() if len(members) > 5]


@pytest.mark.slow
def test_managers_and_employees_read_words_alone(project: Project, teams: dict[str, list[str]]) -> None:
    forbidden = {"margin", "base_value", "others", "contribution", "probability", "rank", "band"}
    assert not forbidden & {field.name for field in fields(VoicedComparison)}
    (row,) = project.explain_against(somebody(teams, least=7), "team", model=MODEL, voice="employee")
    assert row.reasons and not any("risk" in reason.en or "风险" in reason.zh for reason in row.reasons)
    assert not any("in combination" in reason.en for reason in row.reasons)


@pytest.mark.slow
def test_peers_share_role_and_level(project: Project, company_of_500: Simulated) -> None:
    facts = project.people(END)
    scored = [row["employee_id"] for row in company_of_500.rows[MODEL] if row["status"] == "scored"]
    alike = Counter((facts[each].role_family, facts[each].level) for each in scored)
    group, size = alike.most_common(1)[0]
    person = next(each for each in scored if (facts[each].role_family, facts[each].level) == group)
    (row,) = project.explain_against(person, "peers", model=MODEL)
    assert row.others == size - 1


@pytest.mark.slow
def test_somebody_without_a_score(project: Project, company_of_500: Simulated) -> None:
    row = next(row for row in company_of_500.rows[MODEL] if row["status"] in ("ineligible", "thin"))
    (compared,) = project.explain_against(row["employee_id"], "team", model=MODEL)
    assert compared.status == "unscored" and compared.reasons == ()
