"""What waits for HR, and what its forms write."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from perfml.messages import Bilingual, Message
from perfml.project.folder import ProjectFolder
from perfml.project.spec import DisputeRules
from perfml.project.starter import STARTER
from perfml.project.trust.alert_spec import AlertsSpec
from perfml.store.record_store import RecordStore
from perfml.store.tables import DELIVERIES
from perfml.trust.alerts.alert import Look, Sighting
from perfml.trust.alerts.alert_log import enter, read_alerts
from perfml.trust.deliveries.alarm_log import Alarm, alarm_entry, read_alarms
from perfml.trust.disputes.dispute_log import DisputeLog
from perfml.trust.holds.hold_log import HoldLog
from tests.service.web.test_person import ORIGIN, plain

pytestmark = pytest.mark.slow
DAY = dt.date.today()
WRITE = {"key": "k" * 12, "back": "/hr/work"}


@pytest.fixture
def waiting(home: Path) -> Path:
    """A dispute, an alert, two holds and a delivery that did not come."""
    DisputeLog(home, DisputeRules()).file(
        "E1",
        table="reviews",
        key="r1",
        right={"rating": "4"},
        by="E1",
        on=DAY - dt.timedelta(days=30),
        row={"review_id": "r1", "rating": "2", "comment": "<script>x</script>"},
        idempotency_key="d1",
    )
    spec = ProjectFolder(STARTER).policy_of(AlertsSpec)[1]
    name = next(iter(spec.rules))
    texts = {reader: Bilingual(en=f"for {reader}", zh="提醒") for reader in ("manager", "employee", "hr")}
    sighting = Sighting(rule=name, employee_id="E2", day=DAY, numbers={}, texts=texts)
    enter(home, spec, [Look(rule=name, day=DAY, seen=(sighting,), silent=frozenset())], day=DAY)
    holds = HoldLog(home)
    why = Message.of("hold_dispute", fact="x")
    holds.set("metric:sales", cause="reconciliation", message=why, on=DAY, since=DAY)
    holds.set("employee:E2", cause="definition", message=why, on=DAY, since=DAY)
    now = dt.datetime.now()
    alarm = Alarm(source="crm", business_date=DAY, kind="missing", raised_at=now, recipient="it")
    RecordStore(home).add(DELIVERIES, [alarm_entry(alarm, "raised", at=now, recipient="it")])
    return home


def test_everything_that_waits_stands_on_it(client: TestClient, waiting: Path) -> None:
    page = client.get("/hr/work")
    text = plain(page.text)
    for part in ("1 delivery missing", "1 open dispute", "overdue since", ": 2 ", "2 clean days are still needed"):
        assert part in text, part
    assert "<script>x" not in page.text
    assert "1 fact in dispute is used nowhere" in text


def test_a_hold_is_lifted_only_on_clean_days(client: TestClient, waiting: Path) -> None:
    form = {**WRITE, "reason": "the two sources were compared again"}
    holds = {hold.entity: hold.hold_id for hold in HoldLog(waiting).active()}
    refused = client.post(f"/hr/holds/{holds['metric:sales']}/release", data=form, headers=ORIGIN)
    assert refused.status_code == 422 and "clean" in plain(refused.text) and 'href="/hr/work"' in refused.text
    lifted = client.post(f"/hr/holds/{holds['employee:E2']}/release", data=form, headers=ORIGIN)
    assert lifted.status_code == 200 and "The hold is lifted" in lifted.text
    assert "employee:E2" not in {hold.entity for hold in HoldLog(waiting).active()}


def test_nobody_whose_line_is_unknown_decides_a_dispute(client: TestClient, waiting: Path) -> None:
    (dispute,) = DisputeLog(waiting, DisputeRules()).disputes()
    form = {**WRITE, "verdict": "upheld", "reason": "the review was of another person"}
    refused = client.post(f"/hr/disputes/{dispute.dispute_id}/decision", data=form, headers=ORIGIN)
    assert refused.status_code == 422 and "reporting line" in plain(refused.text)
    assert DisputeLog(waiting, DisputeRules()).disputes()[0].state == "open"


def test_alerts_and_deliveries_are_taken(client: TestClient, waiting: Path) -> None:
    HoldLog(waiting).release(
        next(hold.hold_id for hold in HoldLog(waiting).active() if hold.entity == "employee:E2"),
        by="x",
        reason="the definition stands again",
        on=DAY,
    )
    (alert,) = read_alerts(waiting)
    assert "for hr" in client.get("/hr/work").text
    for address in (f"/alerts/{alert.first.alert_id}", "/hr/deliveries/crm"):
        done = client.post(address, data={**WRITE, "note": "I ask"}, headers=ORIGIN, follow_redirects=False)
        assert (done.status_code, done.headers["location"]) == (303, "/hr/work?done=acknowledged")
    assert read_alerts(waiting)[0].state == "acknowledged"
    assert [alarm.note for alarm in read_alarms(waiting).values()] == ["I ask"]


def test_everything_is_stopped_and_resumed(client: TestClient, waiting: Path) -> None:
    assert client.post("/hr/stop", data={**WRITE, "reason": ""}, headers=ORIGIN).status_code == 422
    stopped = client.post("/hr/stop", data={**WRITE, "reason": "the feed is wrong since Monday"}, headers=ORIGIN)
    assert "Everything is stopped" in stopped.text
    form = {"key": "j" * 12, "back": "/hr/work", "reason": "the feed was sent again and compared"}
    resumed = client.post("/hr/resume", data=form, headers=ORIGIN)
    assert resumed.status_code == 200 and not any(hold.cause == "stop" for hold in HoldLog(waiting).active())
