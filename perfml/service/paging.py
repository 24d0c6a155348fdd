"""Pages of a list by cursor: where the last page ended in one version of one list, and nothing else.

A cursor is opaque and holds no text. It is checked against the list that it is used with: a list that was replaced in the
meantime would repeat some rows and leave out others, so it has to be started again.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeVar
from urllib.parse import urlencode

from perfml.messages import Message
from perfml.service.problems import Invalid, ListReplaced

_NUMBER, _DIGEST = 6, 9
"""Bytes of a place in a list, and of a digest. A cursor is a multiple of three bytes, so its text needs no escape."""
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Paged(Generic[T]):
    """One page: its rows, how many rows the list has, and the address of the next page; None on the last one."""

    rows: Sequence[T]
    total: int
    limit: int
    next: str | None


@dataclass(frozen=True, kw_only=True)
class ListVersion:
    """A list as it is now: its address, the parameters that choose its rows, and what changes when it is replaced."""

    address: str
    parameters: Mapping[str, object]
    """None is left out."""
    version: str

    def page(self, rows: Sequence[T], number: Callable[[T], int], *, limit: int, cursor: str | None) -> Paged[T]:
        """The page after ``cursor`` (None: the first) of ``rows``, whose ``number`` rises along the list.

        Raises :class:`Invalid` for text that is no cursor of this list, :class:`ListReplaced` for one of an earlier version.
        """
        start = 0 if cursor is None else bisect_right(rows, self._position(cursor), key=number)
        shown, end = rows[start : start + limit], start + limit
        following = self._address(limit, self.cursor(number(shown[-1]))) if end < len(rows) else None
        return Paged(rows=shown, total=len(rows), limit=limit, next=following)

    def cursor(self, after: int) -> str:
        """The cursor of the page after the row numbered ``after``."""
        return base64.urlsafe_b64encode(b"".join((after.to_bytes(_NUMBER), *self._digests))).decode()

    def _position(self, cursor: str) -> int:
        try:
            parts = base64.b64decode(cursor.encode("ascii"), altchars=b"-_", validate=True)
        except (UnicodeEncodeError, binascii.Error):
            parts = b""
        number, of_list, version = parts[:_NUMBER], parts[_NUMBER : _NUMBER + _DIGEST], parts[_NUMBER + _DIGEST :]
        own_list, own_version = self._digests
        if of_list != own_list:
            raise Invalid(
                Message.of("service_other_cursor"), where="query cursor", remedy=Message.of("service_follow_next")
            )
        if version != own_version:
            raise ListReplaced(
                Message.of("service_list_replaced"), where="query cursor", remedy=Message.of("service_start_again")
            )
        return int.from_bytes(number)

    @cached_property
    def _digests(self) -> tuple[bytes, bytes]:
        """Of the list, and of its version."""
        return _digest(f"{self.address}?{urlencode(sorted(self._given))}"), _digest(self.version)

    @cached_property
    def _beginning(self) -> str:
        given = urlencode(self._given)
        return f"{self.address}?{given}&" if given else f"{self.address}?"

    @property
    def _given(self) -> list[tuple[str, object]]:
        return [(name, value) for name, value in self.parameters.items() if value is not None]

    def _address(self, limit: int, cursor: str) -> str:
        return f"{self._beginning}limit={limit}&cursor={cursor}"


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=_DIGEST).digest()
