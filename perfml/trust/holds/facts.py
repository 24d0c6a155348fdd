"""Facts whose dispute is open, or was upheld: what opening the data leaves out or corrects."""

from __future__ import annotations

from pathlib import Path

from perfml.evidence.withheld.fact import Withheld, WithheldFact
from perfml.trust.holds.hold import Hold
from perfml.trust.holds.hold_log import HoldLog, HoldState


def withheld_facts(home: Path, until: int | None = None) -> Withheld:
    """The facts that holds in the log of ``home`` withhold, as of entry number ``until`` (default: now)."""
    return facts_of(HoldLog(home).state(until))


def facts_of(state: HoldState) -> Withheld:
    """The facts that the holds of ``state`` withhold."""
    facts = (_withheld(hold) for hold in state.holds if hold.kind == "fact")
    return Withheld(facts=tuple(fact for fact in facts if fact is not None), number=state.number)


def _withheld(hold: Hold) -> WithheldFact | None:
    """None for a fact that stands: its dispute was rejected."""
    table, _, key = hold.name.partition("/")
    fact = WithheldFact(table=table, key=key, employee_id=str(hold.employee_id))
    if hold.release is None:
        return fact
    if hold.release.right is None:
        return None
    return WithheldFact(
        table=table, key=key, employee_id=str(hold.employee_id), right=hold.release.right, until=hold.release.on
    )
