"""Reads: who saw whose score, when and for what purpose. A read that cannot be recorded is refused."""

from __future__ import annotations

import re
from collections.abc import Iterable
from json import loads
from pathlib import Path

from perfml.store.audit.chain import SEE, append
from perfml.store.record_store import RecordStore

_EMPLOYEE = re.compile(rb'"employee_id":\s*("(?:[^"\\]|\\.)*")')


def record_seen(home: Path, what: str, people: Iterable[str]) -> None:
    """Append one row that ``what`` was shown about ``people``; nothing where it was about nobody.

    Raises :class:`PerfmlError` where it cannot be written, so that nothing is shown.
    """
    seen = sorted(set(people))
    if seen:
        with RecordStore(home).transaction() as connection:
            append(connection, f"{SEE} {what}", {}, people=seen)


def people_in(body: bytes) -> set[str]:
    """Everyone whom an answer in JSON names as ``employee_id``. A quotation mark inside a text is escaped, so no text counts.

    >>> people_in(b'{"people": [{"employee_id": "E1"}, {"note": "\\\\"employee_id\\\\": \\\\"E2\\\\""}]}')
    {'E1'}
    """
    return {loads(name) for name in set(_EMPLOYEE.findall(body))}
