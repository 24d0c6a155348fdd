"""One asks, another decides: what is refused, what is carried out once, and that an approval and its promotion are one."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from perfml.errors import ModelError
from perfml.learning.registry import promotion_requests
from perfml.learning.registry.artifacts import CHAMPION, pointed
from perfml.learning.registry.promotion import promote, promotions
from perfml.learning.registry.promotion_requests import ask, decide, requests_of, waiting_of
from perfml.store.record_store import KeyTaken
from tests.learning.registry.test_promotion import WHY, stored

pytestmark = pytest.mark.slow
NOW = dt.datetime(2026, 9, 10, 9)


def test_what_is_asked_for_is_decided_once_by_another(tmp_path: Path) -> None:
    first, second = stored(tmp_path).version, stored(tmp_path, seed=2).version
    promote(tmp_path, "attrition", approver="Sam", reason=WHY)
    assert pointed(tmp_path, "attrition", CHAMPION) == second
    with pytest.raises(ModelError, match="in force already"):
        ask(tmp_path, "attrition", second, by="ada", reason=WHY, now=NOW)
    request = ask(tmp_path, "attrition", first, by="ada", reason=WHY, now=NOW, key="k")
    assert ask(tmp_path, "attrition", first, by="ada", reason=WHY, now=NOW, key="k") == request
    with pytest.raises(KeyTaken):
        ask(tmp_path, "attrition", first, by="ada", reason=WHY + "!", now=NOW, key="k")
    choice = {"approved": True, "reason": WHY, "now": NOW}
    with pytest.raises(ModelError, match="by the same account"):
        decide(tmp_path, "attrition", request.request_id, by="ada", **choice)
    with pytest.raises(ModelError, match="no such request"):
        decide(tmp_path, "attrition", "x", by="Li", **choice)
    done = decide(tmp_path, "attrition", request.request_id, by="Li", key="d", **choice)
    assert done.decision is not None and done.decision.approved and done.decision.by == "Li"
    assert decide(tmp_path, "attrition", request.request_id, by="Li", key="d", **choice) == done, "sent twice"
    assert [entry.version for entry in promotions(tmp_path, "attrition")] == [second, first]
    assert promotions(tmp_path, "attrition")[-1].before == second
    with pytest.raises(ModelError, match="no such request"):
        decide(tmp_path, "attrition", request.request_id, by="Mo", **choice)
    assert waiting_of(requests_of(tmp_path, "attrition")) is None


def test_a_version_that_was_altered_since_is_not_approved(tmp_path: Path) -> None:
    version = stored(tmp_path).version
    request = ask(tmp_path, "attrition", version, by="ada", reason=WHY, now=NOW)
    card = tmp_path / "models" / "attrition" / version / "card.md"
    card.write_text("other")
    with pytest.raises(ModelError, match="altered"):
        decide(tmp_path, "attrition", request.request_id, approved=True, by="Li", reason=WHY, now=NOW)
    assert waiting_of(requests_of(tmp_path, "attrition")) == request
    refused = decide(tmp_path, "attrition", request.request_id, approved=False, by="Li", reason=WHY, now=NOW)
    assert refused.decision is not None and not refused.decision.approved


def test_without_the_promotion_there_is_no_approval(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    request = ask(tmp_path, "attrition", stored(tmp_path).version, by="ada", reason=WHY, now=NOW)

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("it ends here")

    monkeypatch.setattr(promotion_requests, "enter", fails)
    with pytest.raises(RuntimeError, match="ends here"):
        decide(tmp_path, "attrition", request.request_id, approved=True, by="Li", reason=WHY, now=NOW)
    assert waiting_of(requests_of(tmp_path, "attrition")) == request


def test_of_several_who_ask_at_once_one_waits(tmp_path: Path) -> None:
    version = stored(tmp_path).version

    def try_it(name: str) -> bool:
        try:
            ask(tmp_path, "attrition", version, by=name, reason=WHY, now=NOW)
        except ModelError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(try_it, ("a", "b", "c", "d"))) == 1


def test_an_earlier_version_is_gone_back_to(tmp_path: Path) -> None:
    first, second = stored(tmp_path).version, stored(tmp_path, seed=2).version
    promote(tmp_path, "attrition", approver="Sam", reason=WHY)
    back = promote(tmp_path, "attrition", approver="Sam", reason=WHY, version=first)
    assert (back.version, back.before, pointed(tmp_path, "attrition", CHAMPION)) == (first, second, first)
    with pytest.raises(ModelError, match="manifest is missing"):
        promote(tmp_path, "attrition", approver="Sam", reason=WHY, version="000000000000")


def test_where_one_account_is_enough_it_is_in_force_once(tmp_path: Path) -> None:
    first, second = stored(tmp_path).version, stored(tmp_path, seed=2).version
    waiting = ask(tmp_path, "attrition", first, by="ada", reason=WHY, now=NOW)
    for _ in range(2):
        done = ask(tmp_path, "attrition", second, by="Li", reason=WHY, now=NOW, key="k", alone=True)
    assert done.state == "approved" and done.decision is not None and done.decision.by == "Li"
    assert [entry.version for entry in promotions(tmp_path, "attrition")] == [second]
    assert requests_of(tmp_path, "attrition") == [waiting, done]
    with pytest.raises(ModelError, match="in force already"):
        ask(tmp_path, "attrition", second, by="Li", reason=WHY, now=NOW, alone=True)
