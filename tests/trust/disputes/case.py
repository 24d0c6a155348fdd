"""A small company with kept scores that show every fact of a person they stand on, so that a leak can be read."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pyarrow as pa

from perfml.advice.suggestion_files import keep_suggestions
from perfml.advice.targets.suggestion_rows import SCHEMA as TARGETS
from perfml.evidence.people import people_at
from perfml.evidence.sources import Data, open_data
from perfml.evidence.withheld.disputable import StoredFact
from perfml.evidence.withheld.stored_fact import stored_fact
from perfml.project.folder import ProjectFolder
from perfml.project.spec import DisputeRules
from perfml.project.starter import STARTER
from perfml.scoring.batches.rows import SCHEMA
from perfml.scoring.people.files import keep_people
from perfml.scoring.people.known import stored_rows_of
from perfml.scoring.replay import recorder
from perfml.scoring.run_record import RunRecord
from perfml.scoring.scoring import keep_scores
from perfml.trust.disputes.dispute import Dispute
from perfml.trust.disputes.dispute_log import DisputeLog
from perfml.trust.disputes.verbs import file_dispute
from perfml.trust.holds.facts import withheld_facts
from perfml.trust.holds.held import held_people
from tests.service.company import TARGET, Row, scored, train, without
from tests.tables import TODAY, shipped, write_tables

STARTED = ProjectFolder(STARTER)
DAY, EARLIER_DAY = dt.date(2026, 9, 1), dt.date(2026, 5, 1)
MODEL = "attrition"
PEOPLE = ("e0", "e1", "e2", "e3", "e4", "e5")
"""e0 leads e1, who leads e2 and e3, and e4; e5 is in nobody's line."""
FACTS = {f"r{n}": (f"e{n % 4 + 1}", f"mark{n}x") for n in range(8)}
"""Review -> person, and what its comment says: the mark by which it is known wherever it leaks. r4 to r7 are of June."""
RULES = DisputeRules(max_open=3, max_in_90_days=6, least_reviews=2)
EMPLOYEES = "employee_id | hired_on\n" + "\n".join(f"{person} | 2020-01-01" for person in PEOPLE)
POSITIONS = """
employee_id | effective_on | manager_id | department | location
e0 | 2020-01-01 |    | head  | Harbour
e1 | 2020-01-01 | e0 | South | Harbour
e2 | 2020-01-01 | e1 | South | Hill
e3 | 2020-01-01 | e1 | North | Hill
e4 | 2020-01-01 | e0 | North | Harbour
e5 | 2020-01-01 |    | staff | Hill
"""


def reviews() -> str:
    rows = [
        f"{key} | {person} | e0 | {month}-30 | {month}-30 | 3 | {mark}"
        for key, (person, mark) in FACTS.items()
        for month in ["2026-06" if int(key[1:]) > 3 else "2026-03"]
    ]
    return "review_id | employee_id | reviewer_id | period_end | reviewed_on | rating | comment\n" + "\n".join(rows)


@dataclass(frozen=True)
class Company:
    """Its tables, its home, and the version of its model."""

    data: Path
    home: Path
    version: str

    @classmethod
    def of(cls, folder: Path) -> Company:
        data = write_tables(folder / "data", employees=EMPLOYEES, positions=POSITIONS, reviews=reviews())
        return cls(data, folder / "home", train(folder / "home", MODEL, {91: True}, segments={}))

    @property
    def log(self) -> DisputeLog:
        return DisputeLog(self.home, RULES)

    def open(self) -> Data:
        return open_data(self.data, shipped().tables, today=TODAY, withheld=withheld_facts(self.home))

    def score(self, *days: dt.date) -> None:
        """Keep scores and targets whose texts quote every review of the person that was usable."""
        with self.open() as data:
            for day in days:
                held = held_people(data, day, self.home)
                recorded = recorder(self.home, data=data, folder=STARTED, held={day: held})(day)
                self._keep(
                    day,
                    marks(data, day),
                    {person: hold.message.model_dump_json() for person, hold in held.items()},
                    recorded,
                )
                keep_people(people_at(data, day), self.home, as_of=day, holds=data.withheld.number)

    def _keep(self, day: dt.date, quoted: dict[str, str], held: dict[str, str], record: RunRecord) -> None:
        rows = []
        ranked = [person for person in PEOPLE if person not in held]
        for rank, person in enumerate(ranked, 1):
            rows.append(worded(scored(person, rank, band="act", probability=chance(quoted[person])), quoted[person]))
        rows += [without(person, "held", why_not=why) for person, why in held.items()]
        whole = [{**row, "as_of": day, "model": MODEL, "model_version": self.version} for row in rows]
        list(keep_scores([pa.Table.from_pylist(whole, schema=SCHEMA)], self.home, record=lambda _: record))
        targets = [
            {**TARGET, "suggestion_id": f"t{person}", "employee_id": person, "goal_id": f"g{person}", "as_of": day}
            | {"zh": quoted[person], "en": quoted[person], "metric": "visits"}
            for person in ranked
        ]
        table = pa.Table.from_pylist(targets, schema=TARGETS)
        keep_suggestions(table, self.home, policy="target_adjustment", as_of=day, record=record)

    def stored(self, person: str, day: dt.date) -> dict[str, object]:
        """The score row as it lies in the file."""
        return stored_rows_of(self.home / "scores" / MODEL / f"{day}.parquet", person)[0]

    def fact(self, key: str) -> StoredFact:
        with self.open() as data:
            return stored_fact(data, FACTS[key][0], table="reviews", key=key)

    def dispute(self, key: str, *, on: dt.date = DAY, number: int = 0, known: bool = True) -> Dispute:
        """The person whose review it is disputes it; ``known``: whether the data are at hand."""
        person, _ = FACTS[key]
        known = known and self.log.open_dispute(person, table="reviews", key=key) is None
        return file_dispute(
            self.home,
            RULES,
            shipped().tables,
            person,
            table="reviews",
            key=key,
            right={"comment": f"right{key}x"},
            by=person,
            on=on,
            fact=self.fact(key) if known else None,
            proof=None,
            idempotency_key=f"{key}/{number}",
        )


def marks(data: Data, day: dt.date) -> dict[str, str]:
    """Person -> the comments of their reviews that were usable before ``day``."""
    rows = data.connection.execute(
        "select employee_id, string_agg(comment, ' ' order by comment) from reviews where usable_day < ? group by 1",
        [day],
    ).fetchall()
    return dict.fromkeys(PEOPLE, "nothing") | dict(rows)


def worded(row: Row, text: str) -> Row:
    """``row`` with ``text`` in place of the words of each reason."""
    reasons = cast(list[dict[str, object]], row["reasons"])
    return {**row, "reasons": [{**reason, "en": text, "zh": text} for reason in reasons]}


def chance(quoted: str) -> float:
    """A probability that nobody has whose scores stand on other facts: seen where no text is shown."""
    return int.from_bytes(hashlib.sha256(quoted.encode()).digest()[:6], "big") / 2**48


def usable(key: str, day: dt.date) -> bool:
    """Whether a review stands behind scores of ``day``."""
    return day > (dt.date(2026, 6, 30) if int(key[1:]) > 3 else dt.date(2026, 3, 30))


def keys_of(person: str) -> Iterator[str]:
    return (key for key, (owner, _) in FACTS.items() if owner == person)
