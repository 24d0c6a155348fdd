"""What the values of a column look like: type, share of values, how many differ, dates, numbers, rating words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import pyarrow as pa

from perfml.evidence.exports.date_formats import date_formats
from perfml.evidence.tables.cells import as_text
from perfml.mapping.dates import are_periods, month_format
from perfml.mapping.units import bare, units_of

ContentKind = Literal["empty", "date", "month", "period", "bool", "int", "number", "text"]
SAMPLED = 300
"""Different values from which the formats of dates are recognised."""
LISTED = 60
"""Values kept, the most frequent first; a column with more different ones is no list of choices."""
ENOUGH = 0.98
_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?([eE][-+]?\d+)?")
_COMMA = re.compile(r"[-+]?\d{1,3}(\.\d{3})+(,\d+)?|[-+]?\d+,\d{1,4}")
_THOUSANDS = re.compile(r"[-+]?\d{1,3}(,\d{3})+(\.\d+)?")
_TRUTHS = ({"true", "false"}, {"yes", "no"}, {"y", "n"}, {"是", "否"}, {"有", "无"})


@dataclass(frozen=True, kw_only=True)
class ColumnProfile:
    """One column of a sheet."""

    name: str
    label: str
    """Its name without the group above it, in a header of two rows."""
    content: ContentKind
    filled: float
    """Share of the rows with a value."""
    distinct: int
    """How many different values it has."""
    values: tuple[str, ...]
    """The most frequent different values as text, at most :data:`LISTED`."""
    every: frozenset[str]
    """All different values as text."""
    formats: tuple[str, ...] = ()
    """Of dates: how they are written; several where day and month could be either."""
    decimal_comma: bool = False
    padded: bool = False
    """Whole numbers of which some begin with a zero: an id."""
    lengths: frozenset[int] = frozenset()
    """How long the values are."""
    unique: bool = False
    """Whether (nearly) no value stands in two rows."""
    referred: int = 0
    """How many other columns of the export have its values, where it is an id."""
    units: Mapping[str, float] = field(default_factory=dict)
    """Of numbers with a unit behind each: the units, and what the numbers are multiplied by."""

    @property
    def is_choice(self) -> bool:
        """Whether it has few different values that repeat."""
        return 0 < self.distinct <= LISTED and self.distinct == len(self.values)

    @property
    def numbers(self) -> frozenset[str]:
        """All different values, without units."""
        return frozenset(map(bare, self.every)) if self.units else self.every


def profile(name: str, column: pa.ChunkedArray, *, grouped: bool = False) -> ColumnProfile:
    """Profile one column; ``grouped``: its name may begin with that of a group of columns."""
    counts = Counter(
        text.strip() for value in column.to_pylist() if (text := as_text(value)) is not None and text.strip()
    )
    total = sum(counts.values())
    values = tuple(value for value, _ in counts.most_common(LISTED))
    sample = [value for value, _ in counts.most_common(SAMPLED)]
    units = {} if pa.types.is_temporal(column.type) else units_of(sample)
    content, formats, comma = _content([bare(value) for value in sample] if units else sample, column.type)
    return ColumnProfile(
        name=name,
        label=name.split(" ", 1)[-1] if grouped else name,
        content=content,
        filled=total / len(column) if len(column) else 0.0,
        distinct=len(counts),
        values=values,
        every=frozenset(counts),
        formats=formats,
        decimal_comma=comma,
        padded=any(value.startswith("0") and len(value) > 1 and value.isdigit() for value in sample),
        lengths=frozenset(map(len, sample)),
        unique=len(counts) >= ENOUGH * total > 0,
        units=units if content in ("int", "number") else {},
    )


def _content(sample: list[str], stored: pa.DataType) -> tuple[ContentKind, tuple[str, ...], bool]:
    """The kind of content, the formats of dates, and whether numbers have a decimal comma."""
    if not sample:
        return "empty", (), False
    if pa.types.is_temporal(stored):
        return "date", (), False
    if pa.types.is_boolean(stored) or {value.lower() for value in sample} in _TRUTHS:
        return "bool", (), False
    if are_periods(sample) and not all(value.isdigit() for value in sample):
        return "period", (), False
    whole = all(value.isdigit() for value in sample)
    formats = date_formats(sample)
    if formats is not None and not (whole and formats != ("%Y%m%d",)):
        return "date", formats, False
    month = month_format(sample)
    if month is not None and not (whole and any(len(value) != 6 for value in sample)):
        return "month", (month,), False
    if _share(sample, _NUMBER) >= ENOUGH:
        integral = all(re.fullmatch(r"[-+]?\d+", value) for value in sample)
        return ("int" if integral else "number"), (), False
    comma = sum(bool(_COMMA.fullmatch(value)) for value in sample)
    numeric = sum(bool(_COMMA.fullmatch(value) or _NUMBER.fullmatch(value)) for value in sample)
    if comma and numeric >= ENOUGH * len(sample):
        return "number", (), True
    if _share(sample, _THOUSANDS, _NUMBER) >= ENOUGH:
        return "number", (), False
    return "text", (), False


def _share(sample: list[str], *patterns: re.Pattern[str]) -> float:
    return sum(any(pattern.fullmatch(value) for pattern in patterns) for value in sample) / len(sample)
