"""Which files a table consists of and what their content is, so that a run reads again only what has changed since the last."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from perfml.evidence.exports.mapped import origin_of
from perfml.evidence.exports.opening import open_export
from perfml.evidence.lake.dataset import Dataset, Partition
from perfml.evidence.lake.storage import S3, Storage, away
from perfml.project.mapping_spec import MappingSpec

AT_ONCE = 16
"""Objects that are asked for their tag at the same time."""


@dataclass(frozen=True, kw_only=True)
class ChangedPartitions:
    """How a table differs from what it was: the names of its files."""

    added: tuple[str, ...]
    rewritten: tuple[str, ...]
    removed: tuple[str, ...]


def partitions(
    source: str | Path, table: str, *, mappings: Mapping[str, MappingSpec] | None = None, packets: Sequence[Path] = ()
) -> tuple[Partition, ...] | None:
    """The files of ``table`` in ``source``, as ``mappings`` read it, with those of ``packets``; in the order of their names.

    None where PostgreSQL holds it, which does not say what has changed. Files on this machine are read whole for their hash;
    object storage is asked for its tags alone; Iceberg and Delta say it in their logs. Raises :class:`DataError`.
    """
    own = {name: mapping for name, mapping in (mappings or {}).items() if mapping.table == table}
    connection = duckdb.connect()
    try:
        with open_export(connection, source) as export:
            origins = {f"{name}/": origin_of(connection, export, name, mapping) for name, mapping in own.items()}
            origins = origins or {"": export.origin(table)}
    finally:
        connection.close()
    every = [_of_file(path, f"packets/{path.name}") for path in packets]
    for prefix, origin in origins.items():
        if origin is None:
            return None
        files = (
            _of_dataset(origin)
            if isinstance(origin, Dataset)
            else [_of_file(path, name) for name, path in origin.items()]
        )
        every += [replace(file, name=f"{prefix}{file.name}") for file in files] if len(origins) > 1 else files
    return tuple(sorted(every, key=lambda each: each.name))


def changed(before: Iterable[Partition], after: Iterable[Partition]) -> ChangedPartitions:
    """What differs between two lists of :func:`partitions`.

    >>> old = Partition(name="day=1", bytes=4, content="a")
    >>> changed([old], [old, Partition(name="day=2", bytes=4, content="b")]).added
    ('day=2',)
    """
    old, new = ({each.name: each for each in partitions} for partitions in (before, after))
    return ChangedPartitions(
        added=tuple(sorted(new.keys() - old.keys())),
        rewritten=tuple(sorted(name for name in new.keys() & old.keys() if new[name] != old[name])),
        removed=tuple(sorted(old.keys() - new.keys())),
    )


def _of_dataset(dataset: Dataset) -> list[Partition]:
    if dataset.partitions:
        return list(dataset.partitions)
    if dataset.storage is None:
        return [_of_file(Path(dataset.root) / name, name) for name in dataset.names]
    keys = [f"{dataset.root}/{name}" for name in dataset.names]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        storage = dataset.storage
        tags = list(pool.map(lambda key: _tag(storage, key), keys))
    return [
        Partition(name=name, bytes=storage.objects[key].bytes, content=tag)
        for name, key, tag in zip(dataset.names, keys, tags, strict=True)
    ]


def _of_file(path: Path, name: str) -> Partition:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "blake2b").hexdigest()
    return Partition(name=name, bytes=path.stat().st_size, content=digest)


def _tag(storage: Storage, key: str) -> str:
    """The object's entity tag; where its storage gives none, when it was written."""
    try:
        with storage.filesystem.open_input_stream(key) as stream:
            tags = {str(name).lower(): value for name, value in (stream.metadata() or {}).items()}
    except OSError as error:
        raise away(S3 + key, error) from None
    tag = tags.get("etag")
    return tag.decode() if isinstance(tag, bytes) else str(storage.objects[key].modified_ns)
