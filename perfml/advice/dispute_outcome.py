"""What a person sees of their dispute: the row before and after, and the reasons of their scores before and after."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from perfml.dated_files import dates_in
from perfml.learning.registry.artifacts import read_columns
from perfml.reasons.voices import Voices
from perfml.scoring.people.known import rows_of
from perfml.scoring.run_record import voices_of
from perfml.scoring.withheld.superseded import superseded_rows
from perfml.trust.disputes.dispute import Dispute, DisputeState

_Row = Mapping[str, Any]


class DisputeScores(BaseModel):
    """The reasons of one model's newest score, worded for the person, in both languages; no figure of the risk."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    model: str
    as_of: dt.date
    status: str
    """``scored``, or why there is no score: ``held`` until it is computed again."""
    before: tuple[Mapping[str, str], ...]
    """The reasons before the decision, in ``en`` and ``zh``; empty while the dispute is open."""
    after: tuple[Mapping[str, str], ...]
    """The reasons now."""


class DisputeOutcome(BaseModel):
    """A dispute with the row and the scores before and after."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    dispute_id: str
    employee_id: str
    table: str
    key: str
    state: DisputeState
    filed_on: dt.date
    due_on: dt.date
    reason: str | None
    """Why it was decided so."""
    row_before: Mapping[str, str] | None
    row_after: Mapping[str, str] | None
    """None while it is withheld, and where it should not exist."""
    scores: tuple[DisputeScores, ...]


def dispute_outcome(home: Path, dispute: Dispute) -> DisputeOutcome:
    """Read what is kept under ``home`` about a dispute; nothing is computed."""
    return DisputeOutcome(
        **{name: getattr(dispute, name) for name in ("dispute_id", "employee_id", "table", "key", "state")},
        filed_on=dispute.filed_on,
        due_on=dispute.due_on,
        reason=None if dispute.decision is None else dispute.decision.reason,
        row_before=dispute.row,
        row_after=dispute.row_after(),
        scores=tuple(_scores(home, dispute)),
    )


def _scores(home: Path, dispute: Dispute) -> list[DisputeScores]:
    folders = (home / "scores").iterdir() if (home / "scores").is_dir() else ()
    out = []
    for folder in sorted(path for path in folders if path.is_dir()):
        day = next(iter(dates_in(folder)), None)
        if day is None:
            continue
        rows: list[_Row] = [*rows_of(folder / f"{day}.parquet", dispute.employee_id)]
        if not rows:
            continue
        old: list[Any] = []
        if dispute.state != "open":
            old = superseded_rows(home, folder.name, dispute.employee_id, as_of=day)
        out.append(
            DisputeScores(
                model=folder.name,
                as_of=day,
                status=rows[0]["status"],
                before=_reasons(home, folder.name, day, old),
                after=_reasons(home, folder.name, day, rows),
            )
        )
    return out


def _reasons(home: Path, model: str, day: dt.date, rows: list[_Row]) -> tuple[Mapping[str, str], ...]:
    first = next((row for row in rows if row["status"] == "scored"), None)
    if first is None:
        return ()
    voices = Voices(voices_of(home, model, day), read_columns(home, model, first["model_version"]))
    return tuple({"en": line.en, "zh": line.zh} for line in voices.voiced_reasons(first["reasons"], "employee"))
