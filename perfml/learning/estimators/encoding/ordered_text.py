"""Texts that stand for ordered numbers: "<1", ">20", "100-500", "50+", "1年以下", "10年以上", and scales of words.

A column is read as numbers only where its texts show that they are amounts: at least three of them can be read, of which one
is a comparison, a range or has a unit of measure. Plain numbers alone may be codes, and stay categories; so do texts with
units that only name things ("3组", "region_7"). Scales of words stand in ``word_scales.toml``. An open end is placed beyond its
bound, at half of it or a quarter above, and a range at its middle: only the order matters to trees, and curves are flat
beyond their outermost knots.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypedDict

MIN_READ = 3
"""Distinct texts that must be readable: two have no order that matters."""
OTHERS_SHARE = 1 / 3
"""Texts that cannot be read, such as "never" among amounts, over those that can: more, and the column is not of amounts."""
BELOW, ABOVE = 0.5, 1.25
"""Where "less than a" and "more than a" lie, in units of a."""
DAYS = {
    **dict.fromkeys(("d", "day", "天", "日"), 1.0),
    **dict.fromkeys(("w", "wk", "week", "周", "星期"), 7.0),
    **dict.fromkeys(("mo", "month", "月", "个月"), 30.4375),
    **dict.fromkeys(("y", "yr", "year", "年", "岁", "周岁"), 365.25),
}
"""Length of each unit of time."""
OTHER_UNITS = {
    "h", "hr", "hour", "min", "minute", "time", "people", "person", "employee", "staff", "point", "%", "usd", "rmb", "cny",
    "eur", "yuan", "km", "mile", "kg", "小时", "分钟", "人", "名", "次", "元", "万元", "公里", "分",
}  # fmt: skip
MULTIPLES = {"k": 1e3, "千": 1e3, "万": 1e4, "m": 1e6, "百万": 1e6, "亿": 1e8}

_AMOUNT = re.compile(
    r"[$¥€£]?\s*(?P<number>(?:0|[1-9]\d{0,2}(?:,\d{3})+|[1-9]\d*)(?:\.\d+)?)(?P<multiple>百万|[km千万亿](?![^\W\d_]))?"
    r"(?P<more>\+)?\s*(?P<unit>%|[^\W\d_]*)\.?(?P<later>\+)?"
)
_RANGE = re.compile(r"(?:between\s+)?(?P<low>.+?)\s*(?:-|–|—|~|/|\bto\b|\band\b|至|到)\s*(?P<high>.+)")
_LESS = re.compile(
    r"(?:<=?|≤|(?:under|below|less than|fewer than|lt|up to|at most)\b|不足|不到|少于|小于|低于|至多)\s*(?P<before>.+)"
    r"|(?P<after>.+?)\s*(?:\bor less|\bor fewer|\b(?:or|and) (?:under|below)|及?以下|以内)"
)
_MORE = re.compile(
    r"(?:>=?|≥|(?:over|above|more than|greater than|gt|at least)\b|超过|大于|多于|高于|至少)\s*(?P<before>.+)"
    r"|(?P<after>.+?)\s*(?:\b(?:or|and) (?:more|over|above)|\bplus|及?以上)"
)


class ScaleJson(TypedDict):
    """A :class:`TextScale` as JSON."""

    numbers: Mapping[str, float]
    unit: str | None
    others: Sequence[str]


@dataclass(frozen=True)
class Amount:
    """One text that was read: its number, its unit of measure, and whether it is more than a plain number."""

    number: float
    unit: str
    bounded: bool = False


@dataclass(frozen=True)
class TextScale:
    """How the texts of one column become numbers."""

    numbers: Mapping[str, float]
    """The numbers of the texts or words that are known."""
    unit: str | None
    """Unit in which amounts not in ``numbers`` are read, "days" to convert each unit of time; None where only words are known."""
    others: tuple[str, ...]
    """Texts of the training rows that stand for no number, such as "never": categories beside the numbers."""

    def __call__(self, text: str) -> float | None:
        """The number of a text; None where it stands for none."""
        known = self.numbers.get(_plain(text))
        if known is not None or self.unit is None:
            return known
        amount = read_amount(text)
        return None if amount is None else _in_unit(amount, self.unit)

    def to_json(self) -> ScaleJson:
        """JSON from which :meth:`from_json` restores the scale."""
        return {"numbers": dict(self.numbers), "unit": self.unit, "others": self.others}

    @classmethod
    def from_json(cls, raw: ScaleJson) -> TextScale:
        """Restore what :meth:`to_json` gave."""
        return cls(dict(raw["numbers"]), raw["unit"], tuple(raw["others"]))


def text_scale(texts: Iterable[str]) -> TextScale | None:
    """The scale on which the distinct ``texts`` of a column lie, or None for a column of categories.

    >>> scale = text_scale(["<1", "1", "2", ">20", "never"])
    >>> [scale(text) for text in ("<1", "2", ">20", "7", "never")], scale.others
    ([0.5, 2.0, 25.0, 7.0, None], ('never',))
    >>> text_scale(["region_1", "region_2", "region_3"]) is None
    True
    """
    distinct = sorted(set(texts))
    return _of_amounts(distinct) or _of_words(distinct)


def listed_scale(ordered: Sequence[str]) -> TextScale:
    """The scale of an ordered category: its texts, lowest first."""
    return TextScale({_plain(text): float(i) for i, text in enumerate(ordered)}, None, ())


def read_amount(text: str) -> Amount | None:
    """Read one text as an amount; None where it is none.

    >>> [read_amount(text).number for text in ("100-500人", "10年以上", "不足1年", "50+", "$1,000")]
    [300.0, 12.5, 0.5, 62.5, 1000.0]
    """
    plain = _plain(text)
    for form, factor in ((_LESS, BELOW), (_MORE, ABOVE)):
        compared = form.fullmatch(plain)
        if compared is not None:
            bound = _simple(compared["before"] or compared["after"])
            return None if bound is None or bound.bounded else Amount(_beyond(bound.number, factor), bound.unit, True)
    simple = _simple(plain)
    if simple is not None:
        return simple
    between = _RANGE.fullmatch(plain)
    if between is None:
        return None
    low, high = _simple(between["low"] + _multiple(between["low"], between["high"])), _simple(between["high"])
    if low is None or high is None or low.bounded or high.bounded or low.number >= high.number:
        return None
    if low.unit and low.unit != high.unit:
        return None
    return Amount((low.number + high.number) / 2, high.unit, True)


def _of_amounts(distinct: Sequence[str]) -> TextScale | None:
    amounts = {text: amount for text in distinct if (amount := read_amount(text)) is not None}
    others = tuple(text for text in distinct if text not in amounts)
    units = {amount.unit for amount in amounts.values()} - {""}
    if len(amounts) < MIN_READ or len(others) > OTHERS_SHARE * len(amounts):
        return None
    if not units and not any(amount.bounded for amount in amounts.values()):
        return None  # plain numbers may be codes
    bare = any(not amount.unit and amount.number for amount in amounts.values())
    if len(units) > 1 and (bare or not units <= DAYS.keys()):
        return None
    unit = "days" if len(units) > 1 else next(iter(units), "")
    numbers = {text: _in_unit(amount, unit) for text, amount in amounts.items()}
    return TextScale({_plain(text): number for text, number in numbers.items() if number is not None}, unit, others)


def _of_words(distinct: Sequence[str]) -> TextScale | None:
    for steps in _word_scales():
        others = tuple(text for text in distinct if _plain(text) not in steps)
        levels = {steps[_plain(text)] for text in distinct if _plain(text) in steps}
        if len(levels) >= MIN_READ and len(others) <= OTHERS_SHARE * len(levels):
            return TextScale(steps, None, others)
    return None


@cache
def _word_scales() -> tuple[Mapping[str, float], ...]:
    raw = tomllib.loads((Path(__file__).parent / "word_scales.toml").read_text(encoding="utf-8"))
    return tuple(
        {_plain(word): float(step) for step, synonyms in enumerate(scale["steps"]) for word in synonyms}
        for scale in raw["scale"]
    )


def _simple(plain: str) -> Amount | None:
    """A number with at most a unit; "50+" and "10+ years" are bounded."""
    parts = _AMOUNT.fullmatch(plain)
    if parts is None:
        return None
    unit = parts["unit"]
    if unit not in DAYS and unit not in OTHER_UNITS and unit.endswith("s"):
        unit = unit[:-1]
    if unit and unit not in DAYS and unit not in OTHER_UNITS:
        return None
    number = float(parts["number"].replace(",", "")) * MULTIPLES.get(parts["multiple"] or "", 1.0)
    more = bool(parts["more"] or parts["later"])
    return Amount(_beyond(number, ABOVE) if more else number, unit, more)


def _multiple(low: str, high: str) -> str:
    """What the low end of a range shares with the high end, as in "1-2万"."""
    ends = [_AMOUNT.fullmatch(each) for each in (low, high)]
    shared = [] if None in ends else [end["multiple"] or "" for end in ends if end is not None]
    return shared[1] if shared and not shared[0] and low[-1].isdigit() else ""


def _beyond(bound: float, factor: float) -> float:
    return factor * bound if bound else (1.0 if factor > 1 else -1.0)


def _in_unit(amount: Amount, unit: str) -> float | None:
    """The number in the unit of the column; None for one of another unit."""
    if unit == "days":
        days = DAYS.get(amount.unit)
        return 0.0 if not amount.number else None if days is None else days * amount.number
    return amount.number if amount.unit in ("", unit) else None


def _plain(text: str) -> str:
    """Lower case, full-width forms as plain ones, one space between words, no apostrophes."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(folded.translate({ord("'"): None, ord("’"): None}).split())
