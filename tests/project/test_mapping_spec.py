"""Definitions of how an export is read: strict like all others."""

from pathlib import Path

import pytest

from perfml.errors import DefinitionError
from perfml.project.folder import ProjectFolder
from perfml.project.mapping_spec import ColumnMapping, MappingSpec
from perfml.project.spec import parse
from perfml.project.starter import STARTER


def project(folder: Path, **sources: str) -> ProjectFolder:
    (folder / "perfml.toml").write_text('name = "x"\n')
    (folder / "sources").mkdir(exist_ok=True)
    for name, text in sources.items():
        (folder / "sources" / f"{name}.toml").write_text(text, encoding="utf-8")
    return ProjectFolder(folder)


def test_the_table_is_named_like_its_file_unless_it_says_otherwise(tmp_path: Path) -> None:
    folder = project(
        tmp_path,
        reviews='file = "绩效.xlsx"\n[columns]\nemployee_id = "工号"\nrating = { column = "等级", values = { A = 5, B = 4 } }\n',
        overtime='table = "events"\nfile = "加班.csv"\nencoding = "gb18030"\n',
    )
    assert [spec.table for spec in folder.sources.values()] == ["events", "reviews"]
    assert folder.sources["reviews"].columns["employee_id"] == ColumnMapping(column="工号")
    assert ProjectFolder(STARTER).sources == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"sources/reviews.toml: .* name a file or, on a database, a query"),
        ('file = "a"\nquery = "select 1"', "name a file or, on a database, a query"),
        ('file = "a"\nshet = "b"', r"sources/reviews.toml: 'shet' is not a key; did you mean 'sheet'"),
        (
            'file = "a"\n[columns.rating]\ncolum = "b"',
            r"\[columns.rating\]: 'colum' is not a key; did you mean 'column'",
        ),
        ('file = "a"\n[columns.rating]\ncolumn = "b"\nconstant = 3', "exactly one of column, join and constant"),
        ('file = "a"\n[columns]\nratng = "b"', r"\[columns\]: 'ratng' is no column of reviews; did you mean 'rating'"),
        ('table = "review"\nfile = "a"', "makes 'review', which is no table; did you mean 'reviews'"),
    ],
)
def test_mistakes_are_refused_with_file_and_key(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        _ = project(tmp_path, reviews=text).sources


def test_a_definition_may_be_written_out_and_read_again() -> None:
    spec = parse(MappingSpec, {"table": "reviews", "file": "a", "columns": {"rating": "等级"}}, file="x")
    assert parse(MappingSpec, spec.model_dump(mode="json", exclude_none=True), file="x") == spec
