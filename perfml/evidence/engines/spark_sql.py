"""Questions about the log in DuckDB's SQL as Spark runs them: the tables under their names there."""

from __future__ import annotations

from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.scope import traverse_scope


def view_name(table: str) -> str:
    """What Spark calls the temporary view of a table."""
    return f"perfml_{table}"


def named(name: str) -> str:
    """``name`` as an identifier of Spark's SQL."""
    return "`" + name.replace("`", "``") + "`"


@lru_cache(maxsize=256)
def spark_sql(sql: str) -> str:
    """``sql``, one query in DuckDB's SQL, in Spark's; a table is the view of :func:`view_name`."""
    tree = sqlglot.parse_one(sql, read="duckdb")
    for table in _tables(tree):
        name = table.name
        if not table.alias:
            table.set("alias", exp.TableAlias(this=exp.to_identifier(name, quoted=True)))
        table.set("this", exp.to_identifier(view_name(name)))
        table.set("db", None)
        table.set("catalog", None)
    return tree.sql(dialect="spark")


@lru_cache(maxsize=256)
def tables_read(sql: str) -> frozenset[str]:
    """The tables that ``sql`` selects from."""
    return frozenset(table.name for table in _tables(sqlglot.parse_one(sql, read="duckdb")))


def _tables(tree: exp.Expr) -> list[exp.Table]:
    sources = [source for scope in traverse_scope(tree) for source in scope.sources.values()]
    return [source for source in sources if isinstance(source, exp.Table)]
