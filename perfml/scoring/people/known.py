"""What is kept of a person: rows of a file, and of whom there are any. With pyarrow alone, for the service."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from pathlib import Path

from perfml.dated_files import dates_in
from perfml.scoring.sealed_files import DamagedFile, open_sealed
from perfml.scoring.withheld.withholding import withholding

FILES_OF_PEOPLE = ("people/*.parquet", "scores/*/*.parquet", "suggestions/*/*.parquet")
"""Files under ``home`` with a row for each person and date."""


def unknown_people(home: Path, employee_ids: Collection[str]) -> set[str]:
    """Those of ``employee_ids`` of whom no file under ``home`` has a row; the newest files are read first, as few as suffice.

    Raises :class:`DamagedFile` where somebody is in no sound file and may be in a damaged one.
    """
    unknown, damage = set(employee_ids), None
    for pattern in FILES_OF_PEOPLE:
        for path in sorted(home.glob(pattern), key=lambda path: path.name, reverse=True):
            if not unknown:
                return unknown
            try:
                with open_sealed(path) as sealed:
                    unknown -= set(sealed.file.read(["employee_id"], use_threads=False).column(0).to_pylist())
            except DamagedFile as error:
                damage = damage or error
    if unknown and damage:
        raise damage
    return unknown


def scored_people(home: Path) -> dict[str, dt.date]:
    """Employee → the newest date at which a model gave them a score, of the newest file of each model.

    Raises :class:`DamagedFile`.
    """
    scored: dict[str, dt.date] = {}
    for folder in sorted((home / "scores").glob("*")):
        for day in dates_in(folder)[:1]:
            with open_sealed(folder / f"{day}.parquet") as sealed:
                rows = sealed.file.read(["employee_id", "status"], use_threads=False).to_pylist()
            for row in rows:
                if row["status"] == "scored":
                    scored[row["employee_id"]] = max(day, scored.get(row["employee_id"], day))
    return scored


def rows_of(path: Path, employee_id: str) -> list[dict[str, object]]:
    """The rows of one person in a file of scores or suggestions, blank where they are held. Raises :class:`DamagedFile`."""
    with_holds = withholding(path)
    return [with_holds.row(row) for row in stored_rows_of(path, employee_id)]


def stored_rows_of(path: Path, employee_id: str) -> list[dict[str, object]]:
    """The rows of one person as they are stored, held or not; without a filter, which would import pandas. Raises
    :class:`DamagedFile`."""
    rows: list[dict[str, object]] = []
    with open_sealed(path) as sealed:
        for group in range(sealed.file.num_row_groups):
            ids = sealed.file.read_row_group(group, ["employee_id"], use_threads=False).column(0).to_pylist()
            positions = [position for position, each in enumerate(ids) if each == employee_id]
            if positions:
                read = sealed.file.read_row_group(group, use_threads=False)
                rows += [read.slice(position, 1).to_pylist()[0] for position in positions]
    return rows
