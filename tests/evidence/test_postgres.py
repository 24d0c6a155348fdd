"""A PostgreSQL database gives the same evidence as a folder of files, and is never written."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pandas as pd
import pytest

from perfml.errors import DataError
from perfml.evidence.features import build
from perfml.evidence.sources import open_data
from perfml.project.mapping_spec import MappingSpec
from perfml.project.spec import parse
from tests.companies import company
from tests.postgresql import postgresql_server
from tests.tables import TODAY, difference, shipped, usable_rows

AS_OF = dt.date(2025, 3, 3)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with postgresql_server() as address:
        yield address


@pytest.mark.slow
def test_same_evidence_as_from_files(url: str, tmp_path: Path) -> None:
    import adbc_driver_postgresql.dbapi as postgresql

    tables = company(Random(1), AS_OF)
    with postgresql.connect(url) as database, database.cursor() as cursor:
        for name, rows in tables.items():
            frame = pd.DataFrame(rows, dtype=str).fillna("")
            frame.to_csv(tmp_path / f"{name}.csv", index=False)
            columns = ", ".join(f'"{column}" text' for column in frame.columns)
            cursor.execute(f'create table "{name}" ({columns})')
            cells = ", ".join(f"${i + 1}" for i in range(len(frame.columns)))
            cursor.executemany(f'insert into "{name}" values ({cells})', frame.to_numpy().tolist())
        cursor.execute(
            "create table typed as select employee_id, hired_on::date as hired_on from employees where hired_on ~ '^2'"
        )
        database.commit()
    sources = [open_data(source, shipped().tables, today=TODAY) for source in (url, tmp_path)]
    from_database, from_files = (build(data, shipped(), [AS_OF]) for data in sources)
    assert len(from_files.frame) > 0 and from_files.frame["events_count_91d"].sum() > 0
    assert difference(from_database, from_files) == ""


def test_columns_of_postgresql_types_are_read(url: str) -> None:
    import adbc_driver_postgresql.dbapi as postgresql

    with postgresql.connect(url) as database, database.cursor() as cursor:
        cursor.execute("create schema typed")
        cursor.execute("create table typed.employees (employee_id integer, hired_on date, birth_year smallint)")
        cursor.execute("insert into typed.employees values (7, '2020-01-31', 1990)")
        cursor.execute(
            "create table typed.events (employee_id integer, happened_at timestamptz, kind varchar(20), value numeric(12, 2))"
        )
        cursor.execute(
            "insert into typed.events values (7, '2024-05-01 01:00+08', '评审', 12.34), (7, '2024-05-02', 'b', null)"
        )
        database.commit()
    data = open_data(f"{url}&options=-csearch_path%3Dtyped", shipped().tables, today=TODAY)
    assert data.connection.execute("select employee_id, hired_on, birth_year from employees").fetchall() == [
        ("7", dt.date(2020, 1, 31), 1990)
    ]
    assert data.connection.execute("select kind, happened_day, value from events order by happened_at").fetchall() == [
        ("评审", dt.date(2024, 4, 30), 12.34),
        ("b", dt.date(2024, 5, 2), None),
    ]


@pytest.mark.slow
def test_a_server_that_is_not_there_is_named_without_the_password() -> None:
    with pytest.raises(DataError, match="check host, name and rights") as error:
        open_data("postgresql://anna:secret@127.0.0.1:1/nothing", shipped().tables)
    assert "secret" not in str(error.value)
    assert "anna@127.0.0.1" in str(error.value)


@pytest.mark.slow
def test_a_mapping_may_query_it(url: str) -> None:
    import adbc_driver_postgresql.dbapi as postgresql

    with postgresql.connect(url) as database, database.cursor() as cursor:
        cursor.execute("create schema hr")
        cursor.execute("create table hr.staff (code text, joined text, grade text)")
        cursor.execute("insert into hr.staff values ('007', '31/01/2020', 'A'), ('008', '01/02/2020', '?')")
        database.commit()
    staff = 'query = "select code, joined from hr.staff"\n[columns]\nemployee_id = "code"\n'
    employees = staff + 'hired_on = { column = "joined", format = "%d/%m/%Y" }'
    reviews = """
        query = "select * from hr.staff"
        columns.employee_id = "code"
        columns.review_id = { join = ["code", "joined"] }
        columns.period_end = { column = "joined", format = "%d/%m/%Y" }
        columns.reviewed_on = { column = "joined", format = "%d/%m/%Y" }
        columns.rating = { column = "grade", values = { A = 5 } }
    """
    mappings = {
        name: parse(MappingSpec, {"table": name, **tomllib.loads(text)}, file=name)
        for name, text in (("employees", employees), ("reviews", reviews))
    }
    with open_data(url, shipped().tables, mappings=mappings, today=TODAY) as data:
        assert usable_rows(data, "employees") == [("007", dt.date(2020, 1, 31)), ("008", dt.date(2020, 2, 1))]
        assert [row[0] for row in usable_rows(data, "reviews")] == ["007-31/01/2020"]
        assert data.connection.execute("select value from quarantine where table_name = 'reviews'").fetchall() == [
            ("?",)
        ]
    wrong = {"employees": mappings["employees"].model_copy(update={"query": "select 1 from nothing"})}
    with pytest.raises(DataError, match=r"cannot be read .*nothing"):
        open_data(url, shipped().tables, mappings=wrong, today=TODAY)
