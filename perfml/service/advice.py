"""Suggestions and lists to work from, as they are kept; and what people say about them, as it is stored."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from perfml.advice.decision_log import Decision, DecisionLog, Intervention, KeyTaken
from perfml.advice.priorities import Held, Ranking, priorities
from perfml.advice.suggestion_files import find_suggestion, suggestion_dates, suggestion_file
from perfml.errors import PerfmlError
from perfml.service.advice_schemas import (
    Accepted,
    CourseRow,
    CoursesAnswer,
    CoursesQuery,
    DecisionAnswer,
    InterventionAnswer,
    InterventionBody,
    PrioritiesAnswer,
    PrioritiesQuery,
    Refused,
    TargetRow,
    TargetsAnswer,
    TargetsQuery,
)
from perfml.service.problems import (
    KeyInUse,
    Unusable,
    no_courses,
    no_horizon,
    no_suggestion,
    no_suggestions,
)
from perfml.service.schemas import ReasonLine
from perfml.service.scores import Row, ScoreFile, open_scores
from perfml.service.store import Store

LINE = tuple(f"reasons.list.element.{field}" for field in ReasonLine.model_fields)
AT_A_TIME = 100
"""Ranked people read together."""


def target_suggestions(store: Store, query: TargetsQuery) -> TargetsAnswer:
    """A page of the goals of one date. Raises :class:`NotThere` where the policy or the date has none."""
    day, path = _kept(store, query.policy, query.as_of)
    with open_scores(path, ("suggestion_id", "goal_id", "status")) as file:
        people, statuses = file.columns(["employee_id", "status"], slice(None))
        chosen = [
            at
            for at, (person, status) in enumerate(zip(people, statuses, strict=True))
            if query.employee_id in (None, person) and query.status in (None, status)
        ]
        rows = file.rows(chosen[query.offset : query.offset + query.limit])
    asked = {"as_of": day, **query.model_dump(exclude={"as_of", "limit", "offset"}, exclude_defaults=True)}
    decided = _decisions(store, rows)
    return TargetsAnswer(
        as_of=day,
        statuses=dict(Counter(cast(list[str], statuses))),
        targets=tuple(TargetRow.model_validate(_with_words(row, decided)) for row in rows),
        **TargetsAnswer.of("/v1/targets", asked, len(chosen), query.limit, query.offset),
    )


def course_suggestions(store: Store, employee_id: str, query: CoursesQuery) -> CoursesAnswer:
    """A person's courses at one date. Raises :class:`NotThere` for a date or a person without any, in words that depend on
    neither who exists nor who has a gap."""
    day, path = _kept(store, query.policy, query.as_of)
    with open_scores(path, ("suggestion_id", "course_id", "status")) as file:
        rows = file.rows([at for at, person in enumerate(file.column("employee_id")) if person == employee_id])
    if not rows:
        raise no_courses()
    decided = _decisions(store, rows)
    return CoursesAnswer(
        employee_id=employee_id,
        as_of=day,
        courses=tuple(CourseRow.model_validate(_with_words(row, decided)) for row in rows),
    )


def priority_list(store: Store, query: PrioritiesQuery) -> PrioritiesAnswer:
    """The list. Raises :class:`NotThere` for a model, date or horizon that is not there."""
    with store.scores(query.model, query.as_of) as (day, file):
        horizons = cast(list[int], file.column("horizon_days"))
        there = sorted(set(horizons))
        days = query.horizon_days or there[0]
        if days not in there:
            raise no_horizon(query.model, there)
        here = [at for at, horizon in enumerate(horizons) if horizon == days]
        ranks, statuses, people, why = file.columns(["rank", "status", "employee_id", "why_not"], slice(None))
        version = str(file.rows(here[:1], ["model_version"])[0]["model_version"])
        ranked = sorted((at for at in here if ranks[at] is not None), key=lambda at: cast(int, ranks[at]))
        found = priorities(
            Ranking(
                model=query.model,
                model_version=version,
                as_of=day,
                horizon_days=days,
                scored=sum(statuses[at] == "scored" for at in here),
                held=tuple(Held(str(people[at]), str(why[at] or "")) for at in here if statuses[at] == "held"),
                ranked=_read(file, ranked),
            ),
            store.about(query.model, version).model_dump(mode="json"),
            capacity=query.capacity,
            interventions=DecisionLog(store.home).interventions(),
            hold_out_share=query.hold_out_share,
        )
    fields = found.to_json()
    return PrioritiesAnswer.model_validate(
        {**fields, "expected_cases": fields["cases"], "text": {"zh": found.zh, "en": found.en}}
    )


def decide(store: Store, suggestion_id: str, body: Accepted | Refused, key: str) -> DecisionAnswer:
    """Store a decision. Raises :class:`NotThere` for a suggestion that nobody made, :class:`Conflict` for a key in use."""
    if find_suggestion(store.home, suggestion_id) is None:
        raise no_suggestion()
    with _said_by_the_service():
        stored = DecisionLog(store.home).decide(Decision(suggestion_id=suggestion_id, **body.model_dump()), key=key)
    return DecisionAnswer(**asdict(stored))


def log_intervention(store: Store, body: InterventionBody, key: str) -> InterventionAnswer:
    """Store an intervention. Raises :class:`Unusable` where it contradicts itself, :class:`Conflict` for a key in use."""
    with _said_by_the_service():
        (stored,) = DecisionLog(store.home).log([Intervention(**body.model_dump())], key=key)
    return InterventionAnswer(**asdict(stored))


def _kept(store: Store, policy: str, as_of: dt.date | None) -> tuple[dt.date, Path]:
    """The name is looked for among those that are there: it never becomes part of a path."""
    folder = store.home / "suggestions"
    known = policy in ({path.name for path in folder.iterdir()} if folder.is_dir() else ())
    there = suggestion_dates(store.home, policy) if known else []
    if not there or as_of not in (None, *there):
        raise no_suggestions(policy, as_of, there)
    return suggestion_file(store.home, policy, as_of)


def _decisions(store: Store, rows: list[Row]) -> dict[str, list[DecisionAnswer]]:
    found = DecisionLog(store.home).decisions(str(row["suggestion_id"]) for row in rows)
    return {name: [DecisionAnswer(**asdict(one)) for one in said] for name, said in found.items()}


def _with_words(row: Row, decided: Mapping[str, list[DecisionAnswer]]) -> dict[str, Any]:
    why_not = {"zh": row["why_not_zh"], "en": row["why_not_en"]} if row["why_not_en"] else None
    lists = {name: row[name] or () for name in ("rules", "evidence", "why") if name in row}
    return {**row, **lists, "why_not": why_not, "decisions": decided.get(str(row["suggestion_id"]), [])}


def _read(file: ScoreFile, positions: list[int]) -> Iterator[Row]:
    """The rows at these positions, read some at a time as they are asked for."""
    for low in range(0, len(positions), AT_A_TIME):
        yield from file.rows(positions[low : low + AT_A_TIME], ("employee_id", "rank", "probability", *LINE))


@contextmanager
def _said_by_the_service() -> Iterator[None]:
    """Translate what the decision log refuses into the errors of the service."""
    try:
        yield
    except KeyTaken as error:
        raise KeyInUse(
            error.problem, where="Idempotency-Key", remedy=error.remedy, zh="该幂等键已用于另一条内容；请换一个键"
        ) from error
    except PerfmlError as error:
        raise Unusable(
            error.problem, where=f"body {error.where}", remedy=error.remedy, zh=f"内容无法保存：{error.problem}"
        ) from error
