"""The people and the courses that the rules are applied to, read from the company's tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from perfml.advice.courses.rules import Course, Person
from perfml.advice.courses.tags import known_rows
from perfml.arrays import Bools
from perfml.errors import DefinitionError
from perfml.evidence.snapshots import make_snapshots
from perfml.evidence.sources import Data
from perfml.project.course_policy import CoursePolicy

_ENROLMENT_COLUMNS = ("employee_id", "course_id", "enrolled_on", "completed_on")


def people_for_courses(data: Data, policy: CoursePolicy, as_of: dt.date) -> dict[str, Person]:
    """Everyone employed at ``as_of``."""
    make_snapshots(data, [as_of])
    rows = data.connection.execute("select employee_id, level, location from temp.people").fetchall()
    taken = known_rows(data, "enrolments", columns=_ENROLMENT_COLUMNS, as_of=as_of)
    done = taken[taken["completed_on"].notna() & (taken["completed_on"] < pd.Timestamp(as_of))]
    completed = done.groupby("employee_id")["course_id"].agg(frozenset).to_dict()
    now = _running(data, policy, as_of)
    running = now.groupby("employee_id")["course_id"].agg(frozenset).to_dict()
    busy = now.groupby("employee_id")["hours"].sum().to_dict()
    nothing: frozenset[str] = frozenset()
    return {
        person: Person(
            employee_id=person,
            languages=policy.languages_at(location),
            level=policy.course_level(level),
            completed=completed.get(person, nothing),
            running=running.get(person, nothing),
            hours=policy.hours_per_quarter - busy.get(person, 0.0),
        )
        for person, level, location in rows
    }


def courses_to_offer(data: Data, policy: CoursePolicy, as_of: dt.date, *, catalogue: pd.DataFrame) -> dict[str, Course]:
    """The courses of the ``catalogue`` by id, with the seats that are left; the median hours where a course gives none."""
    seats = _running(data, policy, as_of).groupby("course_id").size()
    median_hours = _median_hours(data)
    return {
        row["course_id"]: _course(row, int(seats.get(row["course_id"], 0)), median_hours)
        for row in catalogue.to_dict("records")
    }


def _running(data: Data, policy: CoursePolicy, as_of: dt.date) -> pd.DataFrame:
    """Enrolments under way, neither completed nor older than ``running_days``, with the hours of each course."""
    taken = known_rows(data, "enrolments", columns=_ENROLMENT_COLUMNS, as_of=as_of)
    since = pd.Timestamp(as_of) - pd.Timedelta(days=policy.running_days)
    finished = taken["completed_on"].notna() & (taken["completed_on"] < pd.Timestamp(as_of))
    now = taken[~finished & (taken["enrolled_on"] >= since)].drop_duplicates(["employee_id", "course_id"])
    ended = pd.MultiIndex.from_frame(taken[finished][["employee_id", "course_id"]])
    now = now[~pd.MultiIndex.from_frame(now[["employee_id", "course_id"]]).isin(ended)]
    hours = dict(data.connection.execute("select course_id, hours from main.courses").fetchall())
    return now.assign(hours=now["course_id"].map(hours).astype(float).fillna(_median_hours(data)))


def in_scope(data: Data, policy: CoursePolicy, *, file: str) -> Bools:
    """Which rows of the catalogue, by course_id, the policy suggests. Raises :class:`DefinitionError` where none is."""
    where = policy.courses_where or "true"
    try:
        query = f"select coalesce(({where})::boolean, false) as yes from main.courses order by course_id"
        suggested = np.asarray(data.connection.execute(query).fetchnumpy()["yes"], dtype=bool)
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        problem, remedy = f"{where!r} does not run ({reason})", "write a condition on the columns of courses"
        raise DefinitionError(problem, where=f"{file} [courses_where]", remedy=remedy) from None
    if not suggested.any():
        raise DefinitionError(
            f"{where!r} is true of no course", where=f"{file} [courses_where]", remedy="correct the condition"
        )
    return suggested


def _median_hours(data: Data) -> float:
    """The median of the hours that the catalogue gives; 0 where it gives none, and hours are then no limit."""
    ((median,),) = data.connection.execute("select coalesce(median(hours), 0) from main.courses").fetchall()
    return float(median)


def _course(row: Mapping[Any, Any], running: int, median_hours: float) -> Course:
    given = {name: None if _missing(row[name]) else row[name] for name in ("language", "level", "hours", "seats")}
    needs = row["prerequisites"]
    return Course(
        course_id=row["course_id"],
        title=row["title"],
        language=None if given["language"] is None else _language(str(given["language"])),
        level=None if given["level"] is None else int(given["level"]),
        hours=median_hours if given["hours"] is None else float(given["hours"]),
        prerequisites=tuple(needs) if isinstance(needs, list | tuple | np.ndarray) else (),
        seats_left=np.inf if given["seats"] is None else int(given["seats"]) - running,
        hours_known=given["hours"] is not None,
    )


def _language(code: str) -> str:
    """The language code without its country.

    >>> _language("zh-CN"), _language("EN_us")
    ('zh', 'en')
    """
    return code.strip().lower().replace("_", "-").split("-")[0]


def _missing(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value))
