"""Tables that ended early: each table's own end counts, beside the longest silence it ever had."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from itertools import pairwise

from perfml.evidence.sources import Data
from perfml.messages import Message

WATCHED = ("reviews", "progress", "exits", "enrolments", "gap_tags", "signals")
"""Tables that are filled again and again; the log has a rhythm of its own."""
FEWEST_DAYS = 10
"""Days with rows below which a table has no rhythm."""
LEAST_HISTORY_DAYS = 182
"""Days between the first and the last row below which a table has no rhythm: one round of reviews says nothing of the next."""
LONGER = 1.5
"""How much longer than any silence before a silence at the end must be."""
LEAST_DAYS = 14
"""Days of silence below which nothing is asked."""


def tables_that_stopped(data: Data, before: dt.date) -> Iterator[Message]:
    """Yield the tables whose last row lies longer ago than they were ever silent."""
    for table in WATCHED:
        if not data.has(table):
            continue
        days = [
            row[0]
            for row in data.connection.execute(
                f"select distinct happened_day from {table} where usable_day < ? and happened_day < ? order by 1",
                [before, before],
            ).fetchall()
        ]
        if len(days) < FEWEST_DAYS or (days[-1] - days[0]).days < LEAST_HISTORY_DAYS:
            continue
        silences = [(later - earlier).days for earlier, later in pairwise(days)]
        silence = (before - days[-1]).days
        late = data.connection.execute(
            f"select quantile_disc(known_day - happened_day, 0.95) from {table} where usable_day < ?", [before]
        ).fetchall()[0][0]
        if silence - max(0, int(late or 0)) > max(LEAST_DAYS, LONGER * max(silences)):
            yield Message.of(
                "table_stopped", table=table, last=str(days[-1]), days=silence, longest=max(silences), end=str(before)
            )
