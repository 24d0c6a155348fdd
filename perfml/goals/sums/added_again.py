"""Kept sums without those who are held since: every level is added up again from the rows of persons.

The rows of persons of a kept file are blank where somebody is held, and whoever is in no row of their own is in no sum above. An
interval stays where the sum is still over exactly the same goals (:class:`.contributions.KeptIntervals`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pyarrow as pa

from perfml.goals.sums.contributions import LEVELS, PARTS, KeptIntervals, SumLevel, SumRow, contribution

_FIELDS = tuple(SumRow.__dataclass_fields__)


def added_again(rows: pa.Table, managers: Mapping[str, str | None]) -> pa.Table:
    """``rows`` (see ``perfml.goals.sums.levels.SUMS``) as they are where nobody is blank, else with every level added up from
    the rows of persons that are not. ``managers``: whom each person reports to at the date."""
    if not rows.column("level").null_count:
        return rows
    every = rows.to_pylist()
    stored = [row for row in every if row["level"] is not None]
    if not stored:
        return rows
    sums_then = [SumRow(**{name: row[name] for name in _FIELDS}) for row in stored]
    people, intervals = [row for row in sums_then if row.level == "person"], KeptIntervals(sums_then)
    days = {"as_of": stored[0]["as_of"]}
    above: list[SumLevel] = [level for level in LEVELS if level != "person"]
    sums_now = [{**days, **row} for level in above for row in _level(level, people, intervals, managers)]
    own = [row for row in every if row["employee_id"] is not None]
    return pa.Table.from_pylist([*sums_now, *own], schema=rows.schema)


def _level(
    level: SumLevel, people: list[SumRow], intervals: KeptIntervals, managers: Mapping[str, str | None]
) -> Iterator[dict[str, object]]:
    parts: dict[tuple[object, ...], list[SumRow]] = {}
    for row in people:
        for own_group in _groups(level, row, managers):
            parts.setdefault((*own_group, row.metric, row.period_start, row.period_end), []).append(row)
    for group, own in sorted(parts.items(), key=lambda item: [(part is None, str(part)) for part in item[0]]):
        whole, key = contribution(own, intervals), own[0].key
        known = whole.problem is None
        named = dict(zip(PARTS[level], group, strict=False))
        yield {
            "level": level,
            "department": named.get("department"),
            "manager_id": named.get("line", named.get("manager_id")),
            "employee_id": None,
            **{name: getattr(key, name) for name in ("metric", "period_start", "period_end")},
            **{name: getattr(whole, name) for name in ("unit", "people", "goals", "unknown", "low", "high", "problem")},
            **{name: getattr(whole, name) if known else None for name in ("target", "actual", "expected")},
        }


def _groups(level: SumLevel, row: SumRow, managers: Mapping[str, str | None]) -> Iterator[tuple[str | None, ...]]:
    """Whose sum of ``level`` a person is in: one, or that of every manager above them."""
    if level != "line":
        yield tuple(getattr(row, name) for name in PARTS[level])
        return
    above, manager = set[str](), row.manager_id
    while manager is not None and manager not in above:
        yield (manager,)
        above.add(manager)
        manager = managers.get(manager)
