"""Which sheet of an export holds which tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from perfml.mapping.candidates import KEYS, PERIOD, Candidate, candidates, is_referring, share_of
from perfml.mapping.naming.fitting import CONTAINED, fit
from perfml.mapping.naming.synonyms import plain, synonyms
from perfml.mapping.profiles import ColumnProfile, profile
from perfml.mapping.sheets import Sheet
from perfml.project.table_spec import TableSpec

SIGNATURES: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "employees": (("employee_id",), ("hired_on",)),
    "positions": (("employee_id",), ("department", "manager_id", "level", "role_family")),
    "exits": (("employee_id",), ("exited_on",)),
    "events": (("employee_id",), ("happened_at",)),
    "reviews": (("employee_id",), ("rating",), ("period_end", PERIOD, "reviewed_on")),
    "gap_tags": (("employee_id",), ("tag",), ("noted_on",)),
    "goals": (("employee_id",), ("metric",), ("target",)),
    "progress": (("goal_id",), ("actual",), ("measured_at",)),
    "signals": (("name",), ("month",), ("value",)),
    "courses": (("course_id",), ("title",)),
    "enrolments": (("employee_id",), ("course_id",), ("enrolled_on",)),
    "interventions": (("employee_id",), ("kind",), ("offered_on",)),
}
"""Table → what a sheet must have to be it: of each group one column."""
TITLE = 2.0
"""Weight of a title that names the table, beside the columns, each of which weighs up to 1."""
ROSTER = ("employees", "positions", "exits", "reviews")
"""Tables that often stand together in one sheet: one row a person."""
APART = 0.3
"""Share of common employee ids up to which two sheets are two parts of one table (people in service, people who left)."""
DIFFERENT = 0.8
"""Share of different ids from which a sheet has one row a person."""
MEASURES = 2
"""Columns with numbers from which a log without kinds is a wide one."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A sheet that can be a table."""

    sheet: Sheet
    profiles: Mapping[str, ColumnProfile]
    table: str
    columns: Mapping[str, Candidate]
    measures: tuple[str, ...] = ()
    """Of a wide log: the columns that become rows."""
    title: float = 0.0
    hired: Candidate | None = None
    """The date of hiring, where the sheet has one."""

    @property
    def strength(self) -> float:
        """How much speaks for it."""
        return TITLE * self.title + sum(candidate.score for candidate in self.columns.values()) + len(self.measures)

    def keys(self, column: str) -> frozenset[str]:
        """The ids in a column of the table."""
        candidate = self.columns.get(column)
        return candidate.column.every if candidate else frozenset()


def recognise(sheets: Sequence[Sheet], tables: Mapping[str, TableSpec]) -> list[Claim]:
    """The tables that the sheets hold, in the order of the contract: by names first, then with the ids that these hold."""
    profiled = _referred([(sheet, _profiles(sheet)) for sheet in sheets])
    first = _chosen([claim for sheet, columns in profiled for claim in _claims(sheet, columns, tables, {})])
    keys = {
        column: frozenset(key for claim in first if claim.table == table for key in claim.keys(own))
        for column, (table, own) in KEYS.items()
    }
    claims = [claim for sheet, columns in profiled for claim in _claims(sheet, columns, tables, keys)]
    order = list(tables)
    return sorted(_chosen(claims), key=lambda claim: order.index(claim.table))


def _profiles(sheet: Sheet) -> Mapping[str, ColumnProfile]:
    grouped = sheet.header_rows > 1
    return {name: profile(name, sheet.cells[name], grouped=grouped) for name in sheet.columns}


def _referred(
    profiled: Sequence[tuple[Sheet, Mapping[str, ColumnProfile]]],
) -> list[tuple[Sheet, Mapping[str, ColumnProfile]]]:
    """The same, each id with the number of other columns that have its values."""
    every = [profile for _, profiles in profiled for profile in profiles.values()]

    def counted(profile: ColumnProfile) -> ColumnProfile:
        if not profile.unique or profile.content not in ("text", "int"):
            return profile
        others = sum(is_referring(other, profile) for other in every if other is not profile)
        return replace(profile, referred=others)

    return [(sheet, {name: counted(each) for name, each in profiles.items()}) for sheet, profiles in profiled]


def _claims(
    sheet: Sheet,
    profiles: Mapping[str, ColumnProfile],
    tables: Mapping[str, TableSpec],
    keys: Mapping[str, Collection[str]],
) -> list[Claim]:
    claims = []
    hired = candidates(profiles, "employees", tables["employees"], keys=keys).get("hired_on")
    for table, groups in SIGNATURES.items():
        if table not in tables:
            continue
        columns = candidates(profiles, table, tables[table], keys=keys)
        if not all(any(column in columns for column in group) for group in groups):
            continue
        measures = (
            _measures(profiles, columns, keys.get("employee_id", ()))
            if table == "events" and "kind" not in columns
            else ()
        )
        if measures:
            columns = {name: candidate for name, candidate in columns.items() if name != "value"}
        title = fit(sheet.title, synonyms().titles[table], anywhere=True).score
        if table == "employees" and not one_row_a_person(columns["employee_id"].column, sheet):
            title = 0.0
            columns = {name: _halved(candidate) for name, candidate in columns.items()}
        if title == 0 and any(candidate.by == "content" for candidate in columns.values()):
            continue
        if table == "events" and "kind" not in columns and len(measures) < MEASURES and title < CONTAINED:
            continue
        claims.append(
            Claim(
                sheet=sheet,
                profiles=profiles,
                table=table,
                columns=columns,
                measures=measures,
                title=title,
                hired=hired,
            )
        )
    return claims


def one_row_a_person(ids: ColumnProfile, sheet: Sheet) -> bool:
    """Whether (nearly) every row is of another person."""
    rows: int = sheet.cells.num_rows
    return ids.distinct >= DIFFERENT * ids.filled * rows


def _halved(candidate: Candidate) -> Candidate:
    return Candidate(column=candidate.column, score=candidate.score / 2, name=candidate.name)


def _measures(
    profiles: Mapping[str, ColumnProfile], columns: Mapping[str, Candidate], people: Collection[str]
) -> tuple[str, ...]:
    """The columns of a wide log: numbers that are no ids, no pay, and nothing else of the table."""
    used = {candidate.column.name for name, candidate in columns.items() if name != "value"}
    return tuple(
        name
        for name, each in profiles.items()
        if name not in used
        and each.content in ("int", "number")
        and not each.padded
        and fit(each.label, synonyms().unrelated).score == 0
        and (each.content == "number" or share_of(each, people) < 0.5 or each.distinct < len(people) / 2)
    )


def _chosen(claims: list[Claim]) -> list[Claim]:
    """For each sheet the table it is first of all, with those that stand beside it; for each table its best sheet, and others
    that are first of all this table, or hold other people."""
    primary: dict[int, Claim] = {}
    for claim in claims:
        best = primary.get(id(claim.sheet))
        if best is None or claim.strength > best.strength:
            primary[id(claim.sheet)] = claim
    chosen: list[Claim] = []
    for claim in sorted(claims, key=lambda each: (primary[id(each.sheet)] is not each, -each.strength)):
        first = primary[id(claim.sheet)]
        others = [other for other in chosen if other.table == claim.table]
        if claim is first:
            if not (others and _is_weak(claim)):
                chosen.append(claim)
        elif (
            first.table in ROSTER
            and claim.table in ROSTER
            and _is_strong(claim)
            and all(_apart(claim, other) for other in others)
        ):
            chosen.append(claim)
    return chosen


def _is_strong(claim: Claim) -> bool:
    """Whether the columns that make the table are named for it or are ids that join it, and not taken from the table that the
    sheet first of all is."""
    return all(
        any(column in claim.columns and _is_own(claim.columns[column]) for column in group)
        for group in SIGNATURES[claim.table]
    )


def _is_own(candidate: Candidate) -> bool:
    return candidate.score >= CONTAINED or candidate.by in ("joins", "key")


def _is_weak(claim: Claim) -> bool:
    return claim.title == 0 and not _is_strong(claim)


def _apart(claim: Claim, other: Claim) -> bool:
    if claim.table not in ("employees", "exits"):
        return False
    ids = claim.keys("employee_id")
    return bool(ids) and len(ids & other.keys("employee_id")) <= APART * len(ids)


def label_of(measure: str) -> str:
    """The kind of event that a column of a wide log counts: one that the evidence knows, else its own name.

    >>> label_of("加班小时"), label_of("Steps walked")
    ('overtime', 'steps_walked')
    """
    scores = {kind: fit(measure, names).score for kind, names in synonyms().kinds.items()}
    kind, score = max(scores.items(), key=lambda item: item[1])
    if score >= CONTAINED:
        return kind
    return "_".join(measure.lower().split()) if plain(measure) else measure
