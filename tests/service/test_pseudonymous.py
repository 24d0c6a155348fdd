"""Scores by pseudonym: everyone with a score, and nothing that says who somebody is."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from perfml.access.principals import Role
from perfml.messages import Message
from perfml.service.answers.checks.scores import PseudonymousQuery, pseudonymous_scores, units_shown
from perfml.service.store import Store
from perfml.store.audit.secret import PSEUDONYM_FILE
from perfml.trust.holds.hold_log import HoldLog
from tests.service.accounts import token
from tests.service.company import DAY
from tests.service.test_overview import company

PATH = "/v1/models/attrition/scores"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    company(tmp_path, {"sales": 9, "plant": 6, "board": 2}, listed=1)
    return Store(tmp_path)


def scores(store: Store, **query: object) -> dict[str, tuple[str | None, float]]:
    answer = pseudonymous_scores(store, "attrition", PseudonymousQuery.model_validate({"limit": 500, **query}))
    return {row.pseudonym: (row.unit, row.probability) for row in answer.scores}


def test_a_person_has_one_pseudonym_at_every_date_and_another_in_another_home(store: Store, tmp_path: Path) -> None:
    now, before = scores(store), scores(store, as_of=DAY.replace(month=8))
    assert len(now) == 17 and now.keys() == before.keys()
    (store.home / PSEUDONYM_FILE).unlink()
    assert not scores(store).keys() & now.keys()


def test_units_of_few_people_are_left_out_together_with_as_many_as_hide_them(store: Store) -> None:
    assert {unit for unit, _ in scores(store).values()} == {"sales", None}, "the board is two: the plant hides them"
    every = {"a": "x", "b": "x", "c": "y", "d": "y"}
    assert units_shown(every, least=2) == {"x", "y"}
    assert units_shown({**every, "e": None}, least=2) == {"x"}
    assert units_shown({**every, "e": "z", "f": "w"}, least=2) == {"x", "y"}
    assert units_shown({"a": "x"}, least=2) == set()


def test_pages_hold_everybody_once_and_do_not_slip_when_somebody_is_held(store: Store) -> None:
    first = pseudonymous_scores(store, "attrition", PseudonymousQuery(limit=5))
    assert (first.total, first.model, first.not_listed) == (17, "attrition", {})
    assert first.next is not None
    cursor = first.next.rsplit("cursor=", 1)[1].replace("%3D", "=")
    HoldLog(store.home).set(
        "employee:sales0", cause="quarantine", message=Message.of("hold_stop", by="x", reason="y"), on=DAY
    )
    rest = pseudonymous_scores(store, "attrition", PseudonymousQuery(limit=500, cursor=cursor))
    seen = [row.pseudonym for row in (*first.scores, *rest.scores)]
    assert len(seen) == len(set(seen)) and sorted(seen) == seen
    assert len(seen) in (16, 17) and rest.not_listed == {"held": 1}


@pytest.mark.slow
def test_only_data_scientists_read_them_and_learn_of_nobody(home: Path, guarded: TestClient) -> None:
    scientist = token(home, "scientist", Role.DATA_SCIENTIST)
    answer = guarded.get(PATH, headers=scientist)
    assert answer.status_code == 200 and answer.json()["total"] == 13
    assert answer.json()["not_listed"] == {"held": 1, "thin": 1, "ineligible": 1}
    for secret in ("E1", "O'Neil", "张伟", "employee_id", "rank", "reasons", "manager"):
        assert secret not in answer.text
    for name, role in {"hr": Role.HR, "auditor": Role.AUDITOR, "chief": Role.ADMINISTRATOR}.items():
        assert guarded.get(PATH, headers=token(home, name, role)).status_code == 404
    assert guarded.get(f"{PATH}?horizon_days=7", headers=scientist).status_code == 404
