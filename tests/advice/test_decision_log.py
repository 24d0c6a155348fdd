"""Decisions and interventions are stored once each, and nothing is lost."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from perfml.advice.decision_log import Decision, DecisionLog, Intervention
from perfml.errors import PerfmlError
from perfml.store.record_store import KeyTaken

DAY = dt.date(2026, 9, 1)


def refusal(name: str = "s1", **other: str) -> Decision:
    fields = {"verdict": "refuse", "decided_by": "Li Lei", "reason": "市场下月恢复", **other}
    return Decision(suggestion_id=name, **fields)


def offer(person: str = "E1", **other: object) -> Intervention:
    return Intervention(
        **{"employee_id": person, "kind": "conversation", "offered_on": DAY, "status": "offered", **other}
    )


def test_nothing_is_written_before_something_is_stored(tmp_path: Path) -> None:
    log = DecisionLog(tmp_path / "home")
    assert log.decisions() == {} and log.interventions() == [] and log.refused() == frozenset()
    assert not (tmp_path / "home").exists()


def test_the_newest_decision_counts_and_the_older_stays(tmp_path: Path) -> None:
    log = DecisionLog(tmp_path)
    stored = log.decide(refusal(), key="a")
    assert stored.entered_at.endswith("+00:00") and stored.reason == "市场下月恢复"
    assert log.refused() == {"s1"}
    log.decide(Decision(suggestion_id="s1", verdict="accept", decided_by="Han Meimei"), key="b")
    log.decide(refusal("s2"), key="c")
    assert [d.verdict for d in DecisionLog(tmp_path).decisions(["s1"])["s1"]] == ["refuse", "accept"]
    assert log.refused() == {"s2"}


def test_the_same_key_stores_once_and_refuses_something_else(tmp_path: Path) -> None:
    log = DecisionLog(tmp_path)
    assert log.decide(refusal(), key="a") == log.decide(refusal(), key="a")
    with pytest.raises(KeyTaken, match="'a': stands for another entry"):
        log.decide(refusal(reason="another reason"), key="a")
    assert len(log.decisions()["s1"]) == 1


@pytest.mark.slow
def test_callers_at_the_same_time_store_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: DecisionLog(tmp_path).decide(refusal(), key="a"), range(16)))
        list(pool.map(lambda n: DecisionLog(tmp_path).decide(refusal(f"s{n}"), key=f"b{n}"), range(16)))
    assert sum(len(each) for each in DecisionLog(tmp_path).decisions().values()) == 17


@pytest.mark.parametrize(
    ("decision", "key", "problem"),
    [
        (refusal(reason=" "), "a", "reason of the decision about s1: is empty; say why it is refused"),
        (refusal(reason="不合适"), "a", "too short for a reason; give the reason in a sentence"),
        (refusal(decided_by=""), "a", "decided_by of the decision about s1: is empty"),
        (refusal(verdict="perhaps"), "a", "'perhaps' is no verdict; use one of: accept, refuse"),
        (refusal(), "", "idempotency key of the entry: is empty"),
    ],
)
def test_an_incomplete_decision_is_refused(tmp_path: Path, decision: Decision, key: str, problem: str) -> None:
    with pytest.raises(PerfmlError, match=problem):
        DecisionLog(tmp_path).decide(decision, key=key)
    assert DecisionLog(tmp_path).decisions() == {}


def test_the_newest_entry_of_an_intervention_counts(tmp_path: Path) -> None:
    log = DecisionLog(tmp_path)
    log.log([offer("E1"), offer("E2"), offer("E3", status=None, hold_out=True, random=True)], key="list")
    log.log([offer("E2", status="done", done_on=DAY + dt.timedelta(days=3), outcome="new mentor")], key="later")
    newest = {each.employee_id: each for each in log.interventions()}
    assert [newest[name].status for name in ("E1", "E2", "E3")] == ["offered", "done", None]
    assert newest["E2"].done_on == dt.date(2026, 9, 4) and newest["E3"].hold_out and newest["E3"].random


def test_a_list_is_stored_whole_or_not_at_all(tmp_path: Path) -> None:
    log = DecisionLog(tmp_path)
    log.log([offer("E2")], key="list/1")
    with pytest.raises(KeyTaken):
        log.log([offer("E1"), offer("E9")], key="list")
    assert [each.employee_id for each in log.interventions()] == ["E2"]


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"status": "perhaps"}, "'perhaps' is no status; use one of: offered, refused, done"),
        ({"hold_out": True}, "is offered and held out, or neither"),
        ({"status": None}, "is offered and held out, or neither"),
        ({"status": "done"}, "done_on of the intervention of 'E1': goes together with the status 'done'"),
        ({"status": "done", "done_on": DAY - dt.timedelta(days=1)}, "lies before offered_on"),
        ({"kind": ""}, "say what was offered"),
    ],
)
def test_an_intervention_that_contradicts_itself_is_refused(
    tmp_path: Path, wrong: dict[str, object], problem: str
) -> None:
    with pytest.raises(PerfmlError, match=problem):
        DecisionLog(tmp_path).log([offer("E1"), offer("E1", **wrong)], key="a")
    assert not list(tmp_path.iterdir())
