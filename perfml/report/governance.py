"""The governance checklist as one HTML file for a works council, in English and Chinese."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from perfml.messages import Message, render
from perfml.report.report import in_language, write_page
from perfml.trust.governance.checklist import Check


def write_governance(out: Path, checks: Sequence[Check], *, day: dt.date) -> Path:
    """Write the page to ``out``, and return its path."""
    title = Message.of("governance_title")
    verdicts = {name: Message.of(f"governance_{name}") for name in ("pass", "fail", "unknown")}
    return write_page(
        out,
        "governance.html.j2",
        title=render(title, "en"),
        values={"checks": checks, "day": day, "title": title, "verdicts": verdicts},
        texts=lambda language: in_language(language, (), {}, {}),
    )
