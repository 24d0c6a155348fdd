"""Small home folders, written by the functions that training and scoring use."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from perfml.advice.courses.match import SCHEMA as COURSES
from perfml.advice.suggestion_files import keep_suggestions
from perfml.advice.targets.suggestion_rows import SCHEMA as TARGETS
from perfml.evidence.columns import Column
from perfml.learning.estimators.blend import RiskModel
from perfml.learning.record import GateRecord
from perfml.learning.registry.model_store import FittedModels, save
from perfml.messages import Message
from perfml.project.model_spec import ModelSpec
from perfml.scoring.batches.rows import SCHEMA
from perfml.scoring.scoring import keep_scores
from tests.records import backtest_record, training_record

DAY = dt.date(2026, 9, 1)
PROBLEM_KEYS = frozenset({"type", "title", "status", "detail", "instance", "where", "remedy", "zh", "en"})
TENURE = Column(
    name="tenure_days",
    evidence="job",
    reason="job",
    reason_zh="司龄",
    reason_en="Tenure",
    zh="司龄",
    en="tenure",
    unit="days",
    direction="neither",
    owner="company",
)
CAUSES = {"voluntary": 0.3, "involuntary": 0.1, "other": 0.05, "staying": 0.55}
Row = dict[str, object]


SEGMENTS = {"top": {"zh": "高绩效员工", "en": "Top-rated people", "where": "last_rating >= 4"}}


def train(
    home: Path,
    name: str,
    proven: Mapping[int, bool],
    *,
    until: str = "2026-08-01",
    segments: Mapping[str, Mapping[str, str]] = SEGMENTS,
    insufficient: bool = False,
    tested: Mapping[str, object] | None = None,
) -> str:
    """Keep a model that was back-tested as said; ``insufficient``: one gate of each horizon could not be judged; ``tested``:
    other parts of its back-test. Return its version."""
    lists = [{"share": 0.5, "listed": 40, "cases": 10, "precision": 0.25, "low": 0.1, "high": 0.4, "ratio": [0.9, 1.1]}]
    parts = {"lists": lists, **(tested or {})}
    record = training_record(
        *(backtest_record(days, proven=good, **parts) for days, good in proven.items()),
        until=dt.date.fromisoformat(until),
        spec=ModelSpec.model_validate(
            {
                "zh": "主动离职风险",
                "en": "Risk of leaving",
                "label": {"kind": "exit", "exit_kinds": ["voluntary"], "horizons_days": list(proven)},
                "population": {"eligible": "tenure_days >= 28", "thin": "events_count_364d = 0"},
                "segments": segments,
            }
        ),
        left_out=(Message.of("no_table", evidence="goals", table="goals"),),
    )
    if insufficient:
        few = Message.of("gate_too_few_people")
        unjudged = GateRecord(name="stable list", verdict="insufficient", figure=few, limit=few, text=few)
        record = record.model_copy(update={"gates": {days: (*own, unjudged) for days, own in record.gates.items()}})
    risks = {days: RiskModel.constant(20, 100) for days in proven}
    learnt = FittedModels(risks)
    return save(home, name, learnt, columns=(TENURE,), kinds=(), record=record, card="# Card\n卡片\n").version


def scored(person: str, rank: int | None, *, days: int = 91, band: str | None = "none", **other: object) -> Row:
    """The row of someone with a score."""
    value = {"column": "tenure_days", "value": 40.0, "usual": None, "zh": "司龄", "en": "tenure"}
    reasons = [
        {
            "evidence": "job",
            "contribution": 0.5,
            "owner": "company",
            "steady": None,
            "zh": "司龄 40 天（通常 无记录），推高风险",
            "en": "tenure: 40 days (usually not recorded); raises the risk",
            "values": [value],
        },
        {
            "evidence": "other",
            "contribution": -0.1,
            "owner": "data",
            "steady": None,
            "zh": "其他，降低风险",
            "en": "other; lowers the risk",
            "values": [],
        },
    ]
    row = {
        "probability": 0.3,
        "margin": -0.8,
        "base_value": -1.2,
        "incidence": [{"cause": cause, "probability": share} for cause, share in CAUSES.items()],
        "segments": [],
        "status": "scored",
        "why_not": None,
        "reasons": reasons,
    }
    return {"employee_id": person, "rank": rank, "band": band, "horizon_days": days, **row, **other}


def without(person: str, status: str, *, days: int = 91, why_not: str | None = None) -> Row:
    """The row of someone without a score."""
    empty = dict.fromkeys(("rank", "band", "probability", "margin", "base_value", "incidence", "reasons"))
    row = {"employee_id": person, "horizon_days": days, "status": status, "why_not": why_not}
    return {**row, "segments": [], **empty}


def keep(home: Path, name: str, version: str, rows: Sequence[Row], *, as_of: dt.date = DAY) -> Path:
    """Keep score rows where the service reads them."""
    whole = [{**row, "as_of": as_of, "model": name, "model_version": version} for row in rows]
    return next(keep_scores([pa.Table.from_pylist(whole, schema=SCHEMA)], home))


TARGET = {
    "suggestion_id": "t1", "policy": "target_adjustment", "policy_version": "v", "as_of": DAY, "employee_id": "张伟",
    "goal_id": "g1", "parent_goal_id": None, "metric": "new_accounts", "scope": "深圳", "core": False,
    "period_end": dt.date(2026, 9, 30), "status": "suggested", "lever": "both", "old_target": 12.0, "new_target": 10.2,
    "old_weight": 40.0, "new_weight": 25.0, "actual": 3.5, "gone": 0.6, "expected": 6.0, "low": 5.0, "high": 7.0,
    "probability_before": 0.01, "probability_after": 0.2,
    "parts": {"market": -0.35, "season": 0.0, "definition": 0.0, "own": -0.1},
    "rules": [{"rule": "core", "binding": False, "zh": "核心目标不动", "en": "core goals never move"}],
    "evidence": [{"what": "signal", "value": -0.4, "zh": "需求 −40 %", "en": "demand −40 %"}],
    "zh": "建议调整", "en": "Move it", "why_not_zh": None, "why_not_en": None,
}  # fmt: skip
BEYOND = {
    "escalation_id": "x1", "needed_target": 6.6, "limit_percent": 15.0, "limit_target": 10.2, "probability_at_limit": 0.01,
    "decided_by_zh": "目标负责人", "decided_by_en": "whoever set these targets",
}  # fmt: skip
COURSE = {
    "suggestion_id": "c1", "policy": "course_match", "policy_version": "v", "as_of": DAY, "employee_id": "张伟",
    "status": "suggested", "tag": "跨部门协作待加强", "skill": "collaboration", "tag_source": "noted", "quote": "沟通不足。",
    "review_id": "r1", "noted_on": dt.date(2026, 7, 1), "course_id": "talk", "title": "高效沟通七步法", "rank": 1, "score": 0.7,
    "skill_taught": "communication", "step": "main", "hours": 6.0, "level": 2, "language": "zh",
    "why": [{"what": "tag", "zh": "记录的差距", "en": "gap noted"}], "zh": "建议学习", "en": "Take it",
    "why_not_zh": None, "why_not_en": None,
}  # fmt: skip
"""What is suggested to 张伟, in the schemas of the engines."""


def advise(home: Path) -> None:
    """Keep suggestions: one to move a target, one that is held, one beyond the policy, a course, and a gap without one."""
    nothing = dict.fromkeys(
        ("lever", "old_target", "new_target", "old_weight", "new_weight", "actual", "gone", "expected", "low", "high")
    )
    texts: dict[str, object] = {
        "why_not_zh": "暂缓",
        "why_not_en": "held",
        "zh": None,
        "en": None,
        "rules": [],
        "evidence": [],
    }
    held = {**TARGET, **nothing, **texts, "suggestion_id": "t2", "employee_id": "H1", "goal_id": "g2", "status": "held"}
    held |= {"parts": None, "probability_before": None, "probability_after": None}
    beyond = {
        **TARGET,
        "suggestion_id": "t3",
        "employee_id": "E2",
        "goal_id": "g3",
        "status": "beyond",
        "beyond": BEYOND,
    }
    beyond |= {"zh": None, "en": None, "why_not_zh": "超出政策范围", "why_not_en": "beyond the policy"}
    beyond |= dict.fromkeys(("lever", "new_target", "new_weight", "probability_after"))
    rows = [TARGET, held, beyond]
    keep_suggestions(pa.Table.from_pylist(rows, schema=TARGETS), home, policy="target_adjustment", as_of=DAY)
    empty: dict[str, object] = {
        "course_id": None,
        "title": None,
        "rank": None,
        "score": None,
        "skill_taught": None,
        "step": None,
        "why": [],
    }
    none = {**COURSE, **empty, "hours": None, "level": None, "language": None, "zh": None, "en": None}
    none |= {"suggestion_id": "c2", "status": "none", "why_not_zh": "没有合适的课程", "why_not_en": "nothing suitable"}
    keep_suggestions(pa.Table.from_pylist([COURSE, none], schema=COURSES), home, policy="course_match", as_of=DAY)
