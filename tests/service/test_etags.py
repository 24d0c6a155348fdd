"""Whoever has an answer already is told so; a tag tells nobody else anything."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from perfml.access.principals import Role
from perfml.store.audit.chain import rows
from perfml.store.record_store import RecordStore
from tests.service.accounts import ALL, SOUTH, token
from tests.service.company import DAY, keep, scored

PERSON = "/v1/employees/E1/risk"
ADDRESSES = (PERSON, "/v1/models/attrition/at-risk", "/v1/models", "/v1/targets", "/v1/holds", "/v1/employees/E1")


def seen(home: Path) -> int:
    with RecordStore(home).transaction() as connection:
        return sum(row.action.startswith("see") for row in rows(connection))


@pytest.mark.slow
@pytest.mark.parametrize("address", ADDRESSES)
def test_the_same_answer_is_not_sent_again(client: TestClient, address: str) -> None:
    for _ in ("cold", "warm"):
        first = client.get(address)
        tag = first.headers["etag"]
        assert tag.startswith('"') and first.headers["cache-control"] == "no-store"
        for sent in (tag, f'"other", {tag}', f"W/{tag}", "*"):
            same = client.get(address, headers={"If-None-Match": sent})
            assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
        assert client.get(address, headers={"If-None-Match": '"other"'}).content == first.content


@pytest.mark.slow
def test_a_new_file_has_a_new_tag(home: Path, client: TestClient) -> None:
    tag = client.get(PERSON).headers["etag"]
    version = client.get("/v1/models/attrition").json()["version"]
    keep(home, "attrition", version, [scored("E1", 1, probability=0.4)], as_of=DAY)
    again = client.get(PERSON, headers={"If-None-Match": tag})
    assert again.status_code == 200 and again.headers["etag"] != tag


@pytest.mark.slow
def test_what_has_not_changed_is_recorded_as_seen_all_the_same(home: Path, client: TestClient) -> None:
    tag = client.get(PERSON).headers["etag"]
    before = seen(home)
    assert client.get(PERSON, headers={"If-None-Match": tag}).status_code == 304
    assert seen(home) == before + 1


@pytest.mark.slow
def test_a_tag_is_of_one_account_and_admits_nobody(home: Path, guarded: TestClient) -> None:
    hr, other = token(home, "hr", Role.HR, units=ALL), token(home, "hr2", Role.HR, units=ALL)
    south = token(home, "south", Role.HR, units=SOUTH)
    answer = guarded.get(PERSON, headers=hr)
    tag = {"If-None-Match": answer.headers["etag"]}
    assert guarded.get(PERSON, headers=hr | tag).status_code == 304
    assert guarded.get(PERSON, headers=other | tag).status_code == 200, "the same body, another asker"
    forbidden = guarded.get(PERSON, headers=south | tag)
    assert forbidden.status_code == 404 and "etag" not in forbidden.headers
    assert guarded.get(PERSON, headers=tag).status_code == 401


@pytest.mark.slow
def test_refusals_and_writes_have_no_tag(client: TestClient) -> None:
    assert "etag" not in client.get("/v1/employees/nobody/risk").headers
    assert "etag" not in client.post("/v1/stop", json={"by": "a", "reason": "It has to be checked."}).headers
