"""Internal openings in the service: what people read of their own, who else does, and what an empty home says."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from perfml.access.principals import Role
from perfml.trust.audit.history import history_of
from tests.outgoing.kept import keep_openings
from tests.outgoing.test_facts import DERIVED
from tests.service.accounts import keep_lines, keep_who_is_who, token
from tests.service.company import DAY
from tests.service.web.admitted import pages_of
from tests.service.web.test_person import plain

pytestmark = pytest.mark.slow
HOSTILE = "<script>alert(1)</script>"
POSITIONS = (("boss", None, "board"), ("e1", "boss", "sales"), ("other", None, "legal"))
OWN = "/v1/employees/{}/eligibility"
SALES, LEGAL = frozenset({"department:sales"}), frozenset({"department:legal"})


@pytest.fixture(scope="module")
def openings_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("openings") / "home"
    keep_who_is_who(home, POSITIONS)
    keep_openings(home, as_of=DAY, title=HOSTILE)
    return home


@pytest.fixture(scope="module")
def client(openings_home: Path) -> TestClient:
    return pages_of(openings_home)


@pytest.fixture(scope="module")
def askers(client: TestClient, openings_home: Path) -> dict[str, dict[str, str]]:
    home = openings_home
    people = {name: token(home, f"a {name}", Role.EMPLOYEE, employee=name) for name, *_ in POSITIONS}
    return people | {
        "hr": token(home, "hr", Role.HR, units=SALES),
        "hr elsewhere": token(home, "hr elsewhere", Role.HR, units=LEGAL),
        "auditor": token(home, "auditor", Role.AUDITOR),
        "scientist": token(home, "scientist", Role.DATA_SCIENTIST),
    }


def test_the_person_and_their_hr_read_it_and_no_manager(client: TestClient, askers: dict[str, dict[str, str]]) -> None:
    allowed = {"e1": {"e1", "hr"}, "boss": {"boss"}, "other": {"other", "hr elsewhere"}, "nobody": set()}
    for person, readers in allowed.items():
        for name, headers in askers.items():
            answer = client.get(OWN.format(person), headers=headers)
            assert answer.status_code == (200 if name in readers else 404), (person, name, answer.text)


def test_what_people_read_of_their_own(
    client: TestClient, askers: dict[str, dict[str, str]], openings_home: Path
) -> None:
    answer = client.get(OWN.format("e1"), headers=askers["e1"]).json()
    (opening,) = answer["openings"]
    assert (opening["opening_id"], opening["state"], opening["missing"]) == ("p-e1", "not_yet", ["months"])
    assert opening["text"]["en"] == "not yet, because in the position for 4 months where 12 are asked for"
    assert opening["text"]["zh"] == "暂不符合：在现岗位任职 4 个月，要求 12 个月"
    assert not [name for name in (*answer, *opening) if DERIVED.search(name)], "nothing that a model said"
    assert history_of(openings_home, "e1")[-1].action == "see GET /v1/employees/{employee_id}/eligibility"
    asked_for_none = client.get(OWN.format("boss"), headers=askers["boss"]).json()
    assert asked_for_none["openings"] == [] and asked_for_none["withheld"] is None


@pytest.mark.parametrize(
    ("language", "part", "without"),
    [
        ("en", "Not yet, because in the position for 4 months", "asked to be considered for no opening"),
        ("zh-CN", "暂不符合：在现岗位任职 4 个月", "没有申请考虑任何开放中的岗位"),
    ],
)
def test_the_page_says_it_to_the_person(
    client: TestClient, askers: dict[str, dict[str, str]], language: str, part: str, without: str
) -> None:
    pages = {
        name: client.get("/me/ahead", headers=askers[name] | {"Accept-Language": language}).text
        for name in ("e1", "boss")
    }
    assert part in plain(pages["e1"]) and part not in plain(pages["boss"]) and without in plain(pages["boss"])
    assert HOSTILE not in pages["e1"] and "&lt;script&gt;" in pages["e1"]


def test_a_home_without_prepared_facts_says_what_to_run(tmp_path: Path) -> None:
    home = tmp_path / "home"
    keep_who_is_who(home, POSITIONS)
    client = pages_of(home)
    e1 = token(home, "a e1", Role.EMPLOYEE, employee="e1")
    problem = client.get(OWN.format("e1"), headers=e1)
    assert problem.status_code == 404
    assert "nothing has been prepared yet" in problem.json()["en"] and "perfml export prepare" in problem.json()["zh"]
    page = client.get("/me/ahead", headers=e1)
    assert page.status_code == 200 and "perfml export prepare" in page.text
    keep_openings(home, as_of=DAY)
    earlier = client.get(OWN.format("e1") + "?as_of=2020-01-01", headers=e1)
    assert earlier.status_code == 404 and "nothing has been prepared of that date" in earlier.text
    assert client.get(OWN.format("e1"), headers=e1).status_code == 200, "from the next request on"
    stranger = client.get("/me/ahead", headers=token(home, "a stranger", Role.EMPLOYEE, employee="stranger"))
    assert stranger.status_code == 200 and "perfml export prepare --data" not in stranger.text, "it was prepared"


@pytest.mark.parametrize(
    ("language", "part", "asked_for_none", "other_purpose"),
    [
        (
            "en",
            "Not yet, because in the position for 4 months",
            "has asked to be considered for no opening",
            "Shown only to",
        ),
        ("zh-CN", "暂不符合：在现岗位任职 4 个月", "此人没有申请考虑任何开放中的岗位", "仅在登录目的为"),
    ],
)
def test_hr_reads_it_on_the_page_of_a_person(
    home: Path, language: str, part: str, asked_for_none: str, other_purpose: str
) -> None:
    keep_lines(home)
    hr = token(home, "hr of South", Role.HR, units=frozenset({"department:South"})) | {"Accept-Language": language}
    client = pages_of(home)
    page = "/hr/people/" + quote("O'Neil", safe="")
    assert "perfml export prepare" in client.get(page, headers=hr).text
    keep_openings(home, as_of=DAY, people=("O'Neil", "E1"), title=HOSTILE)
    text = client.get(page, headers=hr | {"X-Purpose": "development"}).text
    assert part in plain(text) and HOSTILE not in text and "&lt;script&gt;" in text
    assert history_of(home, "O'Neil")[-1].purpose == "development"
    keep_openings(home, as_of=DAY, people=("E1", "E2"))
    assert asked_for_none in plain(client.get(page, headers=hr).text)
    keep_openings(home, as_of=DAY, people=("O'Neil", "E1"))
    checking = client.get(page, headers=hr | {"X-Purpose": "data_quality"})
    assert checking.status_code == 200 and part not in plain(checking.text) and other_purpose in plain(checking.text)
    assert client.get(OWN.format("O'Neil"), headers=hr | {"X-Purpose": "data_quality"}).status_code == 404


def test_of_whom_hr_may_not_see_nothing_is_shown(home: Path) -> None:
    keep_lines(home)
    keep_openings(home, as_of=DAY, people=("O'Neil", "E2"), title="Buyer")
    north = token(home, "hr of North", Role.HR, units=frozenset({"department:North"}))
    page = pages_of(home).get("/hr/people/" + quote("O'Neil", safe=""), headers=north)
    assert page.status_code == 404 and "Buyer" not in page.text
