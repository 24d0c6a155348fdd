"""What can be said about a person beside the score: to whom, as whom, and with whom else in it."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from starlette.testclient import TestClient

from perfml.access.accounts import AccountLog
from perfml.access.principals import Role, RoleGrant
from perfml.evidence.population.facts import PEOPLE, PERIODS
from perfml.project.folder import ProjectFolder
from perfml.project.starter import STARTER
from perfml.scoring.people.files import keep_people
from perfml.scoring.people.periods import keep_periods
from perfml.service.access.admission import Admission
from perfml.service.app import create_app
from perfml.store.audit.chain import rows
from perfml.store.opening import StoreError
from perfml.store.record_store import RecordStore
from perfml.store.standing import StoreVersions
from tests.outgoing.kept import keep_openings
from tests.scoring.personal.company import DAY, company, keep
from tests.service import company as scores
from tests.service.test_admission import NOW, token
from tests.service.test_app import HEAVY

FIRST = dt.date(2015, 1, 1)
POSITIONS = (
    ("boss", FIRST, None, None, "board", None),
    ("e1", FIRST, None, "boss", "sales", None),
    ("e2", FIRST, None, "boss", "sales", None),
)
REASON, COLUMN = "feedback", "feedback_received_count_91d"
BEHIND = f"rows-behind?model=attrition&evidence={REASON}"
ADDRESSES = ("record", "peers", BEHIND, "brief", "development-card")
EVERY_ADDRESS = """
import json, sys
from starlette.testclient import TestClient
from perfml.service.app import create_app
client = TestClient(create_app(sys.argv[1]), base_url="http://localhost")
codes = [client.get("/v1/employees/e1/" + address).status_code for address in sys.argv[2:]]
print(json.dumps([codes, sorted({name.partition(".")[0] for name in sys.modules})]))
"""
SALES, BOARD = frozenset({"department:sales"}), frozenset({"department:board"})


@pytest.fixture
def kept_home(tmp_path: Path) -> Path:
    keep(company(tmp_path / "data"), tmp_path / "home")
    columns = dict(zip(PERIODS.names, zip(*POSITIONS, strict=True), strict=True))
    keep_periods(pa.table(columns, schema=PERIODS), tmp_path / "home", as_of=DAY)
    people = pa.Table.from_pylist([{"employee_id": person} for person, *_ in POSITIONS], schema=PEOPLE)
    keep_people(people, tmp_path / "home", as_of=DAY)
    value = {"column": COLUMN, "value": 1.0, "usual": None, "zh": "收到反馈", "en": "feedback received"}
    reason = {"evidence": REASON, "contribution": 0.5, "owner": "manager", "steady": None, "zh": "", "en": ""}
    row = scores.scored("e1", 1, reasons=[{**reason, "values": [value]}])
    version = scores.train(tmp_path / "home", "attrition", {91: True})
    scores.keep(tmp_path / "home", "attrition", version, [row], as_of=DAY)
    return tmp_path / "home"


@pytest.fixture
def client(kept_home: Path) -> TestClient:
    AccountLog(kept_home).grant("admin", RoleGrant(role=Role.ADMINISTRATOR), by="setup")
    app = create_app(kept_home)
    app.state.admission = Admission(kept_home, ProjectFolder(STARTER), StoreVersions(kept_home), now=lambda: NOW)
    return TestClient(app, base_url="http://127.0.0.1:8321", raise_server_exceptions=False)


def readers(home: Path) -> dict[str, dict[str, str]]:
    return {
        "oneself": token(home, "e1-account", Role.EMPLOYEE, employee="e1"),
        "manager": token(home, "boss-account", Role.EMPLOYEE, employee="boss"),
        "peer": token(home, "e2-account", Role.EMPLOYEE, employee="e2"),
        "hr": token(home, "hr-account", Role.HR, units=SALES),
        "hr elsewhere": token(home, "other-account", Role.HR, units=BOARD),
        "data scientist": token(home, "ds-account", Role.DATA_SCIENTIST),
        "auditor": token(home, "auditor-account", Role.AUDITOR),
        "administrator": token(home, "admin"),
    }


def test_who_may_read_what_of_whom(client: TestClient, kept_home: Path) -> None:
    for name, headers in readers(kept_home).items():
        for address in ADDRESSES:
            status = client.get(f"/v1/employees/e1/{address}", headers=headers).status_code
            assert status == (200 if name in ("oneself", "manager", "hr") else 404), (name, address)
            assert client.get(f"/v1/employees/nobody/{address}", headers=headers).status_code == 404
            assert client.get(f"/v1/employees/e1/{address}").status_code == 401, "nobody is signed in"


def test_everybody_reads_as_what_they_are_to_the_person(client: TestClient, kept_home: Path) -> None:
    read = {
        name: client.get("/v1/employees/e1/record", headers=headers, params=params).json()
        for name, headers in readers(kept_home).items()
        for params in ({"voice": "hr"} if name in ("oneself", "manager") else {},)
        if name in ("oneself", "manager", "hr")
    }
    assert {name: record["reader"] for name, record in read.items()} == {
        "oneself": "employee",
        "manager": "manager",
        "hr": "hr",
    }
    assert {name: '"e2"' in str(record).replace("'", '"') for name, record in read.items()} == {
        "oneself": False,
        "manager": False,
        "hr": True,
    }, "who gave feedback"
    assert {name: "absences" in str(record) for name, record in read.items()} == {
        "oneself": True,
        "manager": False,
        "hr": True,
    }


def test_the_rows_behind_a_reason_show_who_gave_feedback_to_hr_alone(client: TestClient, kept_home: Path) -> None:
    everyone = readers(kept_home)
    for name, reader in (("oneself", "employee"), ("manager", "manager"), ("hr", "hr")):
        answer = client.get(f"/v1/employees/e1/{BEHIND}", headers=everyone[name]).json()
        (table,) = answer["tables"]
        assert (answer["reader"], answer["column"], table["name"]) == (reader, COLUMN, "events")
        assert [row["day"] for row in table["rows"]] == ["2026-09-01"]
        assert ("e2" in table["rows"][0]["values"].values()) is (name == "hr")
    unknown = BEHIND.replace(REASON, "stars")
    assert client.get(f"/v1/employees/e1/{unknown}", headers=everyone["hr"]).status_code == 404


@pytest.mark.slow
def test_the_process_imports_nothing_heavy(kept_home: Path) -> None:
    keep_openings(kept_home, as_of=DAY)
    command = [sys.executable, "-c", EVERY_ADDRESS, str(kept_home), *ADDRESSES, "eligibility"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    codes, modules = json.loads(run.stdout)
    assert codes == [200] * (len(ADDRESSES) + 1)
    assert not HEAVY & set(modules)


def test_hr_may_read_as_the_employee_does(client: TestClient, kept_home: Path) -> None:
    everyone = readers(kept_home)
    as_employee = client.get("/v1/employees/e1/record?voice=employee", headers=everyone["hr"]).json()
    assert as_employee == client.get("/v1/employees/e1/record", headers=everyone["oneself"]).json()


def test_hr_about_themselves_sees_nobody_else(client: TestClient, kept_home: Path) -> None:
    headers = token(kept_home, "hr-e1", Role.HR, employee="e1", units=SALES)
    assert client.get("/v1/employees/e1/record", headers=headers).json()["reader"] == "employee"


def test_it_is_recorded_who_read(client: TestClient, kept_home: Path) -> None:
    assert client.get("/v1/employees/e1/brief", headers=readers(kept_home)["manager"]).status_code == 200
    with RecordStore(kept_home).transaction() as connection:
        last = rows(connection)[-1]
    assert "boss-account" in str(last) and "/brief" in str(last)


def test_a_store_that_cannot_be_read_is_not_taken_for_somebody_unknown(
    client: TestClient, kept_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(*_: object, **__: object) -> None:
        raise StoreError("cannot be read", where="store.db")

    monkeypatch.setattr("perfml.service.answers.personal.personal_record", damaged)
    assert client.get("/v1/employees/e1/record", headers=readers(kept_home)["hr"]).status_code == 500


def test_a_dispute_shows_with_the_next_request(client: TestClient, kept_home: Path) -> None:
    headers = readers(kept_home)
    record = client.get("/v1/employees/e1/record", headers=headers["oneself"]).json()
    (reviews,) = (table for table in record["tables"] if table["name"] == "reviews")
    body = {"table": "reviews", "key": reviews["rows"][0]["key"], "right": {"rating": "5"}, "filed_by": "e1"}
    filed = client.post("/v1/employees/e1/disputes", json=body, headers={**headers["oneself"], "Idempotency-Key": "a"})
    assert filed.status_code in (200, 201), filed.text
    again = client.get("/v1/employees/e1/record", headers=headers["oneself"]).json()
    (after,) = (table for table in again["tables"] if table["name"] == "reviews")
    assert [row["key"] for row in after["rows"]] == [row["key"] for row in reviews["rows"][1:]]
