"""Every error the service answers with has one shape, in Chinese and English: what, where, and what to do."""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from perfml.errors import ModelError, PerfmlError

HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
"""On every answer: nothing about a person stays in a cache, and nothing is taken for what it is not."""
_LOG = logging.getLogger(__name__)


class Problem(BaseModel):
    """What is wrong, where, and what to do. ``zh`` and ``en`` say all of it in one sentence."""

    model_config = ConfigDict(frozen=True)

    problem: str
    where: str
    remedy: str
    zh: str
    en: str


class Refusal(PerfmlError):
    """A request that is not answered, with the status that says why."""

    status: ClassVar[int] = 500

    def __init__(self, problem: str, *, where: str, remedy: str, zh: str) -> None:
        super().__init__(problem, where=where, remedy=remedy)
        self.zh = zh


class NotThere(Refusal):
    """404: no such model, date, horizon, segment or person."""

    status = 404


class NotProven(Refusal):
    """409: the model failed a gate, so there is no list."""

    status = 409


class KeyInUse(Refusal):
    """409: the idempotency key stands for another entry."""

    status = 409


class Unusable(Refusal):
    """422: an entry that contradicts itself."""

    status = 422


class Unreadable(Refusal):
    """503: files that are damaged; nothing is answered from them."""

    status = 503


class Misplaced(Refusal):
    """403: from another machine. Until access control exists, only this one is answered."""

    status = 403


class WrongHost(Refusal):
    """400: under a name that is not this machine's."""

    status = 400


_KINDS = (WrongHost, Misplaced, NotThere, NotProven, Unreadable)
REFUSALS: dict[int, str] = {kind.status: (kind.__doc__ or "").split(": ", 1)[1] for kind in _KINDS}
REFUSALS[422] = "a parameter that is unknown or cannot be used."
"""What OpenAPI says about each status that is not 200."""


def refusals(*statuses: int, **others: str) -> dict[int | str, dict[str, Any]]:
    """The documentation of those that a route can answer with, beside what every route can; ``others`` as ``_409="…"``."""
    said = REFUSALS | {int(name[1:]): text for name, text in others.items()}
    every = sorted({400, 403, *statuses, *(int(name[1:]) for name in others)})
    return {status: {"model": Problem, "description": said[status]} for status in every}


def no_person() -> NotThere:
    """The same words for a person who does not exist and for one without scores: nobody learns which."""
    return NotThere(
        "there is no score",
        where="employee_id",
        remedy="check the id and the date",
        zh="没有该员工的评分；请核对工号与日期",
    )


def no_model(known: Sequence[str]) -> NotThere:
    """A model that has not been trained."""
    names = ", ".join(known)
    return NotThere(
        "has not been trained",
        where="model",
        remedy=f"use one of: {names}" if known else "run `perfml train`",
        zh=f"该模型尚未训练；可用的模型：{names or '无'}",
    )


def no_scores(model: str, as_of: dt.date | None, there: Sequence[dt.date]) -> NotThere:
    """A date that was not scored, or a model that scored none."""
    dates = ", ".join(str(day) for day in there[:5])
    return NotThere(
        "was not scored" if as_of else "has no scores",
        where=f"model {model}, as_of {as_of}" if as_of else f"model {model}",
        remedy=f"use one of: {dates}" if there else f"run `perfml score {model}`",
        zh=f"模型 {model} {as_of or ''} 没有评分；" + (f"可用的日期：{dates}" if there else "请先运行评分"),
    )


def no_horizon(model: str, there: Sequence[int]) -> NotThere:
    """A horizon that was not scored."""
    days = ", ".join(str(d) for d in there)
    return NotThere(
        "was not scored",
        where=f"model {model}, horizon_days",
        remedy=f"use one of: {days}",
        zh=f"模型 {model} 没有该预测期的评分；可用的预测期（天）：{days}",
    )


def no_segment(model: str, known: Sequence[str]) -> NotThere:
    """A segment that the model's definition does not name."""
    names = ", ".join(known)
    return NotThere(
        "is not one of its segments",
        where=f"model {model}, segment",
        remedy=f"use one of: {names}" if known else "leave it out: this model has none",
        zh=f"模型 {model} 没有该人群；" + (f"可用的人群：{names}" if known else "该模型未定义人群，请去掉此参数"),
    )


def no_suggestions(policy: str, as_of: dt.date | None, there: Sequence[dt.date]) -> NotThere:
    """A policy without suggestions, or a date without them."""
    dates = ", ".join(str(day) for day in there[:5])
    return NotThere(
        f"has no suggestions{f' of {as_of}' if as_of else ''}",
        where="policy, as_of",
        remedy=f"use one of: {dates}" if there else "make some: `perfml targets`, `perfml courses`",
        zh=f"该策略{f'在 {as_of} ' if as_of else ''}没有建议；" + (f"可用的日期：{dates}" if there else "请先生成建议"),
    )


def no_suggestion() -> NotThere:
    """A suggestion that nobody made."""
    return NotThere(
        "there is no such suggestion",
        where="suggestion_id",
        remedy="take one from /v1/targets or from /v1/employees/{employee_id}/courses",
        zh="没有该建议；请使用 /v1/targets 或 /v1/employees/{employee_id}/courses 中的编号",
    )


def no_courses() -> NotThere:
    """The same words for a person who does not exist and for one without a gap: nobody learns which."""
    return NotThere(
        "there is no course suggestion",
        where="employee_id",
        remedy="check the id and the date",
        zh="没有该员工的课程建议；请核对工号与日期",
    )


def not_proven(model: str, horizon_days: int, *, zh: str, en: str) -> NotProven:
    """A list that is not given. ``zh`` and ``en`` are the verdict on the model."""
    return NotProven(
        f"there is no list, because the model is not proven: {en}",
        where=f"model {model}, {horizon_days} days",
        remedy="use a horizon that is proven, or see in /v1/models which gate failed",
        zh=f"模型 {model} 的 {horizon_days} 天预测未通过检验，因此不提供名单：{zh}；"
        "请改用已通过检验的预测期，或在 /v1/models 查看未通过的检验",
    )


def problem_of(error: PerfmlError) -> Problem:
    """An error as an answer. A path is cut down to the file's name: where the files live is nobody's business."""
    if isinstance(error, Refusal):
        return Problem(problem=error.problem, where=error.where, remedy=error.remedy, zh=error.zh, en=str(error))
    where = "/".join(error.where.split("/")[-3:])
    en = str(PerfmlError(error.problem, where=where, remedy=error.remedy))
    zh = f"模型文件缺失或被改动：{where}；请恢复该文件或重新训练"
    return Problem(problem=error.problem, where=where, remedy=error.remedy, zh=zh, en=en)


def answer(status: int, problem: Problem, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The answer to a request that is refused."""
    return JSONResponse(problem.model_dump(), status, {**(headers or {}), **HEADERS})


def install(app: FastAPI) -> None:
    """Answer every error of ``app`` in the one shape."""

    @app.exception_handler(PerfmlError)
    def _refused(_: Request, error: PerfmlError) -> JSONResponse:
        status = error.status if isinstance(error, Refusal) else 503 if isinstance(error, ModelError) else 500
        return answer(status, problem_of(error))

    @app.exception_handler(RequestValidationError)
    def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"][1:])
        if first["type"] == "extra_forbidden":
            known = _parameters(request) if first["loc"][0] == "query" else _keys(request)
            what = "parameter" if first["loc"][0] == "query" else "key"
            problem, remedy = f"is not a {what}", f"use one of: {', '.join(known)}"
        else:
            given = json.dumps(first["input"], ensure_ascii=False, default=str)[:80]
            problem, remedy = f"{given} cannot be used", first["msg"][:1].lower() + first["msg"][1:]
        where = f"{first['loc'][0]} {name}".strip()
        en = str(PerfmlError(problem, where=where, remedy=remedy))
        zh = f"{'参数' if where.startswith('query') else '内容'} {name} 不存在、缺失或取值无效（{remedy}）"
        return answer(422, Problem(problem=problem, where=where, remedy=remedy, zh=zh, en=en))

    @app.exception_handler(HTTPException)
    def _unrouted(request: Request, error: HTTPException) -> JSONResponse:
        remedy = "see /v1/openapi.json for what there is"
        problem = str(error.detail).lower()
        en = str(PerfmlError(problem, where="address", remedy=remedy))
        zh = "没有这个地址或方法；可用的地址见 /v1/openapi.json"
        return answer(
            error.status_code, Problem(problem=problem, where="address", remedy=remedy, zh=zh, en=en), error.headers
        )

    @app.exception_handler(Exception)
    def _broken(_: Request, error: Exception) -> JSONResponse:
        _LOG.error("a request failed", exc_info=error)
        remedy = "tell whoever runs the service; its log says more"
        return answer(
            500,
            Problem(
                problem="failed",
                where="service",
                remedy=remedy,
                zh="服务出错；请联系管理员查看日志",
                en=f"service: failed; {remedy}",
            ),
        )


def _parameters(request: Request) -> list[str]:
    """The query parameters of the route, as OpenAPI lists them."""
    path = request.scope["route"].path_format
    listed = request.app.openapi()["paths"][path][request.method.lower()].get("parameters", [])
    return [parameter["name"] for parameter in listed if parameter["in"] == "query"]


def _keys(request: Request) -> list[str]:
    """The keys of the body that the route takes."""
    document = request.app.openapi()
    operation = document["paths"][request.scope["route"].path_format][request.method.lower()]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    names = [one["$ref"].rsplit("/", 1)[1] for one in schema.get("oneOf", [schema])]
    return list(dict.fromkeys(key for name in names for key in document["components"]["schemas"][name]["properties"]))
