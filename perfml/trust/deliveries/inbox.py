"""The inbox: packets of rows that perfml was handed, each applied once however often and in whichever order it comes.

A packet is a file of ``home/inbox/<table>/`` named after its rows, in whichever order they stood, and an entry of the store that
acknowledges it. The file is written first; only a packet with an entry is read, and one whose file is missing or altered is an
error.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from perfml.errors import DataError
from perfml.json_types import JsonObject
from perfml.project.table_spec import TableSpec
from perfml.store.record_store import NewEntry, RecordStore, StoredEntry, add_entries, read_entries
from perfml.store.tables import DELIVERIES
from perfml.trust.deliveries.packet_files import Row, by_business_day, content_hash_of, require_rows, write_packet
from perfml.trust.deliveries.packets import Arrival, PacketDays

RECEIVED = "received"


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """The acknowledgement of one packet."""

    source: str
    table: str
    packet: str
    """SHA-256 of its rows."""
    file_sha256: str
    rows: int
    days: Mapping[dt.date, Arrival]
    """What came for each business day."""
    received_at: dt.datetime
    """UTC, without a zone: when it came first."""
    is_new: bool = False
    """Whether the call that returns it stored it; false for a packet that had come before."""

    def to_json(self) -> dict[str, object]:
        """As JSON."""
        return {
            "source": self.source,
            "table": self.table,
            "packet": self.packet,
            "rows": self.rows,
            "business_dates": [day.isoformat() for day in self.days],
            "received_at": self.received_at.isoformat(),
            "is_new": self.is_new,
        }


def receive(home: Path, source: str, rows: Sequence[Row], *, table: str, spec: TableSpec, at: dt.datetime) -> Receipt:
    """Keep a packet of ``rows`` for ``table``, and acknowledge it: when this returns, it is on disk.

    A packet with the same rows changes nothing. A row without ``known_at`` gets ``at``: nobody could read it before.
    Raises :class:`DataError` for a packet that cannot be applied once; see :func:`require_rows`.
    """
    require_rows(rows, spec, where=f"packet of {source} for {table}")
    digest = content_hash_of(rows, table)
    key, path = f"{RECEIVED}/{source}/{digest}", packet_path(home, table, digest)
    with RecordStore(home).transaction() as connection:  # one writer at a time: the entry names the file that lies here
        existing = next((e for e in read_entries(connection, DELIVERIES, subjects=[source]) if e.key == key), None)
        if existing is not None:
            return _receipt(existing)
        known = {"known_at": at.isoformat(sep=" ")} if "known_at" in spec.columns else {}
        days: JsonObject = {
            day.isoformat(): {"rows": n, "total": None if total is None else str(total)}
            for day, (n, total) in by_business_day(rows, spec).items()
        }
        entry: JsonObject = {
            "event": RECEIVED,
            "table": table,
            "packet": digest,
            "file_sha256": write_packet(path, [{**known, **row} for row in rows]),
            "rows": len(rows),
            "days": days,
            "at": at.isoformat(),
        }
        (stored,) = add_entries(connection, DELIVERIES, [NewEntry(key=key, subject=source, entry=entry)])
    return _receipt(stored, is_new=True)


def packet_path(home: Path, table: str, digest: str) -> Path:
    """The file of a packet."""
    return home / "inbox" / table / f"{digest}.parquet"


def receipts(home: Path) -> list[Receipt]:
    """Every packet that was acknowledged, in the order in which it was."""
    return [_receipt(each) for each in RecordStore(home).read(DELIVERIES) if each.entry["event"] == RECEIVED]


def receipt_days(home: Path) -> PacketDays:
    """What the receipts say of each source and business day: the first arrival, and the rows and totals of all packets."""
    days: dict[tuple[str, dt.date], Arrival] = {}
    for receipt in receipts(home):
        for day, arrival in receipt.days.items():
            earlier = days.get((receipt.source, day))
            days[(receipt.source, day)] = arrival if earlier is None else earlier.with_more(arrival)
    return days


def inbox(home: Path) -> dict[str, list[Path]]:
    """Table → the files of its packets. Raises :class:`DataError` for one that was acknowledged and is missing or altered."""
    files: dict[str, set[Path]] = {}
    for receipt in receipts(home):
        path = packet_path(home, receipt.table, receipt.packet)
        _verify(path, receipt)
        files.setdefault(receipt.table, set()).add(path)
    return {table: sorted(paths) for table, paths in files.items()}


_VERIFIED: dict[tuple[str, int, int, int], str] = {}
"""Path, inode, size and last change of a file → SHA-256 of its bytes: a file is hashed once."""


def _verify(path: Path, receipt: Receipt) -> None:
    try:
        state = path.stat()
        identity = (str(path), state.st_ino, state.st_size, state.st_mtime_ns)
        if identity not in _VERIFIED:
            _VERIFIED[identity] = hashlib.sha256(path.read_bytes()).hexdigest()
        problem = None if _VERIFIED[identity] == receipt.file_sha256 else "was altered since it was received"
    except OSError as error:
        problem = f"was received and cannot be read ({error.strerror or error})"
    if problem is not None:
        remedy = f"restore it from a backup; it came from {receipt.source} on {receipt.received_at:%Y-%m-%d}"
        raise DataError(problem, where=str(path), remedy=remedy)


def _receipt(stored: StoredEntry, *, is_new: bool = False) -> Receipt:
    entry = stored.entry
    at, listed = dt.datetime.fromisoformat(str(entry["at"])), entry["days"]
    assert isinstance(listed, Mapping)
    days = {}
    for day, figures in listed.items():
        assert isinstance(figures, Mapping)
        total = figures["total"]
        days[dt.date.fromisoformat(day)] = Arrival(
            received_at=at, rows=int(str(figures["rows"])), total=None if total is None else Decimal(str(total))
        )
    return Receipt(
        source=stored.subject,
        table=str(entry["table"]),
        packet=str(entry["packet"]),
        file_sha256=str(entry["file_sha256"]),
        rows=int(str(entry["rows"])),
        days=days,
        received_at=at,
        is_new=is_new,
    )
