"""Failures in the log, under a name and without any text of the error: that may hold what a person wrote, or an id; where it was
raised does not."""

from __future__ import annotations

import logging
import traceback
import uuid
from pathlib import Path

from perfml.service.serving.log_lines import REQUEST_ID

FRAMES = 6
"""Places in the code that are logged, the innermost last."""
_LOG = logging.getLogger("perfml.failures")
_ROOT = Path(__file__).parents[4]


def log_failure(error: BaseException) -> str:
    """Log of what kind an error is and where it was raised, under the id of the request, which is returned."""
    name = uuid.UUID(REQUEST_ID.get() or uuid.uuid4().hex).urn
    _LOG.error("failure %s: %s", name, " from ".join(_outline(error)))
    return name


def _outline(error: BaseException) -> list[str]:
    """An error and what caused it, without their texts."""
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    places = " > ".join(f"{_short(frame.filename)}:{frame.lineno}" for frame in frames)
    cause = error.__cause__ or error.__context__
    return [f"{type(error).__name__} at {places}", *(_outline(cause) if cause is not None else ())]


def _short(file: str) -> str:
    path = Path(file)
    return str(path.relative_to(_ROOT) if path.is_relative_to(_ROOT) else path.name)
