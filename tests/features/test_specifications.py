"""Every definition in ``features/`` has a page here that draws input tables and the rows of evidence they must give.

How a page is read
------------------
``# <en> · <zh>`` is the title, the definition's own words; every ``## `` heading opens a case. A line that holds
nothing but a table's name in backticks announces an input table. Tables drawn above the first case hold in all cases;
a case that draws one again replaces it. A line that begins with "As of" names the as-of dates and announces expected
rows: an empty cell is a missing value, ``3/84`` is a fraction. A person named there has no row on a date without one.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import pandas as pd
import pytest

from perfml.errors import choose_from
from perfml.evidence.features import Evidence, build
from perfml.project.folder import NOT_EVIDENCE, RelationalFile, WindowedFile
from perfml.project.starter import STARTER
from tests.tables import opened, quarantined, shipped, write_tables

PAGES = Path(__file__).parent
LONGEST_PAGE = 130
KEYS = ("employee_id", "as_of")

Row = dict[str, str]


@dataclass
class Expected:
    """The rows that must come out at ``as_ofs``, for the people named in them."""

    as_ofs: tuple[str, ...]
    rows: list[Row] = field(default_factory=list)


@dataclass
class Case:
    """One heading of a page: what a company hands over, and the evidence that follows from it."""

    page: str
    title: str
    tables: dict[str, list[Row]]
    expected: list[Expected] = field(default_factory=list)


def definition_names() -> list[str]:
    """The stems of all definitions of evidence."""
    paths = [*(STARTER / "features").glob("*.toml"), *(STARTER / "features").glob("*.sql")]
    return sorted(path.stem for path in paths if path.stem not in NOT_EVIDENCE)


def definition(name: str) -> WindowedFile | RelationalFile:
    """The definition called ``name``, as perfml reads it."""
    files: tuple[WindowedFile | RelationalFile, ...] = (*shipped().windowed, *shipped().relational)
    return next(file for file in files if file.name == name)


def read_page(path: Path) -> tuple[str, list[Case]]:
    """The title and the cases of a page. Raises ValueError, with the line, for a table that nothing announces or that is no
    input table."""
    title, cases = "", []
    above = Case(path.stem, "above the first case", {})
    case, rows, header = above, None, None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if line.startswith("|"):
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if rows is None:
                raise ValueError(f"{path.name}:{number}: a table that neither a name nor 'As of' announces")
            if header is None:
                header = cells
            elif not set("".join(cells)) <= set("-:"):
                if len(cells) != len(header):
                    raise ValueError(f"{path.name}:{number}: {len(cells)} cells under {len(header)} columns")
                rows.append(dict(zip(header, cells, strict=True)))
            continue
        if header is not None:
            rows, header = None, None
        if line.startswith("# "):
            title = line.removeprefix("# ")
        elif line.startswith("## "):
            case = Case(path.stem, line.removeprefix("## "), dict(above.tables))
            cases.append(case)
        elif name := re.fullmatch(r"`(\w+)`", line):
            if name[1] not in shipped().tables:
                choices = choose_from(shipped().tables, instead_of=name[1])
                raise ValueError(f"{path.name}:{number}: {name[1]!r} is no input table; {choices}")
            rows = case.tables[name[1]] = []
        elif line.startswith("As of"):
            expected = Expected(tuple(re.findall(r"\d{4}-\d\d-\d\d", line)))
            case.expected.append(expected)
            rows = expected.rows
    return title, cases


def all_cases() -> list[Case]:
    return [case for path in sorted(PAGES.glob("*.md")) for case in read_page(path)[1]]


def run(case: Case, folder: Path) -> Evidence:
    """Hand the case's tables over as CSV and build the evidence with the definitions of this checkout."""
    write_tables(folder, **{name: pd.DataFrame(rows, dtype=str) for name, rows in case.tables.items()})
    if not {"events", "reviews"} & set(case.tables):  # the contract asks for one of the two; an empty one says nothing
        write_tables(folder, reviews="review_id | employee_id | period_end | reviewed_on | rating")
    data = opened(folder)
    try:
        assert (quarantined(data), data.notices) == ([], []), "every row of a page is usable"
        dates = sorted({date for expected in case.expected for date in expected.as_ofs})
        return build(data, shipped(), [dt.date.fromisoformat(date) for date in dates])
    finally:
        data.close()


def differs(expected: str, actual: float) -> bool:
    """Whether ``actual`` is not what the cell says: exactly for integers, to 1e-9 for all others."""
    if not expected:
        return not math.isnan(actual)
    if re.fullmatch(r"[-+]?\d+", expected):
        return actual != int(expected)
    return not abs(actual - float(Fraction(expected))) <= 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("case", all_cases(), ids=lambda case: f"{case.page}: {case.title}")
def test_case(case: Case, tmp_path: Path) -> None:
    evidence = run(case, tmp_path)
    origin = {column.name: column.evidence for column in evidence.columns}
    frame = evidence.frame.assign(as_of=evidence.frame["as_of"].dt.strftime("%Y-%m-%d")).set_index(list(KEYS))
    assert case.expected and all(expected.rows and expected.as_ofs for expected in case.expected), "nothing is expected"
    for expected in case.expected:
        drawn = [(row["employee_id"], row["as_of"]) for row in expected.rows]
        people = {employee for employee, _ in drawn}
        present = {key for key in frame.index if key[0] in people and key[1] in expected.as_ofs}
        assert len(drawn) == len(set(drawn)), "a row is drawn twice"
        assert set(drawn) == present, "people and dates that have a row of evidence"
        columns = [name for name in expected.rows[0] if name not in KEYS]
        assert {name: origin.get(name) for name in columns} == dict.fromkeys(columns, case.page), (
            "whose columns these are"
        )
        wrong = [
            f"{employee} {as_of} {name}: expected {row[name] or 'missing'}, found {frame.at[(employee, as_of), name]!r}"
            for (employee, as_of), row in zip(drawn, expected.rows, strict=True)
            for name in columns
            if differs(row[name], frame.at[(employee, as_of), name])
        ]
        assert not wrong, "\n".join(wrong)


def test_each_definition_has_one_page() -> None:
    assert sorted(path.stem for path in PAGES.glob("*.md")) == definition_names()


@pytest.mark.parametrize("name", definition_names())
def test_page_is_worth_reading(name: str) -> None:
    path = PAGES / f"{name}.md"
    title, cases = read_page(path)
    spec = definition(name).spec
    assert title == f"{spec.en} · {spec.zh}"
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_PAGE
    assert len({case.title for case in cases}) == len(cases) > 0


@pytest.mark.parametrize("name", definition_names())
def test_every_column_is_looked_at(name: str) -> None:
    """Each family of columns, and a comparison of each sort the file declares, has a value in an expected cell."""
    seen = {
        column
        for case in read_page(PAGES / f"{name}.md")[1]
        for expected in case.expected
        for row in expected.rows
        for column, cell in row.items()
        if cell
    }
    file = definition(name)
    if isinstance(file, WindowedFile):
        comparisons = {measure.column: measure.compare for measure in file.spec.measures}
    else:
        comparisons = {column: declared.compare for column, declared in file.spec.columns.items()}
    families = {
        column: re.escape(column)
        .replace(r"\{kind\}", r"\w+")
        .replace(r"\{window\}", r"\d+")
        .replace(r"\{last\}", r"\d+")
        for column in comparisons
    }
    unseen = [column for column, pattern in families.items() if not any(re.fullmatch(pattern, name) for name in seen)]
    assert not unseen, "columns without an expected value"
    for relation in {relation for relations in comparisons.values() for relation in relations}:
        compared = [
            f"{pattern}_{relation}_z" for column, pattern in families.items() if relation in comparisons[column]
        ]
        assert any(re.fullmatch(z, name) for z in compared for name in seen), f"nothing is compared with {relation}"


def test_a_page_with_a_table_that_is_none_is_refused(tmp_path: Path) -> None:
    """Its rows would be read by nobody."""
    page = tmp_path / "x.md"
    page.write_text("# x\n`employes`\n| employee_id |\n| --- |\n| ana |\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"x\.md:2: 'employes' is no input table; did you mean 'employees'\?"):
        read_page(page)
