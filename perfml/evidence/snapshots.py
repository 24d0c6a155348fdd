"""What was known at each as-of date: the people then employed, and every table as a view with an ``as_of`` column.

A feature file selects from these views and so cannot see a row that happened or became known later.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import duckdb

from perfml.errors import DefinitionError
from perfml.evidence.portable import check_portable, check_reads, repeatable
from perfml.evidence.sources import Data
from perfml.evidence.tables.reading import quoted
from perfml.project.feature_spec import NOT_OFFERED
from perfml.project.folder import RelationalFile
from perfml.project.spec import POSITION

KNOWN = "known"
"""The schema of the as-of views."""
PEOPLE = ("hired_on", *POSITION, "position_since")
"""Columns of ``people`` beside employee_id and as_of."""


def visible(table: str, as_of: str = "a.as_of") -> str:
    """SQL condition: the row of ``table`` is the newest version that happened and was known before ``as_of``."""
    return f"{table}.usable_day < {as_of} and ({table}.superseded_day is null or {table}.superseded_day >= {as_of})"


def hidden_columns(data: Data, table: str) -> str:
    """SQL list of the columns of ``main.<table>`` that are never shown: those that perfml adds, protected and personal ones."""
    columns = data.specs[table].columns.items()
    hidden = [quoted(name) for name, column in columns if column.protected or column.personal]
    return ", ".join(["happened_day, known_day, known_moment, usable_day, superseded_day", *hidden])


def make_snapshots(data: Data, as_ofs: Sequence[dt.date]) -> None:
    """Make the temp tables ``asofs`` and ``people`` (employee_id, as_of and the position then held) and the views of the
    schema :data:`KNOWN`, over all ``as_ofs``."""
    connection = data.connection
    connection.execute("create or replace temp table asofs as select unnest(?::date[]) as as_of", [list(as_ofs)])
    people = people_sql(data)
    connection.execute(f"create or replace temp table people as {people} order by e.employee_id, a.as_of")
    connection.execute(f"create schema if not exists {KNOWN}")
    for table in data.specs:
        if table not in NOT_OFFERED:
            connection.execute(f"create or replace view {KNOWN}.{table} as {known_sql(data, table)}")


def people_sql(data: Data) -> str:
    """SQL of the rows of ``people``, over the table ``asofs`` and the clean tables."""
    exited = (
        " where not exists (select 1 from main.exits x where x.employee_id = e.employee_id and x.exited_on >= e.hired_on"
        f" and {visible('x')})"
        if data.has("exits")
        else ""
    )
    position = (
        f"select p.employee_id, a.as_of, {', '.join(f'p.{name}' for name in (*POSITION, 'effective_on'))}, row_number() over"
        " (partition by p.employee_id, a.as_of order by p.effective_on desc, p.known_moment desc) as newest"
        f" from temp.asofs a join main.positions p on {visible('p')}"
        if data.has("positions")
        else "select null::text as employee_id, null::date as as_of, 1 as newest, null::text as manager_id,"
        " null::text as department, null::text as role_family, null::bigint as level, null::text as location,"
        " null::date as effective_on"
    )
    return (
        "select e.employee_id, a.as_of, e.hired_on, p.manager_id, p.department, p.role_family, p.level, p.location,"
        f" p.effective_on as position_since from temp.asofs a join main.employees e on {visible('e')}"
        f" left join ({position}) p on p.employee_id = e.employee_id and p.as_of = a.as_of and p.newest = 1{exited}"
    )


def known_sql(data: Data, table: str) -> str:
    """SQL of the rows of ``table`` that were known at each as-of date, without columns that are never shown."""
    columns = [
        f"case when t.{quoted(name)} < a.as_of then t.{quoted(name)} end as {quoted(name)}"
        if column.later
        else f"t.{quoted(name)}"
        for name, column in data.specs[table].columns.items()
        if not (column.protected or column.personal)
    ]
    person = "select 1 from main.employees e where e.employee_id = t.employee_id and e.hired_on <= t.exited_on"
    hired = f" where exists ({person})" if table == "exits" else ""
    return f"select a.as_of, {', '.join(columns)} from temp.asofs a join main.{table} t on {visible('t')}{hired}"


def evidence_table(name: str) -> str:
    """SQL name of the table that holds the rows of ``features/<name>.sql``."""
    return quoted(f"evidence_{name}")


def run_relational(connection: duckdb.DuckDBPyConnection, file: RelationalFile) -> None:
    """Run one feature file into the temp table :func:`evidence_table`.

    Raises :class:`DefinitionError` when it does not run, is not portable, repeats an (employee_id, as_of), or selects other
    columns than employee_id, as_of and those that its header declares.
    """
    check_portable(file.sql, file=file.file)
    check_reads(file.sql, needs=file.spec.needs, file=file.file)
    table = evidence_table(file.name)
    try:
        connection.execute(f"create schema if not exists {KNOWN}; set schema = '{KNOWN}'")
        connection.execute(f"create or replace temp table {table} as select * from (\n{repeatable(file.sql)}\n)")
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise DefinitionError(f"does not run ({reason})", where=file.file, remedy="correct the SQL") from None
    finally:
        connection.execute("set schema = 'main'")
    check_selected([row[0] for row in connection.execute(f"describe {table}").fetchall()], file)
    rows, distinct = connection.execute(
        f"select count(*), count(distinct (employee_id, as_of)) from {table}"
    ).fetchall()[0]
    refuse_repeated(rows, distinct, file)


def check_selected(selected: Sequence[str], file: RelationalFile) -> None:
    """Raise :class:`DefinitionError` where ``selected`` are other columns than the keys and those that the header declares."""
    for key in ("employee_id", "as_of"):
        if key not in selected:
            raise DefinitionError(f"does not select {key!r}", where=file.file, remedy="select employee_id and as_of")
    declared = ["employee_id", "as_of", *file.spec.columns]
    if sorted(selected) != sorted(declared):
        wrong = sorted(set(selected) ^ set(declared))[0]
        side = "is selected and not declared" if wrong in selected else "is declared and not selected"
        raise DefinitionError(f"column {wrong!r} {side}", where=file.file, remedy="name it in both header and SELECT")


def refuse_repeated(rows: int, distinct: int, file: RelationalFile) -> None:
    """Raise :class:`DefinitionError` unless each of ``rows`` has its own employee and as-of date."""
    if rows != distinct:
        raise DefinitionError(
            "gives several rows for one employee and as-of date", where=file.file, remedy="group by employee_id, as_of"
        )
