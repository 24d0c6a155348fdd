"""Comparison with team and peers in Spark's SQL: sums of each group and as-of date are joined to its people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from perfml.evidence.comparison import GROUPED_BY, SMALLEST_GROUP, BetweenPeople
from perfml.evidence.engines.spark_sql import view_name
from perfml.project.spec import Relation


def named(name: str) -> str:
    """``name`` as an identifier of Spark's SQL."""
    return "`" + name.replace("`", "``") + "`"


def by(name: str) -> str:
    """The column with what people are compared by; a column of evidence may be called the same."""
    return f"by {name}"


def between_sql(columns: Sequence[str], between: Sequence[BetweenPeople], *, decimals: int) -> str:
    """SQL: the rows of the view of ``evidence`` with ``columns``, and those computed ``between`` people.

    What :func:`~perfml.evidence.comparison.z_scores` and :func:`~perfml.evidence.comparison.of_others` compute. Sums of
    values are of integers, as there; only sums of squared deviations depend on the order of rows, by their last digits.
    """
    rows, withs, joins = view_name("evidence"), [], []
    values: dict[str, str] = {}
    for relation, names in GROUPED_BY.items():
        mine = [each for each in between if each.relation == relation]
        if not mine:
            continue
        keys = ", ".join(["as_of", *(named(by(name)) for name in names)])
        sources = list(dict.fromkeys(each.source.name for each in mine))
        compared = [name for name in sources if any(e.source.name == name and e.summary is None for e in mine)]
        sums = [sql for name in sources for sql in _sums(name, sources.index(name), mine, decimals=decimals)]
        withs.append(f"{relation}_sums as (select {keys}, {', '.join(sums)} from {rows} group by {keys})")
        joins.append(f"left join {relation}_sums using ({keys})")
        if compared:
            deviations = {
                sources.index(name): f"({named(name)} - {relation}_mean{sources.index(name)})" for name in compared
            }
            squares = [f"sum({sql} * {sql}) as {relation}_squares{index}" for index, sql in deviations.items()]
            withs.append(
                f"{relation}_squares as (select {keys}, {', '.join(squares)} from {rows} join {relation}_sums using ({keys})"
                f" group by {keys})"
            )
            joins.append(f"left join {relation}_squares using ({keys})")
        values |= {each.column.name: _value(each, sources.index(each.source.name), decimals=decimals) for each in mine}
    computed = [f"{values[each.column.name]} as {named(each.column.name)}" for each in between]
    selected = ", ".join(["employee_id", "as_of", *map(named, columns), *computed])
    return f"{'with ' + ', '.join(withs) if withs else ''} select {selected} from {rows} {' '.join(joins)}"


def _sums(name: str, index: int, between: Sequence[BetweenPeople], *, decimals: int) -> Iterator[str]:
    """Yield what a group has together in one column, as far as it is asked for."""
    value = named(name)
    relation: Relation = between[0].relation
    summaries = {each.summary for each in between if each.source.name == name}
    yield f"count({value}) as {relation}_n{index}"
    if None in summaries:
        yield f"sum({value}) / count({value}) as {relation}_mean{index}"
        yield f"min({value}) as {relation}_low{index}"
        yield f"max({value}) as {relation}_high{index}"
    if "sum" in summaries:
        yield f"sum(cast(rint({value} * {10**decimals}) as bigint)) as {relation}_total{index}"
    if "share" in summaries:
        yield f"sum(cast({value} <> 0 as bigint)) as {relation}_some{index}"


def _value(each: BetweenPeople, index: int, *, decimals: int) -> str:
    own, relation = named(each.source.name), each.relation
    n = f"{relation}_n{index}"
    if each.summary is None:
        deviation = f"({own} - {relation}_mean{index}) / sqrt({relation}_squares{index} / ({n} - 1))"
        flat = f"{relation}_low{index} = {relation}_high{index}"
        return f"case when {own} is not null and {n} >= {SMALLEST_GROUP} then case when {flat} then 0d else {deviation} end end"
    if each.summary == "share":
        others = f"({relation}_some{index} - cast({own} <> 0 as bigint)) / ({n} - 1)"
    else:
        others = f"({relation}_total{index} - cast(rint({own} * {10**decimals}) as bigint)) / {10**decimals}"
    return f"case when {own} is not null and {n} - 1 >= {SMALLEST_GROUP} then {others} end"
