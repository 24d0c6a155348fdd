"""How often a sound record is doubted, and whether planted faults are seen: ``python3 run.py benchmark oddities``.

Sound companies of random size, span and shape are checked as ``perfml check`` does: simulated ones, the same without ids and
times of events, and thin ones. Each question about them is a false alarm. Each kind of fault is then planted in simulated
companies at a random place of the record, and it is counted how often its question is asked. ``--first-seed`` chooses the
companies: thresholds are chosen on some (1000) and reported on others (2000). ``--data`` looks at further records, of which
nobody knows the truth.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Literal

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import pandas as pd
from scipy.stats import beta

from perfml.arrays import Bools
from perfml.demo.company import simulate
from perfml.evidence.oddities import oddities
from perfml.evidence.oddities.ends import WATCHED
from perfml.evidence.record_end import end_of_record
from perfml.evidence.sources import open_data
from perfml.messages import Message, render
from perfml.project.folder import ProjectFolder
from perfml.project.starter import STARTER
from tests.thin import Thin

END = dt.date(2026, 10, 1)
DEFINITIONS = ProjectFolder(STARTER).definitions
Reviews = Literal["none", "once", "yearly", "half-yearly"]
REVIEWS: tuple[Reviews, ...] = ("none", "once", "yearly", "half-yearly")
Fault = Callable[[Path, np.random.Generator], bool]
"""Plants a fault in the tables of a folder; False where the company has nothing to plant it in."""


def questions(folder: Path) -> list[Message]:
    """What is asked about the record at its end."""
    with open_data(folder, DEFINITIONS.tables) as data:
        return list(oddities(data, end_of_record(data)))


# ---- sound companies ------------------------------------------------------------------------------------------------


def simulated(folder: Path, rng: np.random.Generator, *, least: int = 40) -> None:
    """A simulated company of ``least`` to 600 people over one to three years, ending on any day."""
    end = END - dt.timedelta(days=int(rng.integers(0, 365)))
    start = end - dt.timedelta(days=int(rng.integers(365, 3 * 365)))
    people = int(np.exp(rng.uniform(np.log(least), np.log(600))))
    simulate(folder, employees=people, start=start, end=end, seed=int(rng.integers(1, 2**31)))


def bare(folder: Path, rng: np.random.Generator) -> None:
    """A simulated company whose log says days without times, and has no ids of events."""
    simulated(folder, rng)
    log = pd.read_parquet(folder / "events.parquet").drop(columns="event_id")
    log["happened_at"] = log["happened_at"].dt.normalize()
    log.to_parquet(folder / "events.parquet", index=False)


def thin(folder: Path, rng: np.random.Generator) -> None:
    """A company that exports little: see :class:`tests.thin.Thin`."""
    days = int(rng.integers(400, 1_300))
    shape = Thin(
        people=int(rng.integers(30, 300)),
        days=days,
        events=int(rng.choice([2, 10, 40])),
        event_days=None if rng.random() < 0.7 else int(rng.integers(5, 60)),
        counterparts=bool(rng.random() < 0.7),
        reviews=REVIEWS[int(rng.integers(len(REVIEWS)))],
        leavers=int(rng.integers(0, 25)),
        leave_days=(120, days - 1),
        seed=int(rng.integers(2**31)),
    )
    shape.write(folder)


SOUND: tuple[Callable[[Path, np.random.Generator], None], ...] = (simulated, bare, thin)


# ---- planted faults -------------------------------------------------------------------------------------------------


def stopped(folder: Path, rng: np.random.Generator) -> bool:
    """One of the tables ends 60 to 300 days early."""
    dates = {
        "reviews": "reviewed_on",
        "progress": "measured_at",
        "exits": "exited_on",
        "enrolments": "enrolled_on",
        "gap_tags": "noted_on",
        "signals": "month",
    }
    name = str(rng.choice(WATCHED))
    table = pd.read_parquet(folder / f"{name}.parquet")
    happened = pd.to_datetime(table[dates[name]])
    table = table[happened <= happened.max() - pd.Timedelta(days=int(rng.integers(60, 300)))]
    table.to_parquet(folder / f"{name}.parquet", index=False)
    return len(table) > 0


def another_unit(folder: Path, rng: np.random.Generator) -> bool:
    """The values of one kind are 100 or 1,000 times larger or smaller from a day on."""
    log, late = _log(folder, rng)
    kinds = log.loc[log["value"].fillna(0) != 0, "kind"].unique()
    changed = late & (log["kind"] == rng.choice(np.sort(kinds))).to_numpy(dtype=bool)
    factor = float(rng.choice([1e-3, 1e-2, 1e2, 1e3]))
    log["value"] = log["value"].where(~changed, log["value"] * factor)
    return _write(folder, log, changed)


def one_id(folder: Path, rng: np.random.Generator) -> bool:
    """Half of the events of a stretch of days are under the id of one person."""
    log, stretch = _log(folder, rng, days=int(rng.integers(20, 120)))
    half = stretch & (rng.random(len(log)) < 0.5)
    log["employee_id"] = log["employee_id"].where(~half, rng.choice(np.sort(log["employee_id"].unique())))
    return _write(folder, log, half)


def doubled(folder: Path, rng: np.random.Generator) -> bool:
    """A log without ids of events, in which a stretch of days, or everything, is written twice."""
    log, stretch = _log(folder, rng, days=int(rng.integers(7, 90)))
    log = log.drop(columns="event_id")
    twice = stretch | bool(rng.random() < 0.3)
    return _write(folder, pd.concat([log, log[twice]]), twice)


def scale_turned(folder: Path, rng: np.random.Generator) -> bool:
    """The scale of ratings is turned round from one of the last rounds on."""
    reviews = pd.read_parquet(folder / "reviews.parquet")
    rounds = np.sort(pd.to_datetime(reviews["reviewed_on"]).dt.to_period("Q").unique())
    if len(rounds) < 3:
        return False
    turned = pd.to_datetime(reviews["reviewed_on"]).dt.to_period("Q") >= rng.choice(rounds[1:])
    reviews["rating"] = reviews["rating"].where(~turned, 6 - reviews["rating"])
    reviews.to_parquet(folder / "reviews.parquet", index=False)
    return True


def all_turned(folder: Path, rng: np.random.Generator) -> bool:
    """The scale of all ratings is turned round."""
    reviews = pd.read_parquet(folder / "reviews.parquet")
    reviews["rating"] = 6 - reviews["rating"]
    reviews.to_parquet(folder / "reviews.parquet", index=False)
    return True


FAULTS: dict[str, Fault] = {
    "table_stopped": stopped,
    "values_in_another_unit": another_unit,
    "events_under_one_id": one_id,
    "events_doubled": doubled,
    "ratings_turned": scale_turned,
    "ratings_all_turned": all_turned,
}
"""The code of the question → what it asks about."""


def _log(folder: Path, rng: np.random.Generator, days: int | None = None) -> tuple[pd.DataFrame, Bools]:
    """The log, and its rows from a day in its last two thirds on, for ``days`` days."""
    log = pd.read_parquet(folder / "events.parquet")
    day = log["happened_at"].dt.normalize()
    first = day.min() + (day.max() - day.min()) * float(rng.uniform(1 / 3, 0.9))
    last = first + pd.Timedelta(days=days or 10_000)
    return log, ((day >= first) & (day < last)).to_numpy(dtype=bool)


def _write(folder: Path, log: pd.DataFrame, changed: Bools) -> bool:
    log.to_parquet(folder / "events.parquet", index=False)
    return bool(changed.any())


# ---- counting -------------------------------------------------------------------------------------------------------


def main() -> int:
    """Print false alarms a company, and how many of each planted fault are found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--companies", type=int, default=60)
    parser.add_argument("--planted", type=int, default=20, help="faults of each kind")
    parser.add_argument("--first-seed", type=int, default=2_000)
    parser.add_argument("--data", type=Path, nargs="*", default=[])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        sound(Path(temporary), options.companies, options.first_seed)
        planted(Path(temporary), options.planted, options.first_seed)
    for path in options.data:
        raised = questions(path)
        print(f"{path.name}: {len(raised)} questions")
        for message in raised:
            print("  ", render(message, "en"))
    return 0


def sound(folder: Path, companies: int, first_seed: int) -> None:
    """Check sound companies, and print what is asked about them."""
    kinds: Counter[str] = Counter()
    doubted: Counter[str] = Counter()
    for number in range(companies):
        make = SOUND[number % len(SOUND)]
        company = folder / f"sound-{number}"
        make(company, np.random.default_rng(first_seed + number))
        raised = questions(company)
        kinds.update(message.code for message in raised)
        doubted[make.__name__] += bool(raised)
        for message in raised:
            print(f"false alarm ({make.__name__}, {first_seed + number}):", render(message, "en"))
    wrong = doubted.total()
    high = beta.ppf(0.95, wrong + 1, companies - wrong)
    print(f"sound companies doubted: {wrong} of {companies} (95 % limit {high:.1%}) {dict(doubted)}; {dict(kinds)}")


def planted(folder: Path, times: int, first_seed: int) -> None:
    """Plant each fault, and print how often its question is asked."""
    for code, plant in FAULTS.items():
        hits = count = number = 0
        while count < times:
            rng = np.random.default_rng((first_seed, number))
            company = folder / f"{code}-{number}"
            simulated(company, rng, least=100)
            number += 1
            if not plant(company, rng):
                continue
            count += 1
            hits += code in {message.code for message in questions(company)}
        low = beta.ppf(0.05, hits, times - hits + 1) if hits else 0.0
        print(f"found, {code}: {hits} of {times} (at least {low:.0%} at 95 %)")


if __name__ == "__main__":
    sys.exit(main())
