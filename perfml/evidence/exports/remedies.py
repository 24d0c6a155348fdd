"""The values that a rule set aside, quoted with the row they stand in, and what would let them be read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from perfml.evidence.exports.date_formats import date_formats
from perfml.messages import Message
from perfml.project.table_spec import ColumnType

_DECIMAL_COMMA = re.compile(r"[+-]?\d{1,3}([. ]?\d{3})*,\d+")


@dataclass(frozen=True, kw_only=True)
class FaultyValue:
    """A value that broke a rule, as it is stored."""

    value: str
    rows: int
    """Rows with this value."""
    row: int | None = None
    """The first of them, counted as a spreadsheet shows it; None where the source has no rows to count."""
    file: str | None = None
    """The file it stands in, where the table is read from several."""

    def text(self, column: str) -> Message:
        """Quote the value; ``column``: with its table."""
        if self.row is None:
            return Message.of("faulty_value", value=self.value, column=column)
        if self.file is None:
            return Message.of("faulty_value_in_row", value=self.value, column=column, row=self.row)
        return Message.of("faulty_value_in_file", value=self.value, column=column, row=self.row, file=self.file)


def remedy(values: Sequence[FaultyValue], kind: ColumnType, rule: str) -> Message | None:
    """What a mapping would say to read ``values`` of a column of type ``kind``; None where nothing is likely."""
    texts = [value.value for value in values]
    if not texts or rule not in ("wrong_type", "unlisted_value", "unknown_kind", "off_the_scale"):
        return None
    if kind.type in ("date", "timestamp") and (formats := date_formats(texts)):
        code = "remedy_date" if len(formats) == 1 else "remedy_day_or_month"
        return Message.of(code, **dict(zip(("format", "other"), formats, strict=False)))
    if kind.type in ("double", "int") and all(map(_DECIMAL_COMMA.fullmatch, texts)):
        return Message.of("remedy_decimal")
    if kind.type in ("double", "int", "text"):
        return Message.of("remedy_values", value=texts[0])
    return None
