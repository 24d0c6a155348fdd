"""What if over HTTP: for HR of the unit, of somebody with a score; and without what the service must not load."""

from __future__ import annotations

import datetime as dt
import json
import re
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from starlette.testclient import TestClient

from perfml.access.accounts import AccountLog
from perfml.access.principals import Role, RoleGrant
from perfml.evidence.population.facts import PERIODS
from perfml.messages import Message
from perfml.scoring.people.periods import keep_periods
from perfml.scoring.what_if.evidence import FOLDER
from perfml.service.access.admission import Admission
from perfml.service.app import create_app
from perfml.store.standing import StoreVersions
from perfml.trust.audit.history import newest_entries
from perfml.trust.holds.hold_log import HoldLog
from tests.service.accounts import ALL, Clock, token
from tests.service.test_app import HEAVY
from tests.simulated import END, Simulated

ASK = """
import json, sys
from starlette.testclient import TestClient
from perfml.service.app import create_app
client = TestClient(create_app(sys.argv[1]), base_url="http://localhost")
answer = client.post(f"/v1/employees/{sys.argv[2]}/what-if", json={"model": "attrition"})
print(json.dumps([answer.status_code, sorted({name.partition(".")[0] for name in sys.modules})]))
"""


@pytest.fixture(scope="module")
def home(company_of_500: Simulated, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return company_of_500.copy_home(tmp_path_factory.mktemp("what_if") / "home")


@pytest.fixture(scope="module")
def people(company_of_500: Simulated) -> list[str]:
    return [row["employee_id"] for row in company_of_500.rows["attrition"] if row["status"] == "scored"]


@pytest.fixture(scope="module")
def client(home: Path) -> TestClient:
    return TestClient(create_app(home), base_url="http://127.0.0.1:8321", raise_server_exceptions=False)


def ask(client: TestClient, person: str, *changes: dict[str, object], **more: object):
    return client.post(f"/v1/employees/{person}/what-if", json={"model": "attrition", "changes": list(changes), **more})


@pytest.mark.slow
def test_a_prediction_and_that_it_is_no_effect(client: TestClient, home: Path, people: list[str]) -> None:
    answer = ask(client, people[0])
    assert answer.status_code == 200, answer.text
    plain = answer.json()
    row = client.get(f"/v1/employees/{people[0]}/risk?model=attrition").json()["rows"][0]
    assert plain["before"] == plain["after"] == pytest.approx(row["probability"])
    assert "does not say" in plain["note"]["en"] and plain["note"]["zh"]
    (first, *_) = plain["possible"]
    assert first["evidence"] in {reason["evidence"] for reason in row["reasons"]} and first["label"]["zh"]
    changed = ask(client, people[0], {"evidence": first["evidence"], "value": first["high"]}).json()
    assert changed["changes"] == [{"evidence": first["evidence"], "asked": first["high"], "value": first["high"]}]
    assert changed["before"] == plain["before"] and 0 < changed["after"] < 1
    assert "what-if" in str(newest_entries(home, limit=1)[0]), "who was looked at is recorded"


@pytest.mark.slow
def test_what_is_refused(client: TestClient, people: list[str]) -> None:
    first = ask(client, people[0]).json()["possible"][0]
    good = {"evidence": first["evidence"], "value": first["high"]}
    for changes in (
        [good, good],
        [{"evidence": "stars", "value": 1}],
        [{**good, "value": first["high"] + 1}],
        [good] * 4,
    ):
        refused = ask(client, people[0], *changes)
        assert refused.status_code == 422 and refused.json()["where"].startswith("body"), changes
    for value in ("NaN", "Infinity", '"x"', "null"):
        text = f'{{"model": "attrition", "changes": [{{"evidence": "x", "value": {value}}}]}}'
        answer = client.post(
            f"/v1/employees/{people[0]}/what-if", content=text, headers={"content-type": "application/json"}
        )
        assert answer.status_code in (400, 422), value
    assert ask(client, people[0], model="none").status_code == 404
    assert ask(client, people[0], as_of="2020-01-01").status_code == 404
    assert ask(client, people[0], horizon_days=7).status_code == 404


@pytest.mark.slow
def test_somebody_held_is_answered_like_somebody_unknown(client: TestClient, home: Path, people: list[str]) -> None:
    person, log = people[5], HoldLog(home)
    assert ask(client, person).status_code == 200
    log.set(f"employee:{person}", cause="quarantine", message=Message.of("hold_stop", by="x", reason="y"), on=END)
    held, unknown = ask(client, person), ask(client, "nobody")
    assert (held.status_code, held.content) == (unknown.status_code, unknown.content) and held.status_code == 404


@pytest.mark.slow
def test_nothing_heavy_is_loaded_but_the_logistic_function(home: Path, people: list[str]) -> None:
    run = subprocess.run([sys.executable, "-c", ASK, str(home), people[1]], capture_output=True, text=True, check=True)
    code, modules = json.loads(run.stdout)
    assert code == 200 and HEAVY & set(modules) <= {"scipy"}


@pytest.mark.slow
def test_without_kept_rows_it_says_what_to_do(client: TestClient, home: Path, people: list[str]) -> None:
    stored = home / FOLDER / "attrition" / f"{END}.parquet"
    stored.rename(stored.with_suffix(".away"))
    try:
        answer = ask(client, people[0])
        assert answer.status_code == 404 and "perfml score attrition" in answer.json()["remedy"]
    finally:
        stored.with_suffix(".away").rename(stored)


@pytest.mark.slow
def test_the_page_says_what_the_address_says(client: TestClient, people: list[str]) -> None:
    first = ask(client, people[0]).json()["possible"][0]
    address = f"/hr/people/{people[0]}/what-if?model=attrition"
    page = client.get(address).text
    assert "does not say" in page and "csrf" not in page.split("<main")[1], "nothing is written"
    changed = client.get(f"{address}&evidence={first['evidence']}&value={first['high']}").text
    assert len(re.findall(r'class="big"', changed)) == 2
    beyond = client.get(f"{address}&evidence={first['evidence']}&value={first['high'] + 9}").text
    assert "not usual" in beyond and len(re.findall(r'class="big"', beyond)) == 1
    assert address.split("?")[0] in client.get(f"/hr/people/{people[0]}").text


@pytest.mark.slow
def test_who_may_ask_about_whom(company_of_500: Simulated, people: list[str], tmp_path: Path) -> None:
    home = company_of_500.copy_home(tmp_path / "home")
    first = dt.date(2020, 1, 1)
    rows = [("chief", first, None, None, "Board", None), (people[0], first, None, "chief", "South", None)]
    rows.append((people[1], first, None, "chief", "North", None))
    columns = dict(zip(PERIODS.names, zip(*rows, strict=True), strict=True))
    keep_periods(pa.table(columns, schema=PERIODS), home, as_of=END + dt.timedelta(days=30))
    app = create_app(home)
    rules = app.state.admission.rules
    app.state.admission = Admission(
        home, app.state.store.folder, StoreVersions(home), rules=rules, now=Clock(), required=True
    )
    guarded = TestClient(app, base_url="http://127.0.0.1:8321", raise_server_exceptions=False)
    AccountLog(home).grant("admin", RoleGrant(role=Role.ADMINISTRATOR), by="setup")
    path, body = f"/v1/employees/{people[0]}/what-if", {"model": "attrition"}
    south = frozenset({"department:South"})
    asked = {
        "hr of all": token(home, "hr", Role.HR, units=ALL),
        "hr of South": token(home, "south", Role.HR, units=south),
        "hr of North": token(home, "north", Role.HR, units=frozenset({"department:North"})),
        "oneself, and HR": token(home, "own", Role.HR, Role.EMPLOYEE, employee=people[0], units=ALL),
        "manager": token(home, "chief", Role.EMPLOYEE, employee="chief"),
        "data scientist": token(home, "ds", Role.DATA_SCIENTIST),
    }
    seen = {name: guarded.post(path, json=body, headers=headers).status_code for name, headers in asked.items()}
    assert seen == {name: 200 if name in ("hr of all", "hr of South") else 404 for name in asked}
    page = f"/hr/people/{people[0]}/what-if?model=attrition"
    shown = {name: guarded.get(page, headers=headers).status_code for name, headers in asked.items()}
    assert shown == seen
