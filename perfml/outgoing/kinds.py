"""What can be exported: the columns of each kind of list, and where its rows come from.

Rows are read as they are kept. Who is withheld is left out afterwards, for all kinds alike (:mod:`perfml.outgoing.content`).
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from perfml.advice.decision_log import Decision, DecisionLog
from perfml.advice.suggestion_files import read_suggestions, suggestion_dates, suggestion_file
from perfml.messages import render
from perfml.outgoing.facts.rows import FACTS, SCHEMAS, FactKind, kept_facts, with_state
from perfml.project.trust.export_spec import ExportContent, ExportSpec
from perfml.reasons.leading import raising
from perfml.scoring.score_files import read_scores, score_file
from perfml.trust.alerts.alert_log import read_alerts
from perfml.trust.holds.hold_log import HoldLog

ExportRow = dict[str, object]
TARGETS, COURSES = "target_adjustment", "course_match"
TEXT, NUMBER, COUNT, DAY = pa.string(), pa.float64(), pa.int64(), pa.date32()
PERSON: Mapping[str, pa.DataType] = {
    "employee_id": TEXT, "name": TEXT, "department": TEXT, "location": TEXT, "manager_id": TEXT,
}  # fmt: skip
"""The columns of every row about a person; all but the id come from who is who at the date."""


@dataclass(frozen=True, kw_only=True)
class ExportKind:
    """A kind of list."""

    columns: Mapping[str, pa.DataType]
    """Column → type, in their order."""
    rows: Callable[[Path, ExportSpec, dt.date | None, dt.date], tuple[dt.date, list[ExportRow]]]
    """The date and the rows of a home, of an export, at a date (default: the newest), ``today``.

    Raises :class:`PerfmlError` where there are none of that date.
    """

    of_facts: bool = False
    """Whether rows are facts that carry their own state, and nothing that a model said."""

    @property
    def of_people(self) -> bool:
        """Whether rows are about people."""
        return "employee_id" in self.columns


def _at_risk(home: Path, spec: ExportSpec, as_of: dt.date | None, today: dt.date) -> tuple[dt.date, list[ExportRow]]:
    """Those whom the list names, at the shortest horizon; nobody where the model is not proven, as it then ranks nobody."""
    path = score_file(home, spec.model, as_of)
    stored = read_scores(path)
    band, horizon = stored["band"], stored["horizon_days"]
    listed = pc.and_(pc.is_valid(stored["rank"]), pc.or_(pc.equal(band, "act"), pc.equal(band, "watch")))
    rows: list[ExportRow] = []
    for row in stored.filter(pc.and_(listed, pc.equal(horizon, pc.min(horizon)))).sort_by("rank").to_pylist():
        leading = raising(row["reasons"])
        texts = {f"reasons_{language}": "; ".join(each[language] for each in leading) for language in ("en", "zh")}
        rows.append({**row, **texts})
    return dt.date.fromisoformat(path.stem), rows


def _targets(home: Path, spec: ExportSpec, as_of: dt.date | None, today: dt.date) -> tuple[dt.date, list[ExportRow]]:
    return _suggested(home, spec.policy or TARGETS, as_of)


def _courses(home: Path, spec: ExportSpec, as_of: dt.date | None, today: dt.date) -> tuple[dt.date, list[ExportRow]]:
    return _suggested(home, spec.policy or COURSES, as_of)


def _suggested(home: Path, policy: str, as_of: dt.date | None) -> tuple[dt.date, list[ExportRow]]:
    day, path = suggestion_file(home, policy, as_of)
    return day, [row for row in read_suggestions(path).to_pylist() if row["status"] == "suggested"]


def _decisions(home: Path, spec: ExportSpec, as_of: dt.date | None, today: dt.date) -> tuple[dt.date, list[ExportRow]]:
    """The newest decision about each target suggestion, of those entered before the date (default: today)."""
    day, policy = as_of or today, spec.policy or TARGETS
    decided: dict[str, Decision] = {}
    for suggestion, entries in DecisionLog(home).decisions().items():
        before = [each for each in entries if each.entered_at[:10] < day.isoformat()]
        if before:
            decided[suggestion] = before[-1]
    rows: dict[str, ExportRow] = {}
    for date in suggestion_dates(home, policy):
        if not decided.keys() - rows.keys():
            break
        for row in read_suggestions(suggestion_file(home, policy, date)[1]).to_pylist():
            decision = decided.get(row["suggestion_id"])
            if decision is not None:
                extra = {"verdict": decision.verdict, "decided_by": decision.decided_by}
                rows.setdefault(row["suggestion_id"], {**row, **extra, "decided_at": decision.entered_at})
    return day, [rows[name] for name in decided if name in rows]


def _alerts(home: Path, spec: ExportSpec, as_of: dt.date | None, today: dt.date) -> tuple[dt.date, list[ExportRow]]:
    """Alerts raised before the date (default: today) and not resolved by then, in the words for the first reader."""
    day = as_of or today
    rows: list[ExportRow] = []
    for alert in read_alerts(home):
        first = alert.first
        if first.day < day and (alert.resolved_on is None or alert.resolved_on >= day):
            text = next(iter(first.texts.values()), None)
            rows.append(
                {
                    **{"alert_id": first.alert_id, "rule": first.rule, "employee_id": first.employee_id},
                    **{"raised_on": first.day, "last_seen": alert.last_seen, "state": alert.state},
                    "acknowledged_by": alert.acknowledged.by if alert.acknowledged else None,
                    "text_en": text.en if text else None,
                    "text_zh": text.zh if text else None,
                }
            )
    return day, rows


def _holds(home: Path, spec: ExportSpec, as_of: dt.date | None, today: dt.date) -> tuple[dt.date, list[ExportRow]]:
    """Areas and metrics that are held, and how many people are held one by one for which cause: a person who is held is in no
    export, so none is named."""
    day = as_of or today
    rows: list[ExportRow] = []
    single: Counter[str] = Counter()
    for hold in HoldLog(home).active():
        if hold.kind in ("employee", "fact", "manager"):
            single[hold.cause] += 1
            continue
        texts = {f"why_{language}": render(hold.message, language) for language in ("en", "zh")}
        rows.append({"entity": hold.entity, "cause": hold.cause, "held_since": hold.set_on, "count": None, **texts})
    rows += [{"entity": "people", "cause": cause, "count": count} for cause, count in sorted(single.items())]
    return day, rows


def _facts(kind: FactKind) -> ExportKind:
    def rows(home: Path, spec: ExportSpec, as_of: dt.date | None, today: dt.date) -> tuple[dt.date, list[ExportRow]]:
        day, own = kept_facts(home, kind, as_of)
        return day, with_state(home, kind, own, today)

    own = {field.name: field.type for field in SCHEMAS[kind]}
    return ExportKind(columns={"as_of": DAY, **PERSON, **own}, rows=rows, of_facts=True)


KINDS: Mapping[ExportContent, ExportKind] = {
    "at_risk": ExportKind(
        columns={
            "as_of": DAY, **PERSON, "model": TEXT, "model_version": TEXT, "horizon_days": COUNT, "rank": COUNT, "band": TEXT,
            "probability": NUMBER, "reasons_en": TEXT, "reasons_zh": TEXT,
        },
        rows=_at_risk,
    ),
    "courses": ExportKind(
        columns={
            "suggestion_id": TEXT, "as_of": DAY, **PERSON, "tag": TEXT, "skill": TEXT, "course_id": TEXT, "title": TEXT,
            "rank": COUNT, "step": TEXT, "hours": NUMBER, "level": COUNT, "language": TEXT, "en": TEXT, "zh": TEXT,
        },
        rows=_courses,
    ),
    "targets": ExportKind(
        columns={
            "suggestion_id": TEXT, "as_of": DAY, **PERSON, "goal_id": TEXT, "metric": TEXT, "scope": TEXT,
            "period_end": DAY, "lever": TEXT, "old_target": NUMBER, "new_target": NUMBER, "old_weight": NUMBER,
            "new_weight": NUMBER, "en": TEXT, "zh": TEXT,
        },
        rows=_targets,
    ),
    "decisions": ExportKind(
        columns={
            "suggestion_id": TEXT, **PERSON, "goal_id": TEXT, "metric": TEXT, "scope": TEXT, "period_end": DAY,
            "old_target": NUMBER, "new_target": NUMBER, "old_weight": NUMBER, "new_weight": NUMBER, "verdict": TEXT,
            "decided_by": TEXT, "decided_at": TEXT,
        },
        rows=_decisions,
    ),
    "alerts": ExportKind(
        columns={
            "alert_id": TEXT, **PERSON, "rule": TEXT, "raised_on": DAY, "last_seen": DAY, "state": TEXT,
            "acknowledged_by": TEXT, "text_en": TEXT, "text_zh": TEXT,
        },
        rows=_alerts,
    ),
    "holds": ExportKind(
        columns={"entity": TEXT, "cause": TEXT, "held_since": DAY, "count": COUNT, "why_en": TEXT, "why_zh": TEXT},
        rows=_holds,
    ),
    **{kind: _facts(kind) for kind in FACTS},
}  # fmt: skip
"""Content of an export → its kind."""
