"""Which column of a sheet is which column of a table: by name, then by type and values."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from perfml.mapping.naming.fitting import CONTAINED, EXACT, NO_FIT, Ending, Fit, fit
from perfml.mapping.naming.synonyms import plain, synonyms
from perfml.mapping.naming.tokens import before_change
from perfml.mapping.profiles import ColumnProfile
from perfml.mapping.values import levels, rating_scale
from perfml.project.table_spec import ColumnType, TableSpec

PERIOD = "period"
"""A column of reviews that names the period in words; it is no column of the table, but others are made from it."""
JOINS = 0.8
"""Share of the values of an id column that must be ids of employees."""
SURE = 0.75
"""Confidence from which a column is used without a question."""
BY_JOINS, BY_CONTENT = 0.8, 0.65
"""How sure a column is that its values alone speak for: ids of another table; the only date, kind or rating of the sheet."""
DATED: Mapping[str, str] = {
    "employees": "hired_on",
    "exits": "exited_on",
    "events": "happened_at",
    "reviews": "reviewed_on",
    "gap_tags": "noted_on",
    "progress": "measured_at",
    "enrolments": "enrolled_on",
    "interventions": "offered_on",
}
"""Table → the date that it cannot do without."""
SECOND_PERSON: Mapping[str, str] = {"positions": "manager_id", "reviews": "reviewer_id", "events": "counterpart_id"}
"""Table → what another column with ids of employees is, beside the person that the row is about."""
SPAN = 15
"""People that a manager, a reviewer or a counterpart has on average at most; more have the ids of an office (HRBP)."""
COUNTED = 4
"""Digits from which numbers are ids rather than counts."""
OWN_KEY: Mapping[str, str] = {
    "employees": "employee_id",
    "events": "event_id",
    "reviews": "review_id",
    "courses": "course_id",
}
"""Table → the id that is another in each of its rows."""
KEYS: Mapping[str, tuple[str, str]] = {
    "employee_id": ("employees", "employee_id"),
    "goal_id": ("goals", "goal_id"),
    "course_id": ("courses", "course_id"),
    "review_id": ("reviews", "review_id"),
}
"""Column with the ids of another table → that table, and its column."""
WORDED = ("rating", "level")
"""Columns of numbers that exports give in words, so that a word for names may follow theirs."""
FREE_TEXT = ("name", "title", "comment", "summary", "quote", "definition")
"""Columns of text that are no choice of words."""
NEVER, ODD = 0.0, 0.4
"""How well content of another type fits a column: it cannot be read; it is unusual."""
BIRTH_YEARS = range(1920, 2015)


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A column of the export for a column of a table. ``by``: what speaks for it."""

    column: ColumnProfile
    score: float
    name: Fit
    by: Literal["name", "joins", "key", "content"] = "name"
    joined: float = 0.0
    """Of ids recognised by their values: the share that are ids of employees."""
    rivals: tuple[str, ...] = ()
    """Other columns that could be it as well."""


def candidates(
    profiles: Mapping[str, ColumnProfile], table: str, spec: TableSpec, *, keys: Mapping[str, Collection[str]]
) -> Mapping[str, Candidate]:
    """Column of the table → the column of the sheet that fits it best, each used once.

    ``keys``: column with ids of another table (:data:`KEYS`) → the ids that are known.
    """
    options = {**{column: (column,) for column in spec.columns}, **synonyms().columns[table]}
    people = keys.get("employee_id", ())
    pairs = []
    for target, names in options.items():
        if target != PERIOD and target not in spec.columns:
            continue
        kind = spec.columns.get(target)
        for profile in profiles.values():
            match = fit(profile.label, names, ending=_ending(target, kind))
            if match.score == 0 or _is_unrelated(profile, match) or _is_former(profile, match):
                continue
            suits = suitability(table, target, profile, kind=kind, people=people)
            if suits > 0:
                pairs.append((target, Candidate(column=profile, score=match.score * suits, name=match)))
    assigned: Mapping[str, Candidate] = _assigned(pairs)
    if PERIOD in assigned and "period_end" in assigned and assigned["period_end"].score < SURE:
        # The period in words says it, and surely.
        assigned = {target: candidate for target, candidate in assigned.items() if target != "period_end"}
    assigned = _by_joins(table, spec, profiles, assigned, keys)
    assigned = {**assigned, **_own_key(table, profiles, assigned)}
    return {**assigned, **_by_content(table, profiles, assigned)}


def _ending(target: str, kind: ColumnType | None) -> Ending | None:
    """What may follow the name of the column."""
    if target.endswith("_id"):
        return "id"
    worded = kind is not None and (kind.type == "text" or target in WORDED)
    return "label" if worded and target not in FREE_TEXT else None


def _free(profiles: Mapping[str, ColumnProfile], assigned: Mapping[str, Candidate]) -> list[ColumnProfile]:
    """The columns that nothing is known about."""
    used = {candidate.column.name for candidate in assigned.values()}
    return [
        profile
        for name, profile in profiles.items()
        if name not in used and fit(profile.label, synonyms().unrelated).score == 0
    ]


def _by_joins(
    table: str,
    spec: TableSpec,
    profiles: Mapping[str, ColumnProfile],
    assigned: Mapping[str, Candidate],
    keys: Mapping[str, Collection[str]],
) -> Mapping[str, Candidate]:
    """Columns whose values are ids of another table, where only one is: the person, the goal, the course, then another person.

    They go before a column that is named for it and has other values.
    """
    joined = {
        target: candidate
        for target, candidate in assigned.items()
        if target not in KEYS or candidate.score >= SURE or table == KEYS[target][0] or not keys.get(target)
    }
    second = SECOND_PERSON.get(table, "")
    for target, key in (*((name, name) for name in KEYS), (second, "employee_id")):
        if target not in spec.columns or target in joined or table == KEYS[key][0] or not keys.get(key):
            continue
        columns = [each for each in _free(profiles, joined) if _joins(each, keys[key])]
        if target == second:
            person = joined.get("employee_id")
            columns = [
                each
                for each in columns
                if person and SPAN * each.distinct >= person.column.distinct and not _is_another_role(target, each)
            ]
        if len(columns) == 1:
            share = share_of(columns[0], keys[key])
            joined[target] = Candidate(column=columns[0], score=BY_JOINS, name=NO_FIT, by="joins", joined=share)
    used = {candidate.column.name for candidate in joined.values()}
    return joined | {t: c for t, c in assigned.items() if t not in joined and c.column.name not in used}


def _is_another_role(target: str, profile: ColumnProfile) -> bool:
    """Whether the column is called a person of another table: a manager is no reviewer."""
    return any(
        fit(profile.label, synonyms().columns[table][role], ending="id").score >= SURE
        for table, role in SECOND_PERSON.items()
        if role != target
    )


def _own_key(
    table: str, profiles: Mapping[str, ColumnProfile], assigned: Mapping[str, Candidate]
) -> Mapping[str, Candidate]:
    """The only column that is called an id and has another value in each row; of people, one that is called an id alone."""
    target = OWN_KEY.get(table, "")
    if not target or target in assigned:
        return {}
    columns = [each for each in _free(profiles, assigned) if each.unique and not _counts(each) and _is_id(table, each)]
    if len(columns) != 1:
        return {}
    return {target: Candidate(column=columns[0], score=BY_JOINS, name=NO_FIT, by="key")}


def _is_id(table: str, profile: ColumnProfile) -> bool:
    name = plain(profile.label)
    if table == "employees":
        return name == "id"
    return profile.content in ("text", "int") and name.endswith(("id", "编号", "单号"))


def _joins(profile: ColumnProfile, ids: Collection[str]) -> bool:
    return profile.distinct > 1 and not _counts(profile) and share_of(profile, ids) >= JOINS


def _counts(profile: ColumnProfile) -> bool:
    """Whether the values are counts or row numbers rather than ids."""
    return all(value.isdigit() and len(value) < COUNTED for value in profile.values)


def _by_content(
    table: str, profiles: Mapping[str, ColumnProfile], assigned: Mapping[str, Candidate]
) -> Mapping[str, Candidate]:
    """What names leave open and only one column can be: the date, the kind, the rating."""
    free = _free(profiles, assigned)
    options: dict[str, list[ColumnProfile]] = {}
    if table in DATED:
        options[DATED[table]] = [each for each in free if each.content == "date"]
    if table == "events":
        options["kind"] = [each for each in free if each.content == "text" and each.is_choice and each.distinct > 1]
    if table == "reviews":
        options["rating"] = [each for each in free if each.content == "text" and _is_rated(each)]
    return {
        target: Candidate(column=columns[0], score=BY_CONTENT, name=NO_FIT, by="content")
        for target, columns in options.items()
        if len(columns) == 1 and target not in assigned
    }


def _is_rated(profile: ColumnProfile) -> bool:
    scale = rating_scale(profile.every, name=profile.label) if profile.is_choice else None
    return scale is not None and scale.certain


def _surest(pair: tuple[str, Candidate]) -> tuple[float, int, int]:
    _, candidate = pair
    return -candidate.score, -candidate.column.referred, -len(candidate.name.synonym)


def _assigned(pairs: list[tuple[str, Candidate]]) -> Mapping[str, Candidate]:
    """Each target and each column once; the surest pairs first, of equal ones the id that others refer to, the longer synonym."""
    assigned: dict[str, Candidate] = {}
    used: set[str] = set()
    for target, candidate in sorted(pairs, key=_surest):
        if target not in assigned and candidate.column.name not in used:
            assigned[target] = candidate
            used.add(candidate.column.name)
    for target, candidate in assigned.items():
        if candidate.column.content == "date":
            rivals = tuple(
                other.column.name
                for name, other in pairs
                if name == target and other.score == candidate.score and other.column.name not in used
            )
            assigned[target] = replace(candidate, rivals=rivals)
    return assigned


def suitability(
    table: str, target: str, profile: ColumnProfile, *, kind: ColumnType | None, people: Collection[str]
) -> float:
    """How well the content of a column fits a column of a table, 0 to 1."""
    content = profile.content
    if content == "empty":
        return NEVER
    if kind is None:  # a period in words
        return 1.0 if content in ("period", "month") or _are_years(profile) else NEVER
    if target.endswith("_id"):
        repeats = table != "employees" and target == OWN_KEY.get(table) and not profile.unique
        return min(_as_id(target, profile, people), ODD if repeats else 1.0)
    if (table, target) == ("reviews", "rating"):
        return 1.0 if profile.is_choice and rating_scale(profile.numbers, name=profile.name) else _as_number(content)
    if target == "level":
        return 1.0 if content == "int" else 0.95 if profile.is_choice and levels(profile.every) else ODD
    if target == "birth_year":
        return 1.0 if content == "int" and all(int(value) in BIRTH_YEARS for value in profile.values) else NEVER
    if kind.type in ("date", "timestamp"):
        return (
            1.0 if content == "date" else 0.95 if content == "month" and target in ("happened_at", "month") else NEVER
        )
    if kind.type in ("double", "int"):
        return _as_number(content)
    if kind.type == "bool":
        return 1.0 if content == "bool" else NEVER
    if kind.type == "text" and content in ("date", "number"):
        return NEVER if target in ("kind", "name", "department") else ODD
    return 1.0


def _as_number(content: str) -> float:
    return 1.0 if content in ("int", "number") else NEVER


def _as_id(target: str, profile: ColumnProfile, people: Collection[str]) -> float:
    if profile.content in ("date", "month", "period", "number") and target.endswith(("employee_id", "manager_id")):
        return NEVER
    if profile.label == target:  # the contract's own name: others than employees may be counterparts
        return 1.0
    person = target in ("employee_id", "manager_id", "reviewer_id", "counterpart_id")
    if not person or not people:
        return 1.0
    joined = share_of(profile, people)
    return 1.0 if joined >= JOINS else ODD


def is_referring(profile: ColumnProfile, ids: ColumnProfile) -> bool:
    """Whether the most frequent values of a column are among ``ids``."""
    values = profile.values
    return profile.distinct > 1 and not _counts(profile) and sum(v in ids.every for v in values) >= JOINS * len(values)


def share_of(profile: ColumnProfile, people: Collection[str]) -> float:
    """The share of the values that are ids of ``people``, leading zeros aside."""
    if not profile.every:
        return 0.0
    bare = {person.lstrip("0") for person in people}
    return sum(value.lstrip("0") in bare for value in profile.every) / len(profile.every)


def _are_years(profile: ColumnProfile) -> bool:
    return profile.content == "int" and all(len(v) == 4 and v.startswith(("19", "20")) for v in profile.values)


def _is_former(profile: ColumnProfile, match: Fit) -> bool:
    """Whether the column says what was before a change (原部门, previous manager) of what the name fits."""
    return match.score < EXACT and any(
        fit(rest, (match.synonym,)).score >= CONTAINED for rest in before_change(profile.label)
    )


def _is_unrelated(profile: ColumnProfile, match: Fit) -> bool:
    """Whether the name fits a column that is none of a table at least as well; the table's own names go first."""
    if match.score == EXACT:
        return False
    other = fit(profile.label, synonyms().unrelated)
    return other.score > 0 and (other.score, len(other.synonym)) >= (match.score, len(match.synonym))
