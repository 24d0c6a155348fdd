"""Lists without the rows of people whom the asker may not see, such as those who have left the unit since."""

from __future__ import annotations

import json
from collections.abc import Set

from perfml.json_types import Json

PERSON = "employee_id"


def limited(answer: bytes, reach: Set[str]) -> bytes:
    """An answer in JSON with the rows of ``reach`` alone."""
    return json.dumps(_without_others(json.loads(answer), reach), ensure_ascii=False).encode()


def _without_others(value: Json, reach: Set[str]) -> Json:
    if isinstance(value, list):
        return [_without_others(each, reach) for each in value if not _of_another(each, reach)]
    if isinstance(value, dict):
        return {name: _without_others(each, reach) for name, each in value.items()}
    return value


def _of_another(value: Json, reach: Set[str]) -> bool:
    return isinstance(value, dict) and isinstance(value.get(PERSON), str) and value[PERSON] not in reach
