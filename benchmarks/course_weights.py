"""The weights of evidence for gap tags, learnt anew: ``python3 run.py benchmark course_weights [--write]``.

A logistic regression on all pairs of the first labelled tags and courses (``tests/advice/courses/labelled``) gives the
coefficients. The two limits of :class:`~perfml.advice.courses.recommenders.tag_weights.TagWeights` are those, of
:data:`PROBABILITIES` and :data:`SHARES`, under which most tags are answered rightly: the mean over all tags of nDCG@5, or for an
absent subject of 1 where nothing is shown, while at most :data:`MOST_OFF_TOPIC` of the tags have a course of a wrong topic among
the first three. The first tags count cross-validated, :data:`FOLDS` fold over tags, together with the fresh tags.

A table for words alone and one for each set of encoders that runs here. ``--write`` puts them into ``tag_weights.toml``, and
keeps the tables of encoders that do not run here.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import astuple, dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
from rich.table import Table  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402

from perfml import terminal  # noqa: E402
from perfml.advice.courses import CourseRecommender  # noqa: E402
from perfml.advice.courses.recommenders.embedding import SentenceEncoder, encoders  # noqa: E402
from perfml.advice.courses.recommenders.ranking import best_courses  # noqa: E402
from perfml.advice.courses.recommenders.tag_weights import FILE, NAMES, TagEvidence, TagWeights, table_of  # noqa: E402
from perfml.arrays import Floats, Ints  # noqa: E402
from tests.advice.courses.labelled_sets import FIRST, FRESH, K, LabelledSet, ShownCourses  # noqa: E402

FOLDS = 5
PROBABILITIES = (0.15, 0.2, 0.25, 0.3, 0.35, 0.4)
SHARES = (0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5)
MOST_OFF_TOPIC = 0.15
HEADER = """\
# How much each kind of evidence counts for a gap tag, a table for each set of encoders (wording: none). What the keys mean stands
# in tag_weights.py. Written by `python3 run.py benchmark course_weights --write`; do not edit.
"""
Evidence = Mapping[str, TagEvidence]


@dataclass(frozen=True)
class Fit:
    """The weights for one set of encoders, and what they reach on the first tags (cross-validated) and the fresh ones."""

    weights: TagWeights
    shown: tuple[ShownCourses, ShownCourses]


def evidence_of(labelled: LabelledSet, running: tuple[SentenceEncoder, ...]) -> tuple[CourseRecommender, Evidence]:
    """The recommender, fitted, and what it sees for every tag."""
    recommender = CourseRecommender(embedding=bool(running))
    recommender.encoders = running
    recommender.fit(labelled.courses.drop(columns="topics"))
    named = zip(labelled.tags["tag_id"], labelled.tags["tag"], strict=True)
    return recommender, {tag_id: recommender.tag_evidence(tag) for tag_id, tag in named}


def regression(labelled: LabelledSet, evidence: Evidence, tags: list[str]) -> TagWeights:
    """Coefficients from the pairs of ``tags``, rounded as they are stored; the limits are open."""
    ids = labelled.courses["course_id"].tolist()
    right: Ints = np.array([labelled.grades[tag].get(course, 0) > 0 for tag in tags for course in ids], dtype=np.int64)
    rows: Floats = np.concatenate([evidence[tag].matrix for tag in tags])
    fitted = LogisticRegression(max_iter=1_000).fit(rows, right)
    values = [round(float(each), 2) for each in (*fitted.coef_[0], fitted.intercept_[0])]
    return TagWeights(**dict(zip(NAMES, [*values, 0.0, 0.0], strict=True)))


def shown(
    labelled: LabelledSet, recommender: CourseRecommender, evidence: Evidence, weights: Mapping[str, TagWeights]
) -> ShownCourses:
    """The courses shown for each tag under its own weights; where a course has all its words, in the order of the words."""
    ids = labelled.courses["course_id"].tolist()
    out = {}
    for tag_id, tag in zip(labelled.tags["tag_id"], labelled.tags["tag"], strict=True):
        mine = weights[tag_id]
        scores = recommender.by_words_alone(tag)
        if scores is None:
            scores = mine.shown(evidence[tag_id])
        out[tag_id] = [ids[course] for course in best_courses(scores[None, :], K)[0]]
    return ShownCourses(labelled, out)


def right_on_average(sets: tuple[ShownCourses, ...]) -> float:
    """Mean over tags of nDCG@5, or of 1 where nothing is shown for an absent subject; -1 with too many wrong topics."""
    tags = sum(len(each.shown) for each in sets)
    if sum(len(each.off_topic) for each in sets) > MOST_OFF_TOPIC * tags:
        return -1.0
    right = sum(sum(each.ndcg_by_tag.values()) + len(each.labelled.absent) - len(each.answered) for each in sets)
    return right / tags


def learn(running: tuple[SentenceEncoder, ...]) -> Fit:
    """The weights for ``running``."""
    (first, of_first), (fresh, of_fresh) = evidence_of(FIRST, running), evidence_of(FRESH, running)
    tags = list(of_first)
    full = regression(FIRST, of_first, tags)
    folds = [regression(FIRST, of_first, [t for i, t in enumerate(tags) if i % FOLDS != fold]) for fold in range(FOLDS)]
    fits = []
    for least in PROBABILITIES:
        for share in SHARES:
            limited = [replace(each, least_probability=least, least_share=share) for each in (*folds, full)]
            held_out = {tag: limited[i % FOLDS] for i, tag in enumerate(tags)}
            both = (
                shown(FIRST, first, of_first, held_out),
                shown(FRESH, fresh, of_fresh, dict.fromkeys(of_fresh, limited[-1])),
            )
            fits.append(Fit(limited[-1], both))
    return max(fits, key=lambda fit: right_on_average(fit.shown))


def main(arguments: list[str]) -> None:
    """Learn, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the weights into tag_weights.toml")
    options = parser.parse_args(arguments)
    running = encoders()
    tables = {table_of(running[:count]): learn(running[:count]) for count in range(len(running) + 1)}
    table = Table("", *tables)
    for key in NAMES:
        table.add_row(key, *(f"{getattr(fit.weights, key):g}" for fit in tables.values()))
    for number, name in enumerate(("first, cross-validated", "fresh")):
        sets = [fit.shown[number] for fit in tables.values()]
        table.add_row(f"{name}: nDCG@5", *(f"{each.ndcg:.3f}" for each in sets))
        table.add_row("  a wrong topic", *(f"{len(each.off_topic)} of {len(each.shown)}" for each in sets))
        absent = ((len(each.labelled.absent), len(each.answered)) for each in sets)
        table.add_row("  absent left empty", *(f"{all_ - answered} of {all_}" for all_, answered in absent))
    terminal.out.print(table)
    if options.write:
        stored = tomllib.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
        stored |= {name: dict(zip(NAMES, astuple(fit.weights), strict=True)) for name, fit in tables.items()}
        lines = [
            f"\n[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in each.items())
            for name, each in stored.items()
        ]
        FILE.write_text(HEADER + "".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
