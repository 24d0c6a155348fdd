"""The newest rows of everybody, stored so that what people may see of themselves needs no reading of the whole log.

A file holds, as they stand, the newest rows that each person did and that were done to them, of each kind, and those that were
not usable yet. Rows that came later are read beside it; it is made anew from the whole log where rows went or were read again.
"""

from __future__ import annotations

import datetime as dt
import zlib

from perfml.evidence.log.newest import newest_of_each
from perfml.evidence.nightly.state import DamagedState, NightManifest, StateFolder, StoredNewest, new_name
from perfml.evidence.nightly.storing import SINGLE
from perfml.evidence.nightly.sync import LogSync
from perfml.evidence.tables.reading import literal
from perfml.files import writing

VIEW = "newest_events"
MOST_NEW = 0.1
"""Rows that came since, as a share of those in the file, above which the file is written anew with them."""
_BYTES_AT_ONCE = 1 << 22


def newest_rows(sync: LogSync, manifest: NightManifest, *, as_of: dt.date, most: int) -> tuple[str, NightManifest]:
    """The view of :meth:`perfml.evidence.kept_log.KeptLog.newest_rows`, and the manifest that keeps its rows.

    Raises :class:`DamagedState`.
    """
    execute, state = sync.connection.execute, sync.state
    stored, numbers = manifest.newest, {group.number for group in manifest.groups.values()}
    if stored is not None and not (stored.most == most and stored.as_of <= as_of and numbers.issuperset(stored.groups)):
        stored = None
    new = {name: group.rows for name, group in manifest.groups.items() if stored and group.number not in stored.groups}
    if stored is None or sum(new.values()) > stored.rows:
        rows = f"select * exclude (superseded_day) from events where {SINGLE}"
    else:
        execute("create or replace temp table night_new as select * from night_clean limit 0")
        for name in new:
            sync.read_again(name, into="night_new")
        rows = f"select * from {_verified(state, stored)} union all by name select * from night_new"
    if stored is None or sum(new.values()) > MOST_NEW * stored.rows:
        name = new_name("newest", "parquet")
        with writing(state.path(name)):
            first = newest_of_each(sync.connection, f"({rows})", seen=f"t.usable_day < date '{as_of}'", most=most)
            written = execute(f"copy {first} to {literal(str(state.path(name)))} (format parquet, compression zstd)")
        stored = StoredNewest(
            as_of=as_of,
            most=most,
            groups=tuple(sorted(numbers)),
            rows=written.fetchall()[0][0],
            file=name,
            checksum=_checksum(state, name),
        )
        manifest = manifest.model_copy(update={"number": manifest.number + 1, "newest": stored})
        rows = f"select * from {_relation(state, stored)}"
    versions = " union all by name select * from versioned_events" if manifest.repeated else ""
    execute(f"create or replace temp view {VIEW} as select *, null::date as superseded_day from ({rows}){versions}")
    return VIEW, manifest


def _relation(state: StateFolder, stored: StoredNewest) -> str:
    return f"read_parquet({literal(str(state.path(stored.file)))})"


def _verified(state: StateFolder, stored: StoredNewest) -> str:
    if _checksum(state, stored.file) != stored.checksum:
        raise DamagedState(state.path(stored.file))
    return _relation(state, stored)


def _checksum(state: StateFolder, name: str) -> int:
    """CRC-32 of the bytes of a file."""
    checksum = 0
    with state.path(name).open("rb") as file:
        while chunk := file.read(_BYTES_AT_ONCE):
            checksum = zlib.crc32(chunk, checksum)
    return checksum
