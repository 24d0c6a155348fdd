"""A state machine of disputes and holds: what may be said of whom is known from a few lines, and compared with what is said."""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from perfml.errors import PerfmlError
from perfml.messages import Message
from perfml.scoring.score_files import person_rows
from perfml.scoring.withheld.withholding import kept_units
from perfml.trust.disputes.dispute import DisputeVerdict
from perfml.trust.holds.hold_log import HoldLog
from tests.trust.disputes.case import DAY, EARLIER_DAY, FACTS, MODEL, PEOPLE, Company, usable
from tests.trust.disputes.reading import export, outputs, outputs_of

WHY = "somebody has looked into it"
COVERED = {
    "department:South": {"e1", "e2"},
    "location:Hill": {"e2", "e3", "e5"},
    "manager:e1": {"e2", "e3"},
    "employee:e4": {"e4"},
}
BEFORE_ALL, LATE = dt.date(2026, 2, 1), dt.date(2026, 8, 1)
DAYS = (EARLIER_DAY, DAY)


@dataclass
class Entry:
    """What was last entered about a hold or a dispute."""

    people: set[str]
    since: dt.date
    number: int
    active: bool = True
    clean: int = 0


@dataclass
class Expected:
    """What may be said: the holds and disputes by name, and under how many entries each day was computed."""

    entries: int = 0
    areas: dict[str, Entry] = field(default_factory=dict)
    lifted: list[Entry] = field(default_factory=list)
    facts: dict[str, Entry] = field(default_factory=dict)
    state: dict[str, str] = field(default_factory=dict)
    """Fact -> open, upheld or rejected."""
    shown: dict[tuple[dt.date, str], str] = field(default_factory=dict)
    """Day and fact -> its state when the day was computed."""
    computed: dict[dt.date, int] = field(default_factory=dict)
    stopped: bool = False

    def enter(self) -> int:
        self.entries += 1
        return self.entries

    def score(self, day: dt.date) -> None:
        self.computed[day] = self.entries
        self.shown |= {(day, key): self.state.get(key, "") for key in FACTS}

    def held(self, person: str, day: dt.date) -> bool:
        """Whether nothing may be said of ``person`` at ``day``."""
        if self.stopped or any(person in area.people for area in self.areas.values()):
            return True
        behind = [*self.lifted, *self.facts.values()]
        return any(person in each.people and each.since < day and each.number > self.computed[day] for each in behind)

    def quotable(self, key: str, day: dt.date) -> bool:
        """Whether the review may be quoted, as it stood."""
        return self.state.get(key, "") in ("", "rejected") and usable(key, day)


@cache
def scored_company() -> tuple[Path, str]:
    """A folder with the company and its scores, and the version of its model: every run begins with a copy."""
    folder = Path(tempfile.mkdtemp())
    company = Company.of(folder)
    company.score(*DAYS)
    return folder, company.version


class Disputes(RuleBasedStateMachine):
    """Disputes, decisions, holds, stops and new scores in any order."""

    compared: ClassVar[Counter[str]] = Counter()
    """In which states of a fact, and under which holds, outputs have been read."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        template, version = scored_company()
        shutil.copytree(template, self.folder, dirs_exist_ok=True)
        self.company = Company(self.folder / "data", self.folder / "home", version)
        self.expected = Expected()
        for day in DAYS:
            self.expected.score(day)
        self.step = 0

    @property
    def holds(self) -> HoldLog:
        return HoldLog(self.company.home)

    @rule(key=st.sampled_from(sorted(FACTS)), known=st.booleans())
    def dispute(self, key: str, known: bool) -> None:
        person, _ = FACTS[key]
        opened = [each for each, state in self.expected.state.items() if state == "open" and FACTS[each][0] == person]
        refused = self.expected.state.get(key) in ("upheld", "rejected") or len(opened) >= 3
        try:
            self.company.dispute(key, known=known)
        except PerfmlError:
            assert refused and key not in opened
            return
        assert key in opened or not refused
        if key not in opened:
            since = dt.date.min if not known else dt.date(2026, 6, 30) if int(key[1:]) > 3 else dt.date(2026, 3, 30)
            self.expected.state[key] = "open"
            self.expected.facts[key] = Entry({person}, since, self.expected.enter())

    @rule(
        key=st.sampled_from(sorted(FACTS)), verdict=st.sampled_from(["upheld", "rejected"]), by=st.sampled_from(PEOPLE)
    )
    def decide(self, key: str, verdict: DisputeVerdict, by: str) -> None:
        person, _ = FACTS[key]
        dispute = self.company.log.open_dispute(person, table="reviews", key=key)
        if dispute is None:
            return
        try:
            lines = [kept_units(self.company.home, DAY)]
            self.company.log.decide(dispute.dispute_id, verdict, by=by, reason=WHY, on=DAY, lines=lines)
        except PerfmlError:
            assert by != "e5"
            return
        assert by == "e5" or (by == "e4" and person in ("e2", "e3")) or (by == "e0" and dispute.row is None), by
        self.expected.state[key] = verdict
        self.expected.facts[key].number = self.expected.enter()

    @rule(day=st.sampled_from(DAYS))
    def score(self, day: dt.date) -> None:
        self.company.score(day)
        self.expected.score(day)

    @rule(entity=st.sampled_from(sorted(COVERED)), since=st.sampled_from([BEFORE_ALL, LATE]))
    def hold(self, entity: str, since: dt.date) -> None:
        gap = Message.of("as_worded", text="a gap")
        self.holds.set(entity, cause="reconciliation", message=gap, on=DAY, since=since)
        if entity not in self.expected.areas:
            self.expected.areas[entity] = Entry(COVERED[entity], since, self.expected.enter())

    @rule(entity=st.sampled_from(sorted(COVERED)), clean=st.booleans())
    def see(self, entity: str, clean: bool) -> None:
        if (area := self.expected.areas.get(entity)) is not None:
            (hold,) = [hold for hold in self.holds.active() if hold.entity == entity]
            self.step += 1
            self.holds.seen(hold.hold_id, day=DAY + dt.timedelta(days=self.step), clean=clean)
            self.expected.enter()
            area.clean = area.clean + 1 if clean else 0

    @rule(entity=st.sampled_from(sorted(COVERED)))
    def release(self, entity: str) -> None:
        if (area := self.expected.areas.get(entity)) is None:
            return
        (hold,) = [hold for hold in self.holds.active() if hold.entity == entity]
        try:
            self.holds.release(hold.hold_id, by="Ana", reason=WHY, on=DAY)
        except PerfmlError:
            assert area.clean < 2
            return
        assert area.clean >= 2
        area.number = self.expected.enter()
        self.expected.lifted.append(self.expected.areas.pop(entity))

    @rule()
    def stop(self) -> None:
        self.holds.stop(by="Ana", reason=WHY, on=DAY)
        if not self.expected.stopped:
            self.expected.enter()
        self.expected.stopped = True

    @rule()
    def resume(self) -> None:
        if self.expected.stopped:
            self.holds.resume(by="Ana", reason=WHY, on=DAY)
            self.expected.enter()
            self.expected.stopped = False

    @invariant()
    def nothing_disputed_is_said(self) -> None:
        if not hasattr(self, "expected"):
            return
        self.step += 1
        self._compare(DAYS[self.step % 2], PEOPLE[self.step % len(PEOPLE)])

    def teardown(self) -> None:
        if hasattr(self, "expected"):
            try:
                for number, person in enumerate(PEOPLE):
                    self._compare(DAYS[number % 2], person)
                for day in DAYS:
                    self._quoted(export(self.company, day, self.folder / "out.csv"), day, "csv")
            finally:
                shutil.rmtree(self.folder)

    def _compare(self, day: dt.date, person: str) -> None:
        in_file = {each for each in PEOPLE if self._held_in_file(each, day)}
        for name, text in outputs(self.company, day).items():
            self._quoted(text, day, name)
            for key, (owner, mark) in FACTS.items():
                same = self.expected.shown[day, key] in ("", "rejected")
                withheld = owner in in_file or self.expected.held(owner, day)
                if same and self.expected.quotable(key, day) and not withheld:
                    assert name in ("priorities",) or mark in text, (name, key, "is held back without a reason")
        for name, text in outputs_of(self.company, day, person).items():
            self._quoted(text, day, name)
        status = person_rows(self.company.home, MODEL, person, as_of=day)[0]["status"]
        assert (status == "held") == (self.expected.held(person, day) or person in in_file), (person, day)

    def _held_in_file(self, person: str, day: dt.date) -> bool:
        """Whether the file itself holds the person: it was computed under a hold or a stop that ended since."""
        row = self.company.stored(person, day)
        return row["status"] == "held"

    def _quoted(self, text: str, day: dt.date, name: str) -> None:
        for key, (owner, mark) in FACTS.items():
            self.compared[self.expected.state.get(key, "undisputed")] += 1
            self.compared["held" if self.expected.held(owner, day) else "not held"] += 1
            self.compared["quoted"] += mark in text
            if mark in text:
                assert self.expected.quotable(key, day), (name, key, "leaks")
                assert not self.expected.held(owner, day), (name, key, "is said of somebody held")
