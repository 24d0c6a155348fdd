"""A matrix of numbers from NumPy, pandas or polars, with categories, ordered texts and missing values.

Categories become codes by a map that is stored as text, so that a model can be read back without pickle; a category that was
absent at fitting is missing, not an error. Ordered categories, and texts that stand for ordered numbers
(:mod:`.ordered_text`), become numbers; texts among them that stand for none ("never") are categories in a column of their own,
appended on the right, and so are statistics of the outcome for categories of many values (:mod:`.target_statistics`). One column
of the table may thus become several, and :meth:`Encoder.of_table` adds what a model says of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypedDict, TypeGuard

import numpy as np
import pandas as pd

from perfml.arrays import FeaturesLike, Floats, Frame, Objects
from perfml.learning.estimators.encoding.ordered_text import ScaleJson, TextScale, listed_scale, text_scale
from perfml.learning.estimators.encoding.target_statistics import MANY_LEVELS, log_odds, looked_up

MAX_LEVELS = 1_000
"""Distinct texts of a column above which it is taken for an identifier and refused."""


class EncoderJson(TypedDict):
    """An :class:`Encoder` as JSON; keys that are numbers are positions of columns."""

    names: Sequence[str]
    levels: Mapping[str, Sequence[str]]
    scales: Mapping[str, ScaleJson]
    statistics: Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Encoder:
    """Turns the columns of a table into numbers. ``names`` is empty for a table without column names."""

    names: tuple[str, ...]
    levels: Mapping[int, tuple[str, ...]]
    """For each categorical column, by position, its categories in code order."""
    scales: Mapping[int, TextScale]
    """For each column of ordered texts, by position, how they become numbers."""
    statistics: Mapping[int, tuple[float, ...]] = field(default_factory=dict)
    """For categories of many values, by position, what stands for each code in the appended column."""

    @classmethod
    def fit(cls, X: FeaturesLike) -> Encoder:
        """Record names, categories and scales of a two-dimensional array, a pandas or a polars frame.

        Raises ValueError for a column of categories with more than :data:`MAX_LEVELS` distinct values.
        """
        names = _names(X)
        if not is_frame(X):
            return cls((), {}, {})
        levels: dict[int, tuple[str, ...]] = {}
        scales: dict[int, TextScale] = {}
        for column in range(X.shape[1]):
            series = _series(X, column)
            texts = _texts(series)
            if texts is None:
                continue
            distinct = tuple(sorted({text for text in texts.tolist() if text is not None}))
            scale = _scale(series, distinct)
            if scale is not None:
                scales[column] = scale
            elif len(distinct) <= MAX_LEVELS:
                levels[column] = distinct
            else:
                name = names[column] if names else column
                raise ValueError(
                    f"column {name!r} has {len(distinct)} distinct texts, more than {MAX_LEVELS}:"
                    " is it an identifier? Leave it out"
                )
        return cls(names, levels, scales)

    @property
    def appended(self) -> tuple[int, ...]:
        """For each encoded column beyond those of the table, the column of the table it belongs to."""
        return self._others + tuple(self.statistics)

    @property
    def _others(self) -> tuple[int, ...]:
        return tuple(column for column, scale in self.scales.items() if scale.others)

    def statistic_columns(self, columns: int) -> dict[int, int]:
        """For each encoded column of statistics its categorical column; ``columns``: of the table."""
        return {columns + len(self._others) + i: column for i, column in enumerate(self.statistics)}

    def with_statistics(self, matrix: Floats, label: Floats, *, weight: Floats | None = None) -> Encoder:
        """The same encoder with the log-odds of the outcome for each category of many values, from encoded training rows."""
        many = {column: len(each) for column, each in self.levels.items() if len(each) > MANY_LEVELS}
        values = {c: log_odds(matrix[:, c], label, levels=levels, weight=weight) for c, levels in many.items()}
        return replace(self, statistics=values)

    def categories(self, columns: int) -> dict[int, int]:
        """Number of codes of each categorical column of the encoded matrix, by position; ``columns``: of the table."""
        codes = {column: len(levels) for column, levels in self.levels.items()}
        others = {columns + i: len(self.scales[c].others) + 1 for i, c in enumerate(self._others)}
        return codes | others

    def transform(self, X: FeaturesLike) -> FeaturesLike:
        """(n, features) to (n, features + :attr:`appended`): numbers as they are, categories as codes from 0, missing values as
        NaN, unseen and unreadable texts too. An appended column is 0 where its text is a number, and missing where it is.

        An array is returned unchanged, for scikit-learn's own validation.
        """
        if not is_frame(X):
            return X
        out = np.full((X.shape[0], X.shape[1] + len(self.appended)), np.nan)
        for column in range(X.shape[1]):
            series = _series(X, column)
            texts = _texts(series)
            if column in self.levels:
                code = {level: float(i) for i, level in enumerate(self.levels[column])}
                given = texts if texts is not None else _numbers_as_texts(series)
                out[:, column] = [code.get(text, np.nan) for text in given.tolist()]
            elif column in self.scales:
                given = (texts if texts is not None else _numbers_as_texts(series)).tolist()
                scale = self.scales[column]
                number = {text: scale(text) for text in set(given) - {None}}
                out[:, column] = [np.nan if text is None else _or_nan(number[text]) for text in given]
                if scale.others:
                    code = {text: float(i + 1) for i, text in enumerate(scale.others)}
                    code |= {text: 0.0 for text, value in number.items() if value is not None}
                    at = X.shape[1] + self._others.index(column)
                    out[:, at] = [code.get(text, np.nan) for text in given]
            elif texts is not None:
                out[:, column] = _as_numbers(texts, self.names[column] if self.names else str(column))
            else:
                out[:, column] = _numbers(series)
        for at, column in self.statistic_columns(X.shape[1]).items():
            out[:, at] = looked_up(self.statistics[column], out[:, column])
        return out

    def of_table(self, contributions: Floats) -> Floats:
        """Contributions of the encoded columns, (n, encoded + 1), as those of the table's: (n, features + 1).

        The last column, the base value, stays. Shapley values of the parts of a column add up to what the column contributes.
        """
        if not self.appended:
            return contributions
        columns = contributions.shape[1] - 1 - len(self.appended)
        out = np.column_stack([contributions[:, :columns], contributions[:, -1]])
        for i, column in enumerate(self.appended):
            out[:, column] += contributions[:, columns + i]
        return out

    def to_json(self) -> EncoderJson:
        """JSON from which :meth:`from_json` restores the encoder."""
        return {
            "names": self.names,
            "levels": {str(k): v for k, v in self.levels.items()},
            "scales": {str(k): v.to_json() for k, v in self.scales.items()},
            "statistics": {str(k): v for k, v in self.statistics.items()},
        }

    @classmethod
    def from_json(cls, raw: EncoderJson) -> Encoder:
        """Restore what :meth:`to_json` gave."""
        levels = {int(column): tuple(texts) for column, texts in raw["levels"].items()}
        scales = {int(column): TextScale.from_json(scale) for column, scale in raw["scales"].items()}
        statistics = {int(column): tuple(values) for column, values in raw["statistics"].items()}
        return cls(tuple(raw["names"]), levels, scales, statistics)


def as_frame(X: FeaturesLike) -> FeaturesLike:
    """A two-dimensional array or list that holds objects or texts as a frame without names; anything else unchanged."""
    if is_frame(X) or not (isinstance(X, list | tuple) or getattr(X, "dtype", None) is not None):
        return X
    array = np.asarray(X)
    if array.ndim != 2 or array.dtype.kind not in "OUS":
        return X
    return pd.DataFrame(np.asarray(X, dtype=object))  # a list of numbers and texts keeps its numbers


def is_frame(X: FeaturesLike) -> TypeGuard[Frame]:
    """Whether ``X`` is a table with columns, such as a pandas or a polars frame."""
    return hasattr(X, "columns") and hasattr(X, "shape") and len(X.shape) == 2 and hasattr(X, "__getitem__")


def _names(X: Any) -> tuple[str, ...]:
    columns = list(getattr(X, "columns", ()))
    return tuple(columns) if all(isinstance(name, str) for name in columns) else ()


def _series(X: Any, column: int) -> Any:
    return X.iloc[:, column] if hasattr(X, "iloc") else X[:, column]


def _scale(series: Any, distinct: Sequence[str]) -> TextScale | None:
    """How the ``distinct`` texts of a column become numbers: by the order of its categories or by what they say."""
    if getattr(series.dtype, "ordered", None) is True:
        return listed_scale([str(each) for each in series.dtype.categories])
    return text_scale(distinct)


def _or_nan(number: float | None) -> float:
    return float("nan") if number is None else number


def _texts(series: Any) -> Objects | None:
    """The values as text, missing ones None; None for a column of numbers."""
    kind = str(series.dtype).lower()
    if kind.startswith(("int", "uint", "float", "bool", "boolean", "decimal", "sparse")) or kind in ("null", "double"):
        return None
    if kind.startswith(("date", "time", "duration")):
        raise ValueError(f"column {series.name!r} holds {kind}: give a number, such as days before the as-of date")
    values = np.asarray(series.to_list() if hasattr(series, "to_list") else series, dtype=object)
    texts = np.array([None if _missing(value) else value for value in values.tolist()], dtype=object)
    if any(isinstance(value, dict | list | set) for value in texts.tolist()):
        raise TypeError(f"argument must be a string or a number: column {series.name!r} holds collections")
    if kind == "object" and all(
        value is None or isinstance(value, int | float | np.number | np.bool_) for value in texts.tolist()
    ):
        return None
    return np.array([None if value is None else str(value) for value in texts.tolist()], dtype=object)


def _missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and np.isnan(value)) or str(value) in ("<NA>", "NaT")


def _numbers(series: Any) -> Floats:
    """As floats, missing values as NaN."""
    if hasattr(series, "to_numpy") and hasattr(series, "isna"):
        return np.asarray(series.to_numpy(dtype=np.float64, na_value=np.nan))
    return np.asarray(series.to_numpy(), dtype=np.float64)


def _numbers_as_texts(series: Any) -> Objects:
    return np.array([None if _missing(value) else str(value) for value in series.to_list()], dtype=object)


def _as_numbers(texts: Objects, name: str) -> Floats:
    """Numbers of a column that held numbers at fitting and holds text now. Raises ValueError for other texts."""
    try:
        return np.array([np.nan if text is None else float(text) for text in texts.tolist()])
    except ValueError as error:
        raise ValueError(f"column {name!r} held numbers when the model was fitted: {error}") from None
