"""Companies with a thin or lopsided record: what is left when an export holds little, or holds it in one corner."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from tests.tables import write_tables

BEGIN = dt.date(2022, 1, 1)
HALF_YEAR = 182
EXIT_KINDS = ("voluntary", "involuntary", "other")


@dataclass(frozen=True, kw_only=True)
class Thin:
    """The shape of a company; the record begins on :data:`BEGIN`."""

    people: int = 120
    days: int = 1300
    events: int = 40
    """Events of a person; without any there is no table."""
    event_days: int | None = None
    """Distinct days on which anything is logged; default: any day."""
    counterparts: bool = True
    reviews: Literal["none", "once", "yearly", "half-yearly"] = "half-yearly"
    ratings: tuple[int, ...] = (1, 2, 3, 4, 5)
    departments: int = 3
    """Without any there is no table of positions."""
    leavers: int = 40
    leave_days: tuple[int, int] = (120, 1250)
    """Days of the record between which people leave."""
    exits: bool = True
    """Whether there is a table of exits."""
    protected: bool = True
    """Whether gender and year of birth are known."""
    hired: tuple[int, int] = (-900, -1)
    """Days of the record between which people were hired."""
    seed: int = 0

    @property
    def until(self) -> dt.date:
        """The day after the record."""
        return BEGIN + dt.timedelta(days=self.days)

    def write(self, folder: Path) -> Path:
        """Write the company's tables as CSV; return the folder."""
        rng = np.random.default_rng(self.seed)
        ids = [f"e{i:03d}" for i in range(self.people)]
        tables = {"employees": self._employees(rng, ids)}
        if self.events:
            tables["events"] = self._events(rng, ids)
        if self.reviews != "none":
            tables["reviews"] = self._reviews(rng, ids)
        if self.departments:
            tables["positions"] = self._positions(rng, ids)
        if self.exits:
            tables["exits"] = self._exits(rng, ids)
        return write_tables(folder, **tables)

    def _employees(self, rng: np.random.Generator, ids: list[str]) -> pd.DataFrame:
        frame = pd.DataFrame(
            {"employee_id": ids, "hired_on": _days(rng.integers(*self.hired, len(ids), endpoint=True))}
        )
        if self.protected:
            frame["gender"] = rng.choice(["female", "male"], len(ids))
            frame["birth_year"] = rng.integers(1965, 2000, len(ids)).astype(str)
        return frame

    def _events(self, rng: np.random.Generator, ids: list[str]) -> pd.DataFrame:
        n = self.events * len(ids)
        days = rng.integers(0, self.days, self.event_days or self.days)
        frame = pd.DataFrame(
            {
                "employee_id": rng.choice(ids, n),
                "happened_at": _days(rng.choice(days, n)),
                "kind": rng.choice(["login", "overtime", "praise"], n),
                "value": rng.integers(1, 5, n).astype(str),
            }
        )
        if self.counterparts:
            frame["counterpart_id"] = rng.choice([*ids, ""], n)
        return frame

    def _reviews(self, rng: np.random.Generator, ids: list[str]) -> pd.DataFrame:
        step = {"once": self.days, "yearly": 365, "half-yearly": HALF_YEAR}[self.reviews]
        rows = [
            (f"r{day}{person}", person, day, rng.choice(ids[:5]), str(rng.choice(self.ratings)))
            for day in range(min(300, self.days // 2), self.days, step)
            for person in ids
        ]
        frame = pd.DataFrame(rows, columns=["review_id", "employee_id", "day", "reviewer_id", "rating"])
        frame["period_end"] = frame["reviewed_on"] = _days(frame.pop("day").to_numpy())
        return frame

    def _positions(self, rng: np.random.Generator, ids: list[str]) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "employee_id": ids,
                "effective_on": str(BEGIN - dt.timedelta(days=900)),
                "manager_id": rng.choice(ids[:5], len(ids)),
                "department": [f"d{i % self.departments}" for i in range(len(ids))],
                "role_family": rng.choice(["sales", "development"], len(ids)),
                "level": rng.integers(1, 4, len(ids)).astype(str),
            }
        )

    def _exits(self, rng: np.random.Generator, ids: list[str]) -> pd.DataFrame:
        leaving = ids[: self.leavers]
        return pd.DataFrame(
            {
                "employee_id": leaving,
                "exited_on": _days(rng.integers(*self.leave_days, len(leaving), endpoint=True)),
                "kind": rng.choice(EXIT_KINDS, len(leaving), p=(0.8, 0.1, 0.1)),
            }
        )


def _days(offsets: np.ndarray) -> list[str]:
    return [str(BEGIN + dt.timedelta(days=int(day))) for day in offsets]
