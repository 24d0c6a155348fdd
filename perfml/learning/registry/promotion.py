"""Promotion: a named person makes a candidate the model in use, with a reason. No gate can be waived."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path

from perfml.errors import ModelError
from perfml.files import reading, write_text
from perfml.learning.registry.artifacts import CANDIDATE, CHAMPION, pointed
from perfml.learning.registry.model_store import Model, load
from perfml.messages import render
from perfml.sentences import is_sentence

LOG = "promotions.jsonl"


@dataclass(frozen=True, kw_only=True)
class Promotion:
    """Record of who made a version the champion, when and why; ``before`` is the version it replaced."""

    model: str
    version: str
    approver: str
    reason: str
    at: str
    before: str | None


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
    folder = home / "models" / name
    log = folder / LOG
    before = "".join(json.dumps(entry.__dict__, ensure_ascii=False) + "\n" for entry in promotions(home, name))
    write_text(log, before + json.dumps(done.__dict__, ensure_ascii=False) + "\n")
    write_text(folder / CHAMPION, model.version + "\n")
    return done


def promotions(home: Path, name: str) -> list[Promotion]:
    """Return all promotions of versions of this model, the newest last."""
    log = home / "models" / name / LOG
    if not log.exists():
        return []
    with reading(log, remedy="restore it from a backup", error=ModelError):
        return [Promotion(**json.loads(line)) for line in log.read_text(encoding="utf-8").splitlines()]
