"""Small random companies, and the same company with another future: for :mod:`tests.test_no_future`.

Everything is text, as in the files. ``T`` is the as-of date; a row lies in the future when it happened or became known
at or after the midnight with which ``T`` begins.
"""

from __future__ import annotations

import datetime as dt
from random import Random

from hypothesis import strategies as st

Row = dict[str, str]
Tables = dict[str, list[Row]]

HAPPENED = {
    "employees": "hired_on",
    "positions": "effective_on",
    "exits": "exited_on",
    "events": "happened_at",
    "reviews": "reviewed_on",
    "gap_tags": "noted_on",
    "goals": "effective_on",
    "progress": "measured_at",
    "signals": "month",
    "enrolments": "enrolled_on",
    "deliveries": "business_date",
    "facts": "business_date",
}
"""The column of each table that says when a row happened. ``courses`` has none and stays as it is."""
KINDS = ("login", "praise", "feedback_given", "overtime", "代码评审", 'say "hi"')
NEW_KINDS = ("brand_new", "praise", "登录", "it's", "events")
JUNK = ("", "x", "NaN", "-1", "1e30", "2024-02-30", "绩效", '"', "a;b", "e0", "e99")


@st.composite
def futures(draw: st.DrawFn) -> tuple[Tables, Tables, dt.date]:
    """(before, after, T): two companies that differ in the future of ``T`` alone, in any way it may differ."""
    rng = Random(draw(st.integers(0, 2**32 - 1), label="seed"))
    as_of = dt.date(2024, 6, 1) + dt.timedelta(days=rng.randrange(400))
    before = company(rng, as_of)
    return before, other_future(rng, before, as_of), as_of


def company(rng: Random, as_of: dt.date) -> Tables:
    """A dozen people over two years around ``as_of``, with some rows that are late, corrected, planned or broken."""
    people = [f"e{i}" for i in range(rng.randint(9, 13))]
    days = _Days(rng, as_of)
    tables: Tables = {name: [] for name in HAPPENED}
    for person in people:
        tables["employees"].append({"employee_id": person, "hired_on": days.day(-900, 40), "gender": rng.choice("fm")})
    for name, count in COUNTS.items():
        for _ in range(count):
            tables[name].append(ROWS[name](rng, days, people))
    for name in ("positions", "events", "reviews", "goals", "progress", "enrolments"):
        for row in rng.sample(tables[name], 3):
            tables[name].append(row | {"known_at": days.moment(-200, 60)} | _changed(rng, name, row, days, people))
    tables["courses"] = [{"course_id": f"c{i}", "title": "SQL", "skills": "sql;数据"} for i in range(3)]
    return tables


def other_future(rng: Random, tables: Tables, as_of: dt.date) -> Tables:
    """``tables`` with every future row kept, dropped, altered or broken, and with new ones."""
    days, people = _Days(rng, as_of), [row["employee_id"] for row in tables["employees"]]
    people += ["e99", "员工"]
    after: Tables = {}
    for name, rows in tables.items():
        after[name] = []
        for row in rows:
            if not is_future(name, row, as_of):
                late = name == "enrolments" and row["completed_on"] >= as_of.isoformat()
                after[name].append(row | ({"completed_on": rng.choice(["", days.day(0, 300)])} if late else {}))
            elif (fate := rng.randrange(4)) == 0:
                after[name].append(row)
            elif fate > 1:
                after[name] += _future_only([_changed_row(rng, name, row, days, people)], name, as_of)
        if name in HAPPENED:
            added = [_added(rng, name, rows, days, people) for _ in range(rng.randint(0, 12))]
            after[name] += _future_only(added, name, as_of)
        rng.shuffle(after[name])
    return after


def is_future(name: str, row: Row, as_of: dt.date) -> bool:
    """Whether the row happened or became known at or after ``as_of``."""
    if name not in HAPPENED:
        return False
    moments = [row[HAPPENED[name]], row.get("known_at", "")]
    return any(moment >= as_of.isoformat() for moment in moments if moment)


def _future_only(rows: list[Row], name: str, as_of: dt.date) -> list[Row]:
    return [row for row in rows if is_future(name, row, as_of)]


class _Days:
    """Random days and moments around the as-of date, often at its very edge."""

    def __init__(self, rng: Random, as_of: dt.date) -> None:
        self.rng, self.as_of = rng, as_of

    def day(self, low: int, high: int) -> str:
        offset = self.rng.randint(low, high)
        if low <= -1 and high >= 1 and self.rng.random() < 0.2:
            offset = self.rng.choice([-92, -91, -1, 0, 1] if low < -92 else [-1, 0, 1])
        return (self.as_of + dt.timedelta(days=offset)).isoformat()

    def moment(self, low: int, high: int) -> str:
        time = self.rng.choice(["00:00:00", "12:30:00", "23:59:59.999999"])
        return f"{self.day(low, high)} {time}"

    def known(self, low: int = -300, high: int = 60) -> str:
        return self.moment(low, high) if self.rng.random() < 0.3 else ""


def _position(rng: Random, days: _Days, people: list[str]) -> Row:
    return {
        "employee_id": rng.choice([*people, *people[:5], "e99"]),
        "effective_on": days.day(-700, 60),
        "manager_id": rng.choice([*people[:5], "", "boss"]),
        "department": rng.choice(["sales", "研发", ""]),
        "role_family": rng.choice(["engineer", "seller"]),
        "level": rng.choice(["1", "2", "3", ""]),
        "known_at": days.known(),
    }


def _exit(rng: Random, days: _Days, people: list[str]) -> Row:
    return {
        "employee_id": rng.choice([*people, "e99", "e99", "e99"]),
        "exited_on": days.day(-300, 60),
        "kind": rng.choice(["voluntary", "involuntary", "other", "away"]),
        "known_at": days.known(),
    }


def _event(rng: Random, days: _Days, people: list[str]) -> Row:
    return {
        "employee_id": rng.choice(people),
        "happened_at": days.moment(-420, 60),
        "kind": rng.choice(KINDS),
        "value": rng.choice(["", f"{rng.randint(-500, 500) / 100}"]),
        "counterpart_id": rng.choice([*people, "outsider", "", ""]),
        "event_id": rng.choice(["", f"v{rng.randrange(200)}"]),
        "known_at": days.known(),
    }


def _review(rng: Random, days: _Days, people: list[str]) -> Row:
    day = days.day(-600, 60)
    return {
        "review_id": f"r{rng.randrange(60)}",
        "employee_id": rng.choice(people),
        "reviewer_id": rng.choice([*people, ""]),
        "period_end": day,
        "reviewed_on": day,
        "rating": rng.choice(["1", "2.5", "3", "4", "5", "9"]),
        "known_at": days.known(),
    }


def _goal(rng: Random, days: _Days, people: list[str]) -> Row:
    number = rng.randrange(12)
    return {
        "goal_id": f"g{number}",
        "employee_id": people[number % len(people)],
        "metric": "sales",
        "core": rng.choice(["true", "false"]),
        "weight": rng.choice(["30", "70", "100", "-1"]),
        "target": rng.choice(["10", "7.5", "3"]),
        "period_start": days.day(-300, -100),
        "period_end": days.day(-90, 200),
        "effective_on": days.day(-320, 60),
        "known_at": days.known(),
    }


def _progress(rng: Random, days: _Days, people: list[str]) -> Row:
    return {
        "goal_id": f"g{rng.randrange(12)}",
        "measured_at": days.moment(-250, 60),
        "actual": f"{rng.randint(0, 1200) / 100}",
        "known_at": days.known(),
    }


def _enrolment(rng: Random, days: _Days, people: list[str]) -> Row:
    enrolled = days.day(-400, 60)
    completed = (dt.date.fromisoformat(enrolled) + dt.timedelta(days=rng.randint(0, 150))).isoformat()
    return {
        "employee_id": rng.choice(people),
        "course_id": f"c{rng.randrange(3)}",
        "enrolled_on": enrolled,
        "completed_on": rng.choice(["", completed]),
        "known_at": days.known(),
    }


def _gap_tag(rng: Random, days: _Days, people: list[str]) -> Row:
    return {
        "employee_id": rng.choice(people),
        "tag": rng.choice(["SQL", "沟通"]),
        "noted_on": days.day(-300, 60),
        "known_at": days.known(),
    }


def _signal(rng: Random, days: _Days, people: list[str]) -> Row:
    return {
        "name": "industry_growth",
        "scope": rng.choice(["", "north"]),
        "month": days.day(-300, 60),
        "value": "0.05",
        "known_at": days.known(),
    }


def _delivery(rng: Random, days: _Days, people: list[str]) -> Row:
    return {
        "source": "crm",
        "business_date": days.day(-60, 60),
        "received_at": days.moment(-60, 60),
        "row_count": f"{rng.randrange(100)}",
    }


def _fact(rng: Random, days: _Days, people: list[str]) -> Row:
    return {
        "source": "crm",
        "metric": "sales",
        "entity": rng.choice(people),
        "business_date": days.day(-60, 60),
        "value": "1.5",
        "known_at": days.known(),
    }


def _employee(rng: Random, days: _Days, people: list[str]) -> Row:
    return {"employee_id": rng.choice(people), "hired_on": days.day(0, 60), "gender": rng.choice("fm")}


ROWS = {
    "employees": _employee,
    "positions": _position,
    "exits": _exit,
    "events": _event,
    "reviews": _review,
    "goals": _goal,
    "progress": _progress,
    "enrolments": _enrolment,
    "gap_tags": _gap_tag,
    "signals": _signal,
    "deliveries": _delivery,
    "facts": _fact,
}
COUNTS = {
    "positions": 40, "exits": 9, "events": 160, "reviews": 40, "goals": 30, "progress": 60, "enrolments": 25,
    "gap_tags": 6, "signals": 5, "deliveries": 5, "facts": 5,
}  # fmt: skip


def _changed(rng: Random, name: str, row: Row, days: _Days, people: list[str]) -> Row:
    """Other values for some of the columns that are neither key nor clock."""
    other = ROWS[name](rng, days, people)
    fixed = ("employee_id", "event_id", "review_id", "goal_id", "course_id", "known_at", HAPPENED[name])
    free = [column for column in row if column not in fixed]
    return {column: other.get(column, "") for column in free if rng.random() < 0.5}


def _changed_row(rng: Random, name: str, row: Row, days: _Days, people: list[str]) -> Row:
    """A future row with other values, other ids, another moment, or with junk."""
    match rng.randrange(4):
        case 0:
            return row | _changed(rng, name, row, days, people)
        case 1:
            return row | {column: rng.choice(JUNK) for column in row if column not in ("known_at", HAPPENED[name])}
        case 2:
            return row | {"known_at": days.moment(-300, 60)} if "known_at" in row else row
        case _:
            return ROWS[name](rng, days, people)


def _added(rng: Random, name: str, rows: list[Row], days: _Days, people: list[str]) -> Row:
    """A new future row: of a new kind, about someone new, correcting a row of the past, or contradicting one."""
    new = ROWS[name](rng, days, people)
    if name == "employees":
        return new | {"hired_on": days.day(0, 90)}
    if name == "events" and rng.random() < 0.5:
        new["kind"] = rng.choice(NEW_KINDS)
    if rows and rng.random() < 0.6:
        old = rng.choice(rows)
        new = old | _changed(rng, name, old, days, people)
        if rng.random() < 0.3 and "known_at" in old:
            clock = {"known_at": old["known_at"] or old[HAPPENED[name]]}
            return new | clock | {HAPPENED[name]: days.day(0, 60)}
    if "known_at" in new and rng.random() < 0.7:
        return new | {"known_at": days.moment(0, 60)}
    return new | {HAPPENED[name]: days.day(0, 60)}
