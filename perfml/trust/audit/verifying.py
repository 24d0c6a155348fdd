"""Whether the log is whole: its chain, its checkpoints, the heads since, and the entries of the store that it records."""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sql

from perfml.messages import Message, coded
from perfml.store.audit.chain import (
    ADD,
    BEGIN,
    CHECKPOINT,
    ERASE_ENTRIES,
    ERASE_PERSON,
    START,
    AuditRow,
    chained,
    digest,
    rows,
)
from perfml.store.audit.heads import FILE, Head, read_heads
from perfml.store.audit.person_keys import keys, opened
from perfml.store.audit.secret import KEY_FILE, AuditError, audit_key, key_address
from perfml.store.opening import is_made, session
from perfml.store.tables import ENTRIES
from perfml.trust.audit.checkpoints import SUFFIX, Checkpoint, checkpoint_folder, leaf, read_checkpoint
from perfml.trust.audit.tree import roots

_ADDED = re.compile(rf"{ADD} (\w+)/(\d+)")
_CHECKPOINT = re.compile(rf"{CHECKPOINT} (\d+)")


@dataclass(frozen=True, kw_only=True)
class AuditFinding:
    """Something that is not as it was written."""

    where: str
    """AuditRow, file, or entry of the store."""
    problem: Message
    remedy: Message

    def to_json(self) -> dict[str, object]:
        """As JSON, in both languages."""
        return {"where": self.where, "problem": coded(self.problem), "remedy": coded(self.remedy)}


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What a verification looked at, and what it came upon."""

    rows: int
    checkpoints: int
    covered: int
    """Rows under the newest checkpoint."""
    erased: int
    """Rows about people whose key was erased; their hashes are verified all the same."""
    findings: tuple[AuditFinding, ...]

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    def to_json(self) -> dict[str, object]:
        """As JSON."""
        return {
            "rows": self.rows,
            "checkpoints": self.checkpoints,
            "covered": self.covered,
            "erased": self.erased,
            "whole": self.whole,
            "findings": [each.to_json() for each in self.findings],
        }


def verify(home: Path, *, checkpoints: Path | None = None) -> Verification:
    """Compare every row with its hash and the one before it, with the ``checkpoints`` (a folder; default: that of ``home``),
    with the heads since, and the entries of the store with what the log says of them.

    Raises :class:`StoreError` for a damaged store.
    """
    folder = checkpoints or checkpoint_folder(home)
    files, heads = (
        sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else [],
        read_heads(home),
    )  # before the rows they name
    log: Sequence[AuditRow] = ()
    entries: dict[str, dict[int, str]] = {}
    known: dict[str, bytes] = {}
    if is_made(home):
        with session(home, writing=False) as connection:
            log, known = rows(connection), keys(connection)
            entries = {
                table.name: {row["number"]: digest(row) for row in connection.execute(sql.select(table)).mappings()}
                for table in ENTRIES
            }
    if not (log or files or heads or (home / KEY_FILE).exists()):
        return Verification(rows=0, checkpoints=0, covered=0, erased=0, findings=())
    try:
        key = audit_key(home)
    except AuditError as error:
        no_key = _finding(error.where, "audit_no_key", why=error.problem)
        return Verification(rows=len(log), checkpoints=0, covered=0, erased=0, findings=(no_key,))
    findings = [*_chain(log, key, key_address(home))]
    signed, broken = _signed(files, key)
    contents, erased, unopened = _opened(log, known)
    findings += [*broken, *_against(log, signed, folder), *_heads(log, heads), *unopened]
    findings += _entries(log, contents, entries)
    covered = max((each.size for each in signed), default=0)
    return Verification(
        rows=len(log), checkpoints=len(signed), covered=covered, erased=erased, findings=tuple(findings)
    )


def _finding(where: str, code: str, **values: int | str) -> AuditFinding:
    return AuditFinding(where=where, problem=Message.of(code, **values), remedy=Message.of(f"{code}_remedy", **values))


def _chain(log: Sequence[AuditRow], key: bytes, address: str) -> Iterator[AuditFinding]:
    wrong = [not hmac.compare_digest(row.hash, chained(key, row.content())) for row in log]
    if log and all(wrong):
        yield _finding(address, "audit_other_key", rows=len(log))
        return
    previous, expected = START, 1
    for row, altered in zip(log, wrong, strict=True):
        where = f"row {row.number}"
        if altered:
            yield _finding(where, "audit_altered")
        if row.number != expected:
            yield _finding(where, "audit_gap", expected=expected)
        elif row.previous != previous:
            yield _finding(where, "audit_unlinked", before=row.number - 1)
        previous, expected = row.hash, row.number + 1


def _signed(files: Sequence[Path], key: bytes) -> tuple[list[Checkpoint], list[AuditFinding]]:
    signed, broken = [], []
    for path in files:
        try:
            signed.append(read_checkpoint(path, key))
        except ValueError as error:
            broken.append(_finding(str(path), "audit_checkpoint_broken", why=str(error)))
    return signed, broken


def _against(log: Sequence[AuditRow], signed: Sequence[Checkpoint], folder: Path) -> Iterator[AuditFinding]:
    """What checkpoints say of the log, and the log of checkpoints."""
    known = {each.size: each for each in signed}
    reached = roots((leaf(row.content(), row.hash) for row in log), known.keys())
    for size, checkpoint in known.items():
        if size not in reached:
            yield _finding(
                str(folder / checkpoint.file), "audit_truncated", size=size, rows=len(log), first=len(log) + 1
            )
        elif base64.b64encode(reached[size]).decode() != checkpoint.root:
            yield _finding(str(folder / checkpoint.file), "audit_other_tree", size=size, at=checkpoint.at)
    for row in log:
        named = _CHECKPOINT.fullmatch(row.action)
        if named:
            path = folder / Checkpoint(size=int(named[1]), root="", at="").file
            if not path.exists():
                yield _finding(str(path), "audit_checkpoint_missing", row=row.number)


def _heads(log: Sequence[AuditRow], heads: Sequence[Head]) -> Iterator[AuditFinding]:
    """Rows that were committed since the last checkpoint and are gone or are others."""
    hashes = {row.number: row.hash for row in log}
    newest = max(heads, key=lambda head: head.number, default=None)
    if newest is not None and newest.number not in hashes:
        yield _finding(f"audit/{FILE}", "audit_tail", number=newest.number, rows=len(log), first=len(log) + 1)
    for head in heads:
        if hashes.get(head.number, head.hash) != head.hash:
            yield _finding(f"row {head.number}", "audit_other_head")


def _opened(
    log: Sequence[AuditRow], known: Mapping[str, bytes]
) -> tuple[dict[int, Mapping[str, object]], int, list[AuditFinding]]:
    """What rows say, how many were erased, and rows that cannot be opened although nobody erased them."""
    forgotten = {name for row in log if row.action == ERASE_PERSON for name in row.pseudonyms}
    contents: dict[int, Mapping[str, object]] = {}
    erased, findings = 0, []
    for row in log:
        lost = set(row.pseudonyms) - known.keys()
        if lost - forgotten:
            findings.append(_finding(f"row {row.number}", "audit_key_missing"))
        erased += bool(lost & forgotten)
        try:
            content = opened(row.payload, row.pseudonyms, known, action=row.action)
        except (ValueError, TypeError):
            findings.append(_finding(f"row {row.number}", "audit_unopened"))
            continue
        if content is not None:
            contents[row.number] = content
    return contents, erased, findings


def _entries(
    log: Sequence[AuditRow], contents: Mapping[int, Mapping[str, object]], entries: Mapping[str, Mapping[int, str]]
) -> Iterator[AuditFinding]:
    """Entries of the store that are gone, altered or unknown to the log."""
    recorded: dict[str, set[int]] = {name: set() for name in entries}
    erased: dict[str, set[int]] = {name: set() for name in entries}
    before: Mapping[str, int] = {}
    for row in log:
        content = contents.get(row.number, {})
        if row.action == BEGIN:
            begun = content.get("entries")
            before = begun if isinstance(begun, dict) else {}
        elif row.action == ERASE_ENTRIES:
            numbers = content.get("numbers")
            erased.setdefault(str(content.get("table")), set()).update(numbers if isinstance(numbers, list) else ())
    for row in log:
        added = _ADDED.fullmatch(row.action)
        if added is None or added[1] not in entries:
            continue
        table, number = added[1], int(added[2])
        recorded[table].add(number)
        stored = entries[table].get(number)
        if stored is None and number not in erased[table]:
            yield _finding(f"{table}/{number}", "audit_entry_missing", row=row.number)
        elif stored is not None and row.number in contents and contents[row.number].get("digest") != stored:
            yield _finding(f"{table}/{number}", "audit_entry_altered", row=row.number)
    for table, numbers_stored in entries.items():
        for number in sorted(set(numbers_stored) - recorded[table]):
            if number > before.get(table, 0):
                yield _finding(f"{table}/{number}", "audit_entry_unknown")
