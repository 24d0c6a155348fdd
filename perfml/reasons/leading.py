"""Which reasons lead a person's risk, and whether only others can act on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from perfml.errors import PerfmlError
from perfml.project.model_spec import LEADING_REASONS


def raising(reasons: Sequence[Mapping[str, Any]] | None) -> list[Mapping[str, Any]]:
    """The leading reasons of a score row that raise its risk, strongest first."""
    return [reason for reason in reasons or () if reason["contribution"] > 0 and reason["evidence"] != "other"][
        :LEADING_REASONS
    ]


def for_others(reasons: Sequence[Mapping[str, Any]] | None) -> bool:
    """Whether every leading reason is owned by somebody else: the setting needs support, not the person.

    >>> for_others([{"contribution": 0.4, "evidence": "overtime", "owner": "manager"}])
    True
    """
    owners = {reason["owner"] for reason in raising(reasons)}
    return bool(owners) and "employee" not in owners


def first_column(rows: Sequence[Mapping[str, Any]], evidence: str) -> str:
    """The first column behind the reason ``evidence`` in one person's score ``rows``, of the shortest horizon that lists it.

    Raises :class:`PerfmlError`, naming the reasons that have columns, where no horizon lists it.
    """
    columns: dict[str, str] = {}
    for row in sorted(rows, key=lambda row: row["horizon_days"]):
        for reason in row["reasons"] or ():
            if reason["values"]:
                columns.setdefault(reason["evidence"], reason["values"][0]["column"])
    if evidence not in columns:
        raise PerfmlError(
            f"{evidence!r} is not one of the listed reasons",
            where=rows[0]["employee_id"],
            remedy=f"use one of: {', '.join(columns)}" if columns else "no reason with columns is listed",
        )
    return columns[evidence]
