"""What callers of a recommender use: fit on a catalogue and a history, then rank courses for tags and for employees."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Self

import numpy as np
import pandas as pd

from perfml.advice.courses.recommenders.contract import CourseScorer
from perfml.advice.courses.recommenders.frames import (
    COURSE_COLUMNS,
    ENROLMENT_COLUMNS,
    Catalogue,
    History,
    known_before,
    unread_columns,
)
from perfml.advice.courses.recommenders.ranking import Ranked, best_courses, ranked_frame, without_taken
from perfml.arrays import Ints
from perfml.errors import PerfmlError
from perfml.messages import Language, Message, chain

BATCH = 1_000
"""People scored at a time: (1,000 × 5,000) float32 is 20 MB for each kind of evidence."""

NO_ENROLMENT = Message.of("course_no_enrolment")


class Recommender(CourseScorer):
    """A ranking of courses for tags and for employees, by the scores of a :class:`CourseScorer`."""

    notices_: tuple[Message, ...] = ()
    """After :meth:`fit`: what was left out or fell back."""
    cold_: frozenset[str] = frozenset()
    """After :meth:`for_employees`: employees without a known enrolment, who received the cold ranking."""

    def fit(self, courses: pd.DataFrame, enrolments: pd.DataFrame | None = None) -> Self:
        """Learn from ``courses`` and, where given, ``enrolments`` (tables of the input contract). Returns itself.

        Every row given counts as known. Columns outside the contract are not read, and ``notices_`` names them.
        Raises :class:`DataError` for a missing column, a repeated course, or a value that is not a date.
        """
        self._given = (courses, enrolments if enrolments is not None and len(enrolments) else None)
        self._earlier: tuple[dt.date, Recommender] = (dt.date.min, self)
        self.cold_, self.notices_ = frozenset(), ()
        catalogue, history = Catalogue.of(courses), None
        self.notices_ += unread_columns(courses, COURSE_COLUMNS, "courses")
        if enrolments is not None and len(enrolments):
            history = History.of(enrolments, catalogue)
            self.notices_ += unread_columns(enrolments, ENROLMENT_COLUMNS, "enrolments")
            if unknown := int((~enrolments["course_id"].astype(str).isin(catalogue.ids)).sum()):
                self.notices_ += (Message.of("courses_unknown", enrolments=unknown),)
        self.learn_from(catalogue, history if history is not None and len(history.person) else None)
        return self

    def for_tags(self, tags: Sequence[str], k: int = 10, *, language: Language = "en") -> pd.DataFrame:
        """At most ``k`` courses for each of ``tags``, in the order given; a tag without a suitable course has no row.

        A frame of ``query`` (the tag), ``course_id``, ``rank`` (1 is first), ``score`` in (0, 1] and ``why``, the evidence in
        ``language``. A repeated tag is answered once.
        """
        self._require_fit(k)
        ranked = []
        for tag in dict.fromkeys(map(str, tags)):
            scores = self.tag_scores(tag)
            best = best_courses(scores[None, :], k)[0]
            ranked.append(Ranked(tag, best, scores[best], self.why_tag(tag, best)))
        return ranked_frame(self.catalogue, ranked, language=language, names=self.names(language))

    def for_employees(
        self, ids: Sequence[str], k: int = 10, *, as_of: dt.date | None = None, language: Language = "en"
    ) -> pd.DataFrame:
        """At most ``k`` courses that each of ``ids`` has not taken, in the order given; the frame of :meth:`for_tags`.

        ``as_of``: only what happened and was known strictly before it counts, for everybody; where later enrolments were
        fitted, a fresh recommender is fitted on the earlier ones. An employee without a history receives the cold ranking,
        ``why`` says so, and :attr:`cold_` names them; without any enrolment there is no such ranking, and no row.
        """
        self._require_fit(k)
        if as_of is not None and (earlier := self._as_known(as_of)) is not self:
            frame = earlier.for_employees(ids, k, language=language)
            self.cold_ = earlier.cold_
            return frame
        asked = list(dict.fromkeys(map(str, ids)))
        if self.history is None:
            self.cold_ = frozenset(asked)
            return ranked_frame(self.catalogue, [], language=language)
        rows = self.history.rows_of(asked)
        self.cold_ = frozenset(employee for employee, row in zip(asked, rows, strict=True) if row < 0)
        scores = self.cold_scores()
        best = best_courses(scores[None, :], k)[0]
        why = [chain("course_also", filter(None, (NO_ENROLMENT, each))) for each in self.why_cold(best)]
        ranked = {employee: Ranked(employee, best, scores[best], why) for employee in self.cold_}
        for low in range(0, len(asked), BATCH):
            batch = rows[low : low + BATCH]
            warm = np.flatnonzero(batch >= 0)
            names = [asked[low + position] for position in warm]
            ranked |= {each.query: each for each in self._ranked_people(names, batch[warm], k)}
        return ranked_frame(
            self.catalogue,
            [ranked[employee] for employee in asked],
            language=language,
            names=self.names(language),
        )

    def fresh(self) -> Recommender:
        """Another recommender of the same kind and options, not fitted."""
        return type(self)()

    def _ranked_people(self, names: Sequence[str], rows: Ints, k: int) -> list[Ranked]:
        """The courses not yet taken by the people at ``rows`` of the history, who are called ``names``."""
        assert self.history is not None
        scores = without_taken(self.people_scores(rows), self.history.taken[rows])
        best = best_courses(scores, k)
        why = self.why_people(rows, best)
        return [
            Ranked(name, courses, mine[courses], evidence)
            for name, courses, mine, evidence in zip(names, best, scores, why, strict=True)
        ]

    def _as_known(self, as_of: dt.date) -> Recommender:
        """Itself where every fitted enrolment was known before ``as_of``, else a recommender fitted on those that were."""
        courses, enrolments = self._given
        if enrolments is None or (known := known_before(enrolments, as_of)).all():
            return self
        if self._earlier[0] != as_of:
            self._earlier = (as_of, self.fresh().fit(courses, enrolments[known]))
        return self._earlier[1]

    def _require_fit(self, k: int) -> None:
        if not hasattr(self, "catalogue"):
            raise PerfmlError("is not fitted", where=type(self).__name__, remedy="call fit(courses, enrolments) first")
        if k < 1:
            raise PerfmlError(f"k is {k}", where=type(self).__name__, remedy="ask for at least one course")
