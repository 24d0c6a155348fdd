"""How long courses for everybody take: ``python3 run.py benchmark courses [--people N] [--courses N]``.

A simulated history: everyone takes about ten courses of a few topics of their own; titles share a topic's words. Fitted on
all of it without the embedding, then ranked for everybody, ten courses each, :data:`AT_ONCE` people at a time. Prints CPU
seconds (user and system) and the memory of the process at its highest, with what it was before.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from rich.table import Table  # noqa: E402

from benchmarks._memory import peak_mb  # noqa: E402
from perfml import terminal  # noqa: E402
from perfml.advice.courses import CourseRecommender  # noqa: E402
from perfml.messages import render  # noqa: E402

TOPICS, OWN, EACH, K = 60, 3, 10, 10
"""Topics of the catalogue, topics of one person, courses each took, courses ranked."""
AT_ONCE = 20_000


def history(people: int, courses: int, *, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Courses and enrolments in the columns of the contract."""
    rng = np.random.default_rng(seed)
    topic = rng.integers(0, TOPICS, courses)
    words = [[f"topic{t}", f"part{rng.integers(9)}", f"word{rng.integers(400)}"] for t in topic]
    catalogue = pd.DataFrame(
        {
            "course_id": [f"c{number}" for number in range(courses)],
            "title": [" ".join(each) for each in words],
            "skills": [each[:2] for each in words],
        }
    )
    of_topic = [np.flatnonzero(topic == t) for t in range(TOPICS)]
    own = rng.integers(0, TOPICS, (people, OWN))
    person = np.repeat(np.arange(people), EACH)
    liked = own[person, rng.integers(0, OWN, len(person))]
    size = np.array([len(each) for each in of_topic])[liked]
    place = (size * rng.random(len(person)) ** 2).astype(np.int64)  # some courses are taken far more often
    start = np.cumsum([0, *map(len, of_topic)])[liked]
    chosen = np.concatenate(of_topic)[start + place]
    day = np.datetime64("2023-01-01") + rng.integers(0, 1_000, len(person)).astype("m8[D]")
    numbers = np.char.add("p", np.arange(people).astype(str))
    enrolments = pd.DataFrame(
        {"employee_id": numbers[person], "course_id": catalogue["course_id"].to_numpy()[chosen], "enrolled_on": day}
    )
    return catalogue, enrolments


def main() -> None:
    """Simulate, fit, rank, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--courses", type=int, default=5_000)
    asked = parser.parse_args()
    catalogue, enrolments = history(asked.people, asked.courses)
    ids = enrolments["employee_id"].drop_duplicates().tolist()
    before, began = peak_mb(), time.process_time()
    fitted = CourseRecommender(embedding=False).fit(catalogue, enrolments)
    fit_seconds, fit_mb = time.process_time() - began, peak_mb()
    began, rows = time.process_time(), 0
    with terminal.progress() as progress:
        for low in range(0, len(ids), AT_ONCE):
            progress("ranking", low, len(ids))
            rows += len(fitted.for_employees(ids[low : low + AT_ONCE], k=K))
    table = Table(title=f"{asked.people:,} people × {asked.courses:,} courses", title_justify="left")
    for heading in ("step", "CPU s", "memory, MB", "rows"):
        table.add_column(heading, justify="left" if heading == "step" else "right")
    table.add_row("simulated history", "", f"{before:,.0f}", f"{len(enrolments):,}")
    table.add_row("fit", f"{fit_seconds:.1f}", f"{fit_mb:,.0f}", "")
    table.add_row("ranking", f"{time.process_time() - began:.1f}", f"{peak_mb():,.0f}", f"{rows:,}")
    terminal.out.print(table)
    terminal.out.print(
        f"weights: {fitted.weights_}; {'; '.join(render(each, 'en') for each in fitted.notices_) or 'nothing left out'}",
        highlight=False,
    )


if __name__ == "__main__":
    main()
