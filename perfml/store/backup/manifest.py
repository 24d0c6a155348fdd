"""What a backup holds, signed with the key of the audit log.

The key itself is in no backup, nor is any other: whoever holds both could write a log of their own. Keys of people are in the
store and therefore in it, so a backup undoes an erasure: erase again what was erased since.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from hashlib import sha256

from perfml.errors import PerfmlError
from perfml.store.audit.secret import derived

MANIFEST, ENTRIES_FILE = "manifest.json", "store.jsonl"
FORM = 1
"""Version of the form of a backup."""
LEFT_OUT = (
    "audit.key, PERFML_AUDIT_KEY: the key of the audit log",
    "PERFML_STORE_URL, PERFML_OUTBOX, PERFML_OUTBOX_SECRET, PERFML_EXPORT_KEY and other secrets of the environment",
    "PERFML_AUDIT_CHECKPOINTS: checkpoints in a folder of their own",
    "definitions of the project, and data that lie elsewhere",
)
"""What is not in a backup and has to be kept elsewhere."""


class BackupError(PerfmlError):
    """A backup that cannot be made, or is not what perfml wrote."""


@dataclass(frozen=True, kw_only=True)
class BackupManifest:
    """What a backup holds."""

    perfml: str
    """Version that wrote it."""
    made_at: str
    """UTC, ISO 8601."""
    head: str | None
    """Migration at which the store stands; None without a store."""
    store_id: str | None
    rows: Mapping[str, int]
    """Table → rows."""
    numbers: Mapping[str, int]
    """Table → the last number that was given."""
    files: Mapping[str, str]
    """File → SHA-256."""
    left_out: tuple[str, ...] = LEFT_OUT
    form: int = FORM
    signature: str | None = None
    """HMAC-SHA256 over the rest; None where the home had no audit log."""

    def signed(self, key: bytes) -> BackupManifest:
        """The manifest with its signature."""
        return replace(self, signature=self._code(key))

    def is_signed_with(self, key: bytes) -> bool:
        """Whether nothing was changed since it was signed with ``key``."""
        return self.signature is not None and hmac.compare_digest(self.signature, self._code(key))

    def text(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1, sort_keys=True)

    def _code(self, key: bytes) -> str:
        return hmac.new(derived(key, "backup"), replace(self, signature=None).text().encode(), sha256).hexdigest()


def read_manifest(text: bytes, *, where: str) -> BackupManifest:
    """Parse a manifest. Raises :class:`BackupError`."""
    try:
        fields = json.loads(text)
        if fields.get("form") != FORM:
            raise BackupError(
                f"is of form {fields.get('form')!r}", where=where, remedy="restore it with the perfml that wrote it"
            )
        return BackupManifest(**{**fields, "left_out": tuple(fields["left_out"])})
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise damaged(where, "its manifest cannot be read") from error


def damaged(where: str, problem: str) -> BackupError:
    """The error for a backup that was cut or altered."""
    return BackupError(f"is damaged: {problem}", where=where, remedy="use another backup; nothing was restored")
