"""Lines of the service's log, as text or as JSON, without personal data.

Only perfml's own messages and the server's are written with their values. Of an error its type and place are written and never
its text, which may name people; of other libraries the message as it stands in their code.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import traceback
from contextvars import ContextVar
from pathlib import Path
from typing import Literal

LogForm = Literal["text", "json"]
_ROOT = Path(__file__).parents[3]
OWN = ("perfml", "uvicorn")
"""Loggers whose messages are written with their values."""
FRAMES = 6
"""Innermost places of an error that are written."""
IN_TEXT = ("at", "message", "error", "places", "request_id")
"""Fields of a line of text."""
REQUEST_ID: ContextVar[str | None] = ContextVar("perfml_request", default=None)
"""The id of the request that is answered."""


class LineFormatter(logging.Formatter):
    """One line a record."""

    def __init__(self, form: LogForm) -> None:
        super().__init__()
        self.form = form

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        fields = fields_of(record)
        if self.form == "json":
            return json.dumps(fields, ensure_ascii=False)
        return " ".join(str(fields[name]) for name in IN_TEXT if name in fields)


def fields_of(record: logging.LogRecord) -> dict[str, object]:
    """What is written of a record."""
    own = record.name.split(".")[0] in OWN
    text = record.getMessage() if own else str(record.msg)
    fields: dict[str, object] = {
        "at": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": next(iter(text.splitlines()), ""),
    }
    if (request := REQUEST_ID.get()) is not None:
        fields["request_id"] = request
    fields |= getattr(record, "fields", {})
    if record.exc_info and record.exc_info[1] is not None:
        fields |= {"error": type(record.exc_info[1]).__name__, "places": places_of(record.exc_info[1])}
    return fields


def places_of(error: BaseException) -> list[str]:
    """Where an error was raised, the innermost place last."""
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    return [f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames]


def _short(file: str) -> str:
    path = Path(file)
    return str(path.relative_to(_ROOT) if path.is_relative_to(_ROOT) else path.name)


def set_up_logging(form: LogForm) -> None:
    """Send every record of this process through :class:`LineFormatter` to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter(form))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for name in OWN:
        logging.getLogger(name).setLevel(logging.INFO)
