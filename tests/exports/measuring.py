"""How much of an export's mapping is proposed right, and what is wrong without being marked unsure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from perfml.mapping.proposal import MappingProposal, TableProposal
from perfml.mapping.propose import propose
from perfml.project.folder import ProjectFolder
from perfml.project.starter import STARTER
from tests.exports.makers import Truth


@dataclass
class Count:
    """Columns of exports: proposed right, marked unsure, missed, and wrong although sure."""

    right: int = 0
    unsure: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def columns(self) -> int:
        return self.right + len(self.unsure) + len(self.missed) + len(self.wrong)

    def __add__(self, other: Count) -> Count:
        return Count(
            self.right + other.right,
            self.unsure + other.unsure,
            self.missed + other.missed,
            self.wrong + other.wrong,
        )

    def __str__(self) -> str:
        share = f"{self.right / self.columns:.0%}"
        return f"{self.right} of {self.columns} right ({share}), unsure {self.unsure}, missed {self.missed}, wrong {self.wrong}"


def source_of(folder: Path) -> Path:
    """What is named on the command line: the folder, or the database in it."""
    return next(folder.glob("*.duckdb"), folder)


def count(folder: Path, truth: Truth) -> Count:
    """Propose the mapping of the export in ``folder`` and compare it with the truth."""
    proposal = propose(source_of(folder), ProjectFolder(STARTER).definitions.tables)
    total = Count()
    for sheet, columns in truth.items():
        for column, targets in columns.items():
            total += _of_column(proposal, sheet, column, targets.split())
    return total


def _of_column(proposal: MappingProposal, sheet: tuple[str, str], column: str, targets: list[str]) -> Count:
    name = " ".join((*sheet, column))
    used = {target for target, standing in _uses(proposal, sheet, column) if standing != "asked"}
    asked = {target for target, standing in _uses(proposal, sheet, column) if standing == "asked"}
    certain = {target for target, standing in _uses(proposal, sheet, column) if standing == "sure"}
    if certain - set(targets):
        return Count(wrong=[f"{name}: {sorted(certain)}"])
    if targets[0] in used if targets else not used and not asked:
        return Count(right=1)
    if used or asked:
        return Count(unsure=[f"{name}: {sorted(used | asked)}"])
    return Count(missed=[name])


def _uses(proposal: MappingProposal, sheet: tuple[str, str], column: str) -> Iterator[tuple[str, str]]:
    """Each target that reads the column, and how it stands."""
    for table in proposal.tables:
        if not _is(table, sheet):
            continue
        for proposed in table.columns:
            if column in proposed.reads:
                yield f"{table.table}.{proposed.target}", proposed.standing
        if table.unpivot is not None and column in table.unpivot.columns:
            yield f"{table.table}.kind", "sure"


def _is(table: TableProposal, sheet: tuple[str, str]) -> bool:
    file, page = sheet
    return (table.sheet.file or table.sheet.title) == file and (table.sheet.sheet or "") == page
