"""Errors of the service, in one shape and in both languages: what is wrong, where, and what to do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from perfml.errors import DiskFull, ModelError, PerfmlError
from perfml.messages import Message, render
from perfml.scoring.sealed_files import DamagedFile

SHOWN_DATES = 5
"""Dates that a remedy offers, the newest first."""


class Problem(BaseModel):
    """What is wrong, where, and what to do. ``zh`` and ``en`` say all of it in one sentence."""

    model_config = ConfigDict(frozen=True)

    problem: str
    where: str
    remedy: str
    zh: str
    en: str


class Refusal(PerfmlError):
    """A request that is refused. ``status`` is its HTTP status, ``description`` what the OpenAPI document says of it."""

    status: ClassVar[int]
    description: ClassVar[str]

    def __init__(self, problem: Message, *, where: str, remedy: Message) -> None:
        super().__init__(render(problem, "en"), where=where, remedy=render(remedy, "en"))
        self.zh = f"{where}：{render(problem, 'zh')}；{render(remedy, 'zh')}"


class NotFound(Refusal):
    """No such address, model, date, horizon, segment, person or suggestion."""

    status = 404
    description = "no such model, date, horizon, segment or person."


class NotProven(Refusal):
    """The model failed a gate, so there is no list."""

    status = 409
    description = "the model failed a gate, so there is no list."


class NothingToExport(Refusal):
    """An export that has no rows now."""

    status = 409
    description = "nothing was scored or suggested of that date, or everything is stopped."


class KeyInUse(Refusal):
    """The idempotency key was used for another entry."""

    status = 409
    description = "the idempotency key was used for another entry."


class Invalid(Refusal):
    """A parameter or a body that is unknown, missing, or cannot be used."""

    status = 422
    description = "a parameter that is unknown or cannot be used."


class OverBudget(Refusal):
    """More group figures than one client may ask for in a day."""

    status = 429
    description = "the day's group figures are used up."


class Unreadable(Refusal):
    """Damaged files; nothing is answered from them."""

    status = 503
    description = "files that are damaged; nothing is answered from them."


class NoSpace(Refusal):
    """Nothing more can be written, while reads go on."""

    status = 507
    description = "the disk is full; nothing was stored."


class OtherMachine(Refusal):
    """A request from another machine. Others are answered only under names that are allowed."""

    status = 403
    description = "from another machine. Others are answered only under names that are allowed."


class WrongHost(Refusal):
    """A request under a name that is not this machine's."""

    status = 400
    description = "under a name that is not this machine's."


class Failure(Refusal):
    """An error inside the service."""

    status = 500
    description = "the service failed."


def refusals(*kinds: type[Refusal]) -> dict[int | str, dict[str, type[Problem] | str]]:
    """The responses of a route in the OpenAPI document: ``kinds``, and the two of every route."""
    every: list[type[Refusal]] = [WrongHost, OtherMachine, *kinds]
    ordered = sorted(every, key=lambda kind: kind.status)
    return {kind.status: {"model": Problem, "description": kind.description} for kind in ordered}


def over_budget(queries_a_day: int) -> OverBudget:
    """A request for group figures beyond those of one day."""
    return OverBudget(
        Message.of("service_over_budget", queries=queries_a_day),
        where="today",
        remedy=Message.of("service_ask_tomorrow"),
    )


def no_person() -> NotFound:
    """Someone unknown and someone without scores are answered alike, so that nobody learns which it was."""
    return NotFound(Message.of("service_no_score"), where="employee_id", remedy=Message.of("service_check_id_and_date"))


def unknown_person() -> NotFound:
    """A person who is in no list, score or suggestion that is kept."""
    return NotFound(
        Message.of("service_unknown_person"), where="body employee_id", remedy=Message.of("service_check_id")
    )


def no_model(trained: Sequence[str]) -> NotFound:
    """A model that is not one of those ``trained``."""
    remedy = _use_one_of(trained) if trained else Message.of("service_train_first")
    return NotFound(Message.of("service_model_not_trained"), where="model", remedy=remedy)


def no_export(names: Sequence[str]) -> NotFound:
    """An export that is not one of ``names``."""
    return NotFound(Message.of("service_unknown_export"), where="name", remedy=_use_one_of(names))


def nothing_to_export() -> NothingToExport:
    """An export of a date without rows, or while everything is stopped."""
    return NothingToExport(
        Message.of("service_nothing_to_export"), where="export", remedy=Message.of("service_export_later")
    )


def no_scores(model: str, as_of: dt.date | None, available: Sequence[dt.date]) -> NotFound:
    """A date that was not scored or, where ``as_of`` is None, a model that scored none."""
    return NotFound(
        Message.of("service_not_scored" if as_of else "service_no_scores"),
        where=f"model {model}, as_of {as_of}" if as_of else f"model {model}",
        remedy=_use_one_of(available[:SHOWN_DATES]) if available else Message.of("service_score_first", model=model),
    )


def no_horizon(model: str, available: Sequence[int]) -> NotFound:
    """A horizon that was not scored."""
    return NotFound(
        Message.of("service_not_scored"), where=f"model {model}, horizon_days", remedy=_use_one_of(available)
    )


def no_segment(model: str, declared: Sequence[str]) -> NotFound:
    """A segment that the model's definition does not declare."""
    remedy = _use_one_of(declared) if declared else Message.of("service_no_segments")
    return NotFound(Message.of("service_unknown_segment"), where=f"model {model}, segment", remedy=remedy)


def no_suggestions(as_of: dt.date | None, available: Sequence[dt.date]) -> NotFound:
    """A date without suggestions or, where ``as_of`` is None, a policy without any."""
    return NotFound(
        Message.of("service_no_suggestions_at_date", as_of=str(as_of))
        if as_of
        else Message.of("service_no_suggestions"),
        where="policy, as_of",
        remedy=_use_one_of(available[:SHOWN_DATES]) if available else Message.of("service_suggest_first"),
    )


def no_suggestion() -> NotFound:
    """The id of a suggestion that nobody made."""
    return NotFound(
        Message.of("service_unknown_suggestion"),
        where="suggestion_id",
        remedy=Message.of("service_use_suggestion_id"),
    )


def no_courses() -> NotFound:
    """Someone unknown and someone without a gap are answered alike, so that nobody learns which it was."""
    return NotFound(
        Message.of("service_no_courses"), where="employee_id", remedy=Message.of("service_check_id_and_date")
    )


def not_proven(model: str, horizon_days: int, *, zh: str, en: str) -> NotProven:
    """A list that is withheld. ``zh`` and ``en`` are the verdict on the model."""
    where, remedy = f"model {model}, {horizon_days} days", Message.of("service_use_proven_horizon")
    refusal = NotProven(Message.of("service_not_proven", verdict=en), where=where, remedy=remedy)
    refusal.zh = NotProven(Message.of("service_not_proven", verdict=zh), where=where, remedy=remedy).zh
    return refusal


def no_space(full: DiskFull) -> NoSpace:
    """A full disk."""
    remedy = Message.of("disk_full_remedy")
    return NoSpace(Message.of("disk_full"), where=_last_parts(full.where), remedy=remedy)


def unreadable(damage: DamagedFile) -> Unreadable:
    """A damaged file. Of its path, only the last parts are named: where files are stored is not for callers."""
    problem, remedy = damage.messages
    return Unreadable(problem, where=_last_parts(damage.where), remedy=remedy)


def status_of(error: PerfmlError) -> int:
    """The HTTP status of an error."""
    match error:
        case Refusal():
            return error.status
        case DiskFull():
            return NoSpace.status
        case ModelError() | DamagedFile():
            return Unreadable.status
    return Failure.status


def problem_of(error: PerfmlError) -> Problem:
    """An error as an answer."""
    if isinstance(error, DamagedFile):
        error = unreadable(error)
    if isinstance(error, DiskFull):
        error = no_space(error)
    if isinstance(error, Refusal):
        return Problem(problem=error.problem, where=error.where, remedy=error.remedy, zh=error.zh, en=str(error))
    where = _last_parts(error.where)
    en = str(PerfmlError(error.problem, where=where, remedy=error.remedy))
    code = "service_model_damaged" if isinstance(error, ModelError) else "service_failed"
    zh = f"{where}：{render(Message.of(code), 'zh')}"
    return Problem(problem=error.problem, where=where, remedy=error.remedy, zh=zh, en=en)


def _last_parts(path: str) -> str:
    return "/".join(path.split("/")[-3:])


def _use_one_of(names: Sequence[object]) -> Message:
    return Message.of("service_use_one_of", names=", ".join(str(name) for name in names))
