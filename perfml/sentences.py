"""When a text that somebody types is long enough to be a reason."""

from __future__ import annotations

import unicodedata

SHORTEST_REASON = 10
"""Fewest letters of a reason; a wide character, such as a Chinese one, counts as two."""


def is_sentence(text: str) -> bool:
    """Whether ``text`` may pass as a reason rather than as a way around it.

    >>> is_sentence("ok"), is_sentence("one list agreed with HR"), is_sentence("市场下月恢复"), is_sentence(" " * 20)
    (False, True, True, False)
    """
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text.strip()) >= SHORTEST_REASON
