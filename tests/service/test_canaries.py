"""Seeded personal data come out for whom they are, and in no answer, log line or error for anybody else."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from perfml import Project
from perfml.access.principals import Role
from perfml.evidence.population.facts import PERIODS
from perfml.project.spec import ServiceSettings
from perfml.scoring.people.files import keep_people
from perfml.scoring.people.periods import keep_periods
from perfml.scoring.personal.files import write_records
from perfml.scoring.personal.rows import contents_of, rows_of_people
from perfml.service.access.admission import Admission
from perfml.service.access.caller_limits import CallerLimits
from perfml.service.app import create_app
from perfml.store.standing import StoreVersions
from tests.outgoing.kept import keep_openings
from tests.service.accounts import Clock, token
from tests.service.company import COURSE, DAY, TARGET, advise, keep, scored, train, without
from tests.service.one_thread import Asker, asker
from tests.tables import write_tables

CANARY = "canary"
THE_LOG = "/audit"
"""Whose score was seen is what an auditor reads it for: it names people by id, and not otherwise."""
PERSON, OTHER, HELD = (f"{CANARY}-id-{number}" for number in (1, 2, 3))
KINDS = ("id", "name", "comment", "quote", "reason", "outcome", "opening")
EMPLOYEES = f"""
employee_id | hired_on   | name
{PERSON}    | 2020-10-01 | {CANARY}-name-1
{OTHER}     | 2021-01-01 | {CANARY}-name-2
"""
EVENTS = f"""
employee_id | happened_at         | kind              | counterpart_id | event_id
{OTHER}     | 2026-08-01 10:31:07 | feedback_given    | {PERSON}       | v1
{PERSON}    | 2026-08-01 10:31:07 | feedback_received | {OTHER}        | v2
"""
REVIEWS = f"""
review_id | employee_id | reviewer_id | period_end | reviewed_on | rating | comment
r1        | {PERSON}    | {OTHER}     | 2026-06-30 | 2026-07-15  | 3      | {CANARY}-comment
"""
GAP_TAGS = f"""
employee_id | tag    | noted_on   | review_id | quote
{PERSON}    | 谈判   | 2026-07-15 | r1        | {CANARY}-quote
"""
ASKERS = {
    "data scientist": (Role.DATA_SCIENTIST,),
    "auditor": (Role.AUDITOR,),
    "administrator": (Role.ADMINISTRATOR,),
    "administrator who granted themselves HR": (Role.ADMINISTRATOR, Role.HR),
}


@pytest.fixture
def seeded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asker]:
    """A service of people whose every fact is a canary."""
    home, data = tmp_path / "home", tmp_path / "data"
    monkeypatch.setattr("tests.service.company.TARGET", {**TARGET, "employee_id": PERSON})
    monkeypatch.setattr("tests.service.company.COURSE", {**COURSE, "employee_id": PERSON, "quote": f"{CANARY}-quote"})
    version = train(home, "attrition", {91: True})
    why = f"reviews: {CANARY}-comment"
    rows = [scored(PERSON, 1, band="act"), scored(OTHER, 2), without(HELD, "held", why_not=why)]
    keep(home, "attrition", version, rows)
    advise(home)
    facts = {"department": "South", "manager_id": OTHER, "manager_name": f"{CANARY}-name-2", "role_family": None}
    people = [{"employee_id": PERSON, "name": f"{CANARY}-name-1", "level": 1, "tenure_days": 40, **facts}]
    keep_people(pa.Table.from_pylist(people), home, as_of=DAY)
    periods = [(person, dt.date(2020, 1, 1), None, None, "South", None) for person in (PERSON, OTHER, HELD)]
    columns = dict(zip(PERIODS.names, zip(*periods, strict=True), strict=True))
    keep_periods(pa.table(columns, schema=PERIODS), home, as_of=DAY)
    tables = write_tables(data, employees=EMPLOYEES, events=EVENTS, reviews=REVIEWS, gap_tags=GAP_TAGS)
    project = Project(home=home)
    with project.open(tables) as opened:
        contents = contents_of(opened, project.folder.definitions, None)
        write_records(rows_of_people(opened, DAY), home, as_of=DAY, contents=contents)
    keep_openings(home, as_of=DAY, people=(PERSON, OTHER), title=f"{CANARY}-opening")
    app = create_app(home)
    rules = app.state.admission.rules
    app.state.admission = Admission(home, project.folder, StoreVersions(home), rules=rules, now=Clock(), required=True)
    app.state.admission.limits = CallerLimits(ServiceSettings(reads_a_minute=10**9, writes_a_minute=10**9))
    with asker(app) as client:
        yield client


def requests_of(service: Asker, dispute: str) -> Iterator[tuple[str, str]]:
    """Every declared address about the people, and as they can be asked wrongly."""
    names = {"model": "attrition", "name": "at_risk", "suggestion_id": "t1", "dispute_id": dispute, "hold_id": "x"}
    for address in [
        *service.app.state.admission.rules,
        "GET /metrics",
        "GET /v1/metrics",
        "GET /v1/unknown/{employee_id}",
    ]:
        method, path = address.split(" ")
        for name, value in names.items():
            path = path.replace(f"{{{name}}}", value)
        for person in (PERSON, HELD):
            whole = path.replace("{employee_id}", person)
            for query in (
                "",
                f"?employee_id={person}",
                f"?manager_id={OTHER}",
                "?department=South",
                f"?limit={person}",
            ):
                yield method, whole + query


@pytest.mark.slow
def test_no_canary_sings_to_who_sees_nobody(seeded: Asker, caplog: pytest.LogCaptureFixture) -> None:
    home = seeded.app.state.store.home
    hr = {**token(home, "hr", Role.HR), "Idempotency-Key": "k"}
    offer = {"employee_id": PERSON, "kind": "talk", "offered_on": "2026-08-01", "status": "offered"}
    seeded.post("/v1/interventions", json={**offer, "outcome": f"{CANARY}-outcome"}, headers=hr)
    refusal = {"verdict": "refuse", "reason": f"{CANARY}-reason"}
    seeded.post("/v1/suggestions/t1/decisions", json=refusal, headers={**hr, "Idempotency-Key": "k2"})
    own = token(home, "own", Role.EMPLOYEE, employee=PERSON)
    fact = {"table": "reviews", "key": "review_id=r1", "right": {"comment": f"{CANARY}-comment"}}
    filed = seeded.post(f"/v1/employees/{PERSON}/disputes", json=fact, headers={**own, "Idempotency-Key": "k3"})
    assert filed.status_code == 200, filed.text
    asked = list(dict.fromkeys(requests_of(seeded, filed.json()["dispute_id"])))

    caplog.set_level(logging.DEBUG)
    song = " ".join(seeded.request(method, path, headers=hr).text for method, path in asked if method == "GET")
    song += " ".join(seeded.request(method, path, headers=own).text for method, path in asked if method == "GET")
    heard = {kind for kind in KINDS if f"{CANARY}-{kind}" in song}
    assert heard == set(KINDS) - {"outcome"}, "whom it is for hears it: so that the test can fail"

    scientist = token(home, "data-scientist", Role.DATA_SCIENTIST)
    assert seeded.get("/v1/models/attrition/scores", headers=scientist).json()["total"] == 1, (
        "who disputes a fact is held"
    )
    for name, roles in ASKERS.items():
        headers = token(home, name.replace(" ", "-"), *roles)
        for purpose in ("support", "operation"):
            for method, path in asked:
                body = {"json": {"employee_id": PERSON, "reason": f"{CANARY}-reason"}} if method == "POST" else {}
                answer = seeded.request(
                    method, path, headers={**headers, "X-Purpose": purpose, "Idempotency-Key": "k9"}, **body
                )
                shown = answer.text.replace(path, "").replace(
                    path.partition("?")[2] or path, ""
                )  # what the asker wrote
                if answer.status_code == 422 and "=" in path:
                    shown = shown.replace(path.rpartition("=")[2], "")  # what cannot be used is repeated to who sent it
                assert answer.status_code < 500, (name, path)
                if path.startswith(THE_LOG) and name == "auditor":
                    shown = shown.replace(PERSON, "").replace(HELD, "").replace(OTHER, "")
                if path.startswith("/access") and name.startswith("administrator"):
                    shown = shown.replace(PERSON, "")  # which employee an account is
                assert CANARY not in shown + str(answer.headers), (name, purpose, method, path, shown[:300])
    lines = [
        record.getMessage() + str(record.__dict__.get("fields")) for record in caplog.records if record.name != "httpx2"
    ]
    assert any("/v1/employees/{employee_id}" in line for line in lines), "so that the test can fail"
    assert not [line for line in lines if CANARY in line and "http" not in line.partition(" ")[0]]


@pytest.mark.slow
def test_no_canary_sings_when_something_breaks(
    seeded: Asker, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(f"{CANARY}-comment of {PERSON}")

    monkeypatch.setattr("perfml.service.routes.people.person_risk_json", broken)
    hr = token(seeded.app.state.store.home, "hr", Role.HR)
    answer = seeded.get(f"/v1/employees/{PERSON}/risk", headers=hr)
    assert answer.status_code == 500 and CANARY not in answer.text + str(answer.headers)
    ours = [record for record in caplog.records if record.name.startswith(("perfml", "uvicorn"))]
    assert ours and not any(
        CANARY in record.getMessage() + str(record.exc_text) + str(record.exc_info) for record in ours
    )
