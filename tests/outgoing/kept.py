"""What is kept of internal openings, for tests of what reads it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa

from perfml.messages import Message, render
from perfml.outgoing.facts.rows import SCHEMAS, keep_facts


def keep_openings(
    home: Path, *, as_of: dt.date, people: tuple[str, str] = ("e1", "other"), title: str = "Buyer"
) -> None:
    """Keep an opening for which the first of two people is not yet eligible, and one for which the other is."""
    why = Message.of("opening_months", months=4, needed=12)
    gaps = {"state": "not_yet", "missing": "months", "because_en": render(why, "en"), "because_zh": render(why, "zh")}
    none = {"state": "eligible", "missing": None, "because_en": None, "because_zh": None}
    rows = [
        {"employee_id": person, "opening_id": f"p-{person}", "title": title, **state}
        for person, state in zip(people, (gaps, none), strict=True)
    ]
    keep_facts("eligibility", pa.Table.from_pylist(rows, schema=SCHEMAS["eligibility"]), home, as_of=as_of)
