"""What was known by a day: the rows of a table that an outcome may be read from."""

from __future__ import annotations

import datetime as dt


def known_by(until: dt.date) -> str:
    """SQL condition: the row ``t`` had happened, was known and was not superseded before ``until``."""
    return f"t.usable_day < date '{until}' and (t.superseded_day is null or t.superseded_day >= date '{until}')"
