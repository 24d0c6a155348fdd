"""JSON that is written once and joined into answers again and again.

With each text stands what would have to be looked up in its bytes: whom it names, for the audit log, and a digest, for the tag of
an answer. Both are made from the bytes themselves, so an answer that is joined says no less than one that is read through.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import Response

from perfml.trust.audit.seeing import people_in

_DIGEST = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class JsonText:
    """A text in JSON."""

    body: bytes
    people: frozenset[str]
    """Everyone whom it names as ``employee_id``."""
    digest: bytes
    """What changes with every byte."""

    @classmethod
    def of(cls, body: bytes) -> JsonText:
        """Look through a text."""
        return cls(
            body=body, people=frozenset(people_in(body)), digest=hashlib.blake2b(body, digest_size=_DIGEST).digest()
        )

    @classmethod
    def joined(cls, before: bytes, texts: Sequence[JsonText], after: bytes) -> JsonText:
        """The texts as a list between two others.

        >>> JsonText.joined(b'{"a":[', [JsonText.of(b'{"employee_id":"E1"}'), JsonText.of(b"2")], b"]}").people
        frozenset({'E1'})
        """
        body = b"".join((before, b",".join([text.body for text in texts]), after))
        parts = b"".join((b"%d,%d:" % (len(before), len(texts)), before, *[text.digest for text in texts], after))
        return cls(
            body=body,
            people=frozenset(people_in(before + b"|" + after)).union(*[text.people for text in texts]),
            digest=hashlib.blake2b(parts, digest_size=_DIGEST).digest(),
        )


class TextResponse(Response):
    """An answer that is such a text."""

    media_type = "application/json"

    def __init__(self, text: JsonText) -> None:
        super().__init__(text.body)
        self.text = text
