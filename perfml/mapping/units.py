"""Units behind numbers in the cells of a column: 85%, 12小时, 3.5 h."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache

from perfml.mapping.naming.synonyms import synonyms

_MEASURED = re.compile(r"(?P<number>[-+]?\d[\d.,]*)\s*(?P<unit>[^\d\s.,].*)")
MIXED = 0.02
"""Share of the values that may be something else, and are set aside then."""


def units_of(values: Sequence[str]) -> Mapping[str, float]:
    """The units behind the numbers ``values``, as they are written, and what each multiplies its number by.

    Nothing unless (nearly) all values are a number with a known unit, of one quantity. Zeros need no unit, and a bare number
    among others only where every unit leaves its number as it is.

    >>> units_of(["12小时", "3.5 小时", "0"]), units_of(["3 h", "90 min"]), units_of(["85%", "3 h"])
    ({'小时': 1}, {'h': 1, 'min': 0.016666666666666666}, {})
    """
    matches = [match for value in values if (match := _MEASURED.fullmatch(value))]
    written = {match["unit"].strip() for match in matches}
    quantity = next(
        (known for known in _quantities() if written and all(unit.lower() in known for unit in written)), None
    )
    plain = [value for value in values if re.fullmatch(r"[-+]?\d[\d.,]*", value)]
    if quantity is None or len(matches) + len(plain) < (1 - MIXED) * len(values):
        return {}
    units = {unit: quantity[unit.lower()] for unit in sorted(written)}
    ambiguous = any(factor != 1 for factor in units.values()) and any(value.strip("0.,+-") for value in plain)
    return {} if ambiguous else units


def bare(value: str) -> str:
    """The number in ``value`` without its unit; ``value`` where it is none."""
    match = _MEASURED.fullmatch(value)
    return match["number"] if match else value


@cache
def _quantities() -> tuple[Mapping[str, float], ...]:
    return tuple(synonyms().units.values())
