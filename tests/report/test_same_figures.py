"""Every figure of the summary is the one that the service answers, and the lists hold the same people."""

from __future__ import annotations

import html
import re
from collections import Counter
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from perfml.report import wording
from perfml.service.app import create_app
from tests.simulated import END, Simulated

MODELS = ("attrition", "low_performance")


@pytest.fixture
def page(company_of_500: Simulated, tmp_path: Path) -> str:
    return company_of_500.open().report(tmp_path / "report.html").read_text(encoding="utf-8")


def figures(page: str, language: str) -> dict[str, str]:
    """The ``<data>`` elements of one language: id -> value."""
    return dict(re.findall(rf'<data[^>]*id="{language}-([^"]+)" value="([^"]+)"', page))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_summary_and_the_service_give_the_same_figures(
    company_of_500: Simulated, page: str, language: wording.Language
) -> None:
    client = TestClient(create_app(company_of_500.home), base_url="http://127.0.0.1:8321")
    shown, talked_to, compared = figures(page, language), set(), set()
    frequent: Counter[tuple[str, str, str]] = Counter()
    for model in MODELS:
        health = client.get(f"/v1/models/{model}").json()
        days = next(each["horizon_days"] for each in health["horizons"] if each["proven"])
        scored = sum(row["status"] == "scored" for row in company_of_500.rows[model] if row["horizon_days"] == days)
        capacity = company_of_500.open().folder.model(model).list.capacity(scored)
        query = {"model": model, "as_of": str(END), "horizon_days": days, "capacity": capacity}
        answer = client.get("/v1/priorities", params=query).json()
        assert answer["proven"]
        expected = {
            f"{model}-talk": len(answer["people"]),
            f"{model}-cases": answer["expected_cases"]["expected"],
            f"{model}-setting": len(answer["setting"]),
            f"{model}-setting-more": answer["setting_more"],
            f"{model}-held": len(answer["held"]),
            f"{model}-status-scored": scored,
        }
        if not answer["setting_more"]:
            del expected[f"{model}-setting-more"]
        if answer["lasting"]:
            expected[f"{model}-lasting"] = len(answer["lasting"])
        at_risk = client.get(f"/v1/models/{model}/at-risk", params={"as_of": str(END), "horizon_days": days}).json()
        expected |= {f"{model}-status-{status}": n for status, n in at_risk["not_listed"].items()}
        for name, value in expected.items():
            assert float(shown[name]) == pytest.approx(value), name
        compared |= set(expected)
        talked_to |= {person["employee_id"] for person in answer["people"]}
        for group in ("people", "setting"):
            for person in answer[group]:
                leading = [r for r in person["reasons"] if r["contribution"] > 0 and r["evidence"] != "other"][:3]
                frequent |= Counter({(r["owner"], r["evidence"], person["employee_id"]): 1 for r in leading})
    assert float(shown["people"]) == len(talked_to)
    assert {name for name, value in shown.items() if float(value)} <= {"people", *compared}
    counts = Counter((owner, evidence) for owner, evidence, _ in frequent)
    most = max(n for (owner, _), n in counts.items() if owner == "manager")
    summary = page.split(f'id="{language}-summary"')[1].split("</section>")[0]
    assert ("1 person" if most == 1 else f"{most} people") in summary if language == "en" else f"{most} 人" in summary


def test_nobody_stands_twice_on_a_list_and_every_link_leads_somewhere(page: str) -> None:
    for language in ("en", "zh"):
        for number in range(len(MODELS)):
            table = page.split(f'<table id="{language}-table-{number}"')[1].split("</table>")[0]
            ids = re.findall(r'data-id="([^"]*)"', table)
            assert ids and len(ids) == len(set(ids))
    anchors = re.findall(r'(?<![-\w])id="([^"]+)"', page)
    assert len(anchors) == len(set(anchors))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(anchors)


def test_people_have_a_name_a_unit_and_a_manager(company_of_500: Simulated, page: str) -> None:
    people = company_of_500.open().people(END)
    listed = re.findall(r'data-id="([^"]*)" data-name="([^"]*)" data-unit="([^"]*)" data-manager="([^"]*)"', page)
    assert listed
    for person, name, unit, manager in listed:
        facts = people[html.unescape(person)]
        assert (name, unit, manager) == (facts.name, facts.department, facts.manager or "")


def test_a_name_is_in_no_other_file(company_of_500: Simulated, tmp_path: Path) -> None:
    """Not in scores, suggestions, records or the tracking store: only in the file that says who is who."""
    names = [facts.name for facts in company_of_500.open().people(END).values() if facts.name][:40]
    home = company_of_500.copy_home(tmp_path / "home")
    stored = [path for path in home.rglob("*") if path.is_file() and path.parent.name != "people"]
    assert len(names) == 40 and stored
    for path in stored:
        content = path.read_bytes()
        assert not [name for name in names if name.encode() in content and len(name) > 2], path
