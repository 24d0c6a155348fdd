"""Reads: who saw whose score, when and for what purpose. A read that cannot be recorded is refused, unless the disk is full.

Then reads go on: what was seen is remembered by the process, and recorded before the next read or write that finds room.
"""

from __future__ import annotations

import logging
import re
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from json import loads
from pathlib import Path

import sqlalchemy as sql

from perfml.errors import DiskFull
from perfml.store.audit.chain import Reading, StandingLog, append_seen, seen
from perfml.store.record_store import RecordStore

logger = logging.getLogger(__name__)


_UNRECORDED: deque[tuple[Path, Reading]] = deque()
"""Readings that found no room in the store of their home."""
_EMPLOYEE = re.compile(rb'"employee_id":\s*("(?:[^"\\]|\\.)*")')


def record_seen(home: Path, what: str, people: Iterable[str]) -> None:
    """Append one row that ``what`` was shown about ``people``; nothing where it was about nobody.

    Raises :class:`PerfmlError` where it cannot be written, so that nothing is shown; on a full disk it is remembered instead.
    """
    reading = seen(what, people)
    if reading.people:
        record_readings(home, [reading], RecordStore(home).transaction)


def record_readings(
    home: Path,
    readings: Sequence[Reading],
    transaction: Callable[[], AbstractContextManager[sql.Connection]],
    *,
    known: StandingLog | None = None,
) -> None:
    """Append a row for each reading in one ``transaction`` of the store of ``home``, see :func:`record_seen`; ``known``: what the
    connection of ``transaction`` remembers."""
    waiting = [each for each in _UNRECORDED if each[0] == home]
    try:
        with transaction() as connection:
            append_seen(connection, [*(each._replace(late=True) for _, each in waiting), *readings], known=known)
    except DiskFull as error:
        _UNRECORDED.extend((home, each) for each in readings)
        logger.warning("%s; %d reads wait to be recorded", error, len(_UNRECORDED))
    else:
        for each in waiting:
            _UNRECORDED.remove(each)


def people_in(body: bytes) -> set[str]:
    """Everyone whom an answer in JSON names as ``employee_id``. A quotation mark inside a text is escaped, so no text counts.

    >>> people_in(b'{"people": [{"employee_id": "E1"}, {"note": "\\\\"employee_id\\\\": \\\\"E2\\\\""}]}')
    {'E1'}
    """
    return {loads(name) if b"\\" in name else name[1:-1].decode() for name in set(_EMPLOYEE.findall(body))}
