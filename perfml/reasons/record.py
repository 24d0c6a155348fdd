"""One line of an explanation, as score rows keep it and as a typed record."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

import pyarrow as pa

from perfml.project.spec import Owner

Form = Literal["value", "change", "combined"]
"""How a reason is worded: by its value beside the median, as a change from an earlier value (the second of its ``values``), or as
something that counts only in combination with other evidence."""
_VALUE = pa.struct(
    [
        ("column", pa.string()),
        ("value", pa.float64()),
        ("usual", pa.float64()),
        ("zh", pa.string()),
        ("en", pa.string()),
    ]
)
REASON = pa.struct(
    [
        ("evidence", pa.string()),
        ("contribution", pa.float64()),
        ("owner", pa.string()),
        ("steady", pa.bool_()),
        ("form", pa.string()),
        ("zh", pa.string()),
        ("en", pa.string()),
        ("values", pa.list_(_VALUE)),
    ]
)
"""A :class:`Reason` as a column of a table."""


class ReasonValue(TypedDict):
    """One column behind a reason: the person's value and ``usual``, the median of those scored at the same date."""

    column: str
    value: float | None
    usual: float | None
    zh: str
    en: str


class Reason(TypedDict):
    """One line of an explanation; ``contribution`` is in log-odds.

    ``steady``: whether the reason, where it leads, mostly leads again in refits on other people; None where that is unknown.
    ``values``: the columns behind it, the named one first; for a comparison or a change the second one completes the sentence.
    ``form`` is absent from rows kept by earlier versions of perfml.
    """

    evidence: str
    contribution: float
    owner: Owner
    steady: bool | None
    form: NotRequired[Form | None]
    zh: str
    en: str
    values: list[ReasonValue]
