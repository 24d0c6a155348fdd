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
    "granted",
    "revoked",
    "ended",
    "asked",
    "promoted",
    "refused",
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
    "granted": msgid("The role is granted. It counts from its first day on, with the next request."),
    "revoked": msgid("It is ended, from the next request on."),
    "ended": msgid("It is ended, and opens nothing any more."),
    "asked": msgid("Your request is stored. Another account approves or refuses it."),
    "promoted": msgid("The version is in force. The next scoring uses it."),
    "refused": msgid("The request is refused. Nothing has changed."),
}
"""What a page confirms after a write."""
