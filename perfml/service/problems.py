"""Errors of the service, in one shape and in both languages: what is wrong, where, and what to do."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from perfml.errors import DiskFull, ModelError, PerfmlError
from perfml.json_types import JsonObject
from perfml.messages import Message, render
from perfml.scoring.sealed_files import DamagedFile
from perfml.store.audit.secret import AuditError
from perfml.store.opening import StoreError

_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")
SHOWN_DATES = 5
"""Dates that a remedy offers, the newest first."""


class Problem(BaseModel):
    """Problem details (RFC 9457): what is wrong, where, and what to do. ``zh`` and ``en`` say all of it in one sentence."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    type: str
    """The kind of problem, as an address of this service."""
    title: str
    """The kind of problem, the same at every occurrence."""
    status: int
    """The HTTP status."""
    detail: str
    """What is wrong."""
    instance: str | None = None
    """The name of a failure in the log of the service; null for a refusal, whose text depends on nothing else."""
    where: str
    """The parameter, key, header, file or store that it is about."""
    remedy: str
    """What to do."""
    zh: str
    en: str


class Refusal(PerfmlError):
    """A request that is refused. ``status`` is its HTTP status, ``description`` what the OpenAPI document says of it."""

    status: ClassVar[int]
    description: ClassVar[str]

    @classmethod
    def kind(cls) -> str:
        """The name of the kind of problem.

        >>> KeyInUse.kind()
        'key-in-use'
        """
        return _WORD.sub("-", cls.__name__).lower()

    def __init__(self, problem: Message, *, where: str, remedy: Message) -> None:
        super().__init__(render(problem, "en"), where=where, remedy=render(remedy, "en"))
        self.zh = f"{where}：{render(problem, 'zh')}；{render(remedy, 'zh')}"
        self.headers: Mapping[str, str] = {}


class NotFound(Refusal):
    """No such address, model, date, horizon, segment, person or suggestion."""

    status = 404
    description = "no such model, date, horizon, segment or person."


class Malformed(Refusal):
    """A body that cannot be read."""

    status = 400
    description = "a body that cannot be read."


class MethodNotAllowed(Refusal):
    """An address that does not take this method."""

    status = 405
    description = "the address does not take this method."


class TooSlow(Refusal):
    """A body that did not come in time."""

    status = 408
    description = "a body that did not come in time."


class TooLarge(Refusal):
    """A body larger than any that is needed."""

    status = 413
    description = "a body larger than any that is needed."


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


class ListReplaced(Refusal):
    """A page of a list that has been replaced since its first page."""

    status = 410
    description = "the list was replaced; start again at its first page."


class OverBudget(Refusal):
    """More group figures than one client may ask for in a day."""

    status = 429
    description = "the day's group figures are used up."


class Unreadable(Refusal):
    """Damaged files; nothing is answered from them."""

    status = 503
    description = "files that are damaged; nothing is answered from them."


class NotReady(Refusal):
    """The store cannot be reached, or scores do not verify."""

    status = 503
    description = "it cannot answer; /v1/health says why."


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


PROBLEM_TYPE = "application/problem+json"
Responses = dict[int | str, dict[str, str | dict[str, dict[str, object]]]]


def refusals(*kinds: type[Refusal]) -> Responses:
    """The responses of a route in the OpenAPI document: ``kinds``, and those of every route."""
    every: list[type[Refusal]] = [WrongHost, OtherMachine, Failure, *kinds]
    responses: Responses = {}
    for status in sorted({kind.status for kind in every}):
        alike = [kind for kind in every if kind.status == status]
        examples = {kind.kind(): {"value": example_of(kind)} for kind in alike}
        content: dict[str, object] = {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}
        description = " Or: ".join(kind.description for kind in alike)
        responses[status] = {"description": description, "content": {PROBLEM_TYPE: content}}
    return responses


def example_of(kind: type[Refusal]) -> JsonObject:
    """A problem of one kind, as the document shows it."""
    text = Message.of("service_example")
    return problem_of(kind(text, where="address", remedy=Message.of("service_see_addresses"))).model_dump(mode="json")


def not_ready() -> NotReady:
    """The service cannot answer."""
    return NotReady(Message.of("service_not_ready"), where="service", remedy=Message.of("service_see_health"))


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


def key_in_use() -> KeyInUse:
    """A write under the idempotency key of another one."""
    remedy = Message.of("service_use_another_key")
    return KeyInUse(Message.of("service_key_in_use"), where="Idempotency-Key", remedy=remedy)


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


def refusal_of(error: PerfmlError) -> Refusal:
    """An error as a refusal. What its kind does not say to be about files alone is a failure, whose text stays inside: it
    may name people."""
    match error:
        case Refusal():
            return error
        case DamagedFile():
            return unreadable(error)
        case DiskFull():
            return no_space(error)
        case ModelError():
            return _in_chinese_shorter(Unreadable, error, "service_model_damaged")
        case StoreError() | AuditError():
            return _in_chinese_shorter(Failure, error, "service_failed")
    return failure()


def failure() -> Failure:
    """An error inside the service."""
    return Failure(Message.of("service_failed"), where="service", remedy=Message.of("service_see_log"))


def problem_of(error: PerfmlError, *, instance: str | None = None) -> Problem:
    """An error as an answer."""
    refusal = refusal_of(error)
    kind = refusal.kind()
    return Problem(
        type=f"/docs#{kind}",
        title=kind.replace("-", " ").capitalize(),
        status=refusal.status,
        detail=refusal.problem,
        instance=instance,
        where=refusal.where,
        remedy=refusal.remedy,
        zh=refusal.zh,
        en=str(refusal),
    )


def _in_chinese_shorter(kind: type[Refusal], error: PerfmlError, code: str) -> Refusal:
    """An error whose own text is English alone, of which ``code`` says the gist in Chinese."""
    where = _last_parts(error.where)
    texts = (Message.of("service_refused", problem=error.problem), Message.of("service_remedy", remedy=error.remedy))
    refusal = kind(texts[0], where=where, remedy=texts[1])
    refusal.zh = f"{where}：{render(Message.of(code), 'zh')}"
    return refusal


def _last_parts(path: str) -> str:
    return "/".join(path.split("/")[-3:])


def _use_one_of(names: Sequence[object]) -> Message:
    return Message.of("service_use_one_of", names=", ".join(str(name) for name in names))
