"""From scores to a ranked frame: the largest scores above 0, in order, one row for each query and course."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from perfml.advice.courses.recommenders.frames import Catalogue
from perfml.arrays import Floats32, Ints
from perfml.messages import Language, Message, render

COLUMNS = ("query", "course_id", "rank", "score", "why")


class Ranked(NamedTuple):
    """The courses of one query, best first."""

    query: str
    courses: Ints
    """(k,) positions in the catalogue."""
    scores: Floats32
    """(k,) in (0, 1]."""
    why: Sequence[Message | None]


def relative(scores: Floats32) -> Floats32:
    """(m, n) each row divided by its largest score, so that the best is 1; a row without evidence stays 0."""
    largest = scores.max(axis=1, keepdims=True, initial=0)
    return np.asarray(scores / np.where(largest > 0, largest, 1), dtype=np.float32)


def without_taken(scores: Floats32, taken: sparse.csr_matrix) -> Floats32:
    """``scores`` (m, n), set to 0 in place where ``taken`` (m, n) is not 0."""
    row, course = taken.nonzero()
    scores[row, course] = 0
    return scores


def best_courses(scores: Floats32, k: int) -> list[Ints]:
    """For each row of ``scores`` (m, n) the positions of its at most ``k`` largest scores above 0, largest first; among equal
    scores the first in the catalogue comes first."""
    k = min(k, scores.shape[1])
    edge = np.partition(scores, scores.shape[1] - k, axis=1)[:, -k] if len(scores) else np.zeros(0)
    out = []
    for row, least in zip(scores, edge, strict=True):
        courses = np.flatnonzero((row >= least) & (row > 0))
        out.append(courses[np.argsort(-row[courses], kind="stable")[:k]])
    return out


def ranked_frame(
    catalogue: Catalogue, ranked: Sequence[Ranked], *, language: Language, names: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """A frame of :data:`COLUMNS`, the queries in the order given, with the evidence in ``language``; ``names`` of skills."""
    messages = {id(why): why for each in ranked for why in each.why if why is not None}  # many courses share a message
    texts = {identity: render(message, language, names=names) for identity, message in messages.items()}
    ids = np.array(catalogue.ids, dtype=object)
    flat = [course for each in ranked for course in each.courses]
    columns = {
        "query": [each.query for each in ranked for _ in each.courses],
        "course_id": ids[np.array(flat, dtype=np.int64)].tolist(),
        "rank": np.array([rank for each in ranked for rank in range(1, len(each.courses) + 1)], dtype=np.int64),
        "score": np.array([score for each in ranked for score in each.scores], dtype=np.float64),
        "why": [texts.get(id(why), "") for each in ranked for why in each.why],
    }
    return pd.DataFrame(columns, columns=list(COLUMNS)).astype({"query": "str", "course_id": "str", "why": "str"})
