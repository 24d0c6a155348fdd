"""Sealed files: rows, what they were made from, and a hash over every byte, in one Parquet file that appears with one rename.

The metadata in the footer hold the record of the run as JSON, and a seal: the SHA-256 of all bytes of the file but its own.
Nothing is read from a file before its seal and its address are verified; a process verifies a file once, as long as neither its
inode, size nor times change. Light: the service reads with pyarrow alone.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

import pyarrow as pa
import pyarrow.parquet as pq

from perfml.errors import PerfmlError
from perfml.files import atomic_write
from perfml.home_reads import SETTLED_SECONDS, note_file
from perfml.json_types import JsonObject
from perfml.messages import Message, render
from perfml.scoring.content_hash import ContentHash

ROW_GROUP = 2_000
"""Rows of a row group: what is read for one page or one person."""
RECORD, SEAL = "perfml.record", "perfml.seal"
"""Keys of the metadata."""
EARLIER = "superseded"
"""Folder, beside the files that are served, of what was served before a date was written again."""
ADDED = frozenset({"address", "rows", "content"})
"""Keys of every record."""
BYTES_AT_ONCE = 1 << 20
_DIGITS = 64
_SEALED = re.compile(rb"\x18\x0b" + SEAL.encode() + rb"\x18\x40([0-9a-f]{64})")
"""The seal in the footer: two short texts of Thrift's compact protocol, each after its length."""
T = TypeVar("T")
_END = 8
"""Bytes of the length of the footer and of the mark after it."""


@dataclass(frozen=True, kw_only=True)
class _Verified:
    """A file as it was when it was verified; with its footer, which takes long to decode where there are many row groups."""

    identity: tuple[int, ...]
    footer: pq.FileMetaData
    computed: dict[Hashable, object] = field(default_factory=dict)


_VERIFIED: dict[Path, _Verified] = {}
"""Files whose seal and address were verified by this process."""


class DamagedFile(PerfmlError):
    """A file under ``home`` that is not what perfml wrote; nothing is answered from it. ``messages``: problem and remedy."""

    def __init__(self, path: Path, problem: Message, *, remedy: Message | None = None) -> None:
        self.messages = (problem, remedy or remedy_of(path))
        problem_text, remedy_text = (render(message, "en") for message in self.messages)
        super().__init__(problem_text, where=str(path), remedy=remedy_text)


@dataclass(frozen=True, kw_only=True)
class SealedFile:
    """A verified file that is open; everything read from it comes from one run, even when another replaces it meanwhile."""

    path: Path
    file: pq.ParquetFile
    written: dt.datetime
    computed: dict[Hashable, object]

    def once(self, key: Hashable, compute: Callable[[], T]) -> T:
        """What ``compute`` makes of this file alone: computed once while the file stays what it is."""
        if key not in self.computed:
            self.computed[key] = compute()
        return cast(T, self.computed[key])

    @property
    def record(self) -> JsonObject:
        """What the rows were made from, and their ``address``, ``rows`` and ``content``."""
        record: JsonObject = json.loads(self.file.metadata.metadata[RECORD.encode()])
        return record

    def require(self, columns: Iterable[str]) -> None:
        """Raise :class:`DamagedFile` for a file without one of ``columns``."""
        if not set(columns) <= set(self.file.schema_arrow.names):
            raise DamagedFile(self.path, Message.of("file_earlier"))


def write_sealed(
    parts: Iterable[pa.Table],
    home: Path,
    address: str,
    *,
    record: JsonObject | None = None,
    keep_earlier: bool = False,
    row_group: int | None = None,
) -> Path:
    """Write ``parts``, at least one and all of the same schema, to ``home / address`` with the ``record`` of their run.

    A process killed at any moment leaves the previous file or the new one, each with its own record. ``keep_earlier``: whether a
    previous file with other rows stays in :data:`EARLIER`; ``row_group``: the rows that are read at once (default:
    :data:`ROW_GROUP`).
    """
    path = home / address
    with atomic_write(path) as temporary:
        content = _write(parts, temporary, {**(record or {}), "address": address}, row_group=row_group or ROW_GROUP)
        with temporary.open("r+b") as written:
            at = _seal_position(written)
            if at is None:
                raise RuntimeError(f"{path}: pyarrow wrote a footer of another form")
            digest = _digest(written, at)
            written.seek(at)
            written.write(digest.encode())
        if keep_earlier:
            _supersede(path, content)
    return path


def in_groups(parts: Iterable[pa.Table], *, rows: int) -> Iterator[pa.Table]:
    """``parts``, at least one, in tables of whole groups of ``rows``, but for the last."""
    waiting: list[pa.Table] = []
    n, empty = 0, True
    for part in parts:
        waiting.append(part)
        n += part.num_rows
        if n >= rows:
            whole, n, empty = pa.concat_tables(waiting), n % rows, False
            yield whole.slice(0, whole.num_rows - n)
            waiting = [whole.slice(whole.num_rows - n)]
    if n or empty:
        yield pa.concat_tables(waiting)


@contextmanager
def open_sealed(path: Path) -> Iterator[SealedFile]:
    """Open a file and verify it. Raises :class:`DamagedFile` for one that was altered or cut, or belongs elsewhere."""
    note_file(path)
    try:
        opened = path.open("rb")
    except OSError as error:
        raise DamagedFile(path, Message.of("file_altered")) from error
    with opened:
        status = os.fstat(opened.fileno())
        identity = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        known = _VERIFIED.get(path)
        if known is not None and known.identity != identity:
            known = None
        if known is None:
            _verify_seal(opened, path)
        with pq.ParquetFile(opened, metadata=None if known is None else known.footer) as file:
            verified = known or _Verified(identity=identity, footer=file.metadata)
            written = dt.datetime.fromtimestamp(status.st_mtime, dt.UTC)
            sealed = SealedFile(path=path, file=file, written=written, computed=verified.computed)
            if known is None:
                _verify_address(sealed)
                if time.time() - max(status.st_ctime, status.st_mtime) > SETTLED_SECONDS:
                    _VERIFIED[path] = verified
            yield sealed


def verify(path: Path) -> None:
    """Raise :class:`DamagedFile` unless ``path`` is what perfml wrote there."""
    with open_sealed(path):
        pass


def remedy_of(path: Path) -> Message:
    """How to write a file of :mod:`perfml.dated_files` again."""
    folder = path.parent.parent if path.parent.name == EARLIER else path.parent
    name, day = folder.name, path.name[: len("2026-01-01")]
    match folder.parent.name, name:
        case "scores" | "evidence", _:
            return Message.of("file_score_again", name=name, day=day)
        case "suggestions", _:
            return Message.of("file_suggest_again", name=name, day=day)
        case "goals", "milestones" | "lines":
            return Message.of("file_goals_part_again", name=name, day=day)
        case "goals", _:
            return Message.of("file_goals_again", day=day)
        case _, "people" | "lines" | "records" | "raters":
            return Message.of("file_people_again", day=day)
        case _:
            return Message.of("file_restore")


def _write(parts: Iterable[pa.Table], path: Path, record: JsonObject, *, row_group: int) -> str:
    """Write with an empty seal; return the hash of the rows' content."""
    rest = iter(parts)
    first = next(rest).replace_schema_metadata(None)
    content, rows = ContentHash(), 0
    with pq.ParquetWriter(path, first.schema, compression="zstd") as writer:
        part: pa.Table | None = first
        while part is not None:
            content.update(part)
            rows += part.num_rows
            writer.write_table(part, row_group)
            part = next(rest, None)
        whole = {**record, "rows": rows, "content": content.hexdigest()}
        text = json.dumps(whole, ensure_ascii=False)
        writer.add_key_value_metadata({RECORD: text, SEAL: "0" * _DIGITS})
    return content.hexdigest()


def _supersede(path: Path, content: str) -> None:
    """Keep the sound file at ``path`` under the hash of its rows, where these are others than ``content``."""
    if not path.is_file():
        return
    try:
        with open_sealed(path) as earlier:
            before = str(earlier.record["content"])
    except DamagedFile:
        return
    target = path.parent / EARLIER / f"{path.stem}.{before[:12]}{path.suffix}"
    if before != content and not target.exists():
        with atomic_write(target) as link:
            os.link(path, link)


def _seal_position(file: BinaryIO) -> int | None:
    """Where the seal's digits begin; None for a file that has no footer with one seal."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _END))
    length = int.from_bytes(file.read(4), "little")
    start = size - _END - length
    if start < 0:
        return None
    file.seek(start)
    seals = list(_SEALED.finditer(file.read(length)))
    return start + seals[0].start(1) if len(seals) == 1 else None


def _digest(file: BinaryIO, at: int) -> str:
    """SHA-256 of all bytes but the seal's digits, which begin ``at``."""
    digest, rest = hashlib.sha256(), at
    file.seek(0)
    while rest and (chunk := file.read(min(BYTES_AT_ONCE, rest))):
        digest.update(chunk)
        rest -= len(chunk)
    file.seek(at + _DIGITS)
    while chunk := file.read(BYTES_AT_ONCE):
        digest.update(chunk)
    return digest.hexdigest()


def _verify_seal(file: BinaryIO, path: Path) -> None:
    try:
        at = _seal_position(file)
        if at is None:
            raise DamagedFile(path, Message.of(_without_seal(file)))
        file.seek(at)
        if file.read(_DIGITS).decode() != _digest(file, at):
            raise DamagedFile(path, Message.of("file_altered"))
    except OSError as error:  # a folder, or a disk that does not give the bytes
        raise DamagedFile(path, Message.of("file_altered")) from error
    file.seek(0)


def _without_seal(file: BinaryIO) -> str:
    """The code of what is wrong with a file without a seal: an earlier perfml wrote whole Parquet files."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 4))
    return "file_earlier" if file.read() == b"PAR1" else "file_altered"


def _verify_address(sealed: SealedFile) -> None:
    """Raise :class:`DamagedFile` for a file that was written to another address."""
    address = Path(str(sealed.record["address"]))
    path = sealed.path
    if path.parent.name == EARLIER:  # superseded/<date>.<hash>.parquet beside <date>.parquet
        path = path.parent.parent / f"{path.name.split('.')[0]}{path.suffix}"
    if path.absolute().parts[-len(address.parts) :] != address.parts:
        raise DamagedFile(sealed.path, Message.of("file_elsewhere", address=address.as_posix()))
