"""Secrets of a home, in no backup: the key of the audit log, ``home/audit.key`` or ``PERFML_AUDIT_KEY`` in the environment, made
with the log's first row; and that of the pseudonyms that data scientists read, ``home/pseudonyms.key``."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from pathlib import Path

from perfml.errors import PerfmlError
from perfml.files import reading, write_text

KEY_FILE, KEY_VARIABLE = "audit.key", "PERFML_AUDIT_KEY"
PSEUDONYM_FILE = "pseudonyms.key"
_KEY = re.compile(r"[0-9a-f]{64}")


class AuditError(PerfmlError):
    """The audit log cannot be read or written; whatever should have been recorded does not happen."""


def key_address(home: Path) -> str:
    """Where the key lies, for people."""
    return KEY_VARIABLE if os.environ.get(KEY_VARIABLE) else str(home / KEY_FILE)


def audit_key(home: Path, *, make: bool = False) -> bytes:
    """The key, 32 bytes; with ``make`` it is made where there is none. Raises :class:`AuditError` without a usable one."""
    text = os.environ.get(KEY_VARIABLE)
    if not text:
        path = home / KEY_FILE
        if not path.exists() and not make:
            raise AuditError("is missing", where=str(path), remedy=f"restore it from a backup, or set {KEY_VARIABLE}")
        text = _read_or_make(path)
    if not _KEY.fullmatch(text.strip()):
        raise AuditError(
            "is no key of 64 hexadecimal digits", where=key_address(home), remedy="restore it from a backup"
        )
    return bytes.fromhex(text.strip())


def pseudonym_key(home: Path) -> bytes:
    """The key, 32 bytes, made when it is first needed: without its file everybody has another pseudonym from then on."""
    path = home / PSEUDONYM_FILE
    text = _read_or_make(path)
    if not _KEY.fullmatch(text.strip()):
        raise AuditError("is no key of 64 hexadecimal digits", where=str(path), remedy="remove it: another is made")
    return bytes.fromhex(text.strip())


def _read_or_make(path: Path) -> str:
    """What the file of a key says; it is made where there is none."""
    if not path.exists():
        write_text(path, secrets.token_hex(32))
    with reading(path, remedy="restore it from a backup", error=AuditError):
        return path.read_text(encoding="ascii")


def derived(key: bytes, purpose: str) -> bytes:
    """32 bytes for another ``purpose``, from which ``key`` cannot be inferred."""
    return hmac.new(key, purpose.encode(), hashlib.sha256).digest()
