"""Keys of people: what the audit log says of a person is encrypted with their own key, so deleting the key erases it.

The pseudonym that rows carry is made from that key as well: without it nobody can say whose rows they are, while every hash
still verifies.
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress

import sqlalchemy as sql
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from perfml.json_types import JsonObject
from perfml.store.commits import commits_of_others
from perfml.store.tables import PERSON_KEYS, insertion, placeholders

SEALED = "sealed:"
"""How an encrypted payload begins; another is JSON."""
_NONCE, _DIGITS = 12, 16
_AT_ONCE = 500
MOST_KNOWN = 200_000
"""Pseudonyms that a connection remembers."""


def pseudonyms(connection: sql.Connection, people: Sequence[str]) -> dict[str, str]:
    """Person → pseudonym, in the order of ``people``; a person who has none gets one, and a key."""
    known = KnownPseudonyms().of(connection, people)
    return {person: known[person] for person in people}


class KnownPseudonyms:
    """Pseudonyms that a connection has read or made before, as long as nobody else has committed since: by then somebody may have
    been erased.

    A connection on which a transaction failed is closed (:class:`~perfml.store.standing.StandingStore`), and what it made
    is forgotten.
    """

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._committed: object = None

    def of(self, connection: sql.Connection, people: Collection[str]) -> Mapping[str, str]:
        """Person → pseudonym, of ``people`` and others; a person who has none gets one, and a key."""
        committed = commits_of_others(connection)
        if committed is None or committed != self._committed or len(self._names) > MOST_KNOWN:
            self._names, self._committed = {}, committed
        unknown = [person for person in dict.fromkeys(people) if person not in self._names]
        if unknown:
            self._names |= _read(connection, unknown)
            self._names |= _new(connection, [person for person in unknown if person not in self._names])
        return self._names


def _read(connection: sql.Connection, people: Sequence[str]) -> dict[str, str]:
    known: dict[str, str] = {}
    for low in range(0, len(people), _AT_ONCE):  # databases limit the values of one query
        some = tuple(people[low : low + _AT_ONCE])
        names = f"select person, pseudonym from {PERSON_KEYS.name} where person in"
        rows = connection.exec_driver_sql(f"{names} ({placeholders(len(some), connection.dialect.name)})", some)
        known |= {person: name for person, name in rows}
    return known


def _new(connection: sql.Connection, people: Sequence[str]) -> dict[str, str]:
    fresh = [(person, secrets.token_bytes(32)) for person in people]
    added = [(person, pseudonym_of(person, key), key.hex()) for person, key in fresh]
    if added:
        connection.exec_driver_sql(insertion(PERSON_KEYS, connection.dialect.name), added)
    return {person: pseudonym for person, pseudonym, _ in added}


def pseudonym_of(person: str, key: bytes) -> str:
    """How rows name ``person``."""
    return hmac.digest(key, person.encode(), "sha256").hex()[:_DIGITS]


def keys(connection: sql.Connection) -> dict[str, bytes]:
    """Pseudonym → key, of everyone who is not erased; a key that does not make its pseudonym is left out."""
    out = {}
    for row in connection.execute(sql.select(PERSON_KEYS)):
        with suppress(ValueError):
            key = bytes.fromhex(row.key)
            if pseudonym_of(row.person, key) == row.pseudonym:
                out[str(row.pseudonym)] = key
    return out


def sealed(connection: sql.Connection, pseudonym: str, payload: JsonObject, *, action: str) -> str:
    """``payload`` that only the key of ``pseudonym`` opens, for a row about ``action``."""
    key = connection.execute(sql.select(PERSON_KEYS.c.key).where(PERSON_KEYS.c.pseudonym == pseudonym)).scalar_one()
    nonce = secrets.token_bytes(_NONCE)
    text = json.dumps(payload, ensure_ascii=False, sort_keys=True).encode()
    cipher = AESGCM(bytes.fromhex(key)).encrypt(nonce, text, action.encode())
    return SEALED + base64.b64encode(nonce + cipher).decode()


def opened(payload: str, subjects: Sequence[str], known: Mapping[str, bytes], *, action: str) -> JsonObject | None:
    """What a row says; None where it was erased. Raises :class:`ValueError` for one that its key does not open."""
    if not payload.startswith(SEALED):
        plain: JsonObject = json.loads(payload)
        return plain
    key = known.get(subjects[0]) if subjects else None
    if key is None:
        return None
    data = base64.b64decode(payload.removeprefix(SEALED))
    try:
        content: JsonObject = json.loads(AESGCM(key).decrypt(data[:_NONCE], data[_NONCE:], action.encode()))
    except InvalidTag as error:
        raise ValueError("its person's key does not open it") from error
    return content
