"""What becomes of suggestions: how many were made, accepted and refused, and how much help was offered."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from perfml.advice.decision_log import DecisionLog, Intervention
from perfml.advice.suggestion_files import suggestion_dates
from perfml.disclosure.primary import Suppression, primary
from perfml.home_reads import note_file
from perfml.scoring.sealed_files import DamagedFile
from perfml.service.answers.shared import Answer, TextAnswer
from perfml.service.answers.suggestions import suggested
from perfml.service.problems import NotFound
from perfml.service.store import Store


class PolicyAdoptionAnswer(Answer):
    """The newest suggestions of one policy, by what became of them; null where too few people are behind a figure."""

    policy: str
    as_of: dt.date | None
    suggested: int | None
    accepted: int | None
    refused: int | None
    undecided: int | None
    withheld: Suppression | None
    why_not: TextAnswer | None
    """Why nothing can be said of the policy."""


class HelpAnswer(Answer):
    """Help of one kind; null where too few people are behind a figure."""

    kind: str
    offered: int | None
    refused: int | None
    done: int | None
    held_out: int | None
    """Withheld at random."""
    withheld: Suppression | None


class AdoptionAnswer(Answer):
    """Whether suggestions are used."""

    policies: tuple[PolicyAdoptionAnswer, ...]
    help: tuple[HelpAnswer, ...]


def adoption(store: Store) -> AdoptionAnswer:
    """Count decisions about the newest suggestions of each policy, and help by kind."""
    folder = store.home / "suggestions"
    note_file(folder)
    policies = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    log = DecisionLog(store.home)
    newest = {name: decided[-1].verdict for name, decided in log.decisions().items()}
    kinds: dict[str, list[Intervention]] = {}
    for each in log.interventions():
        kinds.setdefault(each.kind, []).append(each)
    return AdoptionAnswer(
        policies=tuple(_policy(store, name, newest) for name in policies if suggestion_dates(store.home, name)),
        help=tuple(_help(store, kind, entries) for kind, entries in sorted(kinds.items())),
    )


def _policy(store: Store, policy: str, newest: Mapping[str, str]) -> PolicyAdoptionAnswer:
    nothing = PolicyAdoptionAnswer(
        policy=policy,
        as_of=None,
        suggested=None,
        accepted=None,
        refused=None,
        undecided=None,
        withheld=None,
        why_not=None,
    )
    try:
        day, suggestions = suggested(store, policy)
    except (NotFound, DamagedFile) as error:
        return nothing.model_copy(update={"why_not": TextAnswer.of_error(error)})
    verdicts = Counter(newest.get(name, "undecided") for _, name in suggestions)
    withheld = _few(store, [who for who, _ in suggestions])
    if withheld is not None:
        return nothing.model_copy(update={"as_of": day, "withheld": withheld})
    return nothing.model_copy(
        update={
            "as_of": day,
            "suggested": len(suggestions),
            "accepted": verdicts["accept"],
            "refused": verdicts["refuse"],
            "undecided": verdicts["undecided"],
        }
    )


def _help(store: Store, kind: str, entries: Sequence[Intervention]) -> HelpAnswer:
    withheld = _few(store, [each.employee_id for each in entries])
    count = Counter("held out" if each.hold_out else each.status for each in entries)
    figures = {"offered": "offered", "refused": "refused", "done": "done", "held_out": "held out"}
    return HelpAnswer(
        kind=kind,
        withheld=withheld,
        **{name: None if withheld is not None else count[status] for name, status in figures.items()},
    )


def _few(store: Store, people: Sequence[str]) -> Suppression | None:
    """Why figures about ``people`` are withheld; nothing is to be hidden of nobody."""
    each = np.array(list(Counter(people).values()), dtype=np.float64)
    return primary(each, store.disclosure) if len(each) else None
