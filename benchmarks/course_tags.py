"""How well gap tags are answered: ``python3 run.py benchmark course_tags [SET …]``.

For each labelled set (``tests/advice/courses/labelled``), by words alone and with each set of encoders that runs here: nDCG@5 of
the tags that have an answer, the share of absent subjects left empty, and the share of tags with a course of a wrong topic among
the first three, each with a 95 % interval over :data:`DRAWS` draws of tags; with two annotators also their kappa over all pairs,
linear and plain.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
from rich.table import Table  # noqa: E402
from sklearn.metrics import cohen_kappa_score  # noqa: E402

from perfml import terminal  # noqa: E402
from perfml.advice.courses.recommenders.embedding import encoders  # noqa: E402
from perfml.advice.courses.recommenders.tag_weights import table_of  # noqa: E402
from tests.advice.courses.labelled_sets import SETS, LabelledSet, ShownCourses  # noqa: E402

DRAWS = 2_000


def interval(values: Sequence[float]) -> str:
    """The mean of one value a tag, with its 95 % interval over tags drawn with replacement."""
    every, rng = np.array(values, dtype=np.float64), np.random.default_rng(0)
    means = every[rng.integers(0, len(every), (DRAWS, len(every)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return f"{every.mean():.3f} [{low:.3f}, {high:.3f}]"


def kappa(annotators: Sequence[LabelledSet]) -> str:
    """Cohen's kappa of two annotators over all pairs, graded or not: linear weights, and none."""
    first, other = annotators
    pairs = [(tag, course) for tag in first.grades for course in first.course_topics]
    grades = [[each.grades[tag].get(course, 0) for tag, course in pairs] for each in (first, other)]
    graded = sum(a > 0 or b > 0 for a, b in zip(*grades, strict=True))
    agreed = sum(a == b > 0 for a, b in zip(*grades, strict=True))
    weighted, plain = (cohen_kappa_score(*grades, weights=weights) for weights in ("linear", None))
    return f"kappa {weighted:.3f} (linear), {plain:.3f}; {agreed} of the {graded} pairs that either graded are the same"


def main(arguments: list[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", metavar="SET", help=f"of {', '.join(SETS)}; default: all")
    names = parser.parse_args(arguments).sets or list(SETS)
    running = encoders()
    for name in names:
        labelled, *annotators = SETS[name]()
        table = Table(name, "nDCG@5", "absent left empty", "a wrong topic")
        for count in range(len(running) + 1):
            shown = ShownCourses.of(labelled, embedding=count > 0, encoders=running[:count])
            table.add_row(
                table_of(running[:count]),
                interval(list(shown.ndcg_by_tag.values())),
                interval([float(tag not in shown.answered) for tag in labelled.absent]),
                interval([float(tag in shown.off_topic) for tag in shown.shown]),
            )
        terminal.out.print(table)
        terminal.out.print(
            f"{len(labelled.courses)} courses, {len(labelled.present)} tags with an answer, {len(labelled.absent)} without"
        )
        if annotators:
            terminal.out.print(kappa(annotators))


if __name__ == "__main__":
    main(sys.argv[1:])
