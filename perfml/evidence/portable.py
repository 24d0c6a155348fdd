"""Feature SQL stays portable: what sqlglot cannot carry to Spark faithfully is refused here, over the parsed SQL."""

from __future__ import annotations

from functools import lru_cache

from perfml.errors import DefinitionError

CLOCKS = frozenset(
    {
        "now",
        "today",
        "transaction_timestamp",
        "get_current_timestamp",
        "get_current_time",
        "current_localtimestamp",
        "current_localtime",
    }
)
"""DuckDB's functions that read the clock and that sqlglot knows by name only."""


@lru_cache(maxsize=256)
def check_portable(sql: str, *, file: str) -> None:
    """Raise :class:`DefinitionError` unless ``sql`` is one SELECT that Spark would answer alike.

    Refused: ASOF joins, PIVOT and UNPIVOT, ordered list aggregates, bare decimal literals (Spark reads ``28.0`` as
    DECIMAL, DuckDB's arithmetic then differs), and today's date or anything random. A date written
    out is not refused; it should not be needed, as the snapshot is what filters by date.
    """
    import sqlglot
    from sqlglot import exp

    try:
        statements = [s for s in sqlglot.parse(sql, read="duckdb") if s is not None]
    except sqlglot.errors.ParseError as error:
        raise DefinitionError(f"is not SQL ({str(error).splitlines()[0]})", where=file, remedy="mend it") from None
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise DefinitionError("is not one SELECT", where=file, remedy="write one SELECT a file")
    for node in statements[0].walk():
        for refused, what, remedy in (
            (_is_asof(node), "ASOF JOIN", "join on validity intervals made with LEAD"),
            (isinstance(node, exp.Pivot), "PIVOT", "write one aggregate with FILTER for each column"),
            (_is_ordered_list(node), "an ordered list aggregate", "use min, max, or a window function"),
            (_is_bare_decimal(node), f"the bare decimal {node.sql()}", f"write {node.sql()}::double"),
            (_is_today(node), "today's date", "compare with as_of"),
            (isinstance(node, exp.Rand | exp.Uuid), "a random value", "evidence must come out alike every time"),
            (_is_any_row(node), "whichever row comes first", "use min or max"),
        ):
            if refused:
                raise DefinitionError(f"{what} cannot be carried to Spark faithfully", where=file, remedy=remedy)


@lru_cache(maxsize=256)
def check_reads(sql: str, *, offered: frozenset[str], file: str) -> None:
    """Raise :class:`DefinitionError` unless all that ``sql`` selects from is among ``offered`` or made by itself.

    Any other name would reach the tables behind the snapshot, where the future lies.
    """
    import sqlglot
    from sqlglot import exp
    from sqlglot.optimizer.normalize_identifiers import normalize_identifiers
    from sqlglot.optimizer.scope import traverse_scope

    tree = normalize_identifiers(sqlglot.parse_one(sql, read="duckdb"), dialect="duckdb")
    sources = [source for scope in traverse_scope(tree) for source in scope.sources.values()]
    for table in (source for source in sources if isinstance(source, exp.Table)):
        named = isinstance(table.this, exp.Identifier) and not table.db
        if not (named and table.name.lower() in offered) and not isinstance(table.this, exp.GenerateSeries):
            raise DefinitionError(
                f"reads {table.name or table.sql(dialect='duckdb')!r}, which it may not",
                where=file,
                remedy=f"name it in needs, if it is a table with an as_of; now offered: {', '.join(sorted(offered))}",
            )


@lru_cache(maxsize=256)
def repeatable(sql: str) -> str:
    """``sql`` as DuckDB is to run it: sums and means take their numbers in the order of size.

    Threads deliver rows in another order each time, and the last digit of a sum of doubles depends on the order; evidence
    has to come out alike every time. In a sum of whole numbers order makes no difference, and DuckDB drops the sorting.
    """
    import sqlglot
    from sqlglot import exp

    tree = sqlglot.parse_one(sql, read="duckdb")
    added_up = exp.Sum | exp.Avg | exp.Stddev | exp.StddevPop | exp.StddevSamp | exp.Variance | exp.VariancePop
    for node in list(tree.walk()):
        around = node.parent.parent if isinstance(node.parent, exp.Filter) else node.parent
        in_order = isinstance(around, exp.Window) and around.args.get("order")
        if isinstance(node, added_up) and not in_order:
            value = node.this.expressions[0] if isinstance(node.this, exp.Distinct) else node.this
            node.set("this", exp.Order(this=node.this, expressions=[exp.Ordered(this=value.copy())]))
    return tree.sql(dialect="duckdb")


def _is_asof(node: object) -> bool:
    from sqlglot import exp

    return (
        isinstance(node, exp.Join)
        and "ASOF" in f"{node.args.get('method') or ''} {node.args.get('kind') or ''}".upper()
    )


def _is_ordered_list(node: object) -> bool:
    from sqlglot import exp

    if not isinstance(node, exp.Order):
        return False
    above = node.parent
    while isinstance(above, (exp.Filter, exp.WithinGroup)):
        above = above.parent
    return isinstance(above, exp.AggFunc | exp.Anonymous | exp.AnonymousAggFunc)


def _is_any_row(node: object) -> bool:
    from sqlglot import exp

    return isinstance(node, exp.AnyValue | exp.First | exp.Last) and not isinstance(node.this, exp.Order)


def _is_bare_decimal(node: object) -> bool:
    from sqlglot import exp

    if not isinstance(node, exp.Literal) or node.is_string or not set(str(node.this)) & {".", "e", "E"}:
        return False
    return not isinstance(node.parent, exp.Cast | exp.TryCast)


def _is_today(node: object) -> bool:
    from sqlglot import exp

    if isinstance(node, exp.Anonymous):
        return str(node.this).lower() in CLOCKS
    return isinstance(
        node,
        exp.CurrentDate
        | exp.CurrentDatetime
        | exp.CurrentTimestamp
        | exp.CurrentTime
        | exp.Localtime
        | exp.Localtimestamp,
    )
