"""The frames that recommenders read: a catalogue of n courses, and a history of enrolments of p people."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import sparse

from perfml.arrays import Floats32, Ints
from perfml.errors import DataError
from perfml.messages import Message, chain

COURSE_COLUMNS = ("course_id", "title", "summary", "skills", "level", "hours", "language", "prerequisites", "seats")
ENROLMENT_COLUMNS = ("employee_id", "course_id", "enrolled_on", "completed_on", "rating", "known_at")
"""Columns of the input contract; recommenders read some of them and refuse none."""
RECENT_DAYS = 365
"""Days before the newest enrolment within which an enrolment counts towards popularity."""


@dataclass(frozen=True)
class Catalogue:
    """The n courses, each at the same position in every field."""

    ids: tuple[str, ...]
    titles: tuple[str, ...]
    summaries: tuple[str, ...]
    skills: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, courses: pd.DataFrame) -> Catalogue:
        """From a frame with ``course_id``, ``title`` and, optionally, ``summary`` and ``skills`` (a list, or text separated by
        ``;``). Raises :class:`DataError` for a missing column, no course, or an id that is missing or repeated."""
        _require(courses, ("course_id", "title"), "courses")
        ids = courses["course_id"]
        if not len(ids):
            raise DataError("no course", where="courses", remedy="give at least one row")
        if ids.isna().any() or ids.duplicated().any():
            wrong = ids[ids.isna() | ids.duplicated()].iloc[0]
            raise DataError(f"{wrong!r} is missing or repeated", where="courses.course_id", remedy="one row a course")
        return cls(tuple(map(str, ids)), _texts(courses, "title"), _texts(courses, "summary"), _lists(courses))


@dataclass(frozen=True, kw_only=True)
class History:
    """Enrolments in the order of person, then time: one row for each (person, course), its latest enrolment."""

    people: pd.Index[str]
    """(p,) employee ids."""
    person: Ints
    """(rows,) positions in ``people``, ascending."""
    course: Ints
    """(rows,) positions in the catalogue."""
    day: Floats32
    """(rows,) days since 1970-01-01."""
    courses: int
    """n, the number of courses of the catalogue."""

    @classmethod
    def of(cls, enrolments: pd.DataFrame, catalogue: Catalogue) -> History:
        """From a frame with ``employee_id``, ``course_id`` and ``enrolled_on``. Enrolments in courses outside the catalogue
        are left out. Raises :class:`DataError` for a missing column or a value that is not a date."""
        _require(enrolments, ("employee_id", "course_id", "enrolled_on"), "enrolments")
        day = moments(enrolments, "enrolled_on").to_numpy().astype("M8[s]").astype(np.float64) / 86_400
        course = pd.Index(catalogue.ids).get_indexer(pd.Index(enrolments["course_id"].astype(str)))
        person, people = pd.factorize(enrolments["employee_id"].astype(str), sort=True)
        order = np.lexsort((course, day, person))
        order = order[course[order] >= 0]
        rows = pd.DataFrame({"person": person[order], "course": course[order], "day": day[order]})
        rows = rows.drop_duplicates(["person", "course"], keep="last")
        columns = {name: rows[name].to_numpy() for name in ("person", "course", "day")}
        return cls(people=pd.Index(people), courses=len(catalogue.ids), **columns)

    @cached_property
    def taken(self) -> sparse.csr_matrix:
        """(p, n): 1 where taken."""
        return self.matrix()

    @cached_property
    def recent_counts(self) -> Floats32:
        """(n,) people who took each course within :data:`RECENT_DAYS` of the newest enrolment."""
        late = self.day > self.day.max() - RECENT_DAYS
        return np.bincount(self.course[late], minlength=self.courses).astype(np.float32)

    def matrix(self, *, decay: float = 1.0) -> sparse.csr_matrix:
        """(p, n): 1 where taken, times ``decay`` for every course that the person took afterwards."""
        after = np.searchsorted(self.person, self.person, side="right") - 1 - np.arange(len(self.person))
        shape = (len(self.people), self.courses)
        return sparse.csr_matrix(((decay**after).astype(np.float32), (self.person, self.course)), shape=shape)

    def rows_of(self, ids: Sequence[str]) -> Ints:
        """(len(ids),) positions in ``people``; -1 for an employee without an enrolment in the catalogue."""
        row = self.people.get_indexer(pd.Index(ids, dtype=object))
        has_any = np.diff(self.taken.indptr) > 0
        return np.where((row >= 0) & has_any[row], row, -1)

    def without_last(self) -> tuple[History, Ints, Ints]:
        """The history before everybody's last enrolment; the people who have an earlier one; and their last course."""
        last = np.append(self.person[1:] != self.person[:-1], True) if len(self.person) else np.zeros(0, dtype=bool)
        has_earlier = np.bincount(self.person, minlength=len(self.people))[self.person] > 1
        before = History(
            people=self.people,
            person=self.person[~last],
            course=self.course[~last],
            day=self.day[~last],
            courses=self.courses,
        )
        return before, self.person[last & has_earlier], self.course[last & has_earlier]


def known_before(enrolments: pd.DataFrame, as_of: dt.date) -> pd.Series[bool]:
    """Which enrolments happened, and were known, strictly before ``as_of``."""
    known = moments(enrolments, "enrolled_on") < pd.Timestamp(as_of)
    if "known_at" in enrolments:
        known_at = moments(enrolments, "known_at")
        known &= known_at.isna() | (known_at < pd.Timestamp(as_of))
    return known


def moments(frame: pd.DataFrame, column: str) -> pd.Series[pd.Timestamp]:
    """A column of dates or moments, without a zone (UTC). Raises :class:`DataError` for a value that is neither."""
    values = frame[column]
    try:
        moments = pd.to_datetime(values.replace("", None) if values.dtype.kind in "OU" else values, utc=True)
    except (ValueError, TypeError) as error:
        where = f"enrolments.{column}"
        raise DataError(f"not a date ({error})", where=where, remedy="write dates as 2026-10-01") from None
    if column == "enrolled_on" and moments.isna().any():
        raise DataError("a date is missing", where=f"enrolments.{column}", remedy="every enrolment has its day")
    return moments.dt.tz_localize(None)


def unread_columns(frame: pd.DataFrame, known: Sequence[str], table: str) -> tuple[Message, ...]:
    """The notice that names the columns outside the contract, if there are any."""
    unread = [str(name) for name in frame.columns if name not in known]
    return (Message.of("columns_not_read", table=table, columns=chain("listed", unread)),) if unread else ()


def _require(frame: pd.DataFrame, needed: Sequence[str], table: str) -> None:
    if absent := [name for name in needed if name not in frame]:
        raise DataError(f"no column {absent[0]!r}", where=table, remedy=f"it needs {', '.join(needed)}")


def _texts(frame: pd.DataFrame, name: str) -> tuple[str, ...]:
    if name not in frame:
        return ("",) * len(frame)
    return tuple(str(cell) if isinstance(cell, str) else "" for cell in frame[name])


def _lists(frame: pd.DataFrame) -> tuple[tuple[str, ...], ...]:
    if "skills" not in frame:
        return ((),) * len(frame)
    out = []
    for cell in frame["skills"]:
        parts = (
            cell.split(";") if isinstance(cell, str) else cell if isinstance(cell, (list, tuple, np.ndarray)) else ()
        )
        out.append(tuple(text for part in parts if (text := str(part).strip())))
    return tuple(out)
