"""Who a row of a list is about, and why columns that 80 characters leave room for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rich.markup import escape
from rich.table import Table

from perfml.messages.reasons import owner_text
from perfml.scoring.people.files import PersonFacts, facts_of

WHO_WIDTH = 20
"""Characters of the column that says who it is."""


def list_of_people(title: str, *headings: str) -> Table:
    """A table with a column for who it is, narrow ones for ``headings``, and the rest of the width for why."""
    table = Table(title=title, title_justify="left", show_lines=True)
    table.add_column("who", max_width=WHO_WIDTH, overflow="fold")
    for heading in headings:
        table.add_column(heading, no_wrap=True)
    table.add_column("why, and who can act", ratio=1, overflow="fold")
    return table


def who(people: Mapping[str, PersonFacts], employee_id: str) -> str:
    """The name above the id, then unit, manager, level and years, as far as known; markup of rich."""
    facts = facts_of(people, employee_id)
    level = f"level {facts.level}" if facts.level is not None else ""
    years = f"{facts.tenure_days / 365:.1f} years" if facts.tenure_days is not None else ""
    position = " · ".join(part for part in (facts.department, level, years) if part)
    under = f"manager {facts.manager}" if facts.manager else ""
    lines = [f"[bold]{escape(facts.label)}[/]", escape(employee_id) if facts.name else "", position, under]
    return "\n".join(f"[dim]{escape(line)}[/]" if number > 1 else line for number, line in enumerate(lines) if line)


def reason_lines(reasons: Iterable[Mapping[str, object]], text: str = "en") -> str:
    """One line a reason, with who can act on it; markup of rich."""
    return "\n".join(
        f"• {escape(str(r[text]))} [dim]({owner_text(str(r['owner']), _steady(r), 'en')})[/]" for r in reasons
    )


def _steady(reason: Mapping[str, object]) -> bool | None:
    steady = reason["steady"]
    return steady if isinstance(steady, bool) else None
