"""Alerts, deliveries and notices over HTTP: what is said to whom, and what is taken care of."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from perfml.access.principals import Role
from perfml.messages import Bilingual, Message
from perfml.project.folder import ProjectFolder
from perfml.project.starter import STARTER
from perfml.project.trust.alert_spec import AlertReader, AlertsSpec
from perfml.trust.alerts.alert import AlertRow, Look, Sighting
from perfml.trust.alerts.alert_log import enter
from perfml.trust.deliveries.alarms import watch
from perfml.trust.deliveries.packets import Packet
from perfml.trust.holds.hold_log import HoldLog
from perfml.trust.notices.notice_log import NoticeLog
from tests.service.accounts import ALL, token
from tests.service.company import DAY

SPEC = ProjectFolder(STARTER).policy_of(AlertsSpec)[1]
MOMENT = dt.datetime(2026, 9, 2, 8)


def raise_alert(
    home: Path, *people: str, day: dt.date = DAY, readers: tuple[AlertReader, ...] = ("manager", "employee")
) -> None:
    """Enter a look that sees ``people``, with words for ``readers``."""
    rule = next(name for name, rule in SPEC.rules.items() if set(rule.to) <= set(readers))
    texts = {reader: Bilingual(en=f"for the {reader}", zh=f"给{reader}") for reader in readers}
    seen = tuple(
        Sighting(
            rule=rule,
            employee_id=person,
            day=day,
            numbers={"days": 14.0},
            rows=(AlertRow(table="events", key="e1", happened="2026-08-01"),),
            people=("O'Neil",) if person == "boss" else (),
            manager_id="boss",
            texts=texts,
        )
        for person in people
    )
    enter(home, SPEC, [Look(rule=rule, day=day, seen=seen, silent=frozenset())], day=day)


@pytest.mark.slow
def test_alerts_say_what_happened_with_their_rows(home: Path, client: TestClient) -> None:
    raise_alert(home, "E1", "E2")
    body = client.get("/v1/alerts").json()
    assert (body["total"], body["states"], body["withheld"]) == (2, {"open": 2}, 0)
    first = body["alerts"][0]
    assert first["rows"] == [{"table": "events", "key": "e1", "happened": "2026-08-01"}]
    assert first["numbers"] == {"days": 14.0} and first["severity"] and first["title"]["zh"]
    assert client.get("/v1/alerts?reader=employee").json()["alerts"][0]["text"]["en"] == "for the employee"
    assert client.get("/v1/alerts?employee_id=E2").json()["total"] == 1
    assert client.get("/v1/alerts?state=resolved").json()["alerts"] == []
    assert client.get("/v1/alerts?reader=boss").status_code == 422


@pytest.mark.slow
def test_words_for_one_reader_are_not_read_by_another(home: Path, client: TestClient) -> None:
    raise_alert(home, "E1", readers=("manager",))
    totals = {
        reader: client.get(f"/v1/alerts?reader={reader}").json()["total"] for reader in ("hr", "manager", "employee")
    }
    assert totals == {"hr": 1, "manager": 1, "employee": 0}


@pytest.mark.slow
def test_nothing_is_said_of_who_is_held(home: Path, client: TestClient) -> None:
    raise_alert(home, "E1", "E2")
    HoldLog(home).set("employee:E1", cause="quarantine", message=Message.of("hold_stop", by="x", reason="y"), on=DAY)
    body = client.get("/v1/alerts").json()
    assert ([each["employee_id"] for each in body["alerts"]], body["withheld"]) == (["E2"], 1)
    assert client.get("/v1/alerts?employee_id=E2").json()["withheld"] == 0, "how many others are held is not for E2"


@pytest.mark.slow
def test_a_stop_holds_also_where_nobody_knows_who_works_there(home: Path, client: TestClient) -> None:
    raise_alert(home, "E1", "E2")
    assert client.post("/v1/stop", json={"by": "anna", "reason": "The feed is broken since Monday."}).status_code == 200
    body = client.get("/v1/alerts").json()
    assert (body["alerts"], body["withheld"]) == ([], 2)


@pytest.mark.slow
def test_alerts_are_paged_newest_first(home: Path, client: TestClient) -> None:
    for number, person in enumerate(("E1", "E2", "a b", "50%", "O'Neil")):
        raise_alert(home, person, day=DAY + dt.timedelta(days=40 * number))
    seen, address = [], "/v1/alerts?limit=2"
    while address:
        page = client.get(address).json()
        seen += [each["employee_id"] for each in page["alerts"]]
        address = page["next"]
    assert seen == ["O'Neil", "50%", "a b", "E2", "E1"]
    follow = client.get("/v1/alerts?limit=2").json()["next"]
    raise_alert(home, "E1", day=DAY + dt.timedelta(days=400))
    assert client.get(follow).status_code == 410, "after another look"


@pytest.mark.slow
def test_no_alert_is_left_out_while_others_of_its_day_are_taken_care_of_or_held(home: Path, client: TestClient) -> None:
    raise_alert(home, "E1", "E2", "a b", "50%", "O'Neil")
    first = client.get("/v1/alerts?state=open&limit=2").json()
    done, held = first["alerts"]
    address = f"/v1/alerts/{done['alert_id']}/acknowledgement"
    assert client.post(address, json={"by": "boss"}).status_code == 200
    HoldLog(home).set(
        f"employee:{held['employee_id']}",
        cause="quarantine",
        message=Message.of("hold_stop", by="x", reason="y"),
        on=DAY,
    )
    rest = client.get(first["next"].replace("limit=2", "limit=9")).json()["alerts"]
    everyone = {"E1", "E2", "a b", "50%", "O'Neil"}
    assert {each["employee_id"] for each in rest} == everyone - {done["employee_id"], held["employee_id"]}


@pytest.mark.slow
def test_an_alert_is_taken_care_of_once(home: Path, client: TestClient) -> None:
    raise_alert(home, "E1")
    name = client.get("/v1/alerts").json()["alerts"][0]["alert_id"]
    address, body = f"/v1/alerts/{name}/acknowledgement", {"by": "boss", "note": "we talk on Monday"}
    first = client.post(address, json=body, headers={"Idempotency-Key": "k"})
    assert (first.status_code, first.json()["state"], first.json()["acknowledged_by"]) == (200, "acknowledged", "boss")
    again = client.post(address, json=body, headers={"Idempotency-Key": "k"})
    assert (again.status_code, again.json()) == (200, first.json())
    assert client.post(address, json=body | {"by": "x"}, headers={"Idempotency-Key": "k"}).status_code == 409
    assert client.post(address, json=body).status_code == 422, "somebody takes care of it already"
    assert client.post("/v1/alerts/none/acknowledgement", json=body).status_code == 404


@pytest.mark.slow
def test_who_reads_and_takes_care_of_which_alerts(home: Path, guarded: TestClient) -> None:
    raise_alert(home, "E2", "boss")
    hr = token(home, "hr", Role.HR, units=ALL)
    boss = token(home, "boss", Role.EMPLOYEE, employee="boss")
    e2 = token(home, "e2", Role.EMPLOYEE, employee="E2")
    auditor = token(home, "auditor", Role.AUDITOR)
    team, own = "/v1/alerts?manager_id=boss&reader=manager", "/v1/alerts?employee_id={}&reader=employee"
    assert guarded.get("/v1/alerts", headers=hr).json()["total"] == 2
    everyone = guarded.get("/v1/alerts", headers=hr).json()["alerts"]
    assert [each["people"] for each in everyone if each["employee_id"] == "boss"] == [[{"employee_id": "O'Neil"}]]
    assert guarded.get("/v1/alerts?manager_id=boss", headers=boss).status_code == 404, "the words for HR"
    assert guarded.get(team, headers=boss).status_code == 200
    assert guarded.get(own.format("E2"), headers=e2).json()["alerts"][0]["text"]["en"] == "for the employee"
    as_others = ("/v1/alerts?employee_id=E2", "/v1/alerts?employee_id=E2&reader=manager")
    for address in ("/v1/alerts", team, own.format("boss"), *as_others):
        assert guarded.get(address, headers=e2).status_code == 404, address
        assert guarded.get(address, headers=auditor).status_code == 404, address
    name = next(each["alert_id"] for each in everyone if each["employee_id"] == "E2")
    post = f"/v1/alerts/{name}/acknowledgement"
    oneil = token(home, "oneil", Role.EMPLOYEE, employee="O'Neil")
    assert guarded.post(post, json={"by": "oneil"}, headers=oneil).status_code == 404
    assert guarded.post(post, json={"by": "boss"}, headers=boss).status_code == 200


@pytest.mark.slow
def test_feeds_are_looked_at_and_taken_care_of(home: Path, client: TestClient) -> None:
    assert client.get("/v1/deliveries").json()["complete"] is True
    packet = Packet(
        source="crm", business_date=DAY, due_at=MOMENT, received_at=None, rows=None, total=None, status="missing"
    )
    watch(home, ProjectFolder(STARTER).deliveries, [packet], now=MOMENT)
    (alarm,) = client.get("/v1/deliveries").json()["alarms"]
    assert (alarm["source"], alarm["kind"], alarm["acknowledged_by"]) == ("crm", "missing", None)
    address, body = "/v1/deliveries/crm/acknowledgement", {"by": "ops"}
    first = client.post(address, json=body, headers={"Idempotency-Key": "k"})
    assert [each["acknowledged_by"] for each in first.json()["alarms"]] == ["ops"]
    assert client.post(address, json=body, headers={"Idempotency-Key": "k"}).json() == first.json()
    assert client.post(address, json=body).status_code == 422, "none is open"
    for name in ("none", "%00"):
        assert client.post(f"/v1/deliveries/{name}/acknowledgement", json=body).status_code == 422


@pytest.mark.slow
def test_a_key_stands_for_the_alarms_of_one_request(home: Path, client: TestClient) -> None:
    deliveries, address, keyed = ProjectFolder(STARTER).deliveries, "/v1/deliveries/crm/acknowledgement", {}
    for n in range(3):
        day = DAY + dt.timedelta(days=n)
        packet = Packet(
            source="crm", business_date=day, due_at=MOMENT, received_at=None, rows=None, total=None, status="missing"
        )
        watch(home, deliveries, [packet], now=MOMENT)
        body = {"by": "ops", "business_date": str(day)}
        keyed[n] = client.post(address, json=body, headers={"Idempotency-Key": f"k{n}"}).json()
        assert [each["business_date"] for each in keyed[n]["alarms"]] == [str(day)]
        assert client.post(address, json=body, headers={"Idempotency-Key": f"k{n}"}).json() == keyed[n]
        other = body | {"business_date": str(day + dt.timedelta(days=1))}
        assert client.post(address, json=other, headers={"Idempotency-Key": f"k{n}"}).status_code == 409


@pytest.mark.slow
def test_notices_by_person(home: Path, client: TestClient, guarded: TestClient) -> None:
    log = NoticeLog(home)
    log.opt_out("E2", by="E2", on=DAY)
    log.outcome("E1", what="The bonus was cut after the review.", by="hr", on=DAY)
    hr, e2 = token(home, "hr", Role.HR, units=ALL), token(home, "e2", Role.EMPLOYEE, employee="E2")
    body = guarded.get("/v1/notices", headers=hr).json()
    assert [(each["employee_id"], each["opted_out_on"]) for each in body["people"]] == [("E2", str(DAY)), ("E1", None)]
    assert body["people"][1]["outcomes"][0]["package_on"] is None
    assert guarded.get("/v1/notices?employee_id=E2", headers=e2).json()["total"] == 1
    assert guarded.get("/v1/notices", headers=e2).status_code == 404
    page = guarded.get("/v1/notices?limit=1", headers=hr).json()
    assert guarded.get(page["next"], headers=hr).json()["people"][0]["employee_id"] == "E1"
