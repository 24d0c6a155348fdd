"""Promotion: a named person makes a candidate the model in use, with a reason. No gate can be waived."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from perfml.errors import ModelError
from perfml.learning.registry.artifacts import CANDIDATE, CHAMPION, pointed
from perfml.learning.registry.model_store import Model, load
from perfml.learning.registry.promotion_log import Promotion, add_promotion, promotions
from perfml.messages import render
from perfml.sentences import is_sentence
from perfml.store.audit.chain import append
from perfml.store.record_store import RecordStore

__all__ = ["Promotion", "candidate", "promote", "promotions"]


def candidate(home: Path, name: str) -> Model:
    """Return the newest trained version. Raises :class:`ModelError` before any training."""
    return load(home, name, pointed(home, name, CANDIDATE))


def promote(home: Path, name: str, *, approver: str, reason: str, now: dt.datetime | None = None) -> Promotion:
    """Make the candidate the champion; log who did so and why.

    Raises :class:`ModelError` where every horizon fails a gate, the approver has no name, or the reason is too short.
    """
    model = candidate(home, name)
    where = f"model {name} {model.version}"
    passing = [days for days in model.risks if model.proven(days)]
    if not passing:
        reasons = "; ".join(
            f"within {days} days: {render(model.record.backtests[days].text, 'en')}" for days in model.risks
        )
        raise ModelError(
            f"fails at least one gate at every horizon ({reasons})",
            where=where,
            remedy=f"it stays a candidate: correct what the gate names or give a longer record, then `perfml train {name}`",
        )
    if not approver.strip():
        raise ModelError("nobody approves it", where=where, remedy="name a person with --approver")
    if not is_sentence(reason):
        raise ModelError(
            f"{reason!r} is too short for a reason", where=where, remedy="give the reason in a sentence, with --reason"
        )
    at = (now or dt.datetime.now(dt.UTC)).isoformat(timespec="seconds")
    done = Promotion(
        model=name,
        version=model.version,
        approver=approver.strip(),
        reason=reason.strip(),
        at=at,
        before=pointed(home, name, CHAMPION),
    )
    with RecordStore(home).transaction() as connection:
        append(connection, f"promote {name}/{model.version}", {"approver": done.approver, "reason": done.reason})
        add_promotion(home, done)
    return done
