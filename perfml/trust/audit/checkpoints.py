"""Checkpoints: signed heads of the log's tree, as text files in a folder outside the database.

The form is that of C2SP's tlog-checkpoint and signed note: origin, size, root hash, a line with the time, and an Ed25519
signature. The signing key is derived from the key of the log; its public half stands in every note's key hash.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from perfml.files import write_text
from perfml.store.audit.chain import CHECKPOINT, append, rows
from perfml.store.audit.heads import FOLDER, clear_heads
from perfml.store.audit.secret import AuditError, audit_key, derived
from perfml.store.record_store import RecordStore
from perfml.trust.audit.tree import roots

FOLDER_VARIABLE = "PERFML_AUDIT_CHECKPOINTS"
SUFFIX = ".checkpoint"
ORIGIN = "perfml.audit"
_ED25519 = b"\x01"
_DASH = "\u2014"


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """What the log held at a moment: how many rows, and the root over all of them."""

    size: int
    root: str
    """Base64."""
    at: str
    """UTC, ISO 8601."""

    @property
    def file(self) -> str:
        """Name of its file."""
        return f"{self.size:012d}{SUFFIX}"

    def body(self) -> str:
        """The signed text."""
        return f"{ORIGIN}\n{self.size}\n{self.root}\ntime {self.at}\n"


def checkpoint_folder(home: Path) -> Path:
    """Where checkpoints lie: ``PERFML_AUDIT_CHECKPOINTS`` in the environment, else ``home/audit/checkpoints``."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else home / FOLDER / "checkpoints"


def write_checkpoint(home: Path, *, now: dt.datetime) -> tuple[Checkpoint, Path]:
    """Sign what the log holds. The log names the checkpoint, so that a removed file is missed.

    Raises :class:`AuditError` for a log without a row.
    """
    with RecordStore(home).transaction() as connection:
        log = rows(connection)
        if not log:
            raise AuditError(
                "has no row yet", where="audit log", remedy="it begins with the first entry or the first read"
            )
        root = roots((leaf(row.content(), row.hash) for row in log), {len(log)})[len(log)]
        checkpoint = Checkpoint(
            size=len(log), root=base64.b64encode(root).decode(), at=now.isoformat(timespec="seconds")
        )
        append(connection, f"{CHECKPOINT} {checkpoint.size}", {"root": checkpoint.root})
        path = checkpoint_folder(home) / checkpoint.file
        write_text(path, signed(checkpoint, audit_key(home)))
        clear_heads(home)  # the row of the checkpoint itself is added to them after its commit
    return checkpoint, path


def leaf(content: bytes, chained: str) -> bytes:
    """What a row is in the tree."""
    return content + b"\n" + chained.encode()


def signed(checkpoint: Checkpoint, key: bytes) -> str:
    """The note of ``checkpoint``."""
    private = Ed25519PrivateKey.from_private_bytes(derived(key, CHECKPOINT))
    signature = base64.b64encode(_key_hash(private) + private.sign(checkpoint.body().encode())).decode()
    return f"{checkpoint.body()}\n{_DASH} {ORIGIN} {signature}\n"


def read_checkpoint(path: Path, key: bytes) -> Checkpoint:
    """A checkpoint whose signature is verified. Raises :class:`ValueError` saying what is wrong with it."""
    try:
        body, _, signature = path.read_text(encoding="utf-8").partition("\n\n")
        origin, size, root, at = body.split("\n")
        dash, name, encoded = signature.split()
        checkpoint = Checkpoint(size=int(size), root=root, at=at.removeprefix("time "))
        data = base64.b64decode(encoded, validate=True)
    except (OSError, ValueError, binascii.Error) as error:
        raise ValueError("is no checkpoint") from error
    private = Ed25519PrivateKey.from_private_bytes(derived(key, CHECKPOINT))
    if data[:4] != _key_hash(private):
        raise ValueError("was signed with another key")
    try:
        private.public_key().verify(data[4:], f"{body}\n".encode())
    except InvalidSignature as error:
        raise ValueError("was altered: its signature does not hold") from error
    if (dash, name, origin) != (_DASH, ORIGIN, ORIGIN) or path.name != checkpoint.file:
        raise ValueError("is that of another log, or under another name")
    return checkpoint


def _key_hash(private: Ed25519PrivateKey) -> bytes:
    """The key hash of a signed note."""
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return hashlib.sha256(ORIGIN.encode() + b"\n" + _ED25519 + public).digest()[:4]
