"""Where tables lie, and every way in which they cannot be read: always with place and remedy."""

import datetime as dt
from pathlib import Path

import duckdb
import pytest

from perfml.errors import DataError
from perfml.evidence.exports.opening import raw_tables
from perfml.evidence.tables.reading import RawTable, unreadable
from tests.tables import (
    draw,
    evidence,
    nothing_lost,
    opened,
    quarantined,
    shipped,
    usable_rows,
    write_parquet,
    write_tables,
)

PEOPLE = "employee_id | hired_on\ne1 | 2020-01-01\ne2 | 2020-01-01"
LOG = "employee_id | happened_at | kind\ne1 | 2024-01-01 | login"
REVIEWS = "review_id,employee_id,period_end,reviewed_on,rating,comment\n"


def company(folder: Path) -> Path:
    return write_tables(folder, employees=PEOPLE, events=LOG)


def refused(folder: Path, table: str, content: bytes) -> DataError:
    """The error that ``content`` as ``table`` (a file name) gives."""
    company(folder)
    (folder / table).write_bytes(content)
    with pytest.raises(DataError) as caught:
        opened(folder)
    error = caught.value
    assert error.where == str(folder / table) and error.remedy
    return error


CANNOT_BE_READ = {
    "gb18030": REVIEWS.encode() + "r1,e1,2024-01-01,2024-01-10,3,绩效良好\n".encode("gb18030"),
    "gb18030 after many rows": REVIEWS.encode()
    + b"".join(b"r%d,e1,2024-01-01,2024-01-10,3,good\n" % i for i in range(30_000))
    + "r,e1,2024-01-01,2024-01-10,3,绩效良好\n".encode("gb18030"),
    "utf-16": (REVIEWS + "r1,e1,2024-01-01,2024-01-10,3,x\n").encode("utf-16"),
    "too many cells": REVIEWS.encode() + b"r1,e1,2024-01-01,2024-01-10,3,a,b\n",
    "too few cells": REVIEWS.encode() + b"r1,e1\n",
    "a quote that never ends": REVIEWS.encode()
    + b'r1,e1,2024-01-01,2024-01-10,3,"a\nr2,e1,2024-01-01,2024-01-10,3,b\n',
    "nothing at all": b"",
    "a name that stands twice": REVIEWS.replace("comment", "rating").encode() + b"r1,e1,2024-01-01,2024-01-10,3,3\n",
    "a header in gb18030": "review_id,employee_id,period_end,reviewed_on,rating,评语\n".encode("gb18030"),
    "both kinds of line ends": REVIEWS.encode()
    + b"r1,e1,2024-01-01,2024-01-10,3,x\r\nr2,e1,2024-01-01,2024-01-10,3,x\n",
    "a header of something else": b"a,b\n1,2\n",
}
UNREADABLE = "cannot be read (", "export it again, as UTF-8 and whole"
IN_ANOTHER_ENCODING = "export it again as UTF-8, or say its encoding in `sources/` (`perfml map` proposes it)"
PROBLEMS = {
    **dict.fromkeys(
        ("gb18030", "gb18030 after many rows", "utf-16", "a header in gb18030"), (UNREADABLE[0], IN_ANOTHER_ENCODING)
    ),
    "nothing at all": ("has no header", "export it again, with one header row of distinct names"),
    "a name that stands twice": (
        "column 'rating' stands twice",
        "export it again, with one header row of distinct names",
    ),
    "a header of something else": (
        "columns 'review_id', 'employee_id', 'period_end', 'reviewed_on', 'rating' are missing",
        "export it, or map it in `sources/`: the columns are a, b",
    ),
}
"""How the problem begins, and the remedy, where they are not :data:`UNREADABLE`."""


@pytest.mark.parametrize("name", CANNOT_BE_READ)
def test_csv_that_cannot_be_read(name: str, tmp_path: Path) -> None:
    error = refused(tmp_path, "reviews.csv", CANNOT_BE_READ[name])
    problem, remedy = PROBLEMS.get(name, UNREADABLE)
    assert error.problem.startswith(problem) and error.remedy == remedy


def test_the_line_is_named(tmp_path: Path) -> None:
    error = refused(tmp_path, "reviews.csv", CANNOT_BE_READ["gb18030 after many rows"])
    assert (
        error.problem == "cannot be read (line 30002: Invalid unicode (byte sequence mismatch) detected."
        " This file is not utf-8 encoded.)"
    )
    error = refused(tmp_path, "reviews.csv", CANNOT_BE_READ["too many cells"])
    assert error.problem == "cannot be read (line 2: Expected Number of Columns: 6 Found: 7)"
    assert error.remedy == "export it again, as UTF-8 and whole"


def test_the_problem_stays_short(tmp_path: Path) -> None:
    error = refused(tmp_path, "reviews.csv", REVIEWS.encode() + b"r1,e1,2024-01-01,2024-01-10,3,3," + b"x" * 100_000)
    assert len(str(error)) < 1000


def test_what_the_reader_said_may_be_nothing() -> None:
    assert (
        str(unreadable("x.csv", ValueError()))
        == "x.csv: cannot be read (ValueError); export it again, as UTF-8 and whole"
    )


CAN_BE_READ = {
    "a byte order mark": ("\ufeff" + REVIEWS + "r1,e1,2024-01-01,2024-01-10,3,x\n", ["x"]),
    "Windows line ends": ((REVIEWS + "r1,e1,2024-01-01,2024-01-10,3,x\n").replace("\n", "\r\n"), ["x"]),
    "no line end at the end": (REVIEWS + "r1,e1,2024-01-01,2024-01-10,3,x", ["x"]),
    "semicolons between cells": ((REVIEWS + "r1,e1,2024-01-01,2024-01-10,3,x\n").replace(",", ";"), ["x"]),
    "tabs between cells": ((REVIEWS + "r1,e1,2024-01-01,2024-01-10,3,x\n").replace(",", "\t"), ["x"]),
    "separators within quotes": (REVIEWS + 'r1,e1,2024-01-01,2024-01-10,3,"a, b; c ""d""\ne"\n', ['a, b; c "d"\ne']),
    "empty lines": (REVIEWS + "\nr1,e1,2024-01-01,2024-01-10,3,x\n\n\n", ["x"]),
    "apostrophes": (REVIEWS + "'r1','e1',2024-01-01,2024-01-10,3,it's\n", ["it's"]),
    "a row that begins with #": (
        REVIEWS + "#r1,e1,2024-01-01,2024-01-10,3,#1\n#r2,e1,2024-01-01,2024-01-10,3,#2\n",
        ["#1", "#2"],
    ),
    "text that means nothing elsewhere": (
        REVIEWS
        + "r1,e1,2024-01-01,2024-01-10,3,NULL\nr2,e1,2024-01-01,2024-01-10,3,nan\nr3,e1,2024-01-01,2024-01-10,3,\n",
        ["NULL", "nan", None],
    ),
    "Chinese": (REVIEWS + "评1,员工一,2024-01-01,2024-01-10,3,绩效良好，继续\n", ["绩效良好，继续"]),
}


@pytest.mark.parametrize("name", CAN_BE_READ)
def test_csv_that_can_be_read(name: str, tmp_path: Path) -> None:
    content, comments = CAN_BE_READ[name]
    company(tmp_path)
    (tmp_path / "reviews.csv").write_bytes(content.encode())
    data = opened(tmp_path)
    assert [
        row[0] for row in data.connection.execute("select comment from reviews order by review_id").fetchall()
    ] == comments
    assert quarantined(data) == [] and data.notices == []
    nothing_lost(data)


@pytest.mark.slow
def test_the_first_quote_may_come_late(tmp_path: Path) -> None:
    company(tmp_path)
    rows = "".join(f"r{i},e1,2024-01-01,2024-01-10,3,good\n" for i in range(30_000))
    (tmp_path / "reviews.csv").write_text(
        REVIEWS + rows + 'last,e1,2024-01-01,2024-01-10,3,"a, ""b""\nc"\n', encoding="utf-8"
    )
    data = opened(tmp_path)
    assert data.rows_read["reviews"] == 30_001
    assert data.connection.execute("select comment from reviews where review_id = 'last'").fetchall() == [
        ('a, "b"\nc',)
    ]


def test_parquet_that_is_none(tmp_path: Path) -> None:
    error = refused(tmp_path, "reviews.parquet", b"review_id,employee_id\n")
    assert error.problem.startswith(UNREADABLE[0]) and error.remedy == UNREADABLE[1]


def test_parquet_cut_short(tmp_path: Path) -> None:
    write_parquet(tmp_path / "whole", "reviews", "select 'r1' as review_id, 'e1' as employee_id")
    whole = (tmp_path / "whole" / "reviews.parquet").read_bytes()
    error = refused(tmp_path, "reviews.parquet", whole[: len(whole) // 2])
    assert error.problem.startswith(UNREADABLE[0]) and error.remedy == UNREADABLE[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("exits", "date '2024-01-01' as exited_on, 'other' as kind"),
        ("events", "date '2024-01-01' as happened_at, 'a' as kind"),
    ],
)
def test_parquet_whose_pages_are_damaged(table: str, columns: str, tmp_path: Path) -> None:
    """The footer is whole, so that only reading the rows tells; the log is read where it lies, with the evidence."""
    folder = company(tmp_path)
    (folder / f"{table}.csv").unlink(missing_ok=True)
    write_parquet(folder, table, f"select 'e' || i as employee_id, {columns} from range(5000) t(i)")
    file = folder / f"{table}.parquet"
    content = bytearray(file.read_bytes())
    content[4:2000] = b"\xff" * 1996
    file.write_bytes(content)
    with pytest.raises(DataError, match="cannot be read"):
        evidence(folder, shipped(), [dt.date(2024, 2, 1)])
    data = opened(folder, strict=False)
    assert table == "events" or (not data.has(table) and table not in data.rows_read and quarantined(data) == [])


def test_a_table_that_stands_twice(tmp_path: Path) -> None:
    company(tmp_path)
    write_parquet(tmp_path, "events", "select 'e1' as employee_id, date '2024-01-01' as happened_at, 'a' as kind")
    with pytest.raises(DataError, match=r"events\.parquet: stands beside events\.csv; keep one of the two"):
        opened(tmp_path)


def test_a_folder_of_parts(tmp_path: Path) -> None:
    """Parts may lie deeper, and a later one may have columns that an earlier one has not."""
    folder = tmp_path / "公司 [2024] it's"
    write_tables(folder, employees=PEOPLE)
    event = "select 'e1' as employee_id, date '2024-01-0{}' as happened_at, 'login' as kind"
    write_parquet(folder / "events", "a", event.format(1))
    write_parquet(folder / "events" / "month=02", "b", event.format(2) + ", 2.5::double as value")
    data = opened(folder)
    assert data.rows_read["events"] == 2
    assert sorted(str(row[3]) for row in usable_rows(data, "events")) == ["2.5", "None"]


def test_a_folder_of_no_parts(tmp_path: Path) -> None:
    company(tmp_path)
    (tmp_path / "reviews").mkdir()
    with pytest.raises(DataError, match="reviews: holds no Parquet files"):
        opened(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["data [1]", "it's", 'say "hi"', "100% *", "数据"])
def test_any_folder_name_will_do(name: str, tmp_path: Path) -> None:
    folder = company(tmp_path / name)
    write_parquet(folder, "exits", "select 'e1' as employee_id, date '2024-01-01' as exited_on, 'other' as kind")
    data = opened(folder)
    assert data.rows_read == {"employees": 2, "exits": 1, "events": 1}


@pytest.mark.parametrize("name", ["company.duckdb", 'it\'s "quoted".db', "公司.duckdb"])
def test_a_duckdb_file(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    with duckdb.connect(str(file)) as database:
        database.execute("create table employees as select 1 as employee_id, date '2020-01-01' as hired_on")
        database.execute("create schema staging; create table staging.employees (junk int)")
        database.execute(
            "create view events as select '1' as employee_id, timestamp '2024-01-01 10:00' as happened_at, 'a' as kind"
        )
    data = opened(file)
    assert [row[0] for row in usable_rows(data, "employees")] == ["1"] and data.rows_read == {
        "employees": 1,
        "events": 1,
    }
    data.close()


def test_a_duckdb_file_is_never_written(tmp_path: Path) -> None:
    file = tmp_path / "company.duckdb"
    with duckdb.connect(str(file)) as database:
        database.execute("create table employees as select 'e1' as employee_id, date '2020-01-01' as hired_on")
        database.execute(
            "create table events as select 'e1' as employee_id, date '2024-01-01' as happened_at, 'a' as kind"
        )
    before = file.read_bytes()
    data = opened(file)
    with pytest.raises(duckdb.Error, match="read-only"):
        data.connection.execute("create table company.main.x (a int)")
    data.close()
    assert file.read_bytes() == before


def test_a_view_that_no_longer_runs(tmp_path: Path) -> None:
    file = tmp_path / "company.duckdb"
    with duckdb.connect(str(file)) as database:
        database.execute("create table employees as select 'e1' as employee_id, date '2020-01-01' as hired_on")
        database.execute("create table gone (employee_id text, happened_at date, kind text)")
        database.execute("create view events as select * from gone")
        database.execute("drop table gone")
    with pytest.raises(DataError, match="events: cannot be read") as caught:
        opened(file)
    assert caught.value.remedy


def test_sources_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    for source, problem in (
        ("nowhere", "is not there; name a folder"),
        ("notes.txt", r"holds none of the tables, only notes.txt \(hello\); expected"),
        ("empty", "holds none of the tables; expected employees"),
    ):
        with pytest.raises(DataError, match=problem) as caught:
            opened(tmp_path / source)
        assert caught.value.where == str(tmp_path / source) and caught.value.remedy


def test_a_password_is_never_said() -> None:
    with duckdb.connect() as connection, pytest.raises(DataError) as caught:
        raw_tables(connection, "postgresql://reader:geheim@127.0.0.1:1/none", shipped().tables)
    assert "geheim" not in str(caught.value) and "127.0.0.1" in str(caught.value)


def test_what_a_raw_table_says(tmp_path: Path) -> None:
    company(tmp_path)
    with duckdb.connect() as connection:
        names = ("employees", "reviews")
        tables, errors, notices = raw_tables(connection, tmp_path, {name: shipped().tables[name] for name in names})
        assert errors == notices == [] and [type(table) for table in tables] == [RawTable]
        assert tables[0].columns == {"employee_id": "VARCHAR", "hired_on": "VARCHAR"} and tables[0].is_text
        assert connection.execute(f"select count(*) from {tables[0].relation}").fetchall() == [(len(draw(PEOPLE)),)]
