"""A matrix of numbers from whatever a data scientist has: NumPy, pandas or polars, with categories and missing values.

Categories become codes by a map that is kept as text, so that a model can be read back without pickle; a category that was
not there at fitting is missing, not an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from perfml.arrays import Floats, Objects

MOST_LEVELS = 1_000
"""Distinct texts of a column above which it is taken for an identifier and refused."""


@dataclass(frozen=True)
class Encoder:
    """How the columns of a table become numbers. ``names`` is empty for a table without column names."""

    names: tuple[str, ...]
    levels: Mapping[int, tuple[str, ...]]
    """For each categorical column, by position, its categories in code order."""

    @classmethod
    def fit(cls, X: Any) -> Encoder:
        """Learn names and categories of a two-dimensional array, a pandas or a polars frame.

        Raises ValueError for a text column with more than :data:`MOST_LEVELS` distinct values.
        """
        names = _names(X)
        if not is_frame(X):
            return cls((), {})
        levels: dict[int, tuple[str, ...]] = {}
        for place in range(X.shape[1]):
            texts = _texts(_series(X, place))
            if texts is not None:
                found = tuple(sorted({text for text in texts.tolist() if text is not None}))
                if len(found) > MOST_LEVELS:
                    raise ValueError(
                        f"column {names[place] if names else place!r} has {len(found)} distinct texts, more than {MOST_LEVELS}:"
                        " is it an identifier? Leave it out"
                    )
                levels[place] = found
        return cls(names, levels)

    @property
    def categorical(self) -> tuple[int, ...]:
        """Positions of the categorical columns."""
        return tuple(self.levels)

    def transform(self, X: Any) -> Any:
        """(n, features): numbers as they are, categories as codes from 0, what is missing or unseen as NaN.

        An array is handed back as it came: it is for scikit-learn's own validation to look at.
        """
        if not is_frame(X):
            return X
        out = np.full((X.shape[0], X.shape[1]), np.nan)
        for place in range(X.shape[1]):
            series = _series(X, place)
            texts = _texts(series)
            if place in self.levels:
                code = {level: float(i) for i, level in enumerate(self.levels[place])}
                given = texts if texts is not None else _numbers_as_texts(series)
                out[:, place] = [code.get(text, np.nan) for text in given.tolist()]
            elif texts is not None:
                out[:, place] = _as_numbers(texts, self.names[place] if self.names else str(place))
            else:
                out[:, place] = _numbers(series)
        return out

    def to_json(self) -> dict[str, Any]:
        """As JSON; :meth:`from_json` reads it back."""
        return {"names": self.names, "levels": {str(k): v for k, v in self.levels.items()}}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Encoder:
        """The encoder that :meth:`to_json` wrote."""
        levels = {int(place): tuple(texts) for place, texts in raw["levels"].items()}
        return cls(tuple(raw["names"]), levels)


def is_frame(X: Any) -> bool:
    """Whether ``X`` is a table with columns, such as a pandas or a polars frame."""
    return hasattr(X, "columns") and hasattr(X, "shape") and len(X.shape) == 2 and hasattr(X, "__getitem__")


def _names(X: Any) -> tuple[str, ...]:
    columns = list(getattr(X, "columns", ()))
    return tuple(columns) if all(isinstance(name, str) for name in columns) else ()


def _series(X: Any, place: int) -> Any:
    return X.iloc[:, place] if hasattr(X, "iloc") else X[:, place]


def _texts(series: Any) -> Objects | None:
    """The values as text, missing ones None, where the column is not of numbers; None where it is."""
    kind = str(series.dtype).lower()
    if kind.startswith(("int", "uint", "float", "bool", "boolean", "decimal", "sparse")) or kind in ("null", "double"):
        return None
    if kind.startswith(("date", "time", "duration")):
        raise ValueError(f"column {series.name!r} holds {kind}: give a number, such as days before the as-of date")
    values = np.asarray(series.to_list() if hasattr(series, "to_list") else series, dtype=object)
    texts = np.array([None if _missing(value) else value for value in values.tolist()], dtype=object)
    if any(isinstance(value, dict | list | set) for value in texts.tolist()):
        raise TypeError(f"column {series.name!r} holds collections; a value must be a string or a number")
    if kind == "object" and all(value is None or isinstance(value, int | float) for value in texts.tolist()):
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
    """A column that held numbers at fitting and holds text now. Raises ValueError naming it where a text is no number."""
    try:
        return np.array([np.nan if text is None else float(text) for text in texts.tolist()])
    except ValueError as error:
        raise ValueError(f"column {name!r} held numbers when the model was fitted: {error}") from None
