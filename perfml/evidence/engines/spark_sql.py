"""DuckDB's SQL as Spark runs it: the tables under their names there, and what both would compute differently made alike."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, Literal

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.scope import traverse_scope

Schema = Literal["main", "known"]
"""Whose tables a name without a schema means: the clean ones, or what was known of them at each as-of date."""
TEMPORARY: Final = frozenset({"asofs", "people", "evidence"})
"""Tables of a run, in neither schema."""


def view_name(table: str, schema: Schema = "main") -> str:
    """What Spark calls the temporary view of a table."""
    return f"temp_{table}" if table in TEMPORARY else f"{schema}_{table}"


@lru_cache(maxsize=256)
def spark_sql(sql: str, *, schema: Schema = "main") -> str:
    """``sql``, one query in DuckDB's SQL, in Spark's.

    - A table is the view of :func:`view_name`.
    - x / 0 is infinite, or not a number, as in DuckDB; Spark would refuse it.
    - In definitions (``known``) sums and means are added in ascending order, as :func:`~perfml.evidence.portable.repeatable` has
      DuckDB add them.
    - An ASOF join with a table of intervals is a join with the interval that ``until_day`` ends.
    """
    tree = sqlglot.parse_one(sql, read="duckdb")
    for scope in traverse_scope(tree):
        for source in scope.sources.values():
            if isinstance(source, exp.Table):
                _rename(source, schema)
    for node in reversed(list(tree.walk())):
        if isinstance(node, exp.Join) and "ASOF" in f"{node.args.get('method')} {node.args.get('kind')}".upper():
            _join_interval(node)
        elif isinstance(node, exp.Div):
            node.replace(_divided(node))
        elif schema == "known" and isinstance(node, exp.Sum | exp.Avg) and not isinstance(node.this, exp.Distinct):
            _add_in_order(node)
    return tree.sql(dialect="spark")


def _rename(table: exp.Table, schema: Schema) -> None:
    name = table.name
    if not table.alias:
        table.set("alias", exp.TableAlias(this=exp.to_identifier(name, quoted=True)))
    table.set("this", exp.to_identifier(view_name(*_table(table, schema))))
    table.set("db", None)
    table.set("catalog", None)


def _join_interval(join: exp.Join) -> None:
    on = join.args["on"]
    since = on.find(exp.GTE)
    until = exp.column("until_day", table=join.alias_or_name)
    inside = exp.or_(until.is_(exp.null()), exp.LT(this=since.this.copy(), expression=until.copy()))
    join.set("method", None)
    join.set("on", exp.and_(on.copy(), inside))


def _divided(node: exp.Div) -> exp.Expr:
    part, whole = node.this, node.expression
    if isinstance(whole, exp.Literal) and float(whole.this):
        return node
    infinite = exp.Mul(
        this=exp.cast(part.copy(), "double"), expression=exp.cast(exp.Literal.string("Infinity"), "double")
    )
    is_zero = exp.EQ(this=exp.paren(whole.copy()), expression=exp.Literal.number(0))
    return exp.Case().when(is_zero, infinite).else_(node.copy())


def _add_in_order(node: exp.Sum | exp.Avg) -> None:
    parent, value = node.parent, node.this
    if isinstance(parent, exp.Window):
        return
    outer: exp.Expr = node
    if isinstance(parent, exp.Filter):
        value = exp.Case().when(parent.expression.this.copy(), value.copy())
        outer = parent
        if isinstance(parent.parent, exp.Window):
            return
    number = value.sql(dialect="spark")
    total = f"aggregate(array_sort(collect_list(cast({number} as double))), cast(0 as double), (total, each) -> total + each)"
    mean = f" / count({number})" if isinstance(node, exp.Avg) else ""
    outer.replace(sqlglot.parse_one(f"case when count({number}) > 0 then {total}{mean} end", read="spark"))


@lru_cache(maxsize=256)
def tables_read(sql: str, *, schema: Schema = "main") -> tuple[tuple[str, Schema], ...]:
    """The tables that ``sql`` selects from, each with its schema."""
    tree = sqlglot.parse_one(sql, read="duckdb")
    sources = [source for scope in traverse_scope(tree) for source in scope.sources.values()]
    return tuple({_table(source, schema): None for source in sources if isinstance(source, exp.Table)})


def _table(table: exp.Table, schema: Schema) -> tuple[str, Schema]:
    return table.name, "known" if (table.db or schema) == "known" else "main"
