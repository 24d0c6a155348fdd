"""What supports a success factor: a goal attained, a rating that rose, a sentence of a review, praise, a course finished.

Without such a row nothing is named: praise that stands on nothing helps nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

from perfml.advice.talks.goals import GoalReview
from perfml.advice.talks.lines import TalkFacts, TalkLine, plain, times, within
from perfml.messages import Bilingual, Message, both
from perfml.project.trust.talks_spec import TalksSpec

YEAR_DAYS, QUARTER_DAYS = 364, 91
PRAISE = "praise_received_364d"
"""The evidence whose rows are praise of the person."""
_SENTENCES = re.compile(r"(?<=[。！？；!?;.])\s*|\n+")


def strengths(facts: TalkFacts, goals: Sequence[GoalReview], spec: TalksSpec) -> Iterator[TalkLine]:
    """The success factors on record, each with its rows."""
    as_of = facts.record.as_of
    for goal in goals:
        if goal.status == "attained" and goal.reached is not None:
            message = Message.of(
                "talk_goal_attained", metric=goal.metric, reached=float(goal.reached), end=str(goal.period_end)
            )
            yield TalkLine(text=Bilingual(**both(message)), sources=goal.sources)
    reviews = facts.rows("reviews")
    if len(reviews) > 1:
        newest, before = (Decimal(row.values["rating"]) for row in reviews[:2])
        if newest > before:
            yield facts.line("talk_rating_rose", reviews[:2], old=plain(before), new=plain(newest))
    for row in reviews[:2]:
        for sentence in praised(row.values.get("comment", ""), spec):
            yield facts.line("talk_review_says", [row], quote=sentence, day=str(row.day))
    praise = list(within(facts.counted(PRAISE) or (), as_of, days=QUARTER_DAYS))
    if praise:
        yield facts.line("talk_praise", praise, times=times(praise), day=str(praise[0].day))


def nothing_on_record() -> Bilingual:
    """What is said instead of praise that nothing supports."""
    return Bilingual(**both(Message.of("talk_nothing_on_record")))


def praised(comment: str, spec: TalksSpec) -> Iterator[str]:
    """The sentences of a comment that name what went well.

    >>> spec = TalksSpec(zh="", en="", praise=("reliable",), denied=("not",))
    >>> list(praised("Reliable work. Not reliable with dates.", spec))
    ['Reliable work.']
    """
    for sentence in _SENTENCES.split(comment):
        text = sentence.strip()
        if text and _has(text, spec.praise) and not _has(text, spec.denied):
            yield text


def _has(text: str, phrases: Sequence[str]) -> bool:
    """Whether a phrase is in a text: an English one as whole words, unless it begins within one (``n't``)."""
    lower = text.casefold()
    return any(
        re.search(rf"\b{re.escape(phrase)}\b", lower) if phrase[0].isascii() and phrase != "n't" else phrase in lower
        for phrase in map(str.casefold, phrases)
    )
