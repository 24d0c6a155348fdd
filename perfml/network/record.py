"""What is said of the network as a whole, kept with a row for everyone employed. Light: the service reads it with pyarrow alone.

Who gave what to whom is not kept: only who is outside, and figures of groups from which nobody's own can be worked out.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import pyarrow as pa
from pydantic import TypeAdapter

from perfml.dated_files import dated_file
from perfml.disclosure.primary import Suppression
from perfml.json_types import JsonObject
from perfml.messages import Message
from perfml.project.goals.feedback_network_spec import NetworkUnit
from perfml.scoring.sealed_files import open_sealed, write_sealed
from perfml.scoring.table_files import read_rows
from perfml.scoring.withheld.withholding import withholding

FOLDER = "feedback_network/people"
SCHEMA = pa.schema(
    [
        ("employee_id", pa.string()),
        ("department", pa.string()),
        ("manager_id", pa.string()),
        ("outside", pa.string()),
        ("beyond_team", pa.bool_()),
    ]
)
"""``outside``: *nobody*, *manager only*, or null; ``beyond_team``: whether the person had contact with somebody who is neither of
their team nor leads it."""
OutsideKind = Literal["nobody", "manager only"]
LevelDirection = Literal["up", "same", "down"]


@dataclass(frozen=True, kw_only=True)
class NetworkCell:
    """Contacts from one department to another, or within one; None where they are withheld."""

    giver: str
    receiver: str
    contacts: int | None
    withheld: Suppression | None = None


@dataclass(frozen=True, kw_only=True)
class UnitGap:
    """Two units that never speak, or of which one only gives: ties are pairs of people with a contact, lines left out."""

    by: NetworkUnit
    kind: Literal["silent", "one way"]
    first: str
    """Of a one-way street the unit that gives."""
    second: str
    ties: int
    expected: float
    """Of silent units by their sizes and activity; of a one-way street what would go the other way."""

    @property
    def text(self) -> Message:
        """As a sentence."""
        code = "network_silent" if self.kind == "silent" else "network_one_way"
        return Message.of(code, first=self.first, second=self.second, ties=self.ties, expected=self.expected)


@dataclass(frozen=True, kw_only=True)
class UnitsCompared:
    """How many pairs of units there are, and of how many a silence would differ from chance."""

    by: NetworkUnit
    units: int
    pairs: int
    testable: int


@dataclass(frozen=True, kw_only=True)
class LevelFlow:
    """Recognition up, within a level, or down; ``expected``: if levels played no part. None where it is withheld."""

    direction: LevelDirection
    contacts: int | None
    expected: float | None
    withheld: Suppression | None = None


@dataclass(frozen=True, kw_only=True)
class GroupNetwork:
    """People of a group, how many are outside, and how many have contact beyond their team; None where it is withheld."""

    group: str | None
    people: int
    outside: int | None
    outside_withheld: Suppression | None
    beyond_team: int | None
    beyond_withheld: Suppression | None


@dataclass(frozen=True, kw_only=True)
class NetworkFigures:
    """Figures of groups; nobody is in them by name but who leads a team."""

    days: int
    unit_days: int
    judged: int
    """People with so much time at work that being outside would be told."""
    cells: tuple[NetworkCell, ...]
    gaps: tuple[UnitGap, ...]
    compared: tuple[UnitsCompared, ...]
    levels: tuple[LevelFlow, ...]
    departments: tuple[GroupNetwork, ...]
    teams: tuple[GroupNetwork, ...]
    """By who leads them."""
    streets: int | None
    """One-way streets between two people, without those between somebody and who leads them; None where withheld."""
    notices: tuple[Message, ...]


@dataclass(frozen=True, kw_only=True)
class NetworkRow:
    """A person as kept."""

    employee_id: str
    department: str | None
    manager_id: str | None
    outside: OutsideKind | None
    beyond_team: bool

    def text(self, days: int) -> Message:
        """What is said of whoever is outside, as a sentence."""
        return Message.of("network_nobody" if self.outside == "nobody" else "network_manager_only", days=days)


_FIGURES = TypeAdapter(NetworkFigures)


def keep_network(rows: pa.Table, figures: NetworkFigures, home: Path, *, as_of: dt.date, record: JsonObject) -> Path:
    """Keep what is said at a date, in place of what was said before."""
    whole = cast(JsonObject, {**record, "network": _FIGURES.dump_python(figures, mode="json")})
    return write_sealed([rows], home, f"{FOLDER}/{as_of}.parquet", record=whole)


def network_file(home: Path, as_of: dt.date | None = None) -> tuple[dt.date, Path] | None:
    """The date (default: the newest) and the file; None where none is kept."""
    return dated_file(home / FOLDER, as_of)


def kept_network(path: Path) -> NetworkFigures:
    """The figures of groups. Raises :class:`~perfml.scoring.sealed_files.DamagedFile`."""
    with open_sealed(path) as sealed:
        return sealed.once("network", lambda: _FIGURES.validate_python(sealed.record["network"]))


def network_people(path: Path) -> list[NetworkRow]:
    """Everyone employed but who is withheld now. Raises :class:`~perfml.scoring.sealed_files.DamagedFile`."""
    return network_rows(withholding(path).table(read_rows(path)))


def network_rows(rows: pa.Table) -> list[NetworkRow]:
    """The rows of a table, without those that are withheld."""
    return [NetworkRow(**row) for row in rows.to_pylist() if row["beyond_team"] is not None]
