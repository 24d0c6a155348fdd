"""One person's risk."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from perfml.json_types import Json
from perfml.learning.registry.artifacts import current_version
from perfml.project.folder import ProjectFolder
from perfml.project.starter import STARTER
from perfml.project.voices import VoicesSpec
from tests.sealed import seal_again
from tests.service.company import CAUSES, DAY, keep, scored, train
from tests.service.conftest import ODD_IDS


def address(person: str) -> str:
    return f"/v1/employees/{quote(person, safe='')}/risk"


@pytest.mark.parametrize("person", [p for p in ODD_IDS if p != "%2F"])  # the test client decodes twice; see test_socket
def test_any_id_works_when_percent_encoded(client: TestClient, person: str) -> None:
    body = client.get(address(person)).json()
    assert body["employee_id"] == person
    assert [(r["horizon_days"], r["proven"], r["status"]) for r in body["rows"]] == [
        (91, True, "scored"),
        (182, False, "scored"),
    ]


def test_reasons_come_in_both_languages_with_what_is_behind_them_and_add_up(client: TestClient) -> None:
    row = client.get(address("E1"), params={"horizon_days": 91, "model": "attrition"}).json()["rows"][0]
    assert row["title"] == {"zh": "主动离职风险", "en": "Risk of leaving"}
    first = row["reasons"][0]
    assert (first["zh"], first["en"], first["owner"]) == (
        "司龄 40 天（通常 无记录），推高风险",
        "tenure: 40 days (usually not recorded); raises the risk",
        "company",
    )
    assert first["values"] == [{"column": "tenure_days", "value": 40.0, "usual": None, "zh": "司龄", "en": "tenure"}]
    assert {cause["cause"]: cause["probability"] for cause in row["incidence"]} == CAUSES
    assert row["base_value"] + sum(r["contribution"] for r in row["reasons"]) == pytest.approx(row["margin"], abs=1e-6)


FORBIDDEN = re.compile("probab|rank|band|margin|base|incidence|contribution|segment|verdict|steady")


@pytest.mark.slow
def test_the_answer_for_manager_and_employee_has_no_figure_of_the_risk(client: TestClient) -> None:
    schemas = client.get("/v1/openapi.json").json()["components"]["schemas"]
    voiced = [set(schemas[name]["properties"]) for name in schemas if name.startswith("Voiced")]
    assert len(voiced) == 3
    assert not [field for fields in voiced for field in fields if FORBIDDEN.search(field)]
    assert [field for field in schemas["PersonRowAnswer"]["properties"] if FORBIDDEN.search(field)]
    for who in ("manager", "employee"):
        answer = client.get(address("E1"), params={"voice": who}).json()
        assert set(answer) == set(schemas["VoicedPersonAnswer"]["properties"])
        for row in answer["rows"]:
            assert set(row) == set(schemas["VoicedRowAnswer"]["properties"])
            assert all(set(line) == set(schemas["VoicedReasonAnswer"]["properties"]) for line in row["reasons"])


@pytest.mark.slow
def test_a_voice_has_its_own_wording(client: TestClient, home: Path) -> None:
    asked = {"horizon_days": 91, "model": "attrition"}
    plain = client.get(address("E1"), params=asked).json()["rows"][0]["reasons"]
    by_voice = {
        who: client.get(address("E1"), params={**asked, "voice": who}).json()["rows"][0]["reasons"]
        for who in ("hr", "manager", "employee")
    }
    employee = "Support may help here: tenure: 40 days (usually not recorded); this is for the company to change; talk"
    assert by_voice["employee"][0]["en"].startswith(employee)
    assert by_voice["manager"][0]["zh"].startswith("值得关注——司龄 40 天（通常 无记录）；可向公司提出；新人谈融入")
    hr = by_voice["hr"]
    assert [{**line, "zh": "", "en": ""} for line in hr] == [{**line, "zh": "", "en": ""} for line in plain]
    assert client.get(address("E1"), params={"voice": "shareholder"}).status_code == 422
    record = ProjectFolder(STARTER).policy_of(VoicesSpec)[1].model_dump(mode="json")
    record["voices"]["manager"]["raises"] = {"zh": "请看：{evidence}", "en": "Look: {evidence}"}
    seal_again(home / "scores" / "attrition" / f"{DAY}.parquet", voices=record)
    mine = client.get(address("E1"), params={**asked, "voice": "manager"}).json()["rows"][0]["reasons"]
    assert mine[0]["en"].startswith("Look: tenure: 40 days"), "told as it was defined when the date was scored"


@pytest.mark.parametrize("voices", [[], None, {"voices": {}}])
def test_a_record_of_another_perfml_is_named_and_nothing_is_worded_otherwise(
    client: TestClient, home: Path, voices: Json
) -> None:
    seal_again(home / "scores" / "attrition" / f"{DAY}.parquet", voices=voices)
    assert client.get(address("E1"), params={"model": "attrition"}).status_code == 200
    refused = client.get(address("E1"), params={"model": "attrition", "voice": "manager"})
    assert refused.status_code == 503 and "another version of perfml" in refused.json()["detail"]
    assert str(home) not in refused.text


@pytest.mark.slow
def test_a_reason_with_a_column_that_the_model_does_not_have_is_refused(client: TestClient, home: Path) -> None:
    row = scored("E1", 1)
    leading, rest = row["reasons"]
    altered = {**leading, "values": [{**leading["values"][0], "column": "age"}]}
    keep(home, "attrition", current_version(home, "attrition"), [{**row, "reasons": [altered, rest]}])
    assert client.get(address("E1"), params={"model": "attrition"}).status_code == 200
    refused = client.get(address("E1"), params={"model": "attrition", "voice": "employee"})
    assert refused.status_code == 503 and "score that date again" in refused.json()["remedy"]


def test_the_segments_of_a_person_are_named(client: TestClient) -> None:
    assert [r["segments"] for r in client.get(address("E2"), params={"horizon_days": 91}).json()["rows"]] == [["top"]]


def test_an_unproven_horizon_has_neither_rank_nor_band(client: TestClient) -> None:
    row = client.get(address("E1"), params={"horizon_days": 182}).json()["rows"][0]
    assert (row["proven"], row["rank"], row["band"], row["verdict"]["en"]) == (
        False,
        None,
        None,
        "no better than tenure_days (AUC +0.001, 2 SE = 0.020)",
    )


@pytest.mark.parametrize(
    ("person", "status", "en", "zh"),
    [
        ("H1", "held", "reviews: rating outside scale", "暂缓"),
        ("T1", "thin", "events_count_364d = 0", "记录太少"),
        ("N1", "ineligible", "tenure_days >= 28", "适用范围"),
    ],
)
def test_a_row_without_a_score_says_why(client: TestClient, person: str, status: str, en: str, zh: str) -> None:
    row = client.get(address(person)).json()["rows"][0]
    assert (row["status"], row["probability"], row["rank"]) == (status, None, None)
    assert row["reasons"] == row["incidence"] == row["segments"] == []
    assert en in row["why_not"]["en"] and zh in row["why_not"]["zh"]


def test_an_unknown_person_and_one_without_scores_are_answered_alike(client: TestClient) -> None:
    unknown = client.get(address("nobody"))
    without_scores = client.get(address("E2"), params={"as_of": "2026-08-01"})
    without_horizon = client.get(address("H1"), params={"horizon_days": 182})
    assert {a.status_code for a in (unknown, without_scores, without_horizon)} == {404}
    assert unknown.content == without_scores.content == without_horizon.content
    assert "nobody" not in unknown.text


def test_a_date_or_model_without_scores_is_answered_alike_for_everyone(client: TestClient) -> None:
    for query in ({"as_of": "2020-01-01"}, {"model": "nothing"}):
        real, unreal = (client.get(address(person), params=query) for person in ("E1", "nobody"))
        assert real.status_code == 404 and real.content == unreal.content


@pytest.mark.slow
def test_every_model_is_asked_and_each_at_its_newest_date(home: Path, client: TestClient) -> None:
    other = train(home, "绩效", {182: True})
    train(home, "unscored", {91: True})
    keep(home, "绩效", other, [scored("张伟", 1, days=182)], as_of=DAY.replace(month=7))
    rows = client.get(address("张伟")).json()["rows"]
    assert [(r["model"], r["as_of"], r["horizon_days"]) for r in rows] == [
        ("attrition", "2026-09-01", 91),
        ("attrition", "2026-09-01", 182),
        ("绩效", "2026-07-01", 182),
    ]
    assert [r["model"] for r in client.get(address("张伟"), params={"as_of": "2026-07-01"}).json()["rows"]] == ["绩效"]
    assert client.get(f"/v1/models/{quote('绩效')}/at-risk").json()["total"] == 1
