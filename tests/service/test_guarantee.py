"""A list under a limit over /v1 and on HR's page: whom it names, to whom, and what it promises."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

from perfml.learning.validation.conformal import calibration
from perfml.service.app import create_app
from tests.service.company import keep, scored, train
from tests.service.web.test_person import plain

PEOPLE = [f"E{n:02}" for n in range(1, 41)]


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    """Forty people; of forty earlier ones the first eight had the outcome."""
    outcome = (np.arange(40) < 8).astype(np.float64)
    measured = calibration(standing=np.arange(1, 41) / 40, outcome=outcome, dates=[])
    version = train(tmp_path, "attrition", {91: True}, tested={"guarantee": measured.model_dump()})
    keep(tmp_path, "attrition", version, [scored(who, rank) for rank, who in enumerate(PEOPLE, 1)])
    return TestClient(create_app(tmp_path), base_url="http://127.0.0.1:8321")


def listed(answer: dict[str, object]) -> set[str]:
    groups = (answer["people"], answer["setting"])
    return {row["employee_id"] for group in groups if isinstance(group, list) for row in group}


@pytest.mark.slow
def test_the_list_is_the_first_that_keep_the_limit(client: TestClient) -> None:
    answer = client.get("/v1/priorities?wasted_at_most=0.3&capacity=30").json()
    size = answer["guarantee"]["size"]
    assert answer["guarantee"]["state"] == "kept" and 8 < size < 12
    assert listed(answer) == set(PEOPLE[:size])
    assert client.get("/v1/priorities?capacity=5").json()["guarantee"] is None
    shorter = client.get("/v1/priorities?wasted_at_most=0.3&capacity=5").json()
    assert shorter["guarantee"]["size"] == 5 and listed(shorter) == set(PEOPLE[:5])
    nobody = client.get("/v1/priorities?wasted_at_most=0.01").json()
    assert nobody["guarantee"]["state"] == "none" and listed(nobody) == set()
    for refused in ("0", "1", "x", "-0.5", "nan"):
        assert client.get(f"/v1/priorities?wasted_at_most={refused}").status_code == 422


@pytest.mark.slow
def test_the_page_offers_the_limit_and_says_what_it_promises(client: TestClient) -> None:
    page = client.get("/hr?capacity=30&wasted=30")
    assert page.status_code == 200 and '<option value="30" selected>' in page.text
    text = plain(page.text)
    assert "at most 30% of such conversations" in text and "E08" in text and "E20" not in text
    empty = plain(client.get("/hr?wasted=1", headers={"accept-language": "zh"}).text)
    assert "没有名单能守住 1% 的上限" in empty and "E01" not in empty
    assert "of such conversations" not in plain(client.get("/hr").text)
    assert client.get("/hr?wasted=100").status_code == 422
