"""A company whose log changes from night to night, and the evidence of a night both ways."""

from __future__ import annotations

import datetime as dt
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from unittest import mock

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from perfml.evidence.features import Evidence, build
from perfml.evidence.fingerprint import digests
from perfml.evidence.log.cells import kind_counts, record_begins
from perfml.evidence.nightly.night import NightLog, run_night
from perfml.evidence.sources import Data, open_data
from perfml.messages import Message
from perfml.project.folder import Definitions
from perfml.project.spec import EngineSettings
from perfml.scoring.personal import rows
from tests.evidence.naive import Event
from tests.evidence.test_features import DEPARTMENTS, KINDS, PEOPLE
from tests.tables import TODAY, difference, quarantined, shipped

CHANGES = ("late", "old", "copy", "correct", "retract", "gone", "move", "one", "join", "leave", "unit")
FIRST_NIGHT = dt.date(2025, 6, 2)
SCHEMA = pa.schema(
    [
        ("employee_id", pa.string()),
        ("happened_at", pa.timestamp("us")),
        ("kind", pa.string()),
        ("value", pa.float64()),
        ("counterpart_id", pa.string()),
        ("event_id", pa.string()),
        ("source", pa.string()),
        ("known_at", pa.timestamp("us")),
    ]
)


@dataclass(frozen=True)
class Answers:
    """What one night says of the log."""

    evidence: Evidence
    rest: tuple[object, ...]
    full: Message | None = None
    read: int = 0


@dataclass
class Company:
    """Its files, and what stands in them."""

    folder: Path
    rng: Random
    day: dt.date = FIRST_NIGHT
    files: dict[str, list[Event]] = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=lambda: dict.fromkeys(PEOPLE, "2020-01-01"))
    departments: dict[str, str] = field(default_factory=lambda: dict(DEPARTMENTS))
    changed: set[str] = field(default_factory=set)
    number: int = 0

    def write(self) -> None:
        """Write the tables, and the files of the log that changed."""
        log = self.folder / "events"
        log.mkdir(parents=True, exist_ok=True)
        employees = [{"employee_id": person, "hired_on": hired} for person, hired in self.people.items()]
        pd.DataFrame(employees).to_csv(self.folder / "employees.csv", index=False)
        positions = [
            {
                "employee_id": person,
                "effective_on": "2020-01-01",
                "department": name,
                "manager_id": "e0" * (person != "e0"),
            }
            for person, name in self.departments.items()
        ]
        pd.DataFrame(positions).to_csv(self.folder / "positions.csv", index=False)
        for name in self.changed:
            if name in self.files:
                rows = pa.Table.from_pylist([row(event) for event in self.files[name]], schema=SCHEMA)
                pq.write_table(rows, log / name, row_group_size=self.rng.choice((7, 40, 1000)))
            else:
                (log / name).unlink(missing_ok=True)
        self.changed.clear()

    def event(self, happened: dt.datetime, *, known: dt.datetime | None = None) -> Event:
        """A new event."""
        self.number += 1
        return Event(
            who=self.rng.choice((*PEOPLE, "joiner", "stranger")),
            happened=happened,
            kind=self.rng.choice(KINDS),
            value=self.rng.choice(("", "0.01", "-0.07", "999999999.99", f"{self.rng.randint(-9999, 9999) / 100}")),
            whom=self.rng.choice((*PEOPLE, "joiner", "outsider", "", "")),
            event_id=self.rng.choice(("", f"v{self.number}")),
            known_at=known,
        )

    def moment(self, most_days_ago: int) -> dt.datetime:
        """A moment before the night."""
        day = self.day - dt.timedelta(days=self.rng.randint(1, most_days_ago))
        return dt.datetime.combine(day, dt.time(self.rng.choice((0, 12, 23)), 59))

    def put(self, name: str, events: list[Event]) -> None:
        """Replace a file."""
        self.files[name] = events
        self.changed.add(name)

    def begin(self) -> None:
        """The log before the first night."""
        for number in range(self.rng.choice((1, 3))):
            self.put(f"{number}.parquet", [self.event(self.moment(500)) for _ in range(self.rng.choice((1, 30, 60)))])

    def pass_days(self, days: int) -> None:
        """Let days pass, with what happened on them: known at once, later, or not yet."""
        self.day += dt.timedelta(days=days)
        events = []
        for _ in range(self.rng.choice((0, 3, 12)) if days else 0):
            happened = self.moment(days)
            late = self.rng.choice((None, None, happened + dt.timedelta(days=self.rng.randint(0, 6))))
            events.append(self.event(happened, known=late))
        if events:
            last = max(self.files, default="0.parquet")
            new = f"{self.day}.parquet"
            name = self.rng.choice((new, last))
            self.put(name, [*self.files.get(name, []), *events])

    def change(self, what: str | None = None) -> None:
        """Something else that a night may bring: one of :data:`CHANGES`, by default any."""
        full = [name for name, events in self.files.items() if events]
        name = self.rng.choice(full) if full else "0.parquet"
        events = list(self.files.get(name, []))
        tonight = dt.datetime.combine(self.day - dt.timedelta(days=1), dt.time(22))
        match what or self.rng.choice(CHANGES):
            case "late":
                self.put(f"late-{self.day}.parquet", [self.event(self.moment(800), known=tonight) for _ in range(3)])
            case "old":
                self.put(name, [*events, self.event(self.moment(800))])
            case "copy" if events:
                self.put(f"copy-{self.day}.parquet", self.rng.sample(events, min(3, len(events))))
            case "correct" if keyed := [event for event in events if event.event_id]:
                old = self.rng.choice(keyed)
                new = Event(
                    self.rng.choice((old.who, "e0")), old.happened, self.rng.choice((old.kind, KINDS[0])), "1.5", old.whom,
                    old.event_id, tonight + dt.timedelta(seconds=self.rng.randint(1, 99)),
                )  # fmt: skip
                self.put(f"corrected-{self.day}-{self.number}.parquet", [new])
            case "retract" if events:
                self.put(name, [event for event in events if self.rng.random() < 0.8])
            case "gone" if len(self.files) > 1:
                del self.files[name]
                self.changed.add(name)
            case "move" if events:
                del self.files[name]
                self.changed.add(name)
                self.put(f"moved-{self.day}.parquet", self.rng.sample(events, len(events)))
            case "one":
                everything = [event for each in self.files.values() for event in each]
                self.changed |= self.files.keys()
                self.files = {}
                self.put("0.parquet", everything)
            case "join":
                self.people["joiner"] = str(self.day - dt.timedelta(days=3))
            case "leave":
                self.people.pop(self.rng.choice(PEOPLE[:4]), None)
            case "unit":
                self.departments[self.rng.choice(PEOPLE)] = self.rng.choice(("sales", "研发", "IT"))
            case _:
                pass


def row(event: Event) -> dict[str, object]:
    """An event as a row of the file."""
    return {
        "employee_id": event.who,
        "happened_at": event.happened,
        "kind": event.kind,
        "value": float(event.value) if event.value else None,
        "counterpart_id": event.whom or None,
        "event_id": event.event_id or None,
        "source": "crm",
        "known_at": event.known_at,
    }


def answers(data: Data, definitions: Definitions, day: dt.date, kinds: tuple[str, ...] | None = KINDS) -> Answers:
    """The evidence of a day, and what else is said of the log."""
    rest = (
        digests(data, until=day),
        record_begins(data, [day]),
        kind_counts(data, str(day)),
        data.last_usable_day() if data.rows_read["events"] else None,
        data.rows_read,
        quarantined(data),
        newest_rows(data, day),
    )
    return Answers(build(data, definitions, [day], kinds=kinds), rest)


def newest_rows(data: Data, day: dt.date) -> pa.Table:
    """The rows that people may see of themselves: few of each kind, so that newer ones take the place of others."""
    with mock.patch.object(rows, "MOST", 2):
        return pa.concat_tables(rows.rows_of_people(data, day))


def ranked_rows(data: Data, day: dt.date) -> pa.Table:
    """The same, from all rows of the log."""
    with mock.patch.object(rows, "_newest_of_log", lambda *_: "main.events"):
        return newest_rows(data, day)


def whole(
    folder: Path, definitions: Definitions, day: dt.date, *, today: dt.date = TODAY, kinds: tuple[str, ...] = KINDS
) -> Answers:
    """Read everything."""
    with open_data(folder, shipped().tables, today=today) as data:
        return answers(data, definitions, day, kinds)


def nightly(
    folder: Path,
    state: Path,
    definitions: Definitions,
    day: dt.date,
    *,
    today: dt.date = TODAY,
    kinds: tuple[str, ...] = KINDS,
    engine: EngineSettings | None = None,
) -> Answers:
    """Read what is new."""

    def run(night: NightLog) -> Answers:
        night.as_of = day
        with open_data(folder, shipped().tables, today=today, kept_log=night, engine=engine) as data:
            given = answers(data, definitions, day, kinds)
        return Answers(given.evidence, given.rest, night.full, night.read)

    return run_night(state, definitions, run)


def differs(first: Answers, other: Answers) -> str:
    """The first thing in which two nights differ; empty where they are alike."""
    unlike = difference(first.evidence, other.evidence)
    if unlike:
        return unlike
    return next((f"{a} and {b}" for a, b in zip(first.rest, other.rest, strict=True) if a != b), "")


def fresh(folder: Path) -> Path:
    """An empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
