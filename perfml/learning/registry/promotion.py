"""Promotion: a named person makes a version the model in use, with a reason. No gate can be waived.

Nothing heavy is imported: the service promotes as well. A version is compared with its manifest and its record is read; no
estimator is loaded.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import sqlalchemy as sql

from perfml.errors import ModelError
from perfml.learning.record import TrainingRecord
from perfml.learning.registry.artifacts import CANDIDATE, CHAMPION, current_version, pointed, read_record, verified
from perfml.learning.registry.promotion_log import Promotion, add_promotion, promotions
from perfml.messages import Message, chain
from perfml.sentences import is_sentence
from perfml.store.audit.chain import append
from perfml.store.record_store import RecordStore

__all__ = ["Promotion", "enter", "promote", "promotions", "require_promotable", "require_reason", "unproven"]


def promote(
    home: Path,
    name: str,
    *,
    approver: str,
    reason: str,
    version: str | None = None,
    now: dt.datetime | None = None,
) -> Promotion:
    """Make ``version`` (default: the candidate) the champion, also an earlier one again; log who did so and why.

    Raises :class:`ModelError` where every horizon fails a gate, the approver has no name, or the reason is too short.
    """
    chosen = version or pointed(home, name, CANDIDATE) or current_version(home, name)
    require_promotable(home, name, chosen)
    require_reason(name, chosen, by=approver, reason=reason)
    with RecordStore(home).transaction() as connection:
        return enter(connection, home, name, version=chosen, approver=approver, reason=reason, now=now)


def enter(
    connection: sql.Connection,
    home: Path,
    name: str,
    *,
    version: str,
    approver: str,
    reason: str,
    now: dt.datetime | None = None,
) -> Promotion:
    """Put ``version`` in force within a transaction of the store, which records it in the audit log."""
    done = Promotion(
        model=name,
        version=version,
        approver=approver.strip(),
        reason=reason.strip(),
        at=(now or dt.datetime.now(dt.UTC)).isoformat(timespec="seconds"),
        before=pointed(home, name, CHAMPION),
    )
    append(connection, f"promote {name}/{version}", {"approver": done.approver, "reason": done.reason})
    add_promotion(home, done)
    return done


def unproven(record: TrainingRecord) -> Message | None:
    """Why no horizon of a version may be used, each with its first failed gate; None where at least one may."""
    if any(tested.proven for tested in record.backtests.values()):
        return None
    return chain(
        "promotion_horizons",
        [
            Message.of("promotion_of_horizon", days=days, why=tested.text)
            for days, tested in sorted(record.backtests.items())
        ],
    )


def require_promotable(home: Path, name: str, version: str) -> None:
    """Raise :class:`ModelError` for a version that is missing or altered, or fails a gate at every horizon."""
    verified(home, name, version)
    reasons = unproven(read_record(home, name, version))
    if reasons is not None:
        raise ModelError(
            Message.of("promotion_unproven", reasons=reasons),
            where=f"model {name} {version}",
            remedy=Message.of("promotion_unproven_remedy", model=name),
        )


def require_reason(name: str, version: str, *, by: str, reason: str) -> None:
    """Raise :class:`ModelError` where nobody signs, or the reason is no sentence."""
    where = f"model {name} {version}"
    if not by.strip():
        raise ModelError(
            Message.of("promotion_by_nobody"), where=where, remedy=Message.of("promotion_by_nobody_remedy")
        )
    if not is_sentence(reason):
        raise ModelError(
            Message.of("promotion_short_reason", reason=reason),
            where=where,
            remedy=Message.of("promotion_short_reason_remedy"),
        )
