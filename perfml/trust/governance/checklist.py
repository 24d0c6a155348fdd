"""The rules of the checklist: the eight that a company agrees on with its people, and what else must be so."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from perfml.messages import Message, both
from perfml.trust.governance.state import SystemState
from perfml.trust.notices.notice_log import NoticeState, text_hash
from perfml.trust.notices.withheld import notices_of

CheckVerdict = Literal["pass", "fail", "unknown"]
FAIRNESS_DAYS = 366
"""Days for which a fairness audit is current."""
LEAST_OF_CARD = 6
"""Bold headings of a complete model card: purpose, what is predicted, who, input, method, trust, limits (one may be missing)."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One rule: its verdict, the figures it rests on, and what to do where it does not pass."""

    rule: str
    verdict: CheckVerdict
    evidence: Message
    remedy: Message

    @property
    def title(self) -> Message:
        """What the rule asks."""
        return Message.of(f"governance_{self.rule}")

    def to_json(self) -> dict[str, object]:
        """As JSON, with sentences in both languages."""
        texts = {"title": self.title, "evidence": self.evidence, "remedy": self.remedy}
        sentences = {name: both(text) for name, text in texts.items() if name != "remedy" or self.verdict != "pass"}
        return {"rule": self.rule, "verdict": self.verdict, **sentences}


Judgement = tuple[CheckVerdict, Message]


def checklist(state: SystemState) -> tuple[Check, ...]:
    """Every rule, judged. A rule whose state is not known is neither passed nor failed."""
    checks = []
    for rule, judge in RULES.items():
        verdict, evidence = judge(state)
        checks.append(
            Check(rule=rule, verdict=verdict, evidence=evidence, remedy=Message.of(f"governance_{rule}_remedy"))
        )
    return tuple(checks)


def _of(fails: int, code: str, **values: int | str) -> Judgement:
    return "fail" if fails else "pass", Message.of(code, **values)


def _definition_review(state: SystemState) -> Judgement:
    metrics = state.folder.metrics.metrics
    if not metrics:
        return "unknown", Message.of("governance_no_metric")
    versions = [state.history.of(name, spec.version) for name, spec in metrics.items()]
    unsigned = sum(version is None or version.sign_off is None for version in versions)
    undefined = len(state.undefined or ())
    return _of(unsigned + undefined, "governance_metrics", metrics=len(metrics), unsigned=unsigned, undefined=undefined)


def _interface_health(state: SystemState) -> Judgement:
    if state.packets is None:
        return "unknown", Message.of("governance_no_feed")
    missing = sum(packet.status == "missing" for packet in state.packets)
    wrong = sum(bool(packet.problems) for packet in state.packets)
    ignored = sum(alarm.is_open for alarm in state.alarms)
    figures = {"packets": len(state.packets), "missing": missing, "wrong": wrong, "ignored": ignored}
    return _of(missing + wrong + ignored, "governance_packets", **figures)


def _change_notices(state: SystemState) -> Judgement:
    """Everyone who was told has been told the newest text, and no text was changed after it was given."""
    spec = notices_of(state.folder)
    current = {text.since: version for version, text in spec.versions.items() if text.since <= state.day}
    people = [person for person in state.notices.values() if person.notices]
    if not people or not current:
        return "unknown", Message.of("governance_nobody_told")
    newest = current[max(current)]
    outdated = sum(newest not in {notice.version for notice in person.notices} for person in people)
    altered = sum(
        notice.text_hash != text_hash(spec, notice.version)
        for person in people
        for notice in person.notices
        if notice.version in spec.versions
    )
    return _of(
        outdated + altered, "governance_told", people=len(people), outdated=outdated, altered=altered, version=newest
    )


def _final_interpretation(state: SystemState) -> Judgement:
    reviewer = notices_of(state.folder).reviewer
    if reviewer is None:
        return "fail", Message.of("governance_no_reviewer")
    return "pass", Message.of("governance_reviewer", name=reviewer.name, address=reviewer.recipient)


def _reconciliation(state: SystemState) -> Judgement:
    held = sum(hold.cause == "reconciliation" for hold in state.holds)
    if state.reconciliation is None or not state.reconciliation.rows:
        return (
            ("fail", Message.of("governance_held", held=held))
            if held
            else ("unknown", Message.of("governance_not_compared"))
        )
    over = len(state.reconciliation.over_limit)
    return _of(over + held, "governance_compared", rows=len(state.reconciliation.rows), over=over, held=held)


def _backfill_log(state: SystemState) -> Judgement:
    if state.damaged_inbox is not None:
        return "fail", Message.of("governance_inbox_damaged", problem=state.damaged_inbox)
    late = sum(packet.status == "late" for packet in state.packets or ())
    return "pass", Message.of("governance_inbox", received=state.received, late=late)


def _dispute_deadlines(state: SystemState) -> Judgement:
    if not state.disputes:
        return "pass", Message.of("governance_no_dispute")
    overdue = sum(
        (dispute.decision.on if dispute.decision else state.day) > dispute.due_on for dispute in state.disputes
    )
    open_ = sum(dispute.state == "open" for dispute in state.disputes)
    return _of(overdue, "governance_disputes", disputes=len(state.disputes), open=open_, overdue=overdue)


def _matching_versions(state: SystemState) -> Judgement:
    if state.other_versions is None:
        return "unknown", Message.of("governance_no_data")
    goals, stops = sum(other.goals for other in state.other_versions), sum(clash.stops for clash in state.clashes)
    return _of(goals + stops, "governance_versions", goals=goals, clashes=stops)


def _fairness_current(state: SystemState) -> Judgement:
    if not state.records:
        return "unknown", Message.of("governance_no_model")
    oldest = min(record.until for record in state.records.values())
    without = sum(not record.fairness for record in state.records.values())
    late = sum(record.until < state.day - dt.timedelta(days=FAIRNESS_DAYS) for record in state.records.values())
    return _of(late + without, "governance_audits", models=len(state.records), late=late + without, oldest=str(oldest))


def _model_cards(state: SystemState) -> Judgement:
    names = list(state.folder.models)
    lacking = [
        name
        for name in names
        if not state.folder.has_card(name)
        or sum(line.startswith("**") for line in state.folder.card(name).splitlines()) < LEAST_OF_CARD
    ]
    return _of(len(lacking), "governance_cards", models=len(names), lacking=", ".join(lacking) or "0")


def _retention(state: SystemState) -> Judgement:
    due = len(state.retention.files) + sum(state.retention.entries.values())
    return _of(due, "governance_kept", due=due, before=str(state.retention.before))


def _notice_recorded(state: SystemState) -> Judgement:
    if not state.scored:
        return "unknown", Message.of("governance_nobody_scored")
    nobody = NoticeState(employee_id="")
    untold = sum(not state.notices.get(person, nobody).told_before(day) for person, day in state.scored.items())
    opted_out = sum(
        person in state.notices and state.notices[person].opted_out_on is not None for person in state.scored
    )
    figures = {"people": len(state.scored), "untold": untold, "opted_out": opted_out}
    return _of(untold + opted_out, "governance_scored", **figures)


def _packages(state: SystemState) -> Judgement:
    days = notices_of(state.folder).package_days
    outcomes = [outcome for person in state.notices.values() for outcome in person.outcomes]
    if not outcomes:
        return "pass", Message.of("governance_no_outcome")
    overdue = sum((each.package_on or state.day) > each.due_on(days) for each in outcomes)
    return _of(overdue, "governance_outcomes", outcomes=len(outcomes), overdue=overdue, days=days)


def _forbidden(state: SystemState) -> Judgement:
    """Definitions that use forbidden evidence do not load, so a state that was read has none."""
    definitions = state.folder.definitions
    files = len(definitions.windowed) + len(definitions.relational)
    return "pass", Message.of("governance_evidence", files=files, kinds=len(state.folder.forbidden))


def _audit_log(state: SystemState) -> Judgement:
    if not state.audit.rows and state.audit.whole:
        return "unknown", Message.of("governance_no_audit")
    wrong = len(state.audit.findings)
    figures = {"rows": state.audit.rows, "covered": state.audit.covered, "wrong": wrong}
    return _of(wrong, "governance_audit_rows", **figures)


RULES: Mapping[str, Callable[[SystemState], Judgement]] = {
    "definition_review": _definition_review,
    "interface_health": _interface_health,
    "change_notices": _change_notices,
    "final_interpretation": _final_interpretation,
    "reconciliation": _reconciliation,
    "backfill_log": _backfill_log,
    "dispute_deadlines": _dispute_deadlines,
    "matching_versions": _matching_versions,
    "fairness_current": _fairness_current,
    "model_cards": _model_cards,
    "retention": _retention,
    "notice_recorded": _notice_recorded,
    "packages": _packages,
    "forbidden_evidence": _forbidden,
    "audit_log": _audit_log,
}
"""Rule → how it is judged; the first eight are those that a company and its works council agree on."""
