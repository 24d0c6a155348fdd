"""Failures in the log, under a name and without any text of the error: that may hold what a person wrote, or an id; where it was
raised does not."""

from __future__ import annotations

import logging
import uuid

from perfml.service.serving.log_lines import REQUEST_ID, places_of

_LOG = logging.getLogger("perfml.failures")


def log_failure(error: BaseException) -> str:
    """Log of what kind an error is and where it was raised, under the id of the request, which is returned."""
    name = uuid.UUID(REQUEST_ID.get() or uuid.uuid4().hex).urn
    _LOG.error("failure %s: %s", name, " from ".join(_outline(error)))
    return name


def _outline(error: BaseException) -> list[str]:
    """An error and what caused it, without their texts."""
    cause = error.__cause__ or error.__context__
    places = " > ".join(places_of(error))
    return [f"{type(error).__name__} at {places}", *(_outline(cause) if cause is not None else ())]
