"""Requests that the OpenAPI document allows, and ones that it forbids, over the whole API: none may fail inside."""

from __future__ import annotations

import logging
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.result import Ok

from perfml.service.app import create_app
from tests.service.company import PROBLEM_KEYS, advise, keep, scored, train

EXISTING = {"model": "attrition", "employee_id": "E1", "suggestion_id": "t1"}
"""A name and ids that exist, so that not every request ends with 404."""
Operation = schemathesis.APIOperation[Any, Any, Any, Any]


def company(home: Path) -> None:
    """Keep a model, scores and suggestions under ``home``."""
    version = train(home, "attrition", {91: True})
    keep(home, "attrition", version, [scored(f"E{rank}", rank, band="act") for rank in range(1, 30)])
    advise(home)


def explore(home: Path, *, cases: int, start: int) -> tuple[Counter[int], list[str]]:
    """Send about ``cases`` requests; return how many were answered with each status, and what failed."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    schema = schemathesis.openapi.from_asgi("/v1/openapi.json", create_app(home), headers={"Host": "localhost"})
    operations = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    ways = [(GenerationMode.POSITIVE, EXISTING), (GenerationMode.POSITIVE, {}), (GenerationMode.NEGATIVE, EXISTING)]
    each = max(1, cases // (len(operations) * len(ways)))
    statuses: Counter[int] = Counter()
    wrong: list[str] = []
    for operation in operations:
        for mode, fixed in ways:
            _send(operation, mode, fixed, cases=each, start=start, statuses=statuses, wrong=wrong)
        print(f"api: {statuses.total()} requests, {operation.label}", flush=True)
    logging.disable(logging.NOTSET)
    return statuses, wrong


def _send(
    operation: Operation,
    mode: GenerationMode,
    fixed: dict[str, str],
    *,
    cases: int,
    start: int,
    statuses: Counter[int],
    wrong: list[str],
) -> None:
    @seed(start)
    @settings(
        max_examples=cases,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case: schemathesis.Case[Operation]) -> None:
        case.path_parameters = {name: fixed.get(name, value) for name, value in (case.path_parameters or {}).items()}
        response = case.call(base_url="http://localhost")
        statuses[response.status_code] += 1
        refused = response.status_code >= 400
        # 503 is said of files and of readiness, and nothing is damaged in this home.
        if response.status_code >= 500 or (refused and set(response.json()) != PROBLEM_KEYS):
            wrong.append(f"{operation.label} {response.status_code}: {response.text[:300]}")

    try:
        send()
    except Unsatisfiable:  # nothing can be wrong in a request without parameters
        return
