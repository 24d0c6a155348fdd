"""SQL that ranks rows with the same key: which copy is kept, and from which day a correction supersedes it.

Rows with one key and different ``known_at`` are versions; rows with one key *and* one ``known_at`` are copies.
"""

from __future__ import annotations

from collections.abc import Sequence

from perfml.evidence.tables.reading import quoted

COPY_RULE = (
    "case when t.first_day = t.usable_day and t.low <> t.high then 'contradicting_rows' else 'duplicate_key' end"
)
"""SQL: the rule that a row of :func:`ranked_copies` with ``copy > 0`` breaks."""


def key_columns(key: Sequence[str]) -> str:
    """SQL list of the key columns of the row ``t``."""
    return ", ".join(f"t.{quoted(column)}" for column in key)


def repeats_keys(rows: str, key: Sequence[str]) -> str:
    """SQL that returns a row where any key occurs more than once in ``rows``."""
    return f"select 1 from ({rows}) t group by {key_columns(key)} having count(*) > 1 limit 1"


def ranked_copies(rows: str, key: Sequence[str], *, content: Sequence[str], later: Sequence[str] = ()) -> str:
    """SQL: ``rows`` with ``copy``, 0 for the row to keep among its copies, else its number among them.

    The copy that was usable first is kept; copies usable from the same day whose ``content`` differs contradict each other, and
    none of them is kept. Dates that are hidden until they have passed (``later``) contradict nothing, or a future date would
    remove a row of the past; among such copies the one with the earliest date is kept.
    """
    same = f"partition by {key_columns(key)}, t.known_moment"
    order = "".join(f", t.{quoted(c)} nulls last" for c in later)
    body = f"hash({', '.join(f't.{quoted(c)}' for c in content)})"
    return (
        f"select *, case when first_day < usable_day then 1 when low <> high then 1 else nth - 1 end as copy from ("
        f"select t.*, min(usable_day) over ({same}) as first_day, min({body}) over ({same}, usable_day) as low, "
        f"max({body}) over ({same}, usable_day) as high,"
        f" row_number() over ({same}, usable_day order by {body}{order}) as nth from ({rows}) t)"
    )


def versions(ranked: str, key: Sequence[str]) -> str:
    """SQL: the kept rows of the table ``ranked`` (:func:`ranked_copies`) with ``superseded_day``, null for the newest version."""
    return (
        "select t.* exclude (first_day, low, high, nth, copy),"
        f" min(t.usable_day) over (partition by {key_columns(key)} order by t.known_moment "
        f"rows between 1 following and unbounded following) as superseded_day from {ranked} t where t.copy = 0"
    )


def single_versions(rows: str) -> str:
    """SQL: ``rows`` without repeated keys, each its own newest version."""
    return f"select *, null::date as superseded_day from ({rows})"
