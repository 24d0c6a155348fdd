"""What ``features/sources.toml`` may contain: the input tables."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from perfml.project.spec import Spec
from perfml.project.voices import Who


class ColumnType(Spec):
    """One input column."""

    type: Literal["text", "date", "timestamp", "double", "int", "bool", "list"]
    """The type that every value must have; ``list`` is an array, or text separated by ``;``."""
    required: bool = False
    """The column must exist, and a row without a value in it is quarantined."""
    protected: bool = False
    """For audits only; never a feature."""
    personal: bool = False
    """Shown to HR only, like a name: never a feature, and in no fingerprint, record, log or tracking."""
    en: str = ""
    """What it says, in English: for templates and the reference."""
    zh: str = ""
    """What it says, in Chinese."""
    example: str | int | float | None = None
    """A value of the example row in templates."""
    others: bool = False
    """Names another person, such as who gave feedback; it is not shown to whom the row is about, nor to their manager."""
    later: bool = False
    """A second date of the row, which may lie after the first; it is hidden until that day has passed."""


class QuarantineRule(Spec):
    """A condition that puts a row into quarantine."""

    when: str
    """SQL condition on the row ``t``; it may look up tables that are declared above its own."""
    en: str
    """The reason shown in English."""
    zh: str
    """The reason shown in Chinese."""
    column: str | None = None
    """The column whose value is quoted beside the reason."""


class Audit(Spec):
    """A query over the clean tables that should return no rows; the rows it returns are reported, never dropped."""

    query: str
    """Its first column is the key that is shown."""
    en: str
    """What the audit finds, in English."""
    zh: str
    """What the audit finds, in Chinese."""


class Scale(Spec):
    """The rating scale; a rating outside it is quarantined."""

    worst: float
    """The lowest rating."""
    best: float
    """The highest rating."""

    @model_validator(mode="after")
    def _rises(self) -> Scale:
        if not self.worst < self.best:
            raise ValueError(
                "worst is the lowest number and best the highest; where 1 is the best rating, turn the ratings round"
                " in the export (on a scale of 1 to 5 write 6 minus the rating)"
            )
        return self


class TableSpec(Spec):
    """One table of the input contract."""

    en: str
    """The name of the table in English."""
    zh: str
    """The name of the table in Chinese."""
    key: tuple[str, ...]
    """The columns that identify a row; a later ``known_at`` with the same key is a correction."""
    columns: dict[str, ColumnType]
    """Column name -> type. Columns not listed are ignored."""
    happened: str | None = None
    """The column with the date of the fact."""
    planned: bool = False
    """Rows may lie in the future (a position, an exit or a goal that is already agreed)."""
    shown_to: tuple[Who, ...] = ("hr", "manager", "employee")
    """Who is shown a person's rows: ``hr``, ``manager`` or ``employee``."""
    scale: Scale | None = None
    """For reviews, the range of ratings."""
    value_decimals: Annotated[int, Field(ge=0, le=9)] | None = None
    """Decimal places of ``value`` kept in sums, which are of integers."""
    rules: dict[str, QuarantineRule] = Field(default_factory=dict)
    """Conditions that quarantine a row, by name."""
    audits: dict[str, Audit] = Field(default_factory=dict)
    """Checks that report rows and keep them, by name."""
