"""Answers that are sent again as bytes while nothing that they were made from has changed.

An answer is made by the functions of :mod:`perfml.service.answers`, which know nothing of this but
:func:`~perfml.home_reads.note_until`. What they read is noted on the way (:mod:`perfml.home_reads`): a new file of scores, a
promotion, a hold or a dispute makes the next request compute again.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from fastapi import Request

from perfml.home_reads import HomeLook, Memo, Reads, TableVersions, noting
from perfml.service.access.admission import REACH
from perfml.service.texts import JsonText
from perfml.store.standing import StoreVersions

ROUTES = frozenset(
    {
        *("get_person_risk", "get_at_risk", "get_model", "get_models", "get_targets", "get_escalations"),
        *("get_model_fairness", "get_model_drift", "get_model_card", "get_trends", "get_adoption"),
        *("get_health", "get_holds"),
    }
)
"""Those whose answer depends on files and entries alone, or says until when the clock leaves it as it is."""
JOINED = "get_person_risk"
"""Without a query its answer is joined from texts that are written once a file, which costs no more than to look it up."""
MOST_BYTES = 64_000_000


@dataclass(frozen=True, kw_only=True)
class AnswerKey:
    """A request as far as its answer depends on it, and the entries that the store had when it came."""

    path: str
    query: bytes
    reach: frozenset[str] | None
    """Whom its rows are limited to."""
    versions: TableVersions


class KeptAnswers:
    """The answers of one process."""

    def __init__(self, versions: StoreVersions, look: HomeLook) -> None:
        self._versions, self._look = versions, look
        self._answers: Memo[JsonText] = Memo(MOST_BYTES)
        self.hits = self.misses = 0

    def noting(self, key: AnswerKey | None) -> AbstractContextManager[Reads]:
        """Collect what an answer is made from, if it is kept under ``key``; what is kept of that is compared with the home as it
        is now."""
        return noting(self._versions.now(), self._look, collecting=key is not None)

    def key_of(self, request: Request) -> AnswerKey | None:
        """What the answer to ``request`` depends on; None where it depends on more."""
        scope = request.scope
        name = scope["route"].name
        if name not in ROUTES or (name == JOINED and not scope["query_string"]):
            return None
        return AnswerKey(
            path=scope["path"], query=scope["query_string"], reach=scope.get(REACH), versions=self._versions.now()
        )

    def get(self, key: AnswerKey) -> JsonText | None:
        """The answer, if it would be computed the same again."""
        answer = self._answers.get((key.path, key.query, key.reach), key.versions)
        self.hits += answer is not None
        self.misses += answer is None
        return answer

    def put(self, key: AnswerKey, answer: JsonText, reads: Reads) -> None:
        """Keep the answer that was computed from ``reads``."""
        self._answers.put(
            (key.path, key.query, key.reach), answer, reads=reads, versions=key.versions, weight=len(answer.body)
        )
