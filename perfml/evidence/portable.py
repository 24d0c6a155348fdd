"""Feature SQL stays portable and free of date filters; anything else is refused, by rules over the parsed SQL."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.normalize_identifiers import normalize_identifiers
from sqlglot.optimizer.scope import traverse_scope

from perfml.errors import DefinitionError
from perfml.project.feature_spec import NOT_OFFERED

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
"""DuckDB's functions that read the clock and that sqlglot parses as anonymous functions."""
CLOCK_NODES = (
    exp.CurrentDate,
    exp.CurrentDatetime,
    exp.CurrentTimestamp,
    exp.CurrentTime,
    exp.Localtime,
    exp.Localtimestamp,
)
DATE_TEXT = re.compile(r"\s*\d{4}[-/]\d{1,2}[-/]\d{1,2}\b")
DATE_FUNCTIONS = (exp.DateFromParts, exp.TimestampFromParts, exp.UnixToTime, exp.StrToTime, exp.StrToDate)
"""Functions that make a date from numbers or text."""
NOT_SPARK = "cannot be carried to Spark faithfully"


@lru_cache(maxsize=256)
def check_portable(sql: str, *, file: str) -> None:
    """Raise :class:`DefinitionError` unless ``sql`` is one SELECT that gives the same rows on Spark, at every time.

    Refused: ASOF joins, PIVOT and UNPIVOT, ordered list aggregates, bare decimal literals (Spark reads ``28.0`` as DECIMAL, and
    its arithmetic then differs from DuckDB's), today's date, anything random, and a comparison with a fixed date: the snapshot
    is what filters by date. Columns may be compared with each other and with ``as_of``.
    """
    try:
        statements = [s for s in sqlglot.parse(sql, read="duckdb") if s is not None]
    except sqlglot.errors.ParseError as error:
        problem = f"is not SQL ({str(error).splitlines()[0]})"
        raise DefinitionError(problem, where=file, remedy="correct the SQL") from None
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise DefinitionError("is not one SELECT", where=file, remedy="write one SELECT a file")
    for node in statements[0].walk():
        for refuses, problem, remedy in RULES:
            if refuses(node):
                text = node.sql(dialect="duckdb")
                raise DefinitionError(problem.format(sql=text), where=file, remedy=remedy.format(sql=text))


@lru_cache(maxsize=256)
def check_reads(sql: str, *, needs: tuple[str, ...], file: str) -> None:
    """Raise :class:`DefinitionError` unless ``sql`` selects from all of ``needs``, and beside them only from ``people`` and
    from its own subqueries.

    Any other name would reach the tables behind the snapshot, which hold the future. ``positions`` may stand for the columns
    of ``people`` that come from there.
    """
    offered = {"people", *needs} - NOT_OFFERED.keys()
    tree = normalize_identifiers(sqlglot.parse_one(sql, read="duckdb"), dialect="duckdb")
    sources = [source for scope in traverse_scope(tree) for source in scope.sources.values()]
    read = set()
    for table in (source for source in sources if isinstance(source, exp.Table)):
        name = table.name.lower()
        named = isinstance(table.this, exp.Identifier) and not table.db
        if not (named and name in offered) and not isinstance(table.this, exp.GenerateSeries):
            choices = f"name it in needs, if it is a table with an as_of; now offered: {', '.join(sorted(offered))}"
            raise DefinitionError(
                f"reads {table.name or table.sql(dialect='duckdb')!r}, which it may not",
                where=file,
                remedy=NOT_OFFERED.get(name, choices),
            )
        read.add(name)
    behind = {"positions"} if "people" in read else set()
    unread = [name for name in needs if name not in read | behind]
    if unread:
        raise DefinitionError(
            f"needs {unread[0]!r}, which the SELECT never reads",
            where=file,
            remedy="select from it, or leave it out of needs",
        )


@lru_cache(maxsize=256)
def repeatable(sql: str) -> str:
    """``sql`` for DuckDB to run, with the numbers of sums and means sorted first.

    Threads deliver rows in a different order each time, and the last digit of a sum of doubles depends on the order; evidence
    must be the same every time. In a sum of whole numbers order makes no difference, and DuckDB drops the sorting.
    """
    tree = sqlglot.parse_one(sql, read="duckdb")
    sums = exp.Sum | exp.Avg | exp.Stddev | exp.StddevPop | exp.StddevSamp | exp.Variance | exp.VariancePop
    for node in list(tree.walk()):
        parent = node.parent.parent if isinstance(node.parent, exp.Filter) else node.parent
        ordered = isinstance(parent, exp.Window) and parent.args.get("order")
        if isinstance(node, sums) and not ordered:
            value = node.this.expressions[0] if isinstance(node.this, exp.Distinct) else node.this
            node.set("this", exp.Order(this=node.this, expressions=[exp.Ordered(this=value.copy())]))
    return tree.sql(dialect="duckdb")


def _is_asof(node: exp.Expr) -> bool:
    return (
        isinstance(node, exp.Join)
        and "ASOF" in f"{node.args.get('method') or ''} {node.args.get('kind') or ''}".upper()
    )


def _is_pivot(node: exp.Expr) -> bool:
    return isinstance(node, exp.Pivot)


def _is_ordered_list(node: exp.Expr) -> bool:
    if not isinstance(node, exp.Order):
        return False
    parent = node.parent
    while isinstance(parent, (exp.Filter, exp.WithinGroup)):
        parent = parent.parent
    return isinstance(parent, exp.AggFunc | exp.Anonymous | exp.AnonymousAggFunc)


def _is_bare_decimal(node: exp.Expr) -> bool:
    if not isinstance(node, exp.Literal) or node.is_string or not set(str(node.this)) & {".", "e", "E"}:
        return False
    return not isinstance(node.parent, exp.Cast | exp.TryCast)


def _is_today(node: exp.Expr) -> bool:
    if isinstance(node, exp.Anonymous):
        return str(node.this).lower() in CLOCKS
    return isinstance(node, CLOCK_NODES)


def _is_random(node: exp.Expr) -> bool:
    return isinstance(node, exp.Rand | exp.Uuid)


def _is_any_row(node: exp.Expr) -> bool:
    return isinstance(node, exp.AnyValue | exp.First | exp.Last) and not isinstance(node.this, exp.Order)


def _is_date_filter(node: exp.Expr) -> bool:
    """A comparison that holds a fixed date on any side."""
    return isinstance(node, exp.Predicate) and any(map(_is_fixed_date, node.walk()))


def _is_fixed_date(node: exp.Expr) -> bool:
    if isinstance(node, exp.Literal):
        return bool(node.is_string and DATE_TEXT.match(str(node.this)))
    return isinstance(node, DATE_FUNCTIONS) and node.find(exp.Column) is None


RULES: tuple[tuple[Callable[[exp.Expr], bool], str, str], ...] = (
    (_is_asof, f"ASOF JOIN {NOT_SPARK}", "join on validity intervals made with LEAD"),
    (_is_pivot, f"PIVOT {NOT_SPARK}", "write one aggregate with FILTER for each column"),
    (_is_ordered_list, f"an ordered list aggregate {NOT_SPARK}", "use min, max, or a window function"),
    (_is_bare_decimal, f"the bare decimal {{sql}} {NOT_SPARK}", "write {sql}::double"),
    (_is_today, "today's date changes from run to run", "compare with as_of"),
    (_is_random, "a random value changes from run to run", "evidence must be the same every time: leave it out"),
    (_is_any_row, "whichever row comes first changes from run to run", "use min or max"),
    (
        _is_date_filter,
        "a date filter ({sql})",
        "leave it out: the tables hold only what was known before as_of; for a window use date_diff('day', …, as_of)",
    ),
)
"""What is refused, the problem, and the remedy; ``{sql}`` is the refused part."""
