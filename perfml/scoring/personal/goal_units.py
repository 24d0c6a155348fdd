"""The unit of every goal, as kept with the rows of people: what says whether goals on one metric add up. Light: the service reads
it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from perfml.dated_files import dates_in
from perfml.home_reads import Memo
from perfml.scoring.personal.files import FOLDER, RecordContents
from perfml.scoring.sealed_files import SealedFile, open_sealed

GOALS = "goals"
MOST_FILES = 2
_UNITS: Memo[Mapping[str, str]] = Memo(MOST_FILES)


def goal_units(home: Path) -> Mapping[str, str]:
    """Goal id → unit of its newest version, in the newest file of rows; empty where there is none.

    Raises :class:`~perfml.scoring.sealed_files.DamagedFile`.
    """
    folder = home / FOLDER
    day = next(iter(dates_in(folder)), None)
    if day is None:
        return {}
    path = folder / f"{day}.parquet"

    def read() -> Mapping[str, str]:
        with open_sealed(path) as sealed:
            return dict(_units(sealed))

    return _UNITS.of(path, read)


def _units(sealed: SealedFile) -> Iterator[tuple[str, str]]:
    """Older versions of a goal before newer ones."""
    contents = sealed.once("contents", lambda: RecordContents.model_validate(sealed.record))
    if GOALS not in contents.tables:
        return
    names = [column.name for column in contents.tables[GOALS].columns]
    if "unit" not in names:
        return
    goal, unit = names.index("goal_id"), names.index("unit")
    for group in range(sealed.file.num_row_groups):
        rows = sealed.file.read_row_group(group, ["table", "values"], use_threads=False)
        tables, lists = (column.combine_chunks() for column in rows.columns)
        for position in reversed([at for at, name in enumerate(tables.to_pylist()) if name == GOALS]):
            values = lists[position].as_py()
            if values[unit] is not None:
                yield values[goal], values[unit]
