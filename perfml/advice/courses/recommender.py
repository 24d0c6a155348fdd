"""What every recommender of courses is: one contract, in the manner of ``implicit``'s base class, and the frames it reads.

A recommender learns from a catalogue (n courses) and, where there is one, a history of enrolments (p people). It then ranks
courses for tags, written in any language, and for employees. A score of 0 is *no evidence*, and no result: two courses of
which nothing is known are not a tie to be broken, they are not shown.
"""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from scipy import sparse

from perfml.arrays import Floats32, Ints
from perfml.errors import DataError, PerfmlError

BATCH = 1_000
"""People scored at a time: (1,000 × 5,000) float32 is 20 MB a kind of evidence."""
COLUMNS = ("query", "course_id", "rank", "score", "why")
STARTED = ("course_id", "title", "summary", "skills", "level", "hours", "language", "prerequisites", "seats")
TAKEN = ("employee_id", "course_id", "enrolled_on", "completed_on", "rating", "known_at")


@dataclass(frozen=True)
class Catalogue:
    """The n courses, each in every field at the same place."""

    ids: tuple[str, ...]
    titles: tuple[str, ...]
    summaries: tuple[str, ...]
    skills: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, courses: pd.DataFrame) -> Catalogue:
        """From a frame with ``course_id``, ``title`` and, where known, ``summary`` and ``skills`` (a list, or text parted by
        ``;``). Raises :class:`DataError` for a missing column, no course, or an id that is missing or repeated."""
        _require(courses, ("course_id", "title"), "courses")
        ids = courses["course_id"]
        if not len(ids):
            raise DataError("no course", where="courses", remedy="give at least one row")
        if ids.isna().any() or ids.duplicated().any():
            wrong = ids[ids.isna() | ids.duplicated()].iloc[0]
            raise DataError(f"{wrong!r} is missing or repeated", where="courses.course_id", remedy="one row a course")
        return cls(tuple(map(str, ids)), _texts(courses, "title"), _texts(courses, "summary"), _lists(courses))


@dataclass(frozen=True)
class History:
    """Who took what, by person and then by time: one row for each (person, course), its latest enrolment."""

    people: pd.Index[str]
    person: Ints
    course: Ints
    day: Floats32
    courses: int

    def matrix(self, *, fading: float = 1.0) -> sparse.csr_matrix:
        """(people, courses): 1 where taken, times ``fading`` for every course that the person took since."""
        after = np.searchsorted(self.person, self.person, side="right") - 1 - np.arange(len(self.person))
        shape = (len(self.people), self.courses)
        return sparse.csr_matrix(((fading**after).astype(np.float32), (self.person, self.course)), shape=shape)

    def without_last(self) -> tuple[History, Ints, Ints]:
        """The history before everybody's last enrolment, and these: people who have an earlier one, and their last course."""
        last = np.append(self.person[1:] != self.person[:-1], True) if len(self.person) else np.zeros(0, dtype=bool)
        has_earlier = np.bincount(self.person, minlength=len(self.people))[self.person] > 1
        before = History(self.people, self.person[~last], self.course[~last], self.day[~last], self.courses)
        return before, self.person[last & has_earlier], self.course[last & has_earlier]

    @classmethod
    def of(cls, enrolments: pd.DataFrame, catalogue: Catalogue) -> History:
        """From a frame with ``employee_id``, ``course_id`` and ``enrolled_on``. Enrolments in courses that the catalogue does
        not have are left out. Raises :class:`DataError` for a missing column or a date that is none."""
        _require(enrolments, ("employee_id", "course_id", "enrolled_on"), "enrolments")
        day = moments(enrolments, "enrolled_on").to_numpy().astype("M8[s]").astype(np.float64) / 86_400
        course = pd.Index(catalogue.ids).get_indexer(pd.Index(enrolments["course_id"].astype(str)))
        person, people = pd.factorize(enrolments["employee_id"].astype(str), sort=True)
        order = np.lexsort((course, day, person))
        order = order[course[order] >= 0]
        rows = pd.DataFrame({"person": person[order], "course": course[order], "day": day[order]})
        rows = rows.drop_duplicates(["person", "course"], keep="last")
        columns = [rows[name].to_numpy() for name in ("person", "course", "day")]
        return cls(pd.Index(people), columns[0], columns[1], columns[2], len(catalogue.ids))


class Recommender(ABC):
    """A ranking of courses for tags and for employees.

    To make one, write :meth:`learn` and whichever of :meth:`tag_scores` and :meth:`people_scores` it can answer; what it cannot
    answer stays empty. Scores are relative to the query: 0 is no evidence, more is better, 1 the most there can be.
    """

    notice_: str = ""
    """After :meth:`fit`: what was left out or fell back, in words; empty where nothing was."""
    cold_: frozenset[str] = frozenset()
    """After :meth:`for_employees`: those asked for of whom no enrolment is known, and who got the cold ranking."""

    def fit(self, courses: pd.DataFrame, enrolments: pd.DataFrame | None = None) -> Self:
        """Learn from ``courses`` and, where there are any, ``enrolments`` (tables of the input contract). Returns itself.

        Every row given is taken as known. Columns that the contract does not have are not read, and ``notice_`` says so.
        Raises :class:`DataError` for a missing column, a repeated course, or a date that is none.
        """
        self.catalogue = Catalogue.of(courses)
        some = enrolments is not None and len(enrolments) > 0
        self.history = History.of(enrolments, self.catalogue) if some and enrolments is not None else None
        if self.history is not None and not len(self.history.person):
            self.history = None
        self._given = (courses, enrolments if some else None)
        self._earlier: tuple[dt.date, Recommender] = (dt.date.min, self)
        self.cold_, self.notice_ = frozenset(), ""
        self._say(_unread(courses, STARTED, "courses"))
        if some and enrolments is not None:
            self._say(_unread(enrolments, TAKEN, "enrolments"))
            if unknown := int((~enrolments["course_id"].astype(str).isin(self.catalogue.ids)).sum()):
                self._say(f"enrolments in courses that the catalogue does not have: {unknown}, left out")
        self.learn()
        return self

    def for_tags(self, tags: Sequence[str], k: int = 10) -> pd.DataFrame:
        """At most ``k`` courses for each of ``tags``, in their order; a tag for which nothing is suitable has no row.

        A frame of ``query`` (the tag), ``course_id``, ``rank`` (1 is first), ``score`` in (0, 1] and ``why``, the evidence in
        words. A tag given twice is answered once.
        """
        self._ready(k)
        parts = []
        for tag in dict.fromkeys(map(str, tags)):
            scores = self.tag_scores(tag)
            best = _best(scores[None, :], k)[0]
            parts.append(([tag] * len(best), best, scores[best], self.why_tag(tag, best)))
        return self._frame(parts)

    def for_employees(self, ids: Sequence[str], k: int = 10, *, as_of: dt.date | None = None) -> pd.DataFrame:
        """At most ``k`` courses that each of ``ids`` has not taken, in their order; the frame of :meth:`for_tags`.

        ``as_of``: only what happened and was known strictly before it counts, for everybody; where later enrolments were
        fitted, it learns anew from the earlier ones. Someone without a history gets the cold ranking, ``why`` says so, and
        :attr:`cold_` names them; without any enrolment there is no such ranking, and no row.
        """
        self._ready(k)
        if as_of is not None and (then := self._as_known(as_of)) is not self:
            found = then.for_employees(ids, k)
            self.cold_ = then.cold_
            return found
        asked = list(dict.fromkeys(map(str, ids)))
        self.cold_ = frozenset(asked)
        if self.history is None:
            return self._frame([])
        row = self.history.people.get_indexer(pd.Index(asked, dtype=object))
        row[row >= 0] = np.where(
            self._taken.indptr[1:] > self._taken.indptr[:-1], np.arange(len(self._taken.indptr) - 1), -1
        )[row[row >= 0]]
        self.cold_ = frozenset(one for one, place in zip(asked, row, strict=True) if place < 0)
        cold = self.cold_scores()
        cold_best = _best(cold[None, :], k)[0]
        parts = []
        for low in range(0, len(asked), BATCH):
            rows = row[low : low + BATCH]
            warm = np.flatnonzero(rows >= 0)
            scores = self.people_scores(rows[warm])
            seen, course = self._taken[rows[warm]].nonzero()
            scores[seen, course] = 0
            best = dict(zip(warm.tolist(), _best(scores, k), strict=True))
            why = iter(self.why_people(rows[warm], list(best.values())))
            for place, one in enumerate(asked[low : low + BATCH]):
                if (mine := best.get(place)) is None:
                    said = [f"no enrolment of this person is known; {each}" for each in self.why_cold(cold_best)]
                    parts.append(([one] * len(cold_best), cold_best, cold[cold_best], said))
                else:
                    values = scores[np.searchsorted(warm, place), mine]
                    parts.append(([one] * len(mine), mine, values, next(why)))
        return self._frame(parts)

    @abstractmethod
    def learn(self) -> None:
        """Learn from ``self.catalogue`` and ``self.history`` (None where there is none)."""

    def tag_scores(self, tag: str) -> Floats32:
        """(n,) scores for ``tag``, from 0 to 1."""
        return np.zeros(len(self.catalogue.ids), dtype=np.float32)

    def why_tag(self, tag: str, best: Ints) -> list[str]:
        """The evidence for each of the courses ``best``."""
        return [""] * len(best)

    def people_scores(self, rows: Ints) -> Floats32:
        """(len(rows), n) scores, from 0 to 1, for the people at ``rows`` of the history, what they took included."""
        return np.zeros((len(rows), len(self.catalogue.ids)), dtype=np.float32)

    def why_people(self, rows: Ints, best: Sequence[Ints]) -> list[list[str]]:
        """For each of ``rows`` the evidence for each of its courses ``best``."""
        return [[""] * len(each) for each in best]

    def cold_scores(self) -> Floats32:
        """(n,) scores, from 0 to 1, for someone of whom nothing is known: how many took a course of late."""
        counts = self._summed()[1]
        return (counts / max(1.0, float(counts.max()))).astype(np.float32)

    def why_cold(self, best: Ints) -> list[str]:
        """The evidence for the cold ranking."""
        counts = self._summed()[1]
        return [f"taken by {counts[place]:.0f} people within a year" for place in best]

    @property
    def _taken(self) -> sparse.csr_matrix:
        return self._summed()[0]

    def _summed(self) -> tuple[sparse.csr_matrix, Floats32]:
        """Of the history at hand: who took what, and how many took each course of late; worked out once."""
        assert self.history is not None
        if getattr(self, "_summed_of", None) is not self.history:
            self._summed_of = self.history
            self._summed_up = (self.history.matrix(), recent_counts(self.history))
        return self._summed_up

    def _ready(self, k: int) -> None:
        if not hasattr(self, "catalogue"):
            raise PerfmlError("is not fitted", where=type(self).__name__, remedy="call fit(courses, enrolments) first")
        if k < 1:
            raise PerfmlError(f"k is {k}", where=type(self).__name__, remedy="ask for at least one course")

    def _as_known(self, as_of: dt.date) -> Recommender:
        """Itself where all it learnt from was known before ``as_of``, else one that learnt from what was."""
        courses, enrolments = self._given
        if enrolments is None:
            return self
        known = moments(enrolments, "enrolled_on") < pd.Timestamp(as_of)
        if "known_at" in enrolments:
            later = moments(enrolments, "known_at")
            known &= later.isna() | (later < pd.Timestamp(as_of))
        if known.all():
            return self
        if self._earlier[0] != as_of:
            self._earlier = (as_of, self.fresh().fit(courses, enrolments[known]))
        return self._earlier[1]

    def fresh(self) -> Recommender:
        """Another of the same kind and options, not fitted."""
        return type(self)()

    def _say(self, words: str) -> None:
        self.notice_ = "; ".join(filter(None, (self.notice_, words)))

    def _frame(self, parts: Sequence[tuple[Sequence[str], Ints, Floats32, Sequence[str]]]) -> pd.DataFrame:
        ids = np.array(self.catalogue.ids, dtype=object)
        flat = [place for _, best, _, _ in parts for place in best]
        made = {
            "query": [one for queries, *_ in parts for one in queries],
            "course_id": ids[np.array(flat, dtype=np.int64)].tolist(),
            "rank": np.array([r for _, best, *_ in parts for r in range(1, len(best) + 1)], dtype=np.int64),
            "score": np.array([s for _, _, scores, _ in parts for s in scores], dtype=np.float64),
            "why": [one for *_, why in parts for one in why],
        }
        return pd.DataFrame(made, columns=list(COLUMNS)).astype({"query": "str", "course_id": "str", "why": "str"})


def relative(scores: Floats32) -> Floats32:
    """Each row divided by its largest, so that the best is 1; a row without evidence stays 0."""
    most = scores.max(axis=1, keepdims=True, initial=0)
    return np.asarray(scores / np.where(most > 0, most, 1), dtype=np.float32)


def recent_counts(history: History, *, days: float = 365) -> Floats32:
    """(n,) how many people took each course within ``days`` of the newest enrolment."""
    late = history.day > history.day.max() - days
    return np.bincount(history.course[late], minlength=history.courses).astype(np.float32)


def moments(frame: pd.DataFrame, column: str) -> pd.Series[pd.Timestamp]:
    """A column of dates or moments, without a zone (UTC). Raises :class:`DataError` for what is neither."""
    values = frame[column]
    try:
        moments = pd.to_datetime(values.replace("", None) if values.dtype.kind in "OU" else values, utc=True)
    except (ValueError, TypeError) as error:
        where = f"enrolments.{column}"
        raise DataError(f"not a date ({error})", where=where, remedy="write dates as 2026-10-01") from None
    if column == "enrolled_on" and moments.isna().any():
        raise DataError("a date is missing", where=f"enrolments.{column}", remedy="every enrolment has its day")
    return moments.dt.tz_localize(None)


def _best(scores: Floats32, k: int) -> list[Ints]:
    """For each row the places of its at most ``k`` largest scores above 0, the first in the catalogue first among equals."""
    k = min(k, scores.shape[1])
    edge = np.partition(scores, scores.shape[1] - k, axis=1)[:, -k] if len(scores) else np.zeros(0)
    out = []
    for row, least in zip(scores, edge, strict=True):
        places = np.flatnonzero((row >= least) & (row > 0))
        out.append(places[np.argsort(-row[places], kind="stable")[:k]])
    return out


def _require(frame: pd.DataFrame, needed: Sequence[str], table: str) -> None:
    if absent := [name for name in needed if name not in frame]:
        raise DataError(f"no column {absent[0]!r}", where=table, remedy=f"it needs {', '.join(needed)}")


def _unread(frame: pd.DataFrame, known: Sequence[str], table: str) -> str:
    unread = [str(name) for name in frame.columns if name not in known]
    return f"columns of {table} that are not read: {', '.join(unread)}" if unread else ""


def _texts(frame: pd.DataFrame, name: str) -> tuple[str, ...]:
    if name not in frame:
        return ("",) * len(frame)
    return tuple(str(one) if isinstance(one, str) else "" for one in frame[name])


def _lists(frame: pd.DataFrame) -> tuple[tuple[str, ...], ...]:
    if "skills" not in frame:
        return ((),) * len(frame)
    out = []
    for cell in frame["skills"]:
        parts = (
            cell.split(";") if isinstance(cell, str) else cell if isinstance(cell, (list, tuple, np.ndarray)) else ()
        )
        out.append(tuple(text for one in parts if (text := str(one).strip())))
    return tuple(out)
