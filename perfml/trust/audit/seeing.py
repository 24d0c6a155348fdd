"""Reads: who saw whose score, when and for what purpose. A read that cannot be recorded is refused, unless the disk is full.

Then reads go on: what was seen is remembered by the process, and recorded before the next read or write that finds room.
"""

from __future__ import annotations

import datetime as dt
import logging
import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from json import loads
from pathlib import Path

from perfml.errors import DiskFull
from perfml.json_types import JsonObject
from perfml.store.audit.acting import acting
from perfml.store.audit.chain import SEE, append
from perfml.store.record_store import RecordStore

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class _Unrecorded:
    """A read that found no room in the store."""

    home: Path
    what: str
    people: tuple[str, ...]
    late: JsonObject
    """When, by whom and for what purpose it was."""


_UNRECORDED: deque[_Unrecorded] = deque()
_EMPLOYEE = re.compile(rb'"employee_id":\s*("(?:[^"\\]|\\.)*")')


def record_seen(home: Path, what: str, people: Iterable[str]) -> None:
    """Append one row that ``what`` was shown about ``people``; nothing where it was about nobody.

    Raises :class:`PerfmlError` where it cannot be written, so that nothing is shown; on a full disk it is remembered instead.
    """
    seen = sorted(set(people))
    if not seen:
        return
    waiting = [each for each in _UNRECORDED if each.home == home]
    try:
        with RecordStore(home).transaction() as connection:
            for each in waiting:
                append(connection, f"{SEE} {each.what}", {"late": each.late}, people=each.people)
            append(connection, f"{SEE} {what}", {}, people=seen)
    except DiskFull as error:
        actor = acting()
        at = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
        late: JsonObject = {"at": at, "actor": actor.name, "purpose": actor.purpose}
        _UNRECORDED.append(_Unrecorded(home=home, what=what, people=tuple(seen), late=late))
        logger.warning("%s; %d reads wait to be recorded", error, len(_UNRECORDED))
    else:
        for each in waiting:
            _UNRECORDED.remove(each)


def people_in(body: bytes) -> set[str]:
    """Everyone whom an answer in JSON names as ``employee_id``. A quotation mark inside a text is escaped, so no text counts.

    >>> people_in(b'{"people": [{"employee_id": "E1"}, {"note": "\\\\"employee_id\\\\": \\\\"E2\\\\""}]}')
    {'E1'}
    """
    return {loads(name) for name in set(_EMPLOYEE.findall(body))}
