"""A disputed fact leaves a service that has just said it, at the very next request, whoever filed the dispute."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from perfml.scoring import sealed_files
from perfml.scoring.score_files import score_file
from perfml.service.app import create_app
from tests.trust.disputes.case import DAY, EARLIER_DAY, MODEL, Company, chance
from tests.trust.disputes.reading import export

LISTS = (f"/v1/models/{MODEL}/at-risk", f"/v1/priorities?model={MODEL}", "/v1/targets")
OF_PERSON = (
    "/v1/employees/{}",
    "/v1/employees/{}?voice=manager",
    "/v1/employees/{}?voice=employee",
    "/v1/employees/{}/risk",
    "/v1/employees/{}/risk?voice=employee",
)


def answers(client: TestClient, company: Company, person: str) -> dict[str, str]:
    """Address, or export -> what it says."""
    addresses = [*LISTS, *(address.format(person) for address in OF_PERSON)]
    out = {address: client.get(address) for address in addresses}
    assert {answer.status_code for answer in out.values()} == {200}
    texts = {address: answer.text for address, answer in out.items()}
    return {**texts, "export": export(company, DAY, company.home.parent / "out.csv")}


def file_elsewhere(company: Company, person: str, key: str) -> None:
    """File a dispute by the command, in a process of its own."""
    named = [person, "--table", "reviews", "--key", key, "--by", person, "--right", "comment=right"]
    where = ["--data", str(company.data), "--home", str(company.home), "--today", str(DAY)]
    subprocess.run([sys.executable, "-m", "perfml.cli", "dispute", *named, *where], check=True, capture_output=True)


def file_here(client: TestClient, person: str, key: str) -> None:
    """File a dispute at the service itself."""
    body = {"table": "reviews", "key": key, "right": {"comment": "right"}, "filed_by": person}
    filed = client.post(f"/v1/employees/{person}/disputes", json=body, headers={"Idempotency-Key": key})
    assert filed.status_code == 200, filed.text


@pytest.mark.slow
def test_the_very_next_request_says_it_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed_files, "SETTLED_SECONDS", 0.0)  # what was just written may be remembered as verified
    company = Company.of(tmp_path)
    company.score(EARLIER_DAY, DAY)
    client = TestClient(create_app(company.home), base_url="http://127.0.0.1:8321")
    for person, key, mark, quoted in (("e1", "r4", "mark4x", "mark0x mark4x"), ("e2", "r5", "mark5x", "mark1x mark5x")):
        for _ in range(2):
            before = answers(client, company, person)
        assert score_file(company.home, MODEL, DAY) in sealed_files._VERIFIED
        saying = {name for name, text in before.items() if mark in text or repr(chance(quoted)) in text}
        assert {*LISTS, "export", OF_PERSON[0].format(person), OF_PERSON[3].format(person)} <= saying
        if person == "e1":
            file_elsewhere(company, person, key)
        else:
            file_here(client, person, key)
        for name, text in answers(client, company, person).items():
            assert mark not in text and repr(chance(quoted)) not in text, (person, name)
    assert "mark6x" in answers(client, company, "e3")[LISTS[0]], "nobody else is affected"
