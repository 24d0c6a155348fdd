"""What a decision of access costs: ``python3 run.py benchmark access``.

A company of ``--people``, of whom managers, HR and employees ask about one another at random. Prints the CPU of a decision
the first time its facts arise, on average over all questions, and of the reach of one manager and of HR.
"""

from __future__ import annotations

import argparse
import datetime as dt
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from perfml.access.actions import OF_A_PERSON, Action
from perfml.access.authorize import Access
from perfml.access.principals import Principal, Purpose, Role, RoleGrant, own_grants
from perfml.access.relations import PersonSubject
from perfml.evidence.population.facts import PERIODS
from perfml.project.folder import ProjectFolder
from perfml.project.starter import STARTER
from perfml.scoring.people.periods import keep_periods

DAY, HIRED = dt.date(2026, 6, 1), dt.date(2020, 1, 1)
REPORTS = 8


def company(people: int) -> pa.Table:
    """Everyone has up to eight reports; half were transferred once."""
    rows: list[tuple[str, dt.date, dt.date | None, str | None, str, str]] = []
    for number in range(people):
        manager = f"E{(number - 1) // REPORTS}" if number else None
        unit = f"D{number % 40}"
        middle = dt.date(2025, 1, 1) if number % 2 else HIRED
        if number % 2:
            rows.append((f"E{number}", HIRED, middle, "E0", unit, "L0"))
        rows.append((f"E{number}", middle, None, manager, unit, f"L{number % 7}"))
    return pa.table(dict(zip(PERIODS.names, zip(*rows, strict=True), strict=True)), schema=PERIODS)


def askers(people: int, rng: random.Random) -> list[Principal]:
    """Employees, who are managers as well, and HR of single departments."""
    accounts = []
    for number in range(300):
        employee = f"E{rng.randrange(people)}"
        hr = RoleGrant(role=Role.HR, units=frozenset({f"department:D{number % 40}"}))
        grants = (*own_grants(employee), *((hr,) if number % 3 == 0 else ()))
        accounts.append(
            Principal(id=f"a{number}", employee_id=employee, grants=grants, purpose=rng.choice(list(Purpose)[:7]))
        )
    return accounts


def cpu(work: Callable[[], object]) -> float:
    """Seconds of CPU."""
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=30_000)
    parser.add_argument("--questions", type=int, default=100_000)
    options = parser.parse_args()
    rng = random.Random(7)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        keep_periods(company(options.people), home, as_of=DAY)
        access = Access(home, ProjectFolder(STARTER))
        print(f"policies read and checked   {cpu(lambda: access.policies) * 1e3:9.1f} ms")
        accounts, actions = askers(options.people, rng), sorted(OF_A_PERSON)
        first = PersonSubject(employee_id="E1")
        start = cpu(lambda: access.authorize(accounts[0], Action.READ_REASONS, first, DAY))
        print(f"lines of {options.people:,} people read {start * 1e3:9.1f} ms")
        time.sleep(1.1)  # a folder that has settled is not read again
        access.policies.decided.clear()
        questions = [
            (rng.choice(accounts), rng.choice(actions), PersonSubject(employee_id=f"E{rng.randrange(options.people)}"))
            for _ in range(options.questions)
        ]
        for label in ("decision, nothing remembered", "decision, warm"):
            spent = cpu(lambda: [access.authorize(*question, DAY) for question in questions]) / len(questions)
            print(f"{label:28s}{spent * 1e6:9.1f} us on average, {len(access.policies.decided):,} different facts")
        undecided = [(facts, access.policies) for facts in list(access.policies.decided)[:1000]]
        access.policies.decided.clear()
        spent = cpu(lambda: [policies.decide(facts) for facts, policies in undecided]) / len(undecided)
        print(f"one new decision            {spent * 1e6:9.1f} us")
        top = Principal(id="top", employee_id="E0", grants=own_grants("E0"), purpose=Purpose.SUPPORT)
        print(f"reach of the top manager    {cpu(lambda: access.reach(top, Action.READ_REASONS, DAY)) * 1e3:9.1f} ms")
        print(f"the same again              {cpu(lambda: access.reach(top, Action.READ_REASONS, DAY)) * 1e3:9.1f} ms")
        lead = Principal(id="lead", employee_id="E9", grants=own_grants("E9"), purpose=Purpose.SUPPORT)
        print(f"reach of a manager          {cpu(lambda: access.reach(lead, Action.READ_REASONS, DAY)) * 1e3:9.1f} ms")
        everything = RoleGrant(role=Role.HR, units=frozenset({"everything"}))
        hr = Principal(id="hr", grants=(everything,), purpose=Purpose.SUPPORT)
        print(f"reach of HR over everyone   {cpu(lambda: access.reach(hr, Action.READ_RISK, DAY)) * 1e3:9.1f} ms")


if __name__ == "__main__":
    main()
