"""What is remembered: decisions and interventions, once each, and nothing lost."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from perfml.advice.decision_log import FILE, Decision, Intervention, KeyTaken, Memory
from perfml.errors import PerfmlError

DAY = dt.date(2026, 9, 1)


def refusal(name: str = "s1", **other: str) -> Decision:
    said = {"verdict": "refuse", "decided_by": "Li Lei", "reason": "不合适", **other}
    return Decision(suggestion_id=name, **said)


def offer(person: str = "E1", **other: object) -> Intervention:
    return Intervention(
        **{"employee_id": person, "kind": "conversation", "offered_on": DAY, "status": "offered", **other}
    )


def test_nothing_is_written_before_something_is_stored(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "home")
    assert memory.decisions() == {} and memory.interventions() == [] and memory.refused() == frozenset()
    assert not (tmp_path / "home").exists()


def test_the_newest_decision_counts_and_the_older_stays(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    stored = memory.decide(refusal(), key="a")
    assert stored.entered_at.endswith("+00:00") and stored.reason == "不合适"
    assert memory.refused() == {"s1"}
    memory.decide(Decision(suggestion_id="s1", verdict="accept", decided_by="Han Meimei"), key="b")
    memory.decide(refusal("s2"), key="c")
    assert [d.verdict for d in Memory(tmp_path).decisions(["s1"])["s1"]] == ["refuse", "accept"]
    assert memory.refused() == {"s2"}


def test_the_same_key_stores_once_and_refuses_something_else(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    assert memory.decide(refusal(), key="a") == memory.decide(refusal(), key="a")
    with pytest.raises(KeyTaken, match="'a': stands for another entry"):
        memory.decide(refusal(reason="another"), key="a")
    assert len(memory.decisions()["s1"]) == 1


def test_callers_at_the_same_time_store_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: Memory(tmp_path).decide(refusal(), key="a"), range(16)))
        list(pool.map(lambda n: Memory(tmp_path).decide(refusal(f"s{n}"), key=f"b{n}"), range(16)))
    assert sum(len(said) for said in Memory(tmp_path).decisions().values()) == 17


@pytest.mark.parametrize(
    ("decision", "key", "said"),
    [
        (refusal(reason=" "), "a", "reason: is empty; say why it is refused"),
        (refusal(decided_by=""), "a", "decided_by: is empty"),
        (refusal(verdict="perhaps"), "a", "'perhaps' is no verdict; use one of: accept, refuse"),
        (refusal(), "", "idempotency key: is empty"),
    ],
)
def test_a_decision_that_says_too_little_is_refused(tmp_path: Path, decision: Decision, key: str, said: str) -> None:
    with pytest.raises(PerfmlError, match=said):
        Memory(tmp_path).decide(decision, key=key)
    assert Memory(tmp_path).decisions() == {}


def test_the_newest_entry_of_an_intervention_counts(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    memory.log([offer("E1"), offer("E2"), offer("E3", status=None, hold_out=True, random=True)], key="list")
    memory.log([offer("E2", status="done", done_on=DAY + dt.timedelta(days=3), outcome="new mentor")], key="later")
    found = {one.employee_id: one for one in memory.interventions()}
    assert [found[name].status for name in ("E1", "E2", "E3")] == ["offered", "done", None]
    assert found["E2"].done_on == dt.date(2026, 9, 4) and found["E3"].hold_out and found["E3"].random


def test_a_list_is_stored_whole_or_not_at_all(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    memory.log([offer("E2")], key="list/1")
    with pytest.raises(KeyTaken):
        memory.log([offer("E1"), offer("E9")], key="list")
    assert [one.employee_id for one in memory.interventions()] == ["E2"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"status": "perhaps"}, "'perhaps' is no status; use one of: offered, refused, done"),
        ({"hold_out": True}, "is offered and held out, or neither"),
        ({"status": None}, "is offered and held out, or neither"),
        ({"status": "done"}, "done_on and the status 'done' go together"),
        ({"status": "done", "done_on": DAY - dt.timedelta(days=1)}, "was done before it was offered"),
        ({"kind": ""}, "say what was offered"),
    ],
)
def test_an_intervention_that_contradicts_itself_is_refused(
    tmp_path: Path, wrong: dict[str, object], said: str
) -> None:
    with pytest.raises(PerfmlError, match=said):
        Memory(tmp_path).log([offer("E1"), offer("E1", **wrong)], key="a")
    assert not (tmp_path / FILE).exists()
