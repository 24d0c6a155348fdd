"""Gap tags: tags noted with reviews that are still open, and tags proposed from the comments of reviews.

A *look* is everything known about one review period of one person: its reviews, their comments, and the tags noted with them.
A period with several reviewers is one look. A look without a comment or a tag does not count, unless no review of the company
has a comment.

**Open.** Among the tags for the same skill, a person's newest counts. It is open until a later look does not name that skill,
neither as a tag nor in a sentence of a comment that reports a shortfall. A tag without a later look closes after ``open_days``
of the policy: it is then too old to act on, although the gap may persist.

**Proposed.** A sentence proposes a gap when it contains a cue of need or shortfall and, next to it in the same clause, the name
of a skill. Phrases of praise are not cues, even where they contain or overlap one. A sentence that a noted tag quotes was read
by the person who noted it, and proposes nothing more. Only skills that the taxonomy allows to be proposed are read, never a
feeling or a trait; the sentence is shown with each, and a person confirms it.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import pandas as pd

from perfml.advice.courses.taxonomy import NAMED, NOTHING, PhraseMatch, Phrases, Taxonomy, units
from perfml.evidence.snapshots import visible
from perfml.evidence.sources import Data
from perfml.project.course_policy import Cues

COLUMNS: Final = ("employee_id", "tag", "skill", "source", "quote", "review_id", "noted_on")
NEAR: Final = 12
"""Words, or Chinese characters, allowed between a cue and its skill."""
JOINS: Final = frozenset(
    [*"和与及或能力技巧", "\n", "and", "or", "with", "of", "in", "the", "his", "her", "their", "skills"]
)
"""Pieces allowed between two skills that one cue applies to."""
_SENTENCES: Final = re.compile(r"(?<=[。！？；!?;])\s*|\n+|(?<=[.])(?<!\w\.\w\.)\s+")
_CLAUSES: Final = re.compile(r"[\u4e00-\u9fff]")


@dataclass(frozen=True)
class Gap:
    """A skill whose shortfall a sentence reports."""

    skill: str
    quote: str


class GapReader:
    """Reads comments for sentences that name a gap, and caches the result: the same comment is often written twice."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        self.taxonomy = taxonomy
        self._cues = _cue_phrases(taxonomy.spec.cues)
        self._praise = Phrases(dict.fromkeys(taxonomy.spec.cues.praises, ("praises", 1.0)), stemmed=False)
        self._read: dict[str, tuple[Gap, ...]] = {}

    def gaps_in(self, comment: str) -> tuple[Gap, ...]:
        """The gaps that ``comment`` names, each skill once, with the first sentence that names it."""
        if comment not in self._read:
            first: dict[str, Gap] = {}
            for sentence in sentences(comment):
                for skill in self._skills(sentence):
                    first.setdefault(skill, Gap(skill, sentence))
            self._read[comment] = tuple(first.values())
        return self._read[comment]

    def _skills(self, sentence: str) -> Iterator[str]:
        """The skills next to a cue in ``sentence``."""
        praise = self._praise.find(sentence)
        praised = {position for phrase in praise for position in range(phrase.start, phrase.end)}
        cues = [cue for cue in self._cues.find(sentence) if praised.isdisjoint(range(cue.start, cue.end))]
        if not any(cue.meaning in SIDES for cue in cues):
            return
        pieces = units(sentence, stemmed=False)
        known = self.taxonomy.spec.skills
        matches = self.taxonomy.phrases.find(sentence)
        skills = [s for s in matches if s.meaning != NOTHING and s.strength >= NAMED and known[s.meaning].proposed]
        for clause in _clauses(pieces, [*praise, *cues]):
            inside = [skill for skill in skills if skill.start in clause]
            for cue in cues:
                if cue.start in clause and cue.meaning in SIDES:
                    for side in SIDES[cue.meaning]:
                        beside = _beside(cue, inside, pieces=pieces, side=side)
                        yield from (skill.meaning for skill in beside)
                        if beside:
                            break


SIDES: Final[dict[str, tuple[Literal["right", "left"], ...]]] = {
    "wants": ("right", "left"),
    "lacks": ("left", "right"),
    "either": ("right", "left"),
}
"""The sides of a cue on which its skill is searched for, in order."""


def sentences(text: str) -> list[str]:
    """The sentences of a Chinese or English text.

    >>> sentences("工作扎实。沟通不足！Reliable work, e.g. at 3.5 sites. Planning is weak.")
    ['工作扎实。', '沟通不足！', 'Reliable work, e.g. at 3.5 sites.', 'Planning is weak.']
    """
    return [part.strip() for part in _SENTENCES.split(text) if part.strip()]


def _cue_phrases(cues: Cues) -> Phrases:
    both = set(cues.wants) & set(cues.lacks)
    lists = {"either": both, "wants": cues.wants, "lacks": cues.lacks, "turns": cues.turns}
    meanings: dict[str, tuple[str, float]] = {}
    for meaning, phrases in lists.items():
        for phrase in phrases:
            meanings.setdefault(phrase, (meaning, 1.0))
    return Phrases(meanings, stemmed=False)


def _clauses(pieces: Sequence[str], cues: Sequence[PhraseMatch]) -> list[range]:
    """Positions of each clause: up to a turn of the sentence, or to a break that follows a cue or praise."""
    starts = {cue.start for cue in cues if cue.meaning != "turns"}
    turns = {cue.start for cue in cues if cue.meaning == "turns"}
    clauses, start, spoken = [], 0, False
    for position, piece in enumerate(pieces):
        if position in turns or (spoken and piece == "\n"):
            clauses.append(range(start, position))
            start, spoken = position, False
        spoken = spoken or position in starts
    return [*clauses, range(start, len(pieces))]


def _beside(
    cue: PhraseMatch, skills: Sequence[PhraseMatch], *, pieces: Sequence[str], side: Literal["left", "right"]
) -> list[PhraseMatch]:
    """The skill next to ``cue`` on that side, and the skills joined to it: "planning and reporting are weak"."""
    if side == "left":
        row = sorted((s for s in skills if s.start < cue.end), key=lambda s: -s.start)
        gaps = [range(near.end, far.start) for far, near in zip([cue, *row], row, strict=False)]
    else:
        row = sorted((s for s in skills if s.end > cue.start), key=lambda s: s.start)
        gaps = [range(far.end, near.start) for far, near in zip([cue, *row], row, strict=False)]
    joined = []
    for nth, (skill, gap) in enumerate(zip(row, gaps, strict=True)):
        if len(gap) > NEAR or (nth and not all(pieces[position] in JOINS for position in gap)):
            break
        joined.append(skill)
    return joined


@dataclass(frozen=True)
class Looks:
    """The looks, and the tags noted, before the as-of date.

    ``reviews``: one row a review (employee_id, review_id, period_end, reviewed_on, comment) of a look that counts, with
    ``place``, the number of the look in the person's sequence from 0. ``noted``: one row a tag (employee_id, tag, key, skill,
    noted_on, quote, review_id) with the ``place`` of the look it belongs to, -1 where it came before any. ``key`` is the
    skill, or the tag's own words where no skill is recognised.
    """

    reviews: pd.DataFrame
    noted: pd.DataFrame


def looks(data: Data, taxonomy: Taxonomy, as_of: dt.date) -> Looks:
    """Reviews and tags known strictly before ``as_of``, in the person's order of review periods."""
    noted = known_rows(data, "gap_tags", columns=("employee_id", "tag", "noted_on", "review_id", "quote"), as_of=as_of)
    columns = ("employee_id", "review_id", "period_end", "reviewed_on", "comment")
    reviews = known_rows(data, "reviews", columns=columns, as_of=as_of).sort_values(
        ["employee_id", "period_end", "reviewed_on", "review_id"]
    )
    main = {tag: next(iter(taxonomy.skills_in(tag)), None) for tag in noted["tag"].unique()}
    noted["skill"] = noted["tag"].map(main).astype(object)
    noted["key"] = noted["skill"].where(noted["skill"].notna(), noted["tag"].str.strip().str.lower())
    periods = reviews.groupby(["employee_id", "period_end"], as_index=False)
    look = periods.agg(first_on=("reviewed_on", "min"), comments=("comment", "count"))
    look = look.astype({"employee_id": object}).sort_values(["first_on", "employee_id", "period_end"])
    noted = _placed(noted, reviews, look)
    speaking = look["comments"] > 0
    if speaking.any():  # without any comment in the company, every review counts
        named = pd.MultiIndex.from_frame(noted[["employee_id", "period_end"]].dropna().drop_duplicates())
        speaking |= pd.MultiIndex.from_frame(look[["employee_id", "period_end"]]).isin(named)
        look = look[speaking]
    look = look.sort_values(["employee_id", "period_end"])
    look["place"] = look.groupby("employee_id").cumcount()
    on = ["employee_id", "period_end"]
    reviews = reviews.merge(look[[*on, "place"]], on=on)
    noted = noted.merge(look[[*on, "place"]], on=on, how="left")
    noted["place"] = noted["place"].fillna(-1).astype(int)
    return Looks(reviews, noted.drop(columns="period_end"))


def _placed(noted: pd.DataFrame, reviews: pd.DataFrame, look: pd.DataFrame) -> pd.DataFrame:
    """Each tag with the ``period_end`` of its look: that of its review, else of the newest look begun by the day it was noted."""
    noted = noted.sort_values(["noted_on", "employee_id", "tag"]).reset_index(drop=True)
    on = ["employee_id", "review_id"]
    own = noted[on].merge(reviews[[*on, "period_end"]].drop_duplicates(on), on=on, how="left")["period_end"]
    by_day = pd.merge_asof(
        noted[["employee_id", "noted_on"]],
        look[["employee_id", "first_on", "period_end"]],
        left_on="noted_on",
        right_on="first_on",
        by="employee_id",
    )["period_end"]
    return noted.assign(period_end=own.where(noted["review_id"].notna() & own.notna(), by_day))


def known_rows(data: Data, table: str, *, columns: Sequence[str], as_of: dt.date) -> pd.DataFrame:
    """``columns`` of the rows of ``table`` that happened and were known strictly before ``as_of``; text is object, dates are
    datetime64. No rows where the table is absent."""
    rows = data.connection.execute(
        f"select {', '.join(columns)} from main.{table} t, (select ?::date as as_of) a where {visible('t')} order by all",
        [as_of],
    ).fetch_df()
    for name in columns:
        rows[name] = rows[name].astype("datetime64[s]" if name.endswith(("_on", "_end")) else object)
    return rows


def open_tags(
    data: Data,
    taxonomy: Taxonomy,
    as_of: dt.date,
    *,
    open_days: int,
    proposed: bool = True,
    looked: Looks | None = None,
) -> pd.DataFrame:
    """The gaps that are open at ``as_of``, one row a person and skill, the newest first, noted ones before proposed ones.

    Columns :data:`COLUMNS`; ``skill`` is None where the taxonomy knows none in the tag, and then the tag's words stand for
    themselves. ``looked``: the result of :func:`looks`, where it is at hand.
    """
    looked = looked or looks(data, taxonomy, as_of)
    reader = GapReader(taxonomy)
    last = looked.reviews[looked.reviews["place"] == looked.reviews.groupby("employee_id")["place"].transform("max")]
    proposals = _proposals(last[last["comment"].notna()], reader)
    since = pd.Timestamp(as_of) - pd.Timedelta(days=open_days)
    noted = looked.noted.sort_values(["noted_on", "review_id", "tag"]).drop_duplicates(
        ["employee_id", "key"], keep="last"
    )
    now = noted["employee_id"].map(last.groupby("employee_id")["place"].first()).fillna(-1)
    again = proposals.groupby(["employee_id", "skill"])["noted_on"].max().rename("again")
    noted = noted.join(again, on=["employee_id", "key"])
    is_open = (noted["place"] >= now) | noted["again"].notna()
    touched = noted[["noted_on", "again"]].max(axis=1)
    noted = noted[is_open & (touched >= since)].assign(source="noted")
    parts = [noted]
    if proposed:
        taken = pd.MultiIndex.from_frame(noted[["employee_id", "key"]])
        quoted = pd.MultiIndex.from_arrays([looked.noted["employee_id"], looked.noted["quote"].map(_bare)])
        read = pd.MultiIndex.from_arrays([proposals["employee_id"], proposals["quote"].map(_bare)]).isin(quoted)
        fresh = (
            ~pd.MultiIndex.from_frame(proposals[["employee_id", "skill"]]).isin(taken)
            & ~read
            & (proposals["noted_on"] >= since)
        )
        parts.append(proposals[fresh].drop_duplicates(["employee_id", "skill"]).assign(source="proposed"))
    rows = pd.concat([part[list(COLUMNS)] for part in parts if len(part)] or [noted[list(COLUMNS)]], ignore_index=True)
    rows = rows.astype({"skill": object, "quote": object, "review_id": object})
    rows = rows.where(rows.notna(), None).astype({"noted_on": "datetime64[s]"})
    order = {"noted": 0, "proposed": 1}
    rows = rows.assign(order=rows["source"].map(order), age=(pd.Timestamp(as_of) - rows["noted_on"]).dt.days)
    return rows.sort_values(["employee_id", "order", "age", "tag"], ignore_index=True)[list(COLUMNS)]


def _proposals(reviews: pd.DataFrame, reader: GapReader) -> pd.DataFrame:
    """The gaps proposed from the comments of ``reviews``: :data:`COLUMNS` without the source."""
    rows = [
        (row.employee_id, _tag(gap, reader.taxonomy), gap.skill, gap.quote, row.review_id, row.reviewed_on)
        for row in reviews.itertuples()
        for gap in reader.gaps_in(str(row.comment))
    ]
    frame = pd.DataFrame(rows, columns=[name for name in COLUMNS if name != "source"], dtype=object)
    return frame.astype({"noted_on": "datetime64[s]"})


def _bare(quote: object) -> str:
    """A quote without the punctuation at its ends; empty for a missing quote."""
    return quote.strip(' 。！？；.!?;“”"') if isinstance(quote, str) else ""


def _tag(gap: Gap, taxonomy: Taxonomy) -> str:
    """The skill's name in the language of the sentence."""
    return taxonomy.name(gap.skill, "zh" if _CLAUSES.search(gap.quote) else "en")
