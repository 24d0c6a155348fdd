"""The simulated company in the form of the input contract: one Arrow table per contract table.

Facts not known before the end of the simulation are left out. `known_at` is empty for a fact known the moment it
happened.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from perfml.arrays import Floats, Ints, Objects
from perfml.demo import growth
from perfml.demo.activity import KINDS, SOURCES, ActivityLog
from perfml.demo.conversations import DONE, KIND, NOT_OFFERED, OFFERED, OUTCOMES, Conversations
from perfml.demo.goals import METRICS, SIGNALS, Goals, calendar
from perfml.demo.lives import DEPARTMENTS, EXIT_KINDS, LOCATIONS, ROLES, Lives
from perfml.demo.planted.programme import KIND as PROGRAMME
from perfml.demo.planted.programme import Programme
from perfml.demo.shock import DEMAND

DAY: Final = 86_400
KNOWN_LATE_SHARE: Final = 0.02
WITHOUT_ID_SHARE: Final = 0.05
SURNAMES: Final = tuple("王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕")
GIVEN: Final = (
    "伟", "芳", "娜", "敏", "静", "秀英", "丽", "强", "磊", "洋", "艳", "勇", "军", "杰", "娟", "涛", "明", "超", "秀兰", "霞",
    "平", "刚", "桂英", "文", "辉", "玲", "建华", "红", "鹏", "雪", "晨", "宇轩", "子涵", "欣怡", "浩然", "思远", "雨桐", "嘉怡",
    "志强", "海燕", "晓东", "慧敏",
)  # fmt: skip
NIGHTLY_LOAD: Final = 23 * 3_600 + 1_800
"""Second of the day when the day's events become known."""


def identities(lives: Lives, rng: np.random.Generator) -> NDArray[np.str_]:
    """An opaque id for each person, in random order."""
    return np.array([f"E{number:05d}" for number in 10_000 + rng.permutation(9 * lives.people)[: lives.people]])


def days(day: Ints) -> pa.Array:
    """Days since 1970-01-01 as dates; negative is null."""
    return pa.array(day.astype("datetime64[D]"), mask=day < 0)


def moments(second: Ints) -> pa.Array:
    """Seconds since 1970-01-01 as timestamps in microseconds, UTC without a zone; negative is null."""
    return pa.array((second * 1_000_000).astype("datetime64[us]"), mask=second < 0)


def names(labels: NDArray[np.str_] | tuple[str, ...], index: Ints) -> pa.Array:
    """The labels at `index` as text; -1 is null."""
    return pa.array(list(labels), pa.string()).take(pa.array(index, mask=index < 0))


def serials(prefix: str, number: Ints) -> pa.Array:
    """Ids such as `g000012`; -1 is null."""
    digits = pc.utf8_lpad(pc.cast(pa.array(number, mask=number < 0), pa.string()), 7, "0")
    return pc.binary_join_element_wise(prefix, digits, "")


def numbers(value: Floats) -> pa.Array:
    """Doubles; NaN is null."""
    return pa.array(value, mask=np.isnan(value))


def late(day: Ints, rng: np.random.Generator) -> Ints:
    """Seconds at which facts of each `day` became known: -1 (at once), or for a few a morning 1 to 9 days later."""
    delayed = rng.random(len(day)) < KNOWN_LATE_SHARE
    return np.where(delayed, (day + rng.integers(1, 10, len(day))) * DAY + 28_800, -1)


def employees(lives: Lives, ids: NDArray[np.str_]) -> pa.Table:
    """Everybody ever employed, with a made-up name and the two protected attributes."""
    who = np.argsort(ids)
    number = who * 7_919  # a name follows from the person, and takes no random number
    return pa.table(
        {
            "employee_id": names(ids, who),
            "hired_on": days(lives.hired[who]),
            "name": pc.binary_join_element_wise(
                names(SURNAMES, number % len(SURNAMES)), names(GIVEN, number // len(SURNAMES) % len(GIVEN)), ""
            ),
            "gender": names(("female", "male"), lives.gender[who]),
            "birth_year": lives.born[who],
        }
    )


def positions(lives: Lives, ids: NDArray[np.str_], rng: np.random.Generator) -> pa.Table:
    """One row per change of manager, department, role, level or location."""
    who, day, manager, department, role, level, location = map(np.concatenate, zip(*lives.positions, strict=True))
    known = late(day, rng)
    known[day < lives.start] = -1
    table = pa.table(
        {
            "employee_id": names(ids, who),
            "effective_on": days(day),
            "manager_id": names(ids, manager),
            "department": names(tuple(DEPARTMENTS), department),
            "role_family": names(ROLES, role),
            "level": level,
            "location": names(LOCATIONS, location),
            "known_at": moments(known),
        }
    )
    return table.filter(known < lives.end * DAY)


def exits(lives: Lives, ids: NDArray[np.str_], rng: np.random.Generator) -> pa.Table:
    """One row per exit."""
    who = np.flatnonzero(lives.exited < lives.end)
    who = who[np.argsort(lives.exited[who], kind="stable")]
    known = late(lives.exited[who], rng)
    table = pa.table(
        {
            "employee_id": names(ids, who),
            "exited_on": days(lives.exited[who]),
            "kind": names(EXIT_KINDS, lives.exit_kind[who]),
            "known_at": moments(known),
        }
    )
    return table.filter(known < lives.end * DAY)


def events(
    lives: Lives, log: ActivityLog, ids: NDArray[np.str_], *, rng: np.random.Generator, first: int = 0
) -> pa.Table:
    """The behaviour log, numbered from `first`. Most rows are known with the nightly load, a few some days later; some have
    neither id nor load time."""
    count, day = len(log.person), log.second // DAY
    late_by = np.where(rng.random(count) < KNOWN_LATE_SHARE, rng.integers(1, 10, count), 0)
    known = (day + late_by) * DAY + NIGHTLY_LOAD
    bare = rng.random(count) < WITHOUT_ID_SHARE
    known[bare] = -1
    sources = np.array([SOURCES.get(kind, "oa") for kind in KINDS])
    table = pa.table(
        {
            "employee_id": names(ids, log.person),
            "happened_at": moments(log.second),
            "kind": names(KINDS, log.kind),
            "value": numbers(log.value),
            "counterpart_id": names(ids, log.counterpart),
            "event_id": serials("e", np.where(bare, -1, first + np.arange(count))),
            "source": names(sources, log.kind),
            "known_at": moments(known),
        }
    )
    return table.filter(known < lives.end * DAY)


def reviews(
    lives: Lives, named: tuple[Ints, Ints], ids: NDArray[np.str_], *, rng: np.random.Generator
) -> dict[str, pa.Table]:
    """`reviews`, known some days after the talk, and the `gap_tags` from their comments: up to two per review, `named`."""
    who, reviewer, first, last, reviewed, rating = map(np.concatenate, zip(*lives.reviews, strict=True))
    first_gap, second_gap = named
    known = (reviewed + rng.integers(1, 7, len(who))) * DAY + 36_000
    number = np.arange(len(who))
    table = pa.table(
        {
            "review_id": serials("r", number),
            "employee_id": names(ids, who),
            "reviewer_id": names(ids, reviewer),
            "period_start": days(first),
            "period_end": days(last),
            "reviewed_on": days(reviewed),
            "rating": rating.astype(np.float64),
            "comment": growth.comments(rating, first_gap, second_gap, rng=rng),
            "known_at": moments(known),
        }
    )
    row, gap = np.concatenate([number, number]), np.concatenate([first_gap, second_gap])
    row, gap = row[gap >= 0], gap[gap >= 0]
    tags = pa.table(
        {
            "employee_id": names(ids, who[row]),
            "tag": names(tuple(tag for tag, _, _ in growth.GAPS), gap),
            "noted_on": days(reviewed[row]),
            "review_id": serials("r", row),
            "quote": names(tuple(quote for _, _, quote in growth.GAPS), gap),
            "known_at": moments(known[row]),
        }
    )
    until = lives.end * DAY
    return {"reviews": table.filter(known < until), "gap_tags": tags.filter(known[row] < until)}


def goals(lives: Lives, entries: Goals, ids: NDArray[np.str_], *, parent: Objects) -> pa.Table:
    """The ledger: the first version of every goal, and a second one if its target was revised; `parent`: the id above each."""
    again = np.flatnonzero(entries.revised >= 0)
    row = np.concatenate([np.arange(len(entries.person)), again])
    later = np.arange(len(row)) >= len(entries.person)
    metric = 3 * lives.role[entries.person] + entries.slot
    labels = [name for role in ROLES for name, _, _ in METRICS[role]]
    units = [unit for role in ROLES for _, unit, _ in METRICS[role]]
    return pa.table(
        {
            "goal_id": serials("g", row),
            "employee_id": names(ids, entries.person[row]),
            "metric": names(tuple(labels), metric[row]),
            "core": entries.core[row],
            "weight": entries.weight[row],
            "target": np.where(later, entries.revised_target[row], entries.target[row]),
            "unit": names(tuple(units), metric[row]),
            "period_start": days(entries.first[row]),
            "period_end": days(entries.last[row]),
            "effective_on": days(np.where(later, entries.revised[row], entries.effective[row])),
            "parent_goal_id": pa.array(parent[row], pa.string()),
            "scope": names(LOCATIONS, entries.location[row]),
            "known_at": moments(np.full(len(row), -1)),
        }
    )


def progress(
    lives: Lives, measured: tuple[Ints, Ints, Floats], rng: np.random.Generator, *, first: int = 0
) -> pa.Table:
    """Measurements at the end of a working day, known the next morning or some days later; goals are numbered from `first`."""
    goal, day, actual = measured
    late_by = np.where(rng.random(len(day)) < KNOWN_LATE_SHARE, rng.integers(2, 10, len(day)), 1)
    known = (day + late_by) * DAY + 28_800
    columns = {"goal_id": serials("g", first + goal), "measured_at": moments(day * DAY + 64_800), "actual": actual}
    return pa.table({**columns, "known_at": moments(known)}).filter(known < lives.end * DAY)


def signals(lives: Lives, values: Floats, demanded: Floats) -> pa.Table:
    """The market by month and location (the last of `values`: one for all), published on the 12th of the following month."""
    months = np.array([first for first, _ in calendar(lives.start, lives.end, 1)])
    name, month, location = (index.ravel() for index in np.indices((len(values) + 1, *demanded.shape)))
    everywhere = name == len(SIGNALS) - 1
    known = (months[month] + 42) * DAY + 32_400
    table = pa.table(
        {
            "name": names((*SIGNALS, DEMAND), name),
            "scope": names(LOCATIONS, np.where(everywhere, -1, location)),
            "month": days(months[month]),
            "value": np.concatenate([values.ravel(), demanded.ravel()]),
            "known_at": moments(known),
        }
    )
    return table.filter((known < lives.end * DAY) & ~(everywhere & (location > 0)))


def interventions(lives: Lives, talks: Conversations, ids: NDArray[np.str_]) -> pa.Table:
    """Offers of conversations, and random hold-outs. An answer is a second row with the same key, known the day after."""
    answered = np.flatnonzero(talks.answered >= 0)
    row = np.concatenate([np.arange(len(talks.person)), answered])
    later = np.arange(len(row)) >= len(talks.person)
    held_out, done = talks.status[row] == NOT_OFFERED, later & (talks.status[row] == DONE)
    status = np.where(held_out, -1, np.where(later, talks.status[row], OFFERED) - 1)
    known = np.where(later, (talks.answered[row] + 1) * DAY + 28_800, talks.offered[row] * DAY + 64_800)
    table = pa.table(
        {
            "employee_id": names(ids, talks.person[row]),
            "offered_on": days(talks.offered[row]),
            "kind": pa.array([KIND] * len(row), pa.string()),
            "status": names(("offered", "refused", "done"), status),
            "done_on": days(np.where(done, talks.answered[row], -1)),
            "outcome": names(OUTCOMES, np.where(done, talks.outcome[row], -1)),
            "random": talks.random[row],
            "hold_out": held_out,
            "known_at": moments(known),
        }
    )
    return table.filter(known < lives.end * DAY)


def programmes(programme: Programme, *, end: int) -> pa.Table:
    """One row per unit that has started a programme before `end`."""
    department, location = np.nonzero(programme.start < end)
    return pa.table(
        {
            "kind": pa.array([PROGRAMME] * len(department), pa.string()),
            "department": names(tuple(DEPARTMENTS), department),
            "location": names(LOCATIONS, location),
            "starts_on": days(programme.start[department, location]),
            "random": pa.array([programme.random] * len(department)),
        }
    )


def enrolments(lives: Lives, taken: growth.Taken, ids: NDArray[np.str_]) -> pa.Table:
    """One row per enrolment. A completion is a second row with the same key, known on the same day."""
    person, course, day, done, rating = taken
    completed = np.flatnonzero(done >= 0)
    row = np.concatenate([np.arange(len(person)), completed])
    later = np.arange(len(row)) >= len(person)
    known = np.where(later, done[row], day[row]) * DAY + NIGHTLY_LOAD
    return pa.table(
        {
            "employee_id": names(ids, person[row]),
            "course_id": names(tuple(str(course_id) for course_id in growth.courses()["course_id"]), course[row]),
            "enrolled_on": days(day[row]),
            "completed_on": days(np.where(later, done[row], -1)),
            "rating": numbers(np.where(later, rating[row], np.nan)),
            "known_at": moments(known),
        }
    )
