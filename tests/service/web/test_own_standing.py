"""What people read of whether anything is computed about them, and why not, in everyday words; and who else does not."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from perfml.access.principals import Role
from perfml.evidence.columns import Column
from perfml.messages import Message
from perfml.project.model_spec import Population
from perfml.service.answers.of_person.not_scored import why_not_in_words
from perfml.trust.notices.notice_log import NoticeLog
from tests.service.accounts import keep_who_is_who, token
from tests.service.company import DAY, TENURE, keep, scored, train, without
from tests.service.web.admitted import pages_of
from tests.service.web.test_person import plain

pytestmark = pytest.mark.slow
HELD = Message.of("hold_stop", by="ops", reason="the feed is broken").model_dump_json()
PEOPLE = ("scored", "partly", "new", "thin", "held", "out", "unseen", "boss")
ADDRESS = "/v1/employees/{}/risk?voice=employee"
OWN_WORDS = {
    "scored": ("Computed from what was known on 1 Sept 2026.", "根据截至 2026年9月1日 已知的记录计算。"),
    "partly": (
        "A part is missing: too little is recorded yet to say anything.",
        "其中一部分没有结果：目前的记录太少，无法得出结论。",
    ),
    "new": ("This is done only where tenure is at least 28 days", "仅在司龄不少于 28 天时计算"),
    "thin": ("Too little is recorded yet to say anything", "目前的记录太少，无法得出结论"),
    "held": ("Held: ", "暂缓："),
    "out": ("I opted out on 5 Sept 2026. Nothing is computed about me.", "我已于 2026年9月5日 退出"),
    "unseen": ("I was not among the people who were looked at on 1 Sept 2026", "2026年9月1日 的计算范围不包括我"),
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("standing")
    keep_who_is_who(home, [(person, None if person == "boss" else "boss", "board") for person in PEOPLE])
    both = [scored("scored", 1), scored("partly", 2), scored("out", 3)]
    none = [without("new", "ineligible"), without("thin", "thin"), without("held", "held", why_not=HELD)]
    keep(home, "attrition", train(home, "attrition", {91: True}), [*both, *none])
    keep(home, "other", train(home, "other", {91: True}), [scored("scored", 1), without("partly", "thin"), *none])
    NoticeLog(home).opt_out("out", by="out", on=dt.date(2026, 9, 5))
    return home


@pytest.fixture(scope="module")
def client(home: Path) -> TestClient:
    return pages_of(home)


@pytest.fixture(scope="module")
def askers(home: Path, client: TestClient) -> dict[str, dict[str, str]]:
    return {person: token(home, f"a {person}", Role.EMPLOYEE, employee=person) for person in PEOPLE}


@pytest.mark.parametrize("person", OWN_WORDS)
def test_people_read_whether_anything_is_computed_about_them(
    client: TestClient, askers: dict[str, dict[str, str]], person: str
) -> None:
    for language, sentence in zip(("en", "zh-CN"), OWN_WORDS[person], strict=True):
        page = client.get("/me", headers=askers[person] | {"Accept-Language": language})
        text = plain(page.text)
        assert page.status_code == 200 and sentence in text, text
        none = {"en": "Nothing is computed about me now.", "zh-CN": "目前没有关于我的计算结果。"}[language]
        assert (none in text) == (person not in ("scored", "partly"))
        assert "tenure_days" not in text and "events_count" not in text, "no condition as a definition has it"
        assert "Nothing stands out" not in text or person in ("scored", "partly")
        assert "Risk of leaving" not in text and "主动离职" not in text and "Top-rated" not in text


def test_their_address_says_the_same(client: TestClient, askers: dict[str, dict[str, str]]) -> None:
    for person, (english, chinese) in OWN_WORDS.items():
        if person in ("new", "thin", "held"):
            for row in client.get(ADDRESS.format(person), headers=askers[person]).json()["rows"]:
                assert row["why_not"]["en"].startswith(english[0].lower() + english[1:])
                assert row["why_not"]["zh"].startswith(chinese)
        others = {name for name in PEOPLE if client.get(ADDRESS.format(person), headers=askers[name]).is_success}
        assert others == ({person, "boss"} if person != "unseen" else set()), "and nobody else's"


def test_hr_reads_the_condition_as_it_is_defined(client: TestClient, home: Path) -> None:
    row = client.get("/v1/employees/new/risk", headers=token(home, "hr", Role.HR)).json()["rows"][0]
    assert row["why_not"]["en"].endswith("tenure_days >= 28")


@pytest.mark.parametrize(
    ("condition", "where", "en"),
    [
        (
            "tenure_days >= 28 and tenure_days < 730",
            None,
            "where tenure is at least 28 days and tenure is less than 2.0 years",
        ),
        ("tenure_days > 1", None, "where tenure is more than 1 day"),
        ("tenure_days <= 90.5", None, "where tenure is at most 90.5 days"),
        ("tenure_days between 28 and 730", None, "for another group of people"),
        ("unknown >= 1", None, "for another group of people"),
        ("tenure_days >= 28 or tenure_days < 2", None, "for another group of people"),
        ("tenure_days >= 28", "role_family = 'sales'", "for another group of people"),
    ],
)
def test_a_condition_is_said_in_words_or_not_at_all(condition: str, where: str | None, en: str) -> None:
    columns: dict[str, Column] = {"tenure_days": TENURE}
    why = why_not_in_words({"status": "ineligible"}, Population(eligible=condition, where=where), columns)
    assert why is not None and why.en == f"this is done only {en}"
    assert why.zh.startswith("仅") and "tenure" not in why.zh


def test_where_nothing_was_computed_yet_that_is_said(tmp_path: Path) -> None:
    keep_who_is_who(tmp_path, [("e1", None, "board")])
    client = pages_of(tmp_path)
    page = client.get("/me", headers=token(tmp_path, "a e1", Role.EMPLOYEE, employee="e1"))
    assert page.status_code == 200 and "Nothing has been computed about anybody yet" in page.text
    assert DAY.isoformat() not in page.text
