"""The log of disputes in the store of a home. Each verb is one transaction: dispute, hold and messages are stored together."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import sqlalchemy as sql

from perfml.errors import PerfmlError
from perfml.json_types import JsonObject
from perfml.messages import Message
from perfml.project.spec import DisputeRules
from perfml.sentences import is_sentence
from perfml.store.record_store import NewEntry, RecordStore, add_entries, caller_key, read_entries, stored_before
from perfml.store.tables import DISPUTES, HOLDS
from perfml.trust.disputes.dispute import Dispute, DisputeVerdict, Proof
from perfml.trust.disputes.folding import DECIDED, ESCALATED, FILED, REVIEWED, fold
from perfml.trust.disputes.resolvers import require_resolver
from perfml.trust.disputes.working_days import due
from perfml.trust.holds import folding as hold_folding
from perfml.trust.holds.covering import Units
from perfml.trust.holds.hold import fact_entity
from perfml.trust.holds.hold_log import release_within, set_within
from perfml.trust.outbox import queue

QUOTA_DAYS = 90


class DisputeLog:
    """Disputes in the store of ``home``, under the ``rules`` of its project."""

    def __init__(self, home: Path, rules: DisputeRules) -> None:
        self._store, self._rules = RecordStore(home), rules

    def disputes(self, employee_id: str | None = None) -> tuple[Dispute, ...]:
        """Every dispute (of ``employee_id``; default: of everyone), oldest first."""
        return tuple(
            each for each in fold(self._store.read(DISPUTES)) if employee_id is None or each.employee_id == employee_id
        )

    def dispute(self, dispute_id: str) -> Dispute:
        """One dispute. Raises :class:`PerfmlError` for an unknown id."""
        return _known(self.disputes(), dispute_id)

    def open_dispute(self, employee_id: str, *, table: str, key: str) -> Dispute | None:
        """The open dispute of a fact, if there is one: the row is not in the data then."""
        same = (each for each in self.disputes(employee_id) if (each.table, each.key) == (table, key))
        return next((each for each in same if each.state == "open"), None)

    def file(
        self,
        employee_id: str,
        *,
        table: str,
        key: str,
        right: Mapping[str, str],
        by: str,
        on: dt.date,
        since: dt.date = dt.date.min,
        proof: Proof | None = None,
        row: Mapping[str, str] | None = None,
        concerned: Sequence[str] = (),
        idempotency_key: str,
    ) -> Dispute:
        """Dispute a fact of ``employee_id``: it is withheld from now on. ``since``: the day on which it became usable.

        A fact whose dispute is open is disputed once. Raises :class:`PerfmlError` over the quota of the person, and for a fact
        that was decided before unless there is another proof.
        """
        with self._store.transaction() as connection:
            known = fold(read_entries(connection, DISPUTES))
            own = [each for each in known if each.employee_id == employee_id]
            same = [each for each in own if (each.table, each.key) == (table, key)]
            for each in same:
                if each.state == "open":
                    return each
            filed: JsonObject = {
                "what": FILED,
                "employee_id": employee_id,
                "table": table,
                "key": key,
                "right": dict(right),
                "filed_by": by,
                "proof": None if proof is None else asdict(proof),
            }
            if before := stored_before(connection, DISPUTES, idempotency_key, subject=None, request=filed):
                return _known(known, before.subject)
            self._require_quota(employee_id, own, on)
            if same and (proof is None or proof in [each.proof for each in same]):
                raise PerfmlError(
                    f"was {same[-1].state} before",
                    where=f"the dispute of {table} {key!r}",
                    remedy="hand in another proof",
                )
            dispute_id = hashlib.sha256(f"{employee_id}|{table}|{key}|{len(same)}".encode()).hexdigest()[:12]
            fact = f"{table}/{key}"
            hold = set_within(
                connection,
                fact_entity(table, key),
                cause="dispute",
                message=Message.of("hold_dispute", fact=fact),
                on=on,
                since=since,
                by=by,
                employee_id=employee_id,
            )
            due_on = due(on, self._rules.working_days, self._rules.holidays)
            filed |= {
                "dispute_id": dispute_id,
                "filed_on": on.isoformat(),
                "due_on": due_on.isoformat(),
                "hold_id": hold.hold_id,
                "row": None if row is None else dict(row),
                "concerned": list(concerned),
            }
            add_entries(
                connection, DISPUTES, [NewEntry(key=caller_key(idempotency_key), subject=dispute_id, entry=filed)]
            )
            for recipient, code in ((employee_id, "dispute_received"), (self._rules.decided_by, "dispute_to_decide")):
                message = Message.of(code, fact=fact, due=due_on.isoformat())
                _notify(connection, recipient, message, dispute_id=dispute_id, what=FILED)
            return _known(fold(read_entries(connection, DISPUTES, subjects=[dispute_id])), dispute_id)

    def decide(
        self,
        dispute_id: str,
        verdict: DisputeVerdict,
        *,
        by: str,
        reason: str,
        on: dt.date,
        lines: Sequence[Units],
        idempotency_key: str | None = None,
    ) -> Dispute:
        """Uphold or reject a dispute: its fact is corrected or stands from now on, and the person is told.

        Raises :class:`PerfmlError` where ``by`` may not decide it (:mod:`.resolvers`), without a reason, and where it was
        decided otherwise before.
        """
        with self._store.transaction() as connection:
            entry: JsonObject = {"what": DECIDED, "verdict": verdict, "by": by, "reason": reason}
            if stored_before(connection, DISPUTES, idempotency_key, subject=dispute_id, request=entry):
                return _known(fold(read_entries(connection, DISPUTES)), dispute_id)
            dispute = self._judged(connection, dispute_id, by=by, reason=reason, lines=lines)
            if dispute.decision is not None:
                if (dispute.decision.verdict, dispute.decision.by) == (verdict, by):
                    return dispute
                raise PerfmlError(
                    f"was {dispute.state} by {dispute.decision.by} on {dispute.decision.on}",
                    where=f"dispute {dispute_id}",
                    remedy="the person may dispute the fact again with another proof",
                )
            holds = hold_folding.fold(read_entries(connection, HOLDS))
            hold = next(hold for hold in holds if hold.hold_id == dispute.hold_id)
            right = dispute.right if verdict == "upheld" else None
            release_within(connection, hold, by=by, reason=reason, on=on, right=right)
            _add(connection, dispute_id, entry, on=on, idempotency_key=idempotency_key)
            code = "dispute_upheld" if verdict == "upheld" else "dispute_rejected"
            message = Message.of(code, fact=dispute.fact, reason=reason)
            for recipient in dict.fromkeys((dispute.employee_id, dispute.filed_by)):
                _notify(connection, recipient, message, dispute_id=dispute_id, what=DECIDED)
            return _known(fold(read_entries(connection, DISPUTES, subjects=[dispute_id])), dispute_id)

    def review(
        self,
        dispute_id: str,
        verdict: DisputeVerdict,
        *,
        by: str,
        reason: str,
        on: dt.date,
        lines: Sequence[Units],
        idempotency_key: str | None = None,
    ) -> Dispute:
        """Note what a second reviewer would have decided; it changes nothing and is measured (:mod:`.agreement`).

        Raises :class:`PerfmlError` as :meth:`decide` does, and for whoever decided it.
        """
        with self._store.transaction() as connection:
            entry: JsonObject = {"what": REVIEWED, "verdict": verdict, "by": by, "reason": reason}
            if stored_before(connection, DISPUTES, idempotency_key, subject=dispute_id, request=entry):
                return _known(fold(read_entries(connection, DISPUTES)), dispute_id)
            dispute = self._judged(connection, dispute_id, by=by, reason=reason, lines=lines)
            if dispute.decision is None or dispute.decision.by == by:
                problem = "is not decided yet" if dispute.decision is None else "was decided by the same person"
                raise PerfmlError(problem, where=f"dispute {dispute_id}", remedy="a second reviewer looks afterwards")
            if by not in [review.by for review in dispute.reviews]:
                _add(connection, dispute_id, entry, on=on, idempotency_key=idempotency_key)
            return _known(fold(read_entries(connection, DISPUTES, subjects=[dispute_id])), dispute_id)

    def escalate(self, today: dt.date) -> tuple[Dispute, ...]:
        """Tell ``escalate_to`` of the disputes that are overdue ``today``, each once; return those."""
        with self._store.transaction() as connection:
            overdue = [
                each
                for each in fold(read_entries(connection, DISPUTES))
                if each.state == "open" and each.due_on < today and each.escalated_on is None
            ]
            for each in overdue:
                _add(connection, each.dispute_id, {"what": ESCALATED}, on=today)
                message = Message.of("dispute_overdue", fact=each.fact, due=each.due_on.isoformat())
                _notify(connection, self._rules.escalate_to, message, dispute_id=each.dispute_id, what=ESCALATED)
            ids = {each.dispute_id for each in overdue}
            return tuple(each for each in fold(read_entries(connection, DISPUTES)) if each.dispute_id in ids)

    def _judged(
        self, connection: sql.Connection, dispute_id: str, *, by: str, reason: str, lines: Sequence[Units]
    ) -> Dispute:
        """The dispute, after checking that ``by`` may judge it, and says why."""
        dispute = _known(fold(read_entries(connection, DISPUTES)), dispute_id)
        require_resolver(dispute, by, lines)
        if not is_sentence(reason):
            raise PerfmlError(
                "gives no reason", where=f"dispute {dispute_id}", remedy="say why in a sentence: --reason TEXT"
            )
        return dispute

    def _require_quota(self, employee_id: str, own: Sequence[Dispute], on: dt.date) -> None:
        recent = [each for each in own if each.filed_on > on - dt.timedelta(days=QUOTA_DAYS)]
        unsettled = [each for each in own if each.state == "open"]
        for count, most, what in (
            (len(unsettled), self._rules.max_open, "open"),
            (len(recent), self._rules.max_in_90_days, f"filed within {QUOTA_DAYS} days"),
        ):
            if count >= most:
                raise PerfmlError(
                    f"has {count} disputes {what}, as many as may be",
                    where=f"employee_id {employee_id!r}",
                    remedy=f"speak to {self._rules.decided_by}; the next is taken when one is decided",
                )


def _known(disputes: Sequence[Dispute], dispute_id: str) -> Dispute:
    dispute = next((each for each in disputes if each.dispute_id == dispute_id), None)
    if dispute is None:
        raise PerfmlError("is no dispute", where=repr(dispute_id), remedy="`perfml disputes` lists them")
    return dispute


def _add(
    connection: sql.Connection, dispute_id: str, entry: JsonObject, *, on: dt.date, idempotency_key: str | None = None
) -> None:
    own = "|".join([dispute_id, str(entry["what"]), str(entry.get("by", ""))])
    key = own if idempotency_key is None else caller_key(idempotency_key)
    entry = {**entry, "on": on.isoformat()}
    add_entries(connection, DISPUTES, [NewEntry(key=key, subject=dispute_id, entry=entry)])


def _notify(connection: sql.Connection, recipient: str, message: Message, *, dispute_id: str, what: str) -> None:
    key = f"dispute/{dispute_id}/{what}/{recipient}"
    queue(connection, recipient=recipient, message=message, key=key, subject=f"dispute {dispute_id}")
