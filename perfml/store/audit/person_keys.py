"""Keys of people: what the audit log says of a person is encrypted with their own key, so deleting the key erases it.

The pseudonym that rows carry is made from that key as well: without it nobody can say whose rows they are, while every hash
still verifies.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress

import sqlalchemy as sql
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from perfml.json_types import JsonObject
from perfml.store.tables import PERSON_KEYS

SEALED = "sealed:"
"""How an encrypted payload begins; another is JSON."""
_NONCE, _DIGITS = 12, 16
_AT_ONCE = 500


def pseudonyms(connection: sql.Connection, people: Sequence[str]) -> dict[str, str]:
    """Person → pseudonym, in the order of ``people``; a person who has none gets one, and a key."""
    known: dict[str, str] = {}
    for low in range(0, len(people), _AT_ONCE):  # databases limit the values of one query
        query = sql.select(PERSON_KEYS.c.person, PERSON_KEYS.c.pseudonym)
        rows = connection.execute(query.where(PERSON_KEYS.c.person.in_(people[low : low + _AT_ONCE])))
        known |= {row.person: row.pseudonym for row in rows}
    unknown = [person for person in dict.fromkeys(people) if person not in known]
    if unknown:
        fresh = {person: secrets.token_bytes(32) for person in unknown}
        added = [
            {"person": person, "pseudonym": pseudonym_of(person, key), "key": key.hex()}
            for person, key in fresh.items()
        ]
        connection.execute(PERSON_KEYS.insert(), added)
        known |= {row["person"]: row["pseudonym"] for row in added}
    return {person: known[person] for person in people}


def pseudonym_of(person: str, key: bytes) -> str:
    """How rows name ``person``."""
    return hmac.new(key, person.encode(), hashlib.sha256).hexdigest()[:_DIGITS]


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
