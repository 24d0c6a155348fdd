"""The at-risk list."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pyarrow as pa
import pytest
from pydantic import BaseModel, Field, ValidationError
from starlette.testclient import TestClient

from perfml.messages import render
from perfml.scoring import sealed_files
from perfml.scoring.people.files import keep_people
from perfml.service.answers.shared import IsoDate
from perfml.service.serving.errors.error_handlers import _hint
from tests.sealed import seal_again
from tests.service.company import CAUSES, DAY, PROBLEM_KEYS, keep, scored, train
from tests.service.conftest import ODD_IDS

LIST = "/v1/models/attrition/at-risk"


def test_the_newest_date_and_the_shortest_horizon_are_listed_by_default(client: TestClient) -> None:
    body = client.get(LIST).json()
    assert (body["as_of"], body["horizon_days"], body["total"], body["next"]) == ("2026-09-01", 91, 13, None)
    assert body["not_listed"] == {"held": 1, "thin": 1, "ineligible": 1}
    assert [p["employee_id"] for p in body["people"]] == [*ODD_IDS, "E1", "E2"]
    assert body["people"][0] == {
        "employee_id": "张伟",
        "person": dict.fromkeys(
            ("name", "department", "manager_id", "manager_name", "role_family", "level", "tenure_days")
        ),
        "rank": 1,
        "band": "act",
        "probability": 0.3,
        "incidence": [{"cause": cause, "probability": share} for cause, share in CAUSES.items()],
        "segments": [],
        "setting": True,
        "reasons": [
            {
                "evidence": "job",
                "contribution": 0.5,
                "owner": "company",
                "steady": None,
                "form": None,
                "zh": "司龄 40 天（通常 无记录），推高风险",
                "en": "tenure: 40 days (usually not recorded); raises the risk",
            },
            {
                "evidence": "other",
                "contribution": -0.1,
                "owner": "data",
                "steady": None,
                "form": None,
                "zh": "其他，降低风险",
                "en": "other; lowers the risk",
            },
        ],
    }


@pytest.mark.slow
def test_lists_are_filtered_by_department_and_manager_and_say_who_it_is(client: TestClient, home: Path) -> None:
    who = {"name": None, "manager_name": "Wang", "role_family": "sales", "level": 3, "tenure_days": 400}
    rows = [
        {"employee_id": "a/b", **who, "name": "李娜", "department": "sales", "manager_id": "E1"},
        {"employee_id": "O'Neil", **who, "department": "sales", "manager_id": "E2"},
        {"employee_id": "张伟", **who, "department": "support", "manager_id": "E1"},
    ]
    keep_people(pa.Table.from_pylist(rows), home, as_of=DAY)
    listed = client.get(LIST, params={"department": "sales"}).json()
    assert [(p["employee_id"], p["person"]["name"]) for p in listed["people"]] == [("a/b", "李娜"), ("O'Neil", None)]
    both = client.get(LIST, params={"department": "sales", "manager_id": "E1", "limit": 1}).json()
    assert [p["rank"] for p in both["people"]] == [2] and both["total"] == 1
    page = client.get(LIST, params={"manager_id": "E1", "limit": 1}).json()
    assert [p["employee_id"] for p in client.get(page["next"]).json()["people"]] == ["a/b"]
    assert client.get(LIST, params={"department": "nothing"}).json()["people"] == []
    priorities = client.get("/v1/priorities", params={"manager_id": "E1"}).json()
    assert [(p["employee_id"], p["person"]["department"]) for p in priorities["setting"]] == [
        ("张伟", "support"),
        ("a/b", "sales"),
    ]
    assert client.get("/v1/priorities", params={"manager_id": "nobody"}).json()["people"] == []
    targets = client.get("/v1/targets", params={"department": "support"}).json()
    assert [row["employee_id"] for row in targets["targets"]] == ["张伟"]
    assert client.get(LIST).json()["people"][2]["person"]["name"] is None


@pytest.mark.slow
def test_people_of_a_segment_keep_their_ranks(client: TestClient) -> None:
    top = client.get(LIST, params={"segment": "top", "limit": 2}).json()
    assert [(p["rank"], p["employee_id"], p["segments"]) for p in top["people"]] == [
        (2, "a/b", ["top"]),
        (4, "O'Neil", ["top"]),
    ]
    assert top["total"] == 3
    assert [p["rank"] for p in client.get(top["next"]).json()["people"]] == [13]
    acting = client.get(LIST, params={"segment": "top", "band": "act"}).json()
    assert [p["rank"] for p in acting["people"]] == [2]


@pytest.mark.slow
def test_a_model_without_segments_says_so(home: Path, client: TestClient) -> None:
    version = train(home, "reviews", {91: True}, segments={})
    keep(home, "reviews", version, [scored("E1", 1, band="act", incidence=None)])
    assert client.get("/v1/models/reviews/at-risk").json()["people"][0]["incidence"] == []
    answer = client.get("/v1/models/reviews/at-risk", params={"segment": "top"})
    assert (answer.status_code, answer.json()["remedy"]) == (404, "leave it out: this model has none")


@pytest.mark.slow
def test_expected_cases_are_those_of_the_whole_act_list_whatever_page_is_asked_for(client: TestClient) -> None:
    whole = client.get(LIST).json()["expected_cases"]
    assert whole["expected"] == pytest.approx(2 * 0.3)
    assert (whole["low"], whole["high"]) == (0, 2), "two people, either of whom may leave"
    for query in ({"segment": "top"}, {"band": "watch"}, {"limit": 1}):
        assert client.get(LIST, params=query).json()["expected_cases"] == whole


@pytest.mark.slow
def test_the_interval_of_expected_cases_holds_how_far_off_the_back_test_was(home: Path, client: TestClient) -> None:
    """400 people of 30 %: chance alone would give 120 ± 18; a back-test from half to twice as many gives far more."""
    version = train(home, "attrition", {91: True})
    keep(home, "attrition", version, [scored(f"E{i:03}", i + 1, band="act") for i in range(400)])
    cases = client.get(LIST).json()["expected_cases"]
    assert cases["expected"] == pytest.approx(120)
    assert 50 < cases["low"] < 80 and 180 < cases["high"] < 210


def test_an_older_date_and_one_band(client: TestClient) -> None:
    assert client.get(LIST, params={"as_of": "2026-08-01"}).json()["total"] == 1
    watch = client.get(LIST, params={"band": "watch"}).json()
    assert [p["rank"] for p in watch["people"]] == [3, 4] and watch["total"] == 2


@pytest.mark.slow
@pytest.mark.parametrize("limit", [1, 4, 13, 500])
@pytest.mark.parametrize("row_group", [None, 3])
def test_paging_covers_everyone_exactly_once(
    home: Path, client: TestClient, monkeypatch: pytest.MonkeyPatch, limit: int, row_group: int | None
) -> None:
    if row_group:
        monkeypatch.setattr(sealed_files, "ROW_GROUP", row_group)
        seal_again(home / "scores" / "attrition" / f"{DAY}.parquet")
    address: str | None = f"{LIST}?limit={limit}"
    seen = []
    while address:
        page = client.get(address).json()
        seen += [(p["rank"], p["employee_id"]) for p in page["people"]]
        address = page["next"]
    assert seen == list(enumerate([*ODD_IDS, "E1", "E2"], 1))


@pytest.mark.slow
def test_paging_stays_at_its_date_when_a_newer_one_arrives(home: Path, client: TestClient) -> None:
    first = client.get(LIST, params={"limit": 5, "band": "none"}).json()
    keep(home, "attrition", first["model_version"], [scored("new", 1)], as_of=DAY.replace(month=10))
    assert client.get(first["next"]).json()["as_of"] == "2026-09-01"
    assert client.get(LIST).json()["as_of"] == "2026-10-01"


def test_the_order_is_by_rank_whatever_the_order_of_the_file(home: Path, client: TestClient) -> None:
    version = train(home, "attrition", {91: True})
    keep(home, "attrition", version, [scored("c", 3), scored("x", 1, days=365), scored("a", 1), scored("b", 2)])
    assert [p["employee_id"] for p in client.get(LIST).json()["people"]] == ["a", "b", "c"]


def test_an_unproven_horizon_gives_no_list_and_says_why_in_both_languages(client: TestClient) -> None:
    answer = client.get(LIST, params={"horizon_days": 182})
    body = answer.json()
    assert answer.status_code == 409
    assert set(body) == PROBLEM_KEYS
    assert "no better than tenure_days" in body["en"] and "不优于 tenure_days" in body["zh"]
    assert "E1" not in answer.text


@pytest.mark.slow
def test_the_version_that_scored_decides_whether_there_is_a_list(home: Path, client: TestClient) -> None:
    train(home, "attrition", {91: False, 182: False}, until="2026-08-02")
    assert client.get(LIST).status_code == 200, "these scores were made by the proven version"
    assert not client.get("/v1/models/attrition").json()["horizons"][0]["proven"]


@pytest.mark.slow
def test_a_score_file_that_is_replaced_is_seen_at_once_and_a_half_written_one_never(
    home: Path, client: TestClient
) -> None:
    version = client.get(LIST).json()["model_version"]
    folder = home / "scores" / "attrition"
    (folder / ".2026-12-01.parquet.77.tmp").write_bytes(b"PAR1 half")
    (folder / "2026-99-01.parquet").write_bytes(b"no date")
    (folder / "20261201.parquet").write_bytes(b"another name")
    keep(home, "attrition", version, [scored("replaced", 1)])
    body = client.get(LIST).json()
    assert (body["as_of"], [p["employee_id"] for p in body["people"]]) == ("2026-09-01", ["replaced"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "status", "remedy"),
    [
        ("as_of=2025-01-01", 404, "use one of: 2026-09-01, 2026-08-01"),
        ("horizon_days=90", 404, "use one of: 91, 182"),
        ("segment=bottom", 404, "use one of: top"),
        ("segment=", 404, "use one of: top"),
        ("segment=bottom&horizon_days=182", 404, "use one of: top"),
        ("segment=top&horizon_days=182", 409, "see in /v1/models which gate failed"),
        ("horizon=91", 422, "use one of: department, manager_id, as_of, horizon_days, band, segment, limit, cursor"),
        ("as_of=1609459200", 422, "YYYY-MM-DD"),
        ("as_of=20260901", 422, "YYYY-MM-DD"),
        ("as_of=2026-13-01", 422, "date"),
        ("as_of=../../../etc", 422, "YYYY-MM-DD"),
        ("band=red", 422, "'act', 'watch' or 'none'"),
        ("limit=501", 422, "less than or equal to 500"),
        ("limit=0", 422, "greater than or equal to 1"),
        ("offset=5", 422, "segment, limit, cursor"),
        ("cursor=x", 422, "take it from `next` of the page before"),
    ],
)
def test_a_parameter_that_cannot_be_used_is_refused_with_a_remedy(
    client: TestClient, query: str, status: int, remedy: str
) -> None:
    answer = client.get(f"{LIST}?{query}")
    assert answer.status_code == status
    assert set(answer.json()) == PROBLEM_KEYS
    assert remedy in answer.json()["remedy"]


def test_a_problem_says_place_problem_and_remedy_in_both_languages(client: TestClient) -> None:
    problem = client.get(LIST, params={"horizon_days": 90}).json()
    assert problem["en"] == "model attrition, horizon_days: was not scored; use one of: 91, 182"
    assert problem["zh"] == "model attrition, horizon_days：没有评分；可用的取值：91, 182"


@pytest.mark.parametrize(
    ("query", "chinese"),
    [
        ("limit=501", 'query limit：取值 "501" 缺失或无效；须小于或等于 500'),
        ("limit=x", 'query limit：取值 "x" 缺失或无效；须为整数'),
        ("cursor=x", "query cursor：不是此列表的游标；请使用上一页 `next` 中的地址，不要改动其他参数"),
        ("band=red", "query band：取值 \"red\" 缺失或无效；可用的取值：'act', 'watch' 或 'none'"),
        ("as_of=20260901", 'query as_of：取值 "20260901" 缺失或无效；日期须写成“YYYY-MM-DD”'),
    ],
)
def test_what_is_wrong_with_a_parameter_is_told_in_chinese_too(client: TestClient, query: str, chinese: str) -> None:
    assert client.get(f"{LIST}?{query}").json()["zh"] == chinese


def test_the_hints_are_pydantics_own_words() -> None:
    class Values(BaseModel):
        low: int = Field(0, ge=1)
        high: int = Field(0, le=1)
        below: int = Field(0, lt=1)
        whole: int = 0
        number: float = 0
        option: Literal["a", "b", "c"] = "a"
        single: Literal["a"] = "a"
        text: str = Field("", max_length=3)
        day: IsoDate = DAY
        needed: int

    wrong = {"low": 0, "high": 2, "below": 1, "whole": "x", "number": "x", "option": "d", "single": "b", "text": "long"}
    with pytest.raises(ValidationError) as caught:
        Values.model_validate(wrong | {"day": "20260901"})
    assert len(caught.value.errors()) == len(wrong) + 2
    for error in caught.value.errors():
        hint = _hint(error)
        assert render(hint, "en").lower() == error["msg"].lower() and hint.code != "service_value_unusable"
