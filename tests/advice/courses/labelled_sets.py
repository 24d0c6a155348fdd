"""The labelled sets of ``labelled/`` (its README says how they were made), and what a recommender does with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from perfml.advice.courses import CourseRecommender
from perfml.advice.courses.recommenders.embedding import SentenceEncoder
from tests.advice.courses.ranking import mean, ndcg, wrong_topics

FOLDER = Path(__file__).parent / "labelled"
K, TOP = 5, 3
"""Courses by which a ranking is measured, and those among which a wrong topic counts."""


def read(path: Path) -> pd.DataFrame:
    """A table of ``labelled/``; an empty cell is an empty text."""
    return pd.read_csv(path, keep_default_na=False)


@dataclass(frozen=True)
class LabelledSet:
    """Courses, gap tags with their topics, and the graded courses of each tag; every other course has grade 0."""

    courses: pd.DataFrame
    tags: pd.DataFrame
    grades: dict[str, dict[str, int]]

    @classmethod
    def of(cls, tags: str, *graded: str, folder: Path = FOLDER) -> LabelledSet:
        """From the names of the tables. With two annotators the grade is the mean of theirs, rounded down."""
        frame = read(folder / f"{tags}.csv")
        tables = []
        for name in graded:
            table = read(folder / f"{name}.csv")
            assert not table.duplicated(["tag_id", "course_id"]).any(), f"{name}.csv grades a pair twice"
            tables.append(
                {(t, c): int(g) for t, c, g in table[["tag_id", "course_id", "grade"]].itertuples(index=False)}
            )
        grades: dict[str, dict[str, int]] = {tag: {} for tag in frame["tag_id"]}
        for tag, course in sorted(set().union(*tables)):
            if (grade := sum(table.get((tag, course), 0) for table in tables) // len(tables)) > 0:
                grades[tag][course] = grade
        return cls(read(folder / "courses.csv"), frame, grades)

    @cached_property
    def topics(self) -> dict[str, list[str]]:
        """Tag → its topic groups."""
        return {tag: each.split(";") for tag, each in zip(self.tags["tag_id"], self.tags["topics"], strict=True)}

    @cached_property
    def course_topics(self) -> dict[str, list[str]]:
        """Course → its topic groups."""
        named = zip(self.courses["course_id"], self.courses["topics"], strict=True)
        return {course: each.split(";") for course, each in named}

    @property
    def present(self) -> list[str]:
        """Tags with an answer among the courses."""
        return [tag for tag, grades in self.grades.items() if grades]

    @property
    def absent(self) -> list[str]:
        """Tags without one."""
        return [tag for tag, grades in self.grades.items() if not grades]


@dataclass(frozen=True)
class ShownCourses:
    """What is shown for the tags of a set, best first."""

    labelled: LabelledSet
    shown: dict[str, list[str]]

    @classmethod
    def of(
        cls, labelled: LabelledSet, *, embedding: bool, encoders: tuple[SentenceEncoder, ...] | None = None
    ) -> ShownCourses:
        """By the recommender, which sees neither topics nor grades; ``encoders``: others than those that run here."""
        recommender = CourseRecommender(embedding=embedding)
        if encoders is not None:
            recommender.encoders = encoders
        fitted = recommender.fit(labelled.courses.drop(columns="topics"))
        results = fitted.for_tags(labelled.tags["tag"].tolist(), k=K)
        ranked = {tag: rows.sort_values("rank")["course_id"].tolist() for tag, rows in results.groupby("query")}
        named = zip(labelled.tags["tag_id"], labelled.tags["tag"], strict=True)
        return cls(labelled, {tag_id: ranked.get(tag, []) for tag_id, tag in named})

    @property
    def ndcg_by_tag(self) -> dict[str, float]:
        """nDCG@5 of every tag with an answer."""
        grades = self.labelled.grades
        return {tag: ndcg(self.shown[tag], grades[tag], k=K) for tag in self.labelled.present}

    @property
    def ndcg(self) -> float:
        """The mean nDCG@5."""
        return mean(self.ndcg_by_tag.values())

    @property
    def off_topic(self) -> list[str]:
        """Tags with a course of a wrong topic among the first three."""
        topics, of_courses = self.labelled.topics, self.labelled.course_topics
        return [tag for tag, shown in self.shown.items() if wrong_topics(shown, topics[tag], of_courses, k=TOP)]

    @property
    def answered(self) -> list[str]:
        """Tags without an answer that got one."""
        return [tag for tag in self.labelled.absent if self.shown[tag]]


def first() -> tuple[LabelledSet, ...]:
    """The weights of the recommender are learnt from these."""
    return (LabelledSet.of("tags", "relevant"),)


def fresh() -> tuple[LabelledSet, ...]:
    """Written by another annotator afterwards, without sight of the first, of the recommender or of its taxonomy; and as graded
    by each of two annotators. A validation set: several methods were compared on it."""
    annotators = [LabelledSet.of("tags_fresh", name) for name in ("relevant_fresh", "relevant_fresh_again")]
    return (annotators[0], *annotators)


def third() -> tuple[LabelledSet, ...]:
    """Other tags and other courses, opened after the method was frozen: the mean grade of two annotators, rounded down, and
    theirs."""
    folder = FOLDER / "third"
    annotators = [LabelledSet.of("tags", name, folder=folder) for name in ("grades_a", "grades_b")]
    return (LabelledSet.of("tags", "grades_a", "grades_b", folder=folder), *annotators)


SETS: dict[str, Callable[[], tuple[LabelledSet, ...]]] = {"first": first, "fresh": fresh, "third": third}
"""The set by which a ranking is measured, then as each annotator graded it where there are two."""
(FIRST,) = first()
FRESH, _, AGAIN = fresh()
THIRD, *_graded = third()
THIRD_GRADED = (_graded[0], _graded[1])
