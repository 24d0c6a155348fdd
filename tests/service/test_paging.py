"""A cursor belongs to one version of one list: it never repeats a row or leaves one out without saying so."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some
from starlette.testclient import TestClient

from perfml.messages import Message
from perfml.service.paging import ListVersion
from perfml.service.problems import Invalid, ListReplaced
from perfml.trust.holds.hold_log import HoldLog
from tests.service.company import DAY, keep, scored

LIST = "/v1/models/attrition/at-risk"
NUMBERS = [2, 3, 5, 7, 11, 13]


def listed(version: str = "v", **parameters: object) -> ListVersion:
    return ListVersion(address="/v1/numbers", parameters=parameters, version=version)


@pytest.mark.parametrize("limit", range(1, 8))
def test_pages_hold_every_row_once(limit: int) -> None:
    pages, cursor = [], None
    while True:
        page = listed().page(NUMBERS, int, limit=limit, cursor=cursor)
        pages.append(list(page.rows))
        assert page.total == len(NUMBERS) and len(page.rows) <= limit
        if page.next is None:
            break
        assert page.next.startswith(f"/v1/numbers?limit={limit}&cursor=")
        cursor = page.next.rpartition("cursor=")[2].replace("%3D", "=")
    assert [number for page in pages for number in page] == NUMBERS


def test_a_cursor_goes_on_behind_a_row_that_is_no_longer_listed() -> None:
    cursor = listed().cursor(5)
    assert list(listed().page([2, 3, 11], int, limit=9, cursor=cursor).rows) == [11]


def test_a_cursor_of_another_list_is_refused_and_one_of_an_earlier_version_says_so() -> None:
    cursor = listed(band="act").cursor(3)
    with pytest.raises(Invalid):
        listed(band="watch").page(NUMBERS, int, limit=2, cursor=cursor)
    with pytest.raises(ListReplaced):
        listed("w", band="act").page(NUMBERS, int, limit=2, cursor=cursor)


@given(some.text() | some.from_regex(r"[A-Za-z0-9_-]{32}", fullmatch=True))
def test_no_text_is_taken_for_a_cursor(text: str) -> None:
    with pytest.raises(Invalid):
        listed().page(NUMBERS, int, limit=2, cursor=text)


def test_a_list_that_was_replaced_is_started_again(home: Path, client: TestClient) -> None:
    first = client.get(LIST, params={"limit": 5}).json()
    keep(home, "attrition", first["model_version"], [scored(f"N{rank}", rank) for rank in range(1, 9)], as_of=DAY)
    refused = client.get(first["next"])
    assert (refused.status_code, refused.json()["type"]) == (410, "/docs#list-replaced")
    assert refused.json()["remedy"] == "start again without it"


def test_whoever_is_held_between_two_pages_is_left_out_and_nobody_else(home: Path, client: TestClient) -> None:
    first = client.get(LIST, params={"limit": 5}).json()
    HoldLog(home).set(
        "employee:a b", cause="stop", message=Message.of("hold_stop", by="x", reason="y"), on=DAY.replace(month=1)
    )
    rest = client.get(first["next"]).json()
    assert [row["rank"] for row in rest["people"]] == [6, 7, 9, 10, 11]
