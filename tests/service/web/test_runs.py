"""Runs of training: what a data scientist sees of each, and how a version is put in force by two, and gone back from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from perfml.access.principals import Role
from perfml.learning.record import CalibrationBin, FoldRecord, YearRecord
from perfml.learning.registry.artifacts import CHAMPION, pointed
from perfml.learning.registry.promotion_log import promotions
from perfml.learning.registry.promotion_requests import requests_of
from perfml.project.folder import ProjectFolder
from perfml.service.app import create_app
from perfml.service.web.curves import Axes, CurvePoint, curve
from perfml.trust.audit.history import newest_entries
from tests.records import figure
from tests.service.accounts import token
from tests.service.company import DAY, train
from tests.service.web.admitted import pages_of
from tests.service.web.test_person import ORIGIN, plain

pytestmark = pytest.mark.slow
WHY = "the newer data were checked with the works council"
Headers = dict[str, str]


@pytest.fixture
def client(tmp_path: Path, versions: dict[str, str]) -> TestClient:
    return pages_of(tmp_path)


@pytest.fixture
def scientist(tmp_path: Path, client: TestClient) -> Headers:
    return token(tmp_path, "ada", Role.DATA_SCIENTIST) | ORIGIN


@pytest.fixture
def hr(tmp_path: Path, client: TestClient) -> Headers:
    return token(tmp_path, "hr", Role.HR) | ORIGIN


def form(number: int = 0, **more: str) -> dict[str, str]:
    return {"key": f"k{number}".ljust(12, "x"), "back": "/runs", "reason": WHY, **more}


def test_every_version_is_listed_with_its_figures_and_nobody_is_in_it(
    client: TestClient, scientist: Headers, versions: dict[str, str]
) -> None:
    page = client.get("/runs", headers=scientist)
    text = plain(page.text)
    order = [text.index(versions[name]) for name in ("failing", "second", "first")]
    assert page.status_code == 200 and order == sorted(order)
    for part in (
        "0.8 (0.7 – 0.9)",
        "1 Aug 2026",
        "1 gate fails",
        "all gates pass",
        "in use, approved by nobody",
        "earlier",
    ):
        assert part in text, part
    run = client.get(f"/runs/attrition/{versions['second']}", headers=scientist)
    shown = plain(run.text)
    for part in ("1,000, 120 with the outcome", "ffffffffffff", "perfml 0.1.0", "within 6 months", "goals"):
        assert part in shown.lower(), part
    assert "E1" not in shown and "E1" not in text
    assert client.get("/runs/attrition/nothing", headers=scientist).status_code == 404
    assert client.get("/runs/none/x", headers=scientist).status_code == 404
    assert "训练记录" in client.get("/runs", headers=scientist | {"Accept-Language": "zh"}).text


def test_a_damaged_version_says_so_and_the_others_are_shown(
    client: TestClient, scientist: Headers, versions: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "models" / "attrition" / versions["second"] / "model.json"
    path.write_text(path.read_text() + " ")
    page = client.get("/runs", headers=scientist)
    assert page.status_code == 200 and "was altered" in page.text and versions["first"] in page.text
    assert client.get(f"/runs/attrition/{versions['second']}", headers=scientist).status_code == 503


def test_one_asks_and_another_approves(
    client: TestClient, scientist: Headers, hr: Headers, versions: dict[str, str], tmp_path: Path
) -> None:
    address = f"/runs/attrition/{versions['second']}"
    assert "Ask to go back to it" in client.get(address, headers=scientist).text
    for _ in range(2):
        asked = client.post(f"{address}/promotion", data=form(), headers=scientist, follow_redirects=False)
        assert asked.headers["location"] == "/runs?done=asked"
    (request,) = requests_of(tmp_path, "attrition")
    assert (request.by, request.reason, pointed(tmp_path, "attrition", CHAMPION)) == ("ada", WHY, None)
    assert "waits for approval" in client.get(address, headers=scientist).text
    decision = f"/models/attrition/promotions/{request.request_id}"
    yes = form(1, verdict="approve", back="/models/attrition")
    assert client.post(decision, data=yes, headers=scientist).status_code == 404, "no policy permits it"
    page = client.get("/models/attrition", headers=hr).text
    assert "ada asks to put version" in page and "Approve: put it in force" in page
    assert client.post(decision, data={**yes, "reason": "ok"}, headers=hr).status_code == 422
    done = client.post(decision, data=yes, headers=hr, follow_redirects=False)
    assert done.headers["location"] == "/models/attrition?done=promoted"
    assert pointed(tmp_path, "attrition", CHAMPION) == versions["second"]
    (promotion,) = promotions(tmp_path, "attrition")
    assert (promotion.approver, promotion.reason) == ("hr", WHY)
    actions = [each.event.action for each in newest_entries(tmp_path, limit=6)]
    assert f"promote attrition/{versions['second']}" in actions and any("promotions/" in each for each in actions)
    again = client.post(decision, data=form(2, verdict="refuse"), headers=hr)
    assert again.status_code == 422 and "no such request waits" in again.text
    waiting = json.loads(next((tmp_path / "mlflow" / "pending").glob("*.champion.json")).read_text())
    assert waiting["version"] == versions["second"], "MLflow hears of it with the next training"

    back = client.post(
        f"/runs/attrition/{versions['first']}/promotion", data=form(3), headers=scientist, follow_redirects=False
    )
    assert back.headers["location"] == "/runs?done=asked"
    request = requests_of(tmp_path, "attrition")[-1]
    no = form(4, verdict="refuse", back="/models/attrition", reason="the older data had a gap")
    path = f"/models/attrition/promotions/{request.request_id}"
    assert "refused" in client.post(path, data=no, headers=hr).text
    assert pointed(tmp_path, "attrition", CHAMPION) == versions["second"]
    shown = plain(client.get(f"/runs/attrition/{versions['first']}", headers=scientist).text)
    assert "2 requests that were decided" in shown and "the older data had a gap" in shown


def test_a_failed_gate_is_shown_with_its_sentence_and_cannot_be_waived(
    client: TestClient, scientist: Headers, versions: dict[str, str], tmp_path: Path
) -> None:
    address = f"/runs/attrition/{versions['failing']}"
    page = client.get(address, headers=scientist).text
    assert "no gate can be waived" in page and "no better than tenure_days" in page and "/promotion" not in page
    refused = client.post(f"{address}/promotion", data=form(), headers=scientist)
    assert refused.status_code == 422 and "no better than tenure_days" in refused.text
    chinese = client.post(f"{address}/promotion", data=form(), headers=scientist | {"Accept-Language": "zh"}).text
    assert "不优于" in chinese and "fails" not in plain(chinese)
    assert requests_of(tmp_path, "attrition") == []


def test_nobody_approves_what_they_asked_for(client: TestClient, versions: dict[str, str], tmp_path: Path) -> None:
    both = token(tmp_path, "both", Role.DATA_SCIENTIST, Role.HR) | ORIGIN
    client.post(f"/runs/attrition/{versions['first']}/promotion", data=form(), headers=both)
    (request,) = requests_of(tmp_path, "attrition")
    assert "Another account than the one that asked" in client.get("/models/attrition", headers=both).text
    yes = form(1, verdict="approve")
    refused = client.post(f"/models/attrition/promotions/{request.request_id}", data=yes, headers=both)
    assert refused.status_code == 422 and "by the same account" in refused.text
    assert pointed(tmp_path, "attrition", CHAMPION) is None
    other = client.post(f"/runs/attrition/{versions['second']}/promotion", data=form(2), headers=both)
    assert other.status_code == 422 and "waits for approval" in other.text
    short = client.post(f"/runs/attrition/{versions['second']}/promotion", data=form(3, reason="ok"), headers=both)
    assert short.status_code == 422


def test_a_project_may_ask_for_one_account(versions: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "perfml.toml").write_text("[promotion]\ntwo_accounts = false\n", encoding="utf-8")
    client = pages_of(tmp_path, ProjectFolder(folder))
    headers = token(tmp_path, "ada", Role.DATA_SCIENTIST) | ORIGIN
    address = f"/runs/attrition/{versions['first']}/promotion"
    done = client.post(address, data=form(), headers=headers, follow_redirects=False)
    assert done.headers["location"] == "/runs?done=promoted"
    assert pointed(tmp_path, "attrition", CHAMPION) == versions["first"]
    assert "This version is in force" in client.get(f"/runs/attrition/{versions['first']}", headers=headers).text


def test_who_may_look_and_who_may_ask(
    client: TestClient, hr: Headers, versions: dict[str, str], tmp_path: Path
) -> None:
    auditor = token(tmp_path, "auditor", Role.AUDITOR) | ORIGIN
    address = f"/runs/attrition/{versions['first']}"
    page = client.get(address, headers=auditor)
    assert page.status_code == 200 and "/promotion" not in page.text and "A data scientist can ask for it" in page.text
    for headers in (auditor, hr):
        assert client.post(f"{address}/promotion", data=form(), headers=headers).status_code == 404
    assert client.get("/runs", headers=hr).status_code == 404


def test_an_empty_home_has_a_page_of_runs(tmp_path: Path) -> None:
    page = TestClient(create_app(tmp_path / "none"), base_url="http://127.0.0.1:8321").get("/runs")
    assert page.status_code == 200 and "perfml train attrition" in page.text


def test_curves_say_what_their_tables_say(tmp_path: Path) -> None:
    bins = [CalibrationBin(expected=0.1 * n, observed=0.12 * n, low=0.08 * n, high=0.15 * n, n=50) for n in (1, 2, 3)]
    fold = FoldRecord(
        origin=DAY,
        train=(DAY, DAY),
        test=(DAY, DAY),
        train_rows=1234,
        train_positives=9,
        test_rows=77,
        test_positives=3,
    )
    year = YearRecord(year=2025, rows=321, expected=10.0, observed=9, expected_over_observed=figure(1.11))
    version = train(tmp_path, "attrition", {91: True}, tested={"bins": bins, "folds": [fold], "by_year": [year]})
    client = TestClient(create_app(tmp_path), base_url="http://127.0.0.1:8321")
    page = client.get(f"/runs/attrition/{version}").text
    for text in ("10.0%", "12.0%", "8.0% – 15.0%", "10%", "25.0%", "10 / 40", "1.11", "1,234", "Calibration: what was"):
        assert text in page, text
    text = "<script>x</script>"
    points = [CurvePoint(x=0.1 * n, low=0.1, y=0.2, high=0.5, cells=(f"{n}", text, "c")) for n in (2, 1)]
    for axes in (Axes(across=text, up=text, diagonal=True), Axes(across=text, up=text, level=0.3)):
        chart = curve(points, axes, title=text, heads=("a", "b", "c"))
        assert "<script" not in chart.svg and chart.rows == (("1", text, "c"), ("2", text, "c"))
        assert all(" · ".join(row) in plain(chart.svg) for row in chart.rows)
    assert "polygon" not in curve([], Axes(across="x", up="y"), title="t", heads=()).svg
