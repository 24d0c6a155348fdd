"""The facts of a date, read from the data: by rules that anybody can check, never from scores."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa

from perfml.evidence.snapshots import KNOWN, make_snapshots, visible
from perfml.evidence.sources import Data
from perfml.messages import Message, render
from perfml.outgoing.facts.rows import BETWEEN, SCHEMAS, FactRow

FEED: Mapping[str, str] = {
    "praise": "recognition",
    "course_done": "course_finished",
    "milestone_done": "milestone_reached",
}
"""Kind of the log → kind of an event of the feed."""
MONTH_DAYS = 365.25 / 12
NEW_DAYS = 90
"""People hired so shortly before the end of a period have no open review for it."""


def eligibility(data: Data, as_of: dt.date) -> pa.Table:
    """For everybody who wants to be considered, each opening: eligible, or not yet, because …; nothing without the tables."""
    make_snapshots(data, [as_of])
    if not (data.has("openings") and data.has("opening_interest")):
        return SCHEMAS["eligibility"].empty_table()
    finished = _finished(data)
    rows = data.connection.sql(
        f"""
        with interest as (
          select employee_id, opening_id, interested from {KNOWN}.opening_interest
          qualify row_number() over (partition by employee_id, opening_id order by stated_on desc) = 1
        ), openings as (
          select * from {KNOWN}.openings where closes_on is null or closes_on >= date '{as_of}'
          qualify row_number() over (partition by opening_id order by opened_on desc) = 1
        )
        select p.employee_id, o.opening_id, o.title, o.least_level, o.least_months, o.skills, o.courses, p.level,
          date_diff('day', s.since, date '{as_of}') as days, r.employee_id is not null as open_review
        from openings o join temp.people p on true
        left join interest own on own.employee_id = p.employee_id and own.opening_id = o.opening_id
        left join interest every on every.employee_id = p.employee_id and every.opening_id = '*'
        left join ({_since(data)}) s on s.employee_id = p.employee_id
        left join ({_open_reviews(data)}) r on r.employee_id = p.employee_id
        where coalesce(own.interested, every.interested, false) order by o.opening_id, p.employee_id"""
    ).to_arrow_table()
    out = []
    for row in rows.to_pylist():
        why = list(_missing(row, *finished.get(row["employee_id"], (frozenset(), frozenset()))))
        texts = {
            f"because_{name}": mark.join(render(each, name) for each in why) or None for name, mark in BETWEEN.items()
        }
        missing = ";".join(dict.fromkeys(each.code.removeprefix("opening_") for each in why)) or None
        named = {name: row[name] for name in ("employee_id", "opening_id", "title")}
        out.append({**named, "state": "not_yet" if why else "eligible", "missing": missing, **texts})
    return pa.Table.from_pylist(out, schema=SCHEMAS["eligibility"])


def _missing(row: FactRow, courses: frozenset[str], skills: frozenset[str]) -> Iterable[Message]:
    months = int(float(str(row["days"] or 0)) / MONTH_DAYS)
    if row["least_months"] is not None and months < int(str(row["least_months"])):
        yield Message.of("opening_months", months=months, needed=int(str(row["least_months"])))
    if row["least_level"] is not None and (
        row["level"] is None or int(str(row["level"])) < int(str(row["least_level"]))
    ):
        yield Message.of("opening_level", needed=int(str(row["least_level"])))
    for skill in _texts(row["skills"]):
        if skill not in skills:
            yield Message.of("opening_skill", skill=skill)
    for course in _texts(row["courses"]):
        if course not in courses:
            yield Message.of("opening_course", course=course)
    if row["open_review"]:
        yield Message.of("opening_review")


def _texts(value: object) -> Sequence[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


def _finished(data: Data) -> dict[str, tuple[frozenset[str], frozenset[str]]]:
    """Employee → courses finished, and skills that these teach."""
    if not data.has("enrolments"):
        return {}
    teach: dict[str, list[str]] = {}
    if data.has("courses"):
        teach = {
            name: list(skills or ())
            for name, skills in data.connection.sql("select course_id, skills from courses").fetchall()
        }
    done: dict[str, set[str]] = {}
    query = f"select employee_id, course_id from {KNOWN}.enrolments where completed_on is not null"
    for person, course in data.connection.sql(query).fetchall():
        done.setdefault(person, set()).add(course)
    return {
        person: (frozenset(courses), frozenset(skill for course in courses for skill in teach.get(course, ())))
        for person, courses in done.items()
    }


def _since(data: Data) -> str:
    """Since when everybody has held their position; another manager is no other position."""
    if not data.has("positions"):
        return "select employee_id, hired_on as since from temp.people"
    return f"""
      select p.employee_id, max(greatest(p.effective_on, e.hired_on)) as since from (
        select employee_id, effective_on, (department, role_family, level) is distinct from lag((department, role_family, level))
          over (partition by employee_id order by effective_on) as moved from {KNOWN}.positions
      ) p join temp.people e on e.employee_id = p.employee_id where p.moved group by p.employee_id"""


def _open_reviews(data: Data) -> str:
    """Whose newest period of reviews, one for which others have theirs, has none yet."""
    if not data.has("reviews"):
        return "select null::text as employee_id where false"
    return f"""
      select p.employee_id from temp.people p, (select max(period_end) as newest from {KNOWN}.reviews) n
      where p.hired_on <= n.newest - {NEW_DAYS}
        and exists (select 1 from {KNOWN}.reviews r where r.employee_id = p.employee_id)
        and not exists (select 1 from {KNOWN}.reviews r where r.employee_id = p.employee_id and r.period_end >= n.newest)"""


def ratings(data: Data, as_of: dt.date, *, definition_version: int) -> pa.Table:
    """Every rating as known, in its newest version, with the scale, and how many versions were known by then."""
    make_snapshots(data, [as_of])
    scale = data.specs["reviews"].scale if data.has("reviews") else None
    if not data.has("reviews"):
        return SCHEMAS["ratings"].empty_table()
    query = f"""
      select r.review_id, r.employee_id, r.period_start, r.period_end, r.reviewed_on, r.rating,
        {scale.worst if scale else "null"}::double as scale_worst, {scale.best if scale else "null"}::double as scale_best,
        {definition_version}::bigint as definition_version,
        (select count(*) from main.reviews v where v.review_id = r.review_id and v.usable_day < date '{as_of}') as row_version,
        'settled' as state
      from {KNOWN}.reviews r order by r.review_id"""
    return data.connection.sql(query).to_arrow_table().cast(SCHEMAS["ratings"])


def events(data: Data, as_of: dt.date, *, before: Iterable[FactRow]) -> pa.Table:
    """The feed: recognition received, courses finished, milestones reached, each once under an id that follows from the fact.

    What was corrected, or stands in the feed ``before`` and no longer in the data, is retracted by an event of its own.
    """
    make_snapshots(data, [as_of])
    now, replaced = (
        _facts(data, versions) for versions in (visible("e"), f"e.usable_day < a.as_of and not ({visible('e')})")
    )
    added = {row["fact_id"]: row for row in now}
    past = {str(row["fact_id"]): dict(row) for row in [*before, *replaced] if row.get("action", "added") == "added"}
    lost = {fact_id: row for fact_id, row in past.items() if fact_id not in added}
    out = [*now, *lost.values()]
    for fact_id, row in lost.items():
        retraction = {**row, "fact_id": _id("retracted", fact_id), "action": "retracted", "retracts": fact_id}
        out.append({**retraction, "known_on": row.get("until") or as_of - dt.timedelta(days=1)})
    old = {str(row["retracts"]): dict(row) for row in before if row.get("action") == "retracted"}
    out = [old.get(str(row.get("retracts")), row) for row in out]
    unique = {row["fact_id"]: row for row in out}
    ordered = sorted(unique.values(), key=lambda row: (row["known_on"], row["happened_on"], row["fact_id"]))
    named = [{name: row.get(name) for name in SCHEMAS["events"].names} for row in ordered]
    return pa.Table.from_pylist(named, schema=SCHEMAS["events"])


def _facts(data: Data, versions: str) -> list[dict[str, object]]:
    """Facts of the log of these versions; whoever gave recognition is not named."""
    if not data.has("events"):
        return []
    kinds = ", ".join(f"'{kind}'" for kind in FEED)
    rows = data.connection.sql(
        f"""
        select case when e.kind = 'praise' then e.counterpart_id else e.employee_id end as employee_id, e.kind, e.event_id,
          e.happened_at, e.happened_day, e.usable_day, e.superseded_day, e.employee_id as by_id, row_number() over (
            partition by e.employee_id, e.kind, e.happened_at, e.counterpart_id, e.event_id order by e.usable_day
          ) as again
        from main.events e, temp.asofs a where {versions} and e.kind in ({kinds})
          and (e.kind <> 'praise' or e.counterpart_id <> e.employee_id)
        order by all"""
    ).fetchall()
    facts = []
    for person, kind, event_id, moment, day, usable, until, by, again in rows:
        own = (event_id,) if event_id is not None else (moment.isoformat(), by, str(again))
        facts.append(
            {
                "fact_id": _id(FEED[kind], person, *own),
                "employee_id": person,
                "kind": FEED[kind],
                "action": "added",
                "reference": event_id,
                "happened_on": day,
                "known_on": usable,
                "until": until,
            }
        )
    return facts


def _id(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]
