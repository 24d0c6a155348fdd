"""Stored suggestions with the decisions about them: what targets and courses have in common."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from perfml.advice.decision_log import DecisionLog
from perfml.advice.suggestion_files import suggestion_dates, suggestion_file
from perfml.messages import Message
from perfml.service.answers.decisions import DecisionAnswer
from perfml.service.answers.shared import Answer, TextAnswer
from perfml.service.problems import no_suggestions
from perfml.service.scores import StoredRow, open_scores
from perfml.service.store import Store


class LineAnswer(Answer):
    """One piece of evidence in words."""

    what: str
    zh: str
    en: str


def suggestions_file(store: Store, policy: str, as_of: dt.date | None) -> tuple[dt.date, Path]:
    """The date, the newest by default, and the file of its suggestions. Raises :class:`NotFound` where there are none.

    The name of the policy is compared with those on disk: a name from outside never becomes part of a path.
    """
    folder = store.home / "suggestions"
    known = policy in ({path.name for path in folder.iterdir()} if folder.is_dir() else ())
    available = suggestion_dates(store.home, policy) if known else []
    if not available or as_of not in (None, *available):
        raise no_suggestions(as_of, available)
    return suggestion_file(store.home, policy, as_of)


def suggested(store: Store, policy: str) -> tuple[dt.date, list[tuple[str, str]]]:
    """The newest date of a policy, and employee and id of each suggestion in force. Raises :class:`NotFound`,
    :class:`DamagedFile`."""
    day, path = suggestions_file(store, policy, None)
    file = open_scores(path, ("suggestion_id", "status"))
    rows = zip(*file.columns(["employee_id", "suggestion_id", "status"], slice(None)), strict=True)
    return day, [(str(who), str(name)) for who, name, status in rows if status == "suggested"]


def why_empty(rows: int) -> TextAnswer:
    """Why a list of suggestions is empty: nothing was to be suggested at that date, or none of its ``rows`` is asked for."""
    return TextAnswer.of(Message.of("service_none_chosen" if rows else "service_none_suggested"))


def decisions_about(store: Store, rows: list[StoredRow]) -> dict[str, list[DecisionAnswer]]:
    """The decisions about each suggestion of ``rows``, oldest first, by its id."""
    by_id = DecisionLog(store.home).decisions(str(row["suggestion_id"]) for row in rows)
    return {name: [DecisionAnswer(**asdict(decision)) for decision in entries] for name, entries in by_id.items()}


def suggestion_fields(row: StoredRow, decisions: Mapping[str, list[DecisionAnswer]]) -> dict[str, object]:
    """The fields of an answer about one suggestion: lists that are null become empty, and decisions are added."""
    why_not = {"zh": row["why_not_zh"], "en": row["why_not_en"]} if row["why_not_en"] else None
    lists = {name: row[name] or () for name in ("rules", "evidence", "why") if name in row}
    return {**row, **lists, "why_not": why_not, "decisions": decisions.get(str(row["suggestion_id"]), [])}
