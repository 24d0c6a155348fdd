"""The contract of every recommender: one class of tests, and courses like a checkerboard, whose right answer is obvious."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import cache

import pandas as pd
import pytest

from perfml import DataError, PerfmlError
from perfml.advice.courses import (
    CourseRecommender,
    FactorRecommender,
    NeighbourRecommender,
    PopularRecommender,
    Recommender,
    TextRecommender,
)
from perfml.advice.courses.recommenders.ranking import COLUMNS
from perfml.messages import render

PEOPLE, COURSES = 160, 20
START = dt.date(2026, 1, 1)


def catalogue() -> pd.DataFrame:
    """Even courses are about painting, odd ones about plumbing."""
    subject = ["painting brushes", "plumbing pipes"]
    rows = [(f"c{j:02}", f"{subject[j % 2]} {j}", "", [subject[j % 2].split()[0]]) for j in range(COURSES)]
    return pd.DataFrame(rows, columns=["course_id", "title", "summary", "skills"])


def checkerboard() -> pd.DataFrame:
    """Even people take even courses, odd people odd ones, each all but three of them."""
    rows = []
    for i in range(PEOPLE):
        own = [j for j in range(COURSES) if j % 2 == i % 2]
        left = {own[(i // 2 + step) % len(own)] for step in (0, 3, 7)}
        rows += [(f"e{i}", f"c{j:02}", START + dt.timedelta(days=(i * 7 + j) % 90)) for j in own if j not in left]
    return pd.DataFrame(rows, columns=["employee_id", "course_id", "enrolled_on"])


@cache
def fitted_of(make: Callable[[], Recommender]) -> Recommender:
    return make().fit(catalogue(), checkerboard())


class Contract:
    """Every recommender passes these."""

    make: Callable[[], Recommender]
    answers_tags = False
    is_personal = True

    @pytest.fixture
    def fitted(self) -> Recommender:
        return fitted_of(type(self).make)

    @pytest.mark.slow
    def test_the_frame_has_its_columns_and_types(self, fitted: Recommender) -> None:
        for frame in (fitted.for_employees(["e0", "e5"], k=3), fitted.for_tags(["painting"], k=3), fitted.for_tags([])):
            assert tuple(frame.columns) == COLUMNS
            assert frame["rank"].dtype.kind == "i" and frame["score"].dtype.kind == "f"
            assert frame[["query", "course_id", "why"]].dtypes.astype(str).eq("str").all()

    def test_ranks_count_from_one_and_scores_fall(self, fitted: Recommender) -> None:
        ranked = fitted.for_employees(["e3", "e0"], k=3)
        assert ranked["query"].drop_duplicates().tolist() == ["e3", "e0"]
        for _, rows in ranked.groupby("query"):
            assert rows["rank"].tolist() == [1, 2, 3]
            assert rows["score"].is_monotonic_decreasing and rows["score"].between(0, 1, inclusive="right").all()
            assert rows["course_id"].is_unique and (rows["why"] != "").all()

    @pytest.mark.slow
    def test_the_checkerboard(self, fitted: Recommender) -> None:
        """Each person is shown first the three courses of their colour that they have not taken."""
        if not self.is_personal:
            return
        taken = checkerboard().groupby("employee_id")["course_id"].apply(set)
        ranked = fitted.for_employees(list(taken.index), k=3).groupby("query")["course_id"].apply(set)
        for person, mine in taken.items():
            own = {f"c{j:02}" for j in range(COURSES) if j % 2 == int(person[1:]) % 2}
            assert ranked[person] == own - mine

    def test_what_was_taken_is_not_recommended(self, fitted: Recommender) -> None:
        taken = set(map(tuple, checkerboard()[["employee_id", "course_id"]].to_numpy()))
        ranked = fitted.for_employees([f"e{i}" for i in range(PEOPLE)], k=COURSES)
        assert not taken & set(map(tuple, ranked[["query", "course_id"]].to_numpy()))

    def test_a_batch_is_answered_as_one_by_one(self, fitted: Recommender) -> None:
        together = fitted.for_employees(["e1", "nobody", "e2"], k=4)
        apart = pd.concat(
            [fitted.for_employees([employee], k=4) for employee in ("e1", "nobody", "e2")], ignore_index=True
        )
        pd.testing.assert_frame_equal(together, apart)

    @pytest.mark.slow
    def test_the_same_again(self, fitted: Recommender) -> None:
        again = type(self).make().fit(catalogue(), checkerboard())
        pd.testing.assert_frame_equal(fitted.for_employees(["e1", "e8"]), again.for_employees(["e1", "e8"]))

    def test_someone_unknown_gets_the_cold_ranking_and_it_says_so(self, fitted: Recommender) -> None:
        ranked = fitted.for_employees(["nobody", "e1"], k=3)
        cold = ranked[ranked["query"] == "nobody"]
        counts = checkerboard()["course_id"].value_counts()
        assert counts[cold["course_id"]].tolist() == sorted(counts, reverse=True)[:3]
        assert cold["why"].str.startswith("no enrolment of this person is known").all()
        chinese = fitted.for_employees(["nobody"], k=3, language="zh")["why"]
        assert chinese.str.startswith("没有本人的选课记录；").all()
        assert (
            fitted.cold_ == {"nobody"} and not ranked[ranked["query"] == "e1"]["why"].str.contains("no enrolment").any()
        )

    @pytest.mark.slow
    def test_nothing_from_the_future(self, fitted: Recommender) -> None:
        """As of a date it is as if it had been fitted with what had happened and was known before."""
        day = dt.date(2026, 3, 1)
        rows = checkerboard()
        rows["known_at"] = pd.Series([None] * len(rows), dtype="datetime64[ns]")
        early = rows["enrolled_on"] < day
        late = early & (rows.index % 5 == 0)
        rows.loc[late, "known_at"] = pd.Timestamp(day)
        people = [f"e{i}" for i in range(20)]
        then = type(self).make().fit(catalogue(), rows).for_employees(people, k=4, as_of=day)
        known = type(self).make().fit(catalogue(), rows[early & ~late]).for_employees(people, k=4)
        pd.testing.assert_frame_equal(then, known)
        after = fitted.for_employees(people, k=4, as_of=dt.date(2027, 1, 1))
        pd.testing.assert_frame_equal(after, fitted.for_employees(people, k=4))

    def test_without_history_nobody_gets_anything_and_tags_do(self) -> None:
        for none in (None, checkerboard().head(0)):
            fitted = type(self).make().fit(catalogue(), none)
            assert fitted.for_employees(["e1"]).empty and fitted.cold_ == {"e1"}
            assert fitted.for_tags(["plumbing"]).empty != self.answers_tags

    def test_tags(self, fitted: Recommender) -> None:
        ranked = fitted.for_tags(["plumbing", "painting", "plumbing", "astronomy", "", "？"], k=5)
        if not self.answers_tags:
            assert ranked.empty
            return
        assert ranked["query"].drop_duplicates().tolist() == ["plumbing", "painting"]
        for tag, rows in ranked.groupby("query"):
            parity = 1 if tag == "plumbing" else 0
            assert len(rows) == 5 and all(int(course[1:]) % 2 == parity for course in rows["course_id"])
            assert rows["why"].str.contains(tag).all() and rows["score"].between(0, 1, inclusive="right").all()

    @pytest.mark.slow
    def test_dates_as_text_and_skills_as_text_are_read(self, fitted: Recommender) -> None:
        courses, rows = catalogue(), checkerboard()
        courses["skills"] = courses["skills"].map(";".join)
        rows["enrolled_on"] = rows["enrolled_on"].map(str)
        again = type(self).make().fit(courses, rows)
        pd.testing.assert_frame_equal(fitted.for_employees(["e1"]), again.for_employees(["e1"]))

    def test_what_cannot_be_read_is_refused(self) -> None:
        recommender, courses, rows = type(self).make(), catalogue(), checkerboard()
        with pytest.raises(PerfmlError, match="fit"):
            recommender.for_tags(["painting"])
        with pytest.raises(DataError, match="no column 'title'"):
            recommender.fit(courses.drop(columns="title"))
        with pytest.raises(DataError, match="no column 'enrolled_on'"):
            recommender.fit(courses, rows.rename(columns={"enrolled_on": "when"}))
        with pytest.raises(DataError, match="'c00' is missing or repeated"):
            recommender.fit(pd.concat([courses, courses.head(1)]))
        with pytest.raises(DataError, match="no course"):
            recommender.fit(courses.head(0))
        with pytest.raises(DataError, match="not a date"):
            recommender.fit(courses, rows.assign(enrolled_on="soon"))
        with pytest.raises(DataError, match="missing"):
            recommender.fit(courses, rows.assign(enrolled_on=None))
        with pytest.raises(PerfmlError, match="k is 0"):
            recommender.fit(courses).for_tags(["painting"], k=0)

    def test_what_is_left_out_is_noticed(self) -> None:
        rows = pd.concat([checkerboard(), checkerboard().head(2).assign(course_id="none")])
        recommender = type(self).make().fit(catalogue().assign(colour="red"), rows)
        colour, unknown, *_ = (render(notice, "en") for notice in recommender.notices_)
        assert "colour" in colour and "does not have: 2" in unknown


class TestPopular(Contract):
    make = PopularRecommender
    is_personal = False


class TestText(Contract):
    make = TextRecommender
    answers_tags = True


class TestNeighbours(Contract):
    make = NeighbourRecommender


class TestFactors(Contract):
    @staticmethod
    def make() -> Recommender:
        return FactorRecommender(factors=8)


class TestFused(Contract):
    answers_tags = True

    @staticmethod
    def make() -> Recommender:
        return CourseRecommender(embedding=False)
