"""What a page confirms after a write: a closed list, so that an address cannot make a page say anything else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from perfml.service.web.catalogues import msgid

Done = Literal[
    "decided",
    "offered",
    "judged",
    "reviewed",
    "released",
    "stopped",
    "resumed",
    "acknowledged",
    "talked",
    "disputed",
    "opted_out",
    "opted_in",
]
CONFIRMED: Mapping[str, str] = {
    "decided": msgid("Your decision is stored. People put it into effect; perfml changes nothing by itself."),
    "offered": msgid("The offer is logged. It counts when help is measured against no help."),
    "judged": msgid("The dispute is decided, and the person hears of it."),
    "reviewed": msgid("Your review is stored. It changes nothing; agreement between reviewers is measured."),
    "released": msgid("The hold is lifted."),
    "stopped": msgid("Everything is stopped: no score, list, target or course is shown until somebody resumes."),
    "resumed": msgid("The stop is lifted."),
    "acknowledged": msgid("Stored: you take care of it, and nobody else is asked."),
    "talked": msgid("The conversation is stored."),
    "disputed": msgid("Your dispute is filed. The row is used nowhere until it is decided."),
    "opted_out": msgid("You have opted out. Nothing is computed about you any more."),
    "opted_in": msgid("You take part again from the next computation on."),
}
"""What a page confirms after a write."""
