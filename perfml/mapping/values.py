"""What the values of a column mean: ratings in words and letters, causes of leaving, levels, years of birth."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from perfml.mapping.naming.synonyms import plain, synonyms
from perfml.project.spec import ExitKind

LEVELS: Mapping[int, tuple[float, ...]] = {2: (4, 2), 3: (5, 3, 2), 4: (5, 4, 3, 2), 5: (5, 4, 3, 2, 1)}
"""Ratings of sets of so many levels, best first, on the contract's scale; the lowest of each counts as low (at most 2)."""
NEGATIONS = ("非", "不", "未", "in", "non", "not")
MATURE = 0.8
"""Share of the different values that must be known words."""


@dataclass(frozen=True, kw_only=True)
class RatingScale:
    """How a rating is read: values translated, or numbers as they are on a scale from ``worst`` to ``best``."""

    values: Mapping[str, float]
    worst: float = 1
    best: float = 5
    certain: bool = True
    """Whether it is certain that the values mean this, direction included."""
    low_at_most: float | None = None
    """From which rating on down a rating is low, where the scale is not the contract's."""
    unknown: tuple[str, ...] = ()
    """Values that mean nothing known."""


def rating_scale(values: Iterable[str], *, name: str) -> RatingScale | None:
    """The scale of the ratings ``values`` in a column ``name``; None where they are no ratings.

    >>> rating_scale(["优", "良", "中", "差"], name="等级").values
    {'优': 5, '良': 4, '中': 3, '差': 2}
    >>> rating_scale(["3 - Meets", "1 - Below"], name="Rating").values
    {'1 - Below': 1.0, '3 - Meets': 3.0}
    """
    listed = sorted(values)
    numbers = [_number(value) for value in listed]
    if listed and all(number is not None for number in numbers):
        return _numeric([number for number in numbers if number is not None], name)
    numbered = [re.match(r"\s*(\d(?:\.\d)?)\s*(?:[-–:.、]|分|=|\s)\s*\D", value) for value in listed]
    if listed and all(numbered):
        read = {value: float(match[1]) for value, match in zip(listed, numbered, strict=True) if match}
        return _numbered_words(read)
    return _named_levels(listed)


def _number(value: str) -> float | None:
    try:
        return float(value.replace(",", "."))
    except ValueError:
        return None


def _numeric(numbers: list[float], name: str) -> RatingScale | None:
    low, high = min(numbers), max(numbers)
    text = plain(name)
    scored = any(word in text for word in ("得分", "评分", "分数", "score", "points")) or "best" in name.lower()
    if low >= 1 and high <= 5:
        return RatingScale(values={}, certain=scored or text == "rating")
    if low >= 0 and high <= 10:
        return RatingScale(values={}, worst=0 if low < 1 else 1, best=10, certain=False, low_at_most=4)
    if low >= 0 and high <= 100:
        return RatingScale(values={}, worst=0, best=100, certain=True, low_at_most=60)
    return RatingScale(values={}, worst=min(0, low), best=high, certain=False) if low >= 0 else None


def _numbered_words(read: Mapping[str, float]) -> RatingScale:
    """Numbers with words: the words tell the direction where they are known."""
    ranked = {}
    for value in read:
        text = plain(re.sub(r"^\s*[\d.]+", "", value))
        for levels in synonyms().ratings:
            rank = next(
                (i for i, level in enumerate(levels) if any(len(word) > 1 and word in text for word in level)), None
            )
            if rank is not None:
                ranked[value] = -rank
                break
    pairs = sorted((read[value], rank) for value, rank in ranked.items())
    rising = len(pairs) > 1 and pairs[0][1] < pairs[-1][1]
    falling = len(pairs) > 1 and pairs[0][1] > pairs[-1][1]
    if falling:
        top = max(read.values()) + min(read.values())
        return RatingScale(values={value: top - number for value, number in read.items()})
    return RatingScale(values=dict(read), certain=rising)


def _named_levels(listed: list[str]) -> RatingScale | None:
    """Letters and words: the set of levels that knows the most of them, the smallest of such sets."""
    best: tuple[int, int, int] | None = None
    scale: RatingScale | None = None
    for number, levels in enumerate(synonyms().ratings):
        ranks = {value: rank for value in listed if (rank := _rank(value, levels)) is not None}
        score = (len(ranks), -len(levels), -number)
        # Words of one set must stand apart, and a set of letters is the right one only where its best letter may occur.
        if len(ranks) < 2 or (best is not None and score <= best):
            continue
        best = score
        marks = LEVELS[len(levels)]
        scale = RatingScale(
            values={value: marks[rank] for value, rank in sorted(ranks.items(), key=lambda item: item[1])},
            certain=len(ranks) == len(listed) and len(set(ranks.values())) == len(ranks),
            unknown=tuple(value for value in listed if value not in ranks),
        )
    return scale if scale is not None and len(scale.values) >= MATURE * len(listed) else None


def _rank(value: str, levels: tuple[tuple[str, ...], ...]) -> int | None:
    text = plain(value)
    bare = re.sub(r"(级|等|grade|level)$", "", text)
    for rank, level in enumerate(levels):
        if text in level or bare in level:
            return rank
    return None


def exit_kinds(values: Iterable[str]) -> tuple[Mapping[str, ExitKind], tuple[str, ...]]:
    """The cause of leaving that each value names, and the values that name none.

    >>> exit_kinds(["主动离职", "Terminate Employee > Involuntary", "P"])
    ({'主动离职': 'voluntary', 'Terminate Employee > Involuntary': 'involuntary'}, ('P',))
    """
    known: dict[str, ExitKind] = {}
    unknown = []
    for value in values:
        text = plain(value)
        exact = {kind for kind, names in synonyms().exit_kinds.items() if text in names}
        kinds = exact or {
            kind for kind, names in synonyms().exit_kinds.items() if any(_affirms(text, n) for n in names)
        }
        if len(kinds) == 1:
            known[value] = kinds.pop()
        else:
            unknown.append(value)
    return known, tuple(unknown)


def _affirms(text: str, name: str) -> bool:
    """Whether ``text`` contains ``name``, and not its negation (非自愿, involuntary)."""
    before, within, _ = text.partition(name)
    return len(name) > 1 and bool(within) and not before.endswith(NEGATIONS)


def levels(values: Iterable[str]) -> Mapping[str, int] | None:
    """Levels such as P5 or 7级 as numbers; None where letters differ, so that nobody knows which is higher.

    >>> levels(["P5", "P6"]), levels(["P5", "M1"])
    ({'P5': 5, 'P6': 6}, None)
    """
    read, around = {}, set()
    for value in values:
        match = re.fullmatch(r"(\D*)(\d{1,2})(\D*)", value.strip())
        if match is None:
            return None
        read[value] = int(match[2])
        around.add((match[1].strip().lower(), match[3].strip().lower()))
    return read if len(around) == 1 else None
