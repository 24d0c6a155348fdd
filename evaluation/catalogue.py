"""A real catalogue of 2,971 courses without enrolments: find the courses that carry a hidden tag.

One tag is removed from the skills of every course and searched for; the courses that had it are the right ones. The
comparison is plain BM25 over title and summary, which sees no skills. Every other tag served to choose the constants, and the
figures are of those in between (docs/decisions/0016 says what was looked at before). Abstention: subjects of no course.

Only half of the courses have skills, and only these can be right, so that a preference for them gains: the figures called
*tagged* are of these courses alone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import bm25s
import numpy as np
import numpy.typing as npt
import pandas as pd
from goals import Goal

from perfml.advice.courses import CourseRecommender
from perfml.advice.courses.recommenders.embedding import installed
from perfml.errors import DataError
from perfml.progress import Progress

GOALS = {
    "ndcg_over_bm25": Goal(low=1.4),
    "ndcg_over_bm25_by_words": Goal(low=1.4),
    "abstained_on_absent": Goal(low=0.90),
    "abstained_on_absent_by_words": Goal(low=0.90),
}
K, FEWEST, DRAWS = 10, 5, 2_000
ABSENT = (
    "plumbing", "welding", "underwater welding", "horse riding", "beekeeping", "hairdressing", "scuba diving",
    "forklift driving", "carpentry", "sewing", "ice skating", "falconry", "knitting", "taxidermy",
    "truck driving", "air traffic control", "locksmithing", "bricklaying", "butchery", "barista skills",
    "cocktail mixing", "bread baking", "cheese making", "fly fishing", "mountain climbing", "sailing",
    "skydiving", "juggling", "stage magic", "chess openings", "bridge card game", "crossword puzzles",
    "stamp collecting", "coin collecting", "model railways", "origami", "flower arranging", "candle making",
    "soap making", "leather craft", "blacksmithing", "glass blowing", "upholstery", "furniture restoration",
    "tile laying", "house painting", "wallpapering", "dog grooming", "horse breeding", "sheep shearing",
    "vineyard management", "chimney sweeping", "window cleaning", "laundry ironing", "nail art", "tattooing",
    "wig making", "shoe repair", "watch repair", "piano tuning", "bicycle repair", "car body repair",
    "tyre fitting", "crane operation", "lift maintenance", "mail sorting", "parking enforcement",
    "lifeguarding", "surfing", "snowboarding", "ballet dancing", "tap dancing", "ventriloquism",
    "puppet making", "ukulele", "harmonica", "bagpipes", "esperanto", "swahili", "icelandic language", "马术",
    "焊接", "潜水", "养蜂", "理发", "木工", "叉车驾驶", "钢琴调律", "烘焙", "茶艺",
)  # fmt: skip
"""Subjects of which no title, summary or skill of the catalogue has the words; :func:`require_absent` looks."""


def courses_of(data: Path) -> pd.DataFrame:
    """The catalogue in the columns of the contract."""
    courses = pd.read_parquet(data / "catalogue" / "courses.parquet").drop(columns="level_name")
    return courses.assign(skills=[list(map(str, each)) for each in courses["skills"]])


def hidden(courses: pd.DataFrame, tag: str) -> pd.DataFrame:
    """The courses without ``tag`` among their skills."""
    return courses.assign(skills=[[skill for skill in each if skill != tag] for each in courses["skills"]])


def require_absent(courses: pd.DataFrame) -> None:
    """Raise :class:`DataError` where a course has the words of one of :data:`ABSENT`."""
    for subject in ABSENT:
        for title, summary, skills in zip(courses["title"], courses["summary"], courses["skills"], strict=True):
            if subject in f"{title} {summary} {'; '.join(skills)}".lower():
                raise DataError(f"{subject!r} is in {title!r}", where="catalogue", remedy="take it out of ABSENT")


def plain_bm25(courses: pd.DataFrame) -> Callable[[str, npt.NDArray[np.bool_]], list[str]]:
    """Search with bm25s as it comes: lower-cased words of title and summary."""
    texts = (courses["title"].fillna("") + " " + courses["summary"].fillna("")).str.lower()
    index: Any = bm25s.BM25()
    index.index([re.findall(r"\w+", text) for text in texts], show_progress=False)
    ids = courses["course_id"].to_numpy(dtype=object)

    def search(tag: str, allowed: npt.NDArray[np.bool_]) -> list[str]:
        terms = [word for word in re.findall(r"\w+", tag.lower()) if word in index.vocab_dict]
        scores = np.where(allowed, index.get_scores(terms) if terms else 0.0, 0.0)
        best = np.argsort(-scores, kind="stable")[:K]
        return [str(course) for course in ids[best[scores[best] > 0]]]

    return search


def ndcg(ranked: list[str], right: set[str]) -> float:
    """Binary nDCG@10."""
    worth = 1 / np.log2(np.arange(2, K + 2))
    return float(
        sum(w for w, course in zip(worth, ranked, strict=False) if course in right) / worth[: min(K, len(right))].sum()
    )


def interval(value: Callable[[npt.NDArray[np.int64]], float], n: int) -> dict[str, float]:
    """A figure with its 95 % interval over ``n`` tags drawn with replacement."""
    rng = np.random.default_rng(0)
    draws = [value(rng.integers(0, n, n)) for _ in range(DRAWS)]
    low, high = np.quantile(draws, [0.025, 0.975])
    return {"value": value(np.arange(n)), "low": float(low), "high": float(high)}


def ranked_for(
    courses: pd.DataFrame, tags: list[str], *, progress: Progress, options: Mapping[str, bool]
) -> dict[str, list[str]]:
    """For each tag, hidden, all courses with evidence, ranked; the caller may leave some out."""
    out = {}
    for number, tag in enumerate(tags):
        progress("catalogue, a tag hidden", number, len(tags))
        fitted = CourseRecommender(**options).fit(hidden(courses, tag))
        out[tag] = fitted.for_tags([tag], k=len(courses))["course_id"].tolist()
    progress("catalogue, a tag hidden", len(tags), len(tags))
    return out


def evaluate(data: Path, progress: Progress, *, choosing: bool = False, **options: bool) -> dict[str, dict[str, Any]]:
    """The figures on every other tag, with the extra as far as it runs here and by words alone; with ``choosing`` on the tags
    that the constants were chosen on."""
    courses = courses_of(data)
    require_absent(courses)
    figures: dict[str, dict[str, Any]] = {}
    for end, embedding in (("_by_words", False), ("", True)):
        if installed() or not embedding:
            measured = measure(courses, progress, choosing=choosing, options={**options, "embedding": embedding})
            figures |= {f"{name}{end}": each for name, each in measured.items()}
    return figures


def measure(
    courses: pd.DataFrame, progress: Progress, *, choosing: bool, options: Mapping[str, bool]
) -> dict[str, dict[str, Any]]:
    """The figures of the recommender with ``options``."""
    often = Counter(skill for each in courses["skills"] for skill in each)
    tags = sorted(tag for tag, times in often.items() if times >= FEWEST)[0 if choosing else 1 :: 2]
    right = {t: {c for c, s in zip(courses["course_id"], courses["skills"], strict=True) if t in s} for t in tags}
    has_skills = courses["skills"].map(len).to_numpy() > 0
    tagged = set(courses.loc[has_skills, "course_id"])
    search, ranked = plain_bm25(courses), ranked_for(courses, tags, progress=progress, options=options)
    everywhere = np.ones(len(courses), dtype=bool)
    scores = {
        "ours": [ndcg(ranked[t][:K], right[t]) for t in tags],
        "bm25": [ndcg(search(t, everywhere), right[t]) for t in tags],
        "ours_tagged": [ndcg([c for c in ranked[t] if c in tagged][:K], right[t]) for t in tags],
        "bm25_tagged": [ndcg(search(t, has_skills), right[t]) for t in tags],
    }
    n, value = len(tags), {name: np.array(each) for name, each in scores.items()}
    silent = np.array([not ranked[t] for t in tags], dtype=np.float64)
    fitted = CourseRecommender(**options).fit(courses)
    answered = set(fitted.for_tags(ABSENT, k=1)["query"])
    absent = np.array([tag not in answered for tag in ABSENT], dtype=np.float64)
    ratio = {
        f"ndcg_over_bm25{end}": interval(
            lambda i, e=end: float(value[f"ours{e}"][i].mean() / value[f"bm25{e}"][i].mean()), n
        )
        for end in ("", "_tagged")
    }
    return {
        **{f"ndcg_{name}": interval(lambda i, v=each: float(v[i].mean()), n) for name, each in value.items()},
        **ratio,
        "abstained_on_absent": interval(lambda i: float(absent[i].mean()), len(ABSENT)),
        "abstained_on_present": interval(lambda i: float(silent[i].mean()), n),
    }
