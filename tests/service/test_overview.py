"""A team, trends and adoption: what several people add up to, without what tells of one of them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pytest
from starlette.testclient import TestClient

from perfml.access.principals import Role
from perfml.advice.decision_log import Decision, DecisionLog, Intervention
from perfml.evidence.population.facts import PEOPLE
from perfml.messages import Message
from perfml.scoring.people.files import keep_people
from perfml.scoring.people.raters import SCHEMA as COMPARED
from perfml.scoring.people.raters import write_raters
from perfml.trust.holds.hold_log import HoldLog
from tests.service.accounts import ALL, SOUTH, token
from tests.service.company import DAY, keep, scored, train
from tests.service.test_alerts import raise_alert

TEAM = "/v1/team?manager_id=boss"


def company(home: Path, sizes: dict[str, int], *, listed: int) -> None:
    """Score departments of ``sizes`` people, of each of which ``listed`` are on the list, at two dates."""
    version = train(home, "attrition", {91: True})
    ids = [(f"{name}{number}", name, number) for name, size in sizes.items() for number in range(size)]
    rows = [
        scored(person, rank, band="act" if number < listed else "none")
        for rank, (person, _, number) in enumerate(ids, 1)
    ]
    for day in (DAY, DAY.replace(month=8)):
        keep(home, "attrition", version, rows, as_of=day)
        people = [{"employee_id": person, "department": name} for person, name, _ in ids]
        keep_people(pa.Table.from_pylist(people, schema=PEOPLE), home, as_of=day)


@pytest.mark.slow
def test_a_team_has_no_figure_of_a_risk_and_no_rank(home: Path, guarded: TestClient) -> None:
    raise_alert(home, "E2")
    boss = token(home, "boss", Role.EMPLOYEE, employee="boss")
    answer = guarded.get(TEAM, headers=boss)
    people = {each["employee_id"]: each for each in answer.json()["people"]}
    assert set(people) == {"E2", "O'Neil"}, "E1 was transferred"
    assert (people["E2"]["alerts"], people["E2"]["targets"], people["O'Neil"]["alerts"]) == (1, 0, 0)
    assert not [word for word in ("probab", "rank", "band", "margin", "risk") if word in answer.text]


@pytest.mark.slow
def test_whose_team_is_shown_to_whom(home: Path, guarded: TestClient) -> None:
    hr, south = token(home, "hr", Role.HR, units=ALL), token(home, "south", Role.HR, units=SOUTH)
    other, e2 = token(home, "o", Role.EMPLOYEE, employee="other"), token(home, "e2", Role.EMPLOYEE, employee="E2")
    statuses = {
        name: guarded.get(TEAM, headers=each).status_code
        for name, each in {"hr": hr, "south": south, "other": other, "e2": e2}.items()
    }
    assert statuses == {"hr": 200, "south": 404, "other": 404, "e2": 404}
    mine = guarded.get("/v1/team?manager_id=other", headers=other).json()["people"]
    assert [each["employee_id"] for each in mine] == ["E1"]
    assert guarded.get("/v1/team?manager_id=E2", headers=hr).status_code == 404, "leads nobody"


@pytest.mark.slow
def test_who_is_held_has_no_counts_and_a_damaged_file_ends_nothing(home: Path, guarded: TestClient) -> None:
    raise_alert(home, "E2")
    HoldLog(home).set("employee:E2", cause="quarantine", message=Message.of("hold_stop", by="x", reason="y"), on=DAY)
    (home / "suggestions" / "course_match" / f"{DAY}.parquet").write_bytes(b"PAR1 damaged")
    answer = guarded.get(TEAM, headers=token(home, "boss", Role.EMPLOYEE, employee="boss"))
    e2 = next(each for each in answer.json()["people"] if each["employee_id"] == "E2")
    assert (e2["held"], e2["alerts"]) == (True, 0)
    assert len(answer.json()["missing"]) == 1 and "course_match" in answer.json()["missing"][0]["en"]


@pytest.mark.slow
def test_trends_count_departments_and_withhold_small_ones(home: Path, client: TestClient) -> None:
    company(home, {"Large": 40, "Middle": 30, "Small": 3}, listed=10)
    body = client.get("/v1/trends").json()
    assert [each["as_of"] for each in body["dates"]] == ["2026-08-01", str(DAY)]
    by_name = {each["department"]: each for each in body["dates"][-1]["departments"]}
    assert by_name["Small"]["scored"] is None and by_name["Small"]["withheld"] == "few people"
    hidden = [name for name, each in by_name.items() if each["withheld"]]
    assert len(hidden) >= 2, "the total would tell of the one that is withheld alone"
    assert client.get("/v1/trends?dates=1").json()["dates"][0]["as_of"] == str(DAY)
    assert client.get("/v1/trends?model=none").status_code == 404


@pytest.mark.slow
def test_alerts_by_month_of_few_people_are_withheld(home: Path, client: TestClient) -> None:
    raise_alert(home, "E1")
    raise_alert(home, *(f"P{number}" for number in range(12)), day=DAY + dt.timedelta(days=60))
    few, many = client.get("/v1/trends").json()["alerts"]
    assert (few["raised"], few["withheld"]) == (None, "few people")
    assert (many["month"], many["raised"]) == ("2026-10-01", 12)


@pytest.mark.slow
def test_adoption_counts_decisions_and_help(home: Path, client: TestClient) -> None:
    log = DecisionLog(home)
    for number in range(10):
        log.log(
            [Intervention(employee_id=f"P{number}", kind="talk", offered_on=DAY, status="offered")], key=f"k{number}"
        )
    log.log([Intervention(employee_id="E1", kind="course", offered_on=DAY, status="offered")], key="one")
    log.decide(Decision(suggestion_id="t1", verdict="accept", decided_by="boss"), key="t1")
    body = client.get("/v1/adoption").json()
    course, talk = body["help"]
    assert (course["kind"], course["offered"], course["withheld"]) == ("course", None, "few people")
    assert (talk["kind"], talk["offered"], talk["held_out"], talk["withheld"]) == ("talk", 10, 0, None)
    assert {each["policy"]: each["withheld"] for each in body["policies"]} == {
        "course_match": "few people",
        "target_adjustment": "few people",
    }


RATERS = (
    ("E2", "severe", 38, 17, 0.42, 0.11, 0.73),
    ("boss", "like others", 60, 20, 0.02, -0.1, 0.14),
    ("E1", "lenient", 20, 12, -0.5, -0.8, -0.2),
    ("O'Neil", "cannot tell", 9, 6, None, None, None),
    ("other", "not shown", None, None, None, None, None),
)


def keep_compared(home: Path) -> None:
    """Keep five reviewers."""
    rows = [(*row, f"{row[1]} <b>", f"{row[1]} 中文") for row in RATERS]
    table = pa.table(dict(zip(COMPARED.names, zip(*rows, strict=True), strict=True)), schema=COMPARED)
    write_raters(table, home, as_of=DAY, made_from="x")
    people = [
        {"employee_id": row[0], "department": "South" if row[0] in ("E2", "O'Neil") else "North"} for row in RATERS
    ]
    keep_people(pa.Table.from_pylist(people, schema=PEOPLE), home, as_of=DAY)


@pytest.mark.slow
def test_reviewers_are_those_of_the_own_units_and_who_rates_seldom_is_counted(home: Path, guarded: TestClient) -> None:
    keep_compared(home)
    hr, south = token(home, "hr", Role.HR, units=ALL), token(home, "south", Role.HR, units=SOUTH)
    answer = guarded.get("/v1/raters", headers=hr).json()
    assert [each["employee_id"] for each in answer["raters"]] == ["E2", "boss", "E1", "O'Neil"]
    assert (answer["total"], answer["not_shown"], answer["held"]) == (4, 1, 0)
    assert answer["verdicts"] == {"severe": 1, "like others": 1, "lenient": 1, "cannot tell": 1}
    assert "other" not in [each["employee_id"] for each in answer["raters"]]
    seen, address = [], "/v1/raters?limit=1&verdict=lenient"
    while address is not None:
        page = guarded.get(address, headers=hr).json()
        seen += [each["employee_id"] for each in page["raters"]]
        address = page["next"]
    assert seen == ["E1"]
    mine = guarded.get("/v1/raters?department=South", headers=south).json()
    assert ([each["employee_id"] for each in mine["raters"]], mine["total"], mine["not_shown"]) == (
        ["E2", "O'Neil"],
        2,
        0,
    )
    assert guarded.get("/v1/raters", headers=south).status_code == 404
    HoldLog(home).set("employee:E2", cause="quarantine", message=Message.of("hold_stop", by="x", reason="y"), on=DAY)
    held = guarded.get("/v1/raters", headers=hr).json()
    assert (held["held"], held["total"]) == (1, 3)
    for role in (Role.DATA_SCIENTIST, Role.AUDITOR, Role.ADMINISTRATOR):
        assert guarded.get("/v1/raters", headers=token(home, role.value, role)).status_code == 404
    assert (
        guarded.get("/v1/raters?manager_id=boss", headers=token(home, "b", Role.EMPLOYEE, employee="boss")).status_code
        == 404
    )


@pytest.mark.slow
def test_no_reviewers_were_compared(client: TestClient) -> None:
    answer = client.get("/v1/raters")
    assert answer.status_code == 404 and "perfml score" in answer.json()["remedy"]
    assert "perfml score" in client.get("/hr/raters").text


@pytest.mark.slow
def test_the_page_of_reviewers_says_what_its_picture_says(home: Path, client: TestClient) -> None:
    keep_compared(home)
    page = client.get("/hr/raters").text
    svg, rest = page[page.index("<svg") : page.index("</svg>")], page[page.index("</svg>") :]
    for text in ("+0.42", "-0.50"):
        assert text in svg and text in rest
    assert "<b>" not in page and "severe &lt;b&gt;" in page
    assert "like others" not in svg and "E2" in svg and "O'Neil" not in page
    assert "评分尺度" in client.get("/hr/raters", headers={"accept-language": "zh"}).text
    assert client.get("/hr/raters?department=North").text.count("lenient &lt;b&gt;") == 1
