"""The pages of metrics, process debt and the feedback network: what they show, to whom, and what an empty home says."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from perfml.access.principals import Role
from perfml.trust.audit.history import history_of
from tests.goals.kept_findings import keep_contacts, keep_metrics, keep_owed
from tests.service.accounts import keep_who_is_who, token
from tests.service.company import DAY
from tests.service.web.admitted import pages_of
from tests.service.web.test_person import plain

pytestmark = pytest.mark.slow
HOSTILE = "<script>alert(1)</script>"
POSITIONS = (("boss", None, "board"), ("e1", "boss", "sales"), ("e2", "boss", "sales"), ("other", None, "legal"))


@pytest.fixture(scope="module")
def work_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("work") / "home"
    keep_who_is_who(home, POSITIONS, name=HOSTILE)
    keep_metrics(home, as_of=DAY, metric=HOSTILE)
    keep_owed(home, as_of=DAY)
    keep_contacts(home, as_of=DAY)
    return home


@pytest.fixture(scope="module")
def work(work_home: Path) -> TestClient:
    return pages_of(work_home)


@pytest.fixture(scope="module")
def visitors(work: TestClient, work_home: Path) -> dict[str, dict[str, str]]:
    people = {name: token(work_home, f"a {name}", Role.EMPLOYEE, employee=name) for name, *_ in POSITIONS}
    roles = {"hr": Role.HR, "scientist": Role.DATA_SCIENTIST, "auditor": Role.AUDITOR}
    return people | {name: token(work_home, name, role) for name, role in roles.items()}


ALLOWED = {
    "/indicators": {"hr", "scientist", "auditor"},
    "/v1/indicators": {"hr", "scientist", "auditor"},
    "/process-debt": {"hr", "boss"},
    "/v1/process-debt": {"hr"},
    "/v1/process-debt?manager_id=boss": {"hr", "boss"},
    "/v1/process-debt/units": {"hr"},
    "/feedback-network": {"hr", "boss"},
    "/v1/feedback-network": {"hr"},
    "/v1/feedback-network/outside": {"hr"},
    "/v1/feedback-network/outside?manager_id=boss": {"hr", "boss"},
    "/v1/feedback-network/teams?manager_id=boss": {"hr", "boss"},
}


@pytest.mark.parametrize("address", ALLOWED)
def test_who_gets_what(work: TestClient, visitors: dict[str, dict[str, str]], address: str) -> None:
    for name, headers in visitors.items():
        answer = work.get(address, headers=headers)
        assert (answer.status_code == 200) == (name in ALLOWED[address]), (name, answer.status_code)


def test_metrics_are_told_in_both_languages_and_nothing_runs(
    work: TestClient, visitors: dict[str, dict[str, str]]
) -> None:
    for language, part in (("en", "saturated: 96% of the results are the same"), ("zh-CN", "已饱和：96% 的结果相同")):
        page = work.get("/indicators", headers=visitors["hr"] | {"Accept-Language": language})
        assert part in plain(page.text) and "demos" in page.text and "audits" in page.text
        assert HOSTILE not in page.text and "&lt;script&gt;" in page.text


def test_a_manager_reads_what_they_owe_and_no_figure_of_a_risk(
    work: TestClient, visitors: dict[str, dict[str, str]], work_home: Path
) -> None:
    page = work.get("/process-debt", headers=visitors["boss"])
    assert "feedback owed for 12 days" in plain(page.text)
    assert not any(figure in page.text for figure in ("0.37", "37%", "0.21", "21%", "predicted risk"))
    assert HOSTILE not in page.text
    assert history_of(work_home, "e1")[-1].action == "see GET /process-debt"
    assert "the table activity is missing, so nothing can be said" in plain(page.text), (
        "silence would say that nothing is owed"
    )
    answer = work.get("/v1/process-debt?manager_id=boss", headers=visitors["boss"]).json()
    (debt,), (notice,) = answer["debts"], answer["notices"]
    assert "activity" in notice["zh"]
    assert debt["employee_id"] == "e1" and "probability" not in debt


def test_pages_of_what_is_owed_list_each_debt_once_and_end_with_the_ledger(work_home: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    for part in ("lines", "people"):
        shutil.copytree(work_home / part, home / part)
    keep_owed(home, as_of=DAY, people=("e1", "e2"), days=(12, 30))
    client, hr = pages_of(home), token(home, "more hr", Role.HR)
    whole = client.get("/v1/process-debt", headers=hr).json()["debts"]
    listed, addresses = [], ["/v1/process-debt?limit=1"]
    while addresses[-1] is not None:
        page = client.get(addresses[-1], headers=hr).json()
        assert (page["total"], page["limit"]) == (2, 1)
        listed += page["debts"]
        addresses.append(page["next"])
    assert listed == whole and [(each["employee_id"], each["days"]) for each in whole] == [("e2", 30), ("e1", 12)]
    few = client.get("/v1/process-debt?process=none&limit=1", headers=hr).json()
    assert (few["debts"], few["total"], few["next"]) == ([], 0, None)
    other = client.get(addresses[1].replace("limit=1", "limit=1&department=sales"), headers=hr)
    assert other.status_code == 422, "a cursor belongs to the list that gave it out"
    keep_owed(home, as_of=DAY)
    assert client.get(addresses[1], headers=hr).status_code == 410, "the ledger was written again"


def test_sums_of_two_people_are_withheld(work: TestClient, visitors: dict[str, dict[str, str]]) -> None:
    (group,) = work.get("/v1/process-debt/units", headers=visitors["hr"]).json()["groups"]
    assert group["withheld"] and group["owed"] is None and group["risk_share"] is None


def test_a_manager_reads_who_is_outside_and_no_figure_of_others(
    work: TestClient, visitors: dict[str, dict[str, str]], work_home: Path
) -> None:
    page = plain(work.get("/feedback-network", headers=visitors["boss"]).text)
    assert "only with the manager in the last 182 days" in page and "Team of" in page
    assert "Between departments" not in page and "legal" not in page
    assert history_of(work_home, "e1")[-1].action == "see GET /feedback-network"
    (own,) = work.get("/v1/feedback-network/outside?manager_id=boss", headers=visitors["boss"]).json()["people"]
    assert (own["employee_id"], own["outside"]) == ("e1", "manager only") and own["text"]["zh"].startswith("近 182 天")


def test_hr_reads_the_matrix_as_picture_and_as_table(work: TestClient, visitors: dict[str, dict[str, str]]) -> None:
    page = work.get("/feedback-network", headers=visitors["hr"]).text
    picture = page[page.index("<svg") : page.index("</svg>")]
    table = page[page.index("</svg>") :]
    table = table[: table.index("</table>")]
    numbers = [
        cell.strip() for cell in re.findall(r"<text[^>]*>([^<]*)</text>", picture) if cell in ("31", "12", "9", "–")
    ]
    assert numbers == re.findall(r'<td class="n">([^<]*)</td>', table) == ["–", "9", "12", "31"]
    assert "sales, support" in plain(page) and "hardly ever speak with each other" in plain(page)
    answer = work.get("/v1/feedback-network", headers=visitors["hr"]).json()
    assert answer["cells"][-1] == {"giver": HOSTILE, "receiver": HOSTILE, "contacts": None, "withheld": "few people"}
    assert HOSTILE not in page and "e1" not in str(answer)


def test_an_empty_home_says_what_to_run(tmp_path: Path) -> None:
    client = pages_of(tmp_path / "home")
    headers = token(tmp_path / "home", "hr", Role.HR)
    for address, command in (
        ("/indicators", "perfml indicators"),
        ("/process-debt", "perfml process-debt"),
        ("/feedback-network", "perfml feedback-network"),
    ):
        page = client.get(address, headers=headers)
        assert page.status_code == 200 and command in page.text
