"""Text from data that cannot act: no formula in a spreadsheet, no command to a terminal."""

from __future__ import annotations

import re

FORMULA = "=+-@\t\r\uff1d\uff0b\uff0d\uff20"
"""Characters with which a cell begins that a spreadsheet would compute (OWASP, CSV injection), and their full-width forms."""
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control characters but tab and newline, and those that turn the direction of writing."""


def printable(text: str) -> str:
    r"""The text with every control character shown as ``\N{REPLACEMENT CHARACTER}``: a terminal obeys none of it.

    >>> printable("\x1b]0;title\x07 E1")
    '�]0;title� E1'
    """
    return CONTROL.sub("\ufffd", text.replace("\r\n", "\n"))


def cell(text: str) -> str:
    """The text as a cell of a CSV file or a workbook: printable, and text even where it begins like a formula.

    >>> cell("=cmd|' /C calc'!A0"), cell("E-17")
    ("'=cmd|' /C calc'!A0", 'E-17')
    """
    return printable("'" + text if text[:1] in FORMULA and text else text)
