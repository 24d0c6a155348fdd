"""Fingerprints change with the past, and with nothing else."""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
from pathlib import Path
from random import Random

import pandas as pd
import pytest
from hypothesis import Phase, given, settings

from perfml.errors import DefinitionError
from perfml.evidence.fingerprint import (
    QUARANTINE,
    TableDigest,
    definitions_hash,
    digests,
    fingerprint,
    keep_definitions,
    kept_definitions,
    line_of,
)
from perfml.project.folder import ProjectFolder
from perfml.project.starter import STARTER
from tests.companies import HAPPENED, Tables, company, futures
from tests.tables import draw, opened, write_tables

Example = tuple[Tables, dict[str, TableDigest]]
AS_OF = dt.date(2025, 3, 3)
LATER = dt.date(2025, 6, 3)
TABLES = {
    "employees": "employee_id | hired_on\ne1 | 2020-01-01\ne2 | 2021-01-01",
    "events": """
        event_id | employee_id | happened_at         | kind   | value | known_at
        a        | e1          | 2025-01-01 08:00:00 | login  | 1.5   |
        a        | e1          | 2025-01-01 08:00:00 | login  | 2.5   | 2025-04-01
        b        | e2          | 2025-02-01 08:00:00 | praise |       |
        c        | e2          | 2025-04-05 08:00:00 | praise |       |
        """,
    "courses": "course_id | title | skills\nc1 | SQL | sql;joins\nc2 | 沟通 |",
    "enrolments": """
        employee_id | course_id | enrolled_on | completed_on
        e1          | c1        | 2025-01-01  | 2025-02-01
        e2          | c1        | 2025-01-01  | 2025-04-01
        """,
    "deliveries": "source | business_date | received_at | row_count\ncrm | 2025-03-01 | 2025-03-02 08:00 | 9",
    "reviews": "review_id | employee_id | period_end | reviewed_on | rating\nr1 | e1 | 2024-12-31 | 2025-01-10 | 9",
}


def of(folder: Path, until: dt.date = AS_OF) -> str:
    data = opened(folder)
    try:
        return fingerprint(data, until=until)
    finally:
        data.close()


def of_tables(tables: Tables, *untils: dt.date, parquet: bool = False) -> list[dict[str, TableDigest]]:
    """The digests of a company of :mod:`tests.companies` at each of ``untils``."""
    with tempfile.TemporaryDirectory() as name:
        for table, rows in tables.items():
            frame = pd.DataFrame(rows, dtype=str).fillna("")
            if parquet:
                frame.to_parquet(Path(name) / f"{table}.parquet")
            elif rows:
                frame.to_csv(Path(name) / f"{table}.csv", index=False)
        data = opened(Path(name))
        try:
            return [digests(data, until=until) for until in untils]
        finally:
            data.close()


@settings(max_examples=4, phases=[Phase.generate])
@given(futures())
@pytest.mark.slow
def test_another_future_changes_nothing(case: tuple[Tables, Tables, dt.date]) -> None:
    """Rows come, go and change from the as-of date on, in every way :mod:`tests.companies` knows."""
    before, after, as_of = case
    first, other = (of_tables(tables, as_of, as_of + dt.timedelta(days=61)) for tables in (before, after))
    assert first[0] == other[0]
    assert first[1] != other[1]


@pytest.fixture(scope="module")
def example() -> Example:
    tables = company(Random(1), AS_OF)
    return tables, of_tables(tables, AS_OF)[0]


@pytest.mark.slow
@pytest.mark.parametrize("parquet", [False, True])
def test_order_of_rows_and_kind_of_file_do_not_matter(parquet: bool, example: Example) -> None:
    tables, before = example
    shuffled = {name: Random(2).sample(rows, len(rows)) for name, rows in tables.items()}
    assert of_tables(shuffled, AS_OF, parquet=parquet) == [before]


def test_the_log_adds_up_to_its_rows_at_every_date(tmp_path: Path) -> None:
    with opened(write_tables(tmp_path, **{name: draw(text) for name, text in TABLES.items()})) as data:
        for until, rows in ((AS_OF, 2), (LATER, 4), (dt.date(2025, 4, 1), 2), (AS_OF, 2)):
            hashes = [
                int(number)
                for (number,) in data.connection.execute(
                    f"select md5_number({line_of('events', data.specs['events'], until)})::text from events t"
                    f" where usable_day < date '{until}'"
                ).fetchall()
            ]
            halves = sum(number & (2**64 - 1) for number in hashes), sum(number >> 64 for number in hashes)
            assert digests(data, until=until)["events"] == TableDigest(rows, "{:x}-{:x}".format(*halves))


def usable_keys(tables: Tables) -> dict[str, dict[str, str]]:
    """For each table the key of one row that was usable before the as-of date, as text, a moment as its day."""
    with tempfile.TemporaryDirectory() as name:
        frames = {table: pd.DataFrame(rows, dtype=str).fillna("") for table, rows in tables.items() if rows}
        data = opened(write_tables(Path(name), **frames))
        hired = f"select employee_id from employees where usable_day < '{AS_OF}'"
        by_table = {}
        for table in HAPPENED:
            keys = data.specs[table].key
            select = ", ".join(f"left(coalesce({key}::text, ''), 10)" for key in keys)
            of_staff = f"and employee_id in ({hired})" if table == "exits" else ""
            rows = data.connection.execute(
                f"select {select} from {table} where usable_day < '{AS_OF}' and {keys[0]} is not null {of_staff} order by all"
            ).fetchall()
            by_table[table] = dict(zip(keys, rows[0], strict=True))
        data.close()
        return by_table


@pytest.mark.slow
@pytest.mark.parametrize("change", ["removed", "changed", "added"])
def test_any_row_of_the_past_changes_its_table(change: str, example: Example) -> None:
    tables, before = example
    usable = usable_keys(tables)
    other = {name: list(rows) for name, rows in tables.items()}
    for name, clock in HAPPENED.items():
        rows = other[name]
        which = next(i for i, row in enumerate(rows) if all(row[k].startswith(v) for k, v in usable[name].items()))
        early = {clock: "2025-02-02"}
        if change == "removed":
            del rows[which]
        elif change == "changed":
            rows[which] = rows[which] | early
        else:
            new = {k: f"new-{v}" for k, v in rows[which].items() if k in ("event_id", "review_id", "goal_id") and v}
            rows.append(rows[which] | early | new | ({"known_at": ""} if "known_at" in rows[which] else {}))
    after = of_tables(other, AS_OF)[0]
    assert [name for name in HAPPENED if after[name] == before[name]] == []


def edited(folder: Path, table: str, old: str, new: str) -> Path:
    path = folder / f"{table}.csv"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return folder


class TestWhatCounts:
    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("table", "old", "new"),
        [
            ("events", "2.5", "3.5"),  # a correction that is learnt in April
            ("events", "2025-04-05", "2025-04-06"),
            ("enrolments", "2025-04-01", ""),  # a course that is completed in April
        ],
    )
    def test_what_comes_later_does_not(self, tmp_path: Path, table: str, old: str, new: str) -> None:
        folder = write_tables(tmp_path, **TABLES)
        early, late = of(folder), of(folder, LATER)
        edited(folder, table, old, new)
        assert of(folder) == early
        assert of(folder, LATER) != late

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("table", "old", "new"),
        [
            ("events", "1.5", "1.25"),
            ("events", "praise", "prais"),
            ("enrolments", "2025-02-01", "2025-02-02"),
            ("courses", "sql;joins", "sql"),
            ("courses", "沟通", "沟"),
            ("deliveries", ",9", ",8"),
            ("reviews", ",9", ",4"),  # it was off the scale, and held a score
            ("employees", "2021-01-01", "2021-01-02"),
        ],
    )
    def test_what_was_known_does(self, tmp_path: Path, table: str, old: str, new: str) -> None:
        folder = write_tables(tmp_path, **TABLES)
        before = of(folder)
        assert of(edited(folder, table, old, new)) != before

    @pytest.mark.slow
    def test_a_correction_counts_from_the_day_after_it_was_known(self, tmp_path: Path) -> None:
        folder = write_tables(tmp_path, **TABLES)
        days = [dt.date(2025, 4, day) for day in (1, 2)]
        before = [of(folder, day) for day in days]
        edited(folder, "events", "2.5", "3.5")
        after = [of(folder, day) for day in days]
        assert [a == b for a, b in zip(before, after, strict=True)] == [True, False]

    @pytest.mark.slow
    def test_a_delivery_that_is_still_out_changes_when_it_comes(self, tmp_path: Path) -> None:
        out = TABLES | {"deliveries": "source | business_date | received_at | row_count\ncrm | 2025-03-01 | |"}
        come = TABLES | {
            "deliveries": "source | business_date | received_at | row_count\ncrm | 2025-03-01 | 2025-03-05 | 9"
        }
        first, other = (write_tables(tmp_path / name, **tables) for name, tables in (("out", out), ("come", come)))
        assert of(first) == of(other)
        assert of(first, LATER) != of(other, LATER)

    @pytest.mark.slow
    def test_a_row_twice_is_not_no_row(self, tmp_path: Path) -> None:
        """Equal rows of a log without event_id all count; an exclusive or would cancel two of them."""
        log = draw("employee_id | happened_at | kind\ne1 | 2025-01-01 | login")
        seen = {of(write_tables(tmp_path / str(n), **TABLES | {"events": pd.concat([log] * n)})) for n in (1, 2, 3)}
        assert len(seen) == 3

    @pytest.mark.slow
    def test_a_column_or_a_table_without_values_is_as_good_as_none(self, tmp_path: Path) -> None:
        with_more = TABLES | {
            "employees": "employee_id | hired_on | gender\ne1 | 2020-01-01 |\ne2 | 2021-01-01 |",
            "signals": "name | month | value\nindustry_growth | 2025-05-01 | 0.05",
        }
        first, other = (write_tables(tmp_path / n, **tables) for n, tables in (("one", TABLES), ("other", with_more)))
        assert of(first) == of(other)
        assert of(first, LATER) != of(other, LATER)

    @pytest.mark.slow
    def test_each_table_says_how_many_rows_it_held(self, tmp_path: Path) -> None:
        data = opened(write_tables(tmp_path, **TABLES))
        rows = {table: digest.rows for table, digest in digests(data, until=AS_OF).items()}
        assert rows == {"employees": 2, "events": 2, "courses": 2, "enrolments": 2, "deliveries": 1, QUARANTINE: 1}
        assert digests(data, until=LATER)["events"].rows == 4
        data.close()


class TestDefinitions:
    @pytest.fixture
    def project(self, tmp_path: Path) -> Path:
        """A project that changes something of everything, and leaves out one of ours and one of its own."""
        root = tmp_path / "project"
        (root / "features").mkdir(parents=True)
        (root / "models").mkdir()
        (root / "perfml.toml").write_text(
            'name = "theirs"\n[data]\nsource = "postgresql://me:geheim@db/people"\n'
            '[features]\nleave_out = ["learning", "old"]\n[models]\nleave_out = ["low_performance"]\n'
        )
        (root / "features" / "old.toml").write_text("zh = ''\nen = ''\nmeasures = []\n")
        (root / "features" / "activity.toml").write_text(
            '[kinds."a b"]\nzh = "“引号”"\nen = "a \\"quoted\\" \\\\ kind\\n"\n'
        )
        (root / "features" / "sources.toml").write_text("[events]\nvalue_decimals = 2\n")
        (root / "features" / "job.sql").write_text(
            (STARTER / "features" / "job.sql").read_text(encoding="utf-8"), encoding="utf-8"
        )
        (root / "models" / "attrition.toml").write_text("[learner]\nlearning_rate = 1e-05\n")
        (root / "models" / "attrition.md").write_text("# 卡\n", encoding="utf-8")
        return root

    @pytest.mark.slow
    @pytest.mark.parametrize("which", ["starter", "project"])
    def test_what_is_kept_says_the_same(self, tmp_path: Path, project: Path, which: str) -> None:
        folder = ProjectFolder(STARTER if which == "starter" else project)
        digest = keep_definitions(folder, tmp_path)
        for stored in (kept_definitions(tmp_path, digest), ProjectFolder(tmp_path / "definitions" / digest)):
            assert stored.definitions == folder.definitions
            assert stored.models == folder.models and stored.policies == folder.policies
            assert [stored.card(name) for name in stored.models] == [folder.card(name) for name in folder.models]
            assert keep_definitions(kept_definitions(tmp_path, digest), tmp_path / "again")
        assert list(kept_definitions(tmp_path, digest).definitions.tables) == list(folder.definitions.tables)
        assert not any("geheim" in path.read_text() for path in tmp_path.glob("definitions/**/*.toml"))

    def test_what_a_later_perfml_ships_is_not_inherited(
        self, tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = ProjectFolder(project)
        digest, definitions = keep_definitions(folder, tmp_path), folder.definitions
        later = tmp_path / "later"
        for directory in ("features", "models"):
            shutil.copytree(STARTER / directory, later / directory)
        shutil.copyfile(later / "features" / "rhythm.toml", later / "features" / "brand_new.toml")
        monkeypatch.setattr("perfml.project.folder.STARTER", later)
        assert kept_definitions(tmp_path, digest).definitions == definitions
        assert ProjectFolder(project).definitions != definitions

    @pytest.mark.slow
    def test_kept_once_and_anew_after_a_change(self, tmp_path: Path, project: Path) -> None:
        first = keep_definitions(ProjectFolder(project), tmp_path)
        assert keep_definitions(ProjectFolder(project), tmp_path) == first
        (project / "features" / "activity.toml").write_text('[kinds.k]\nzh = ""\nen = "k"\n')
        assert keep_definitions(ProjectFolder(project), tmp_path) != first
        assert len(list((tmp_path / "definitions").iterdir())) == 2

    @pytest.mark.slow
    def test_the_hash_of_a_model_is_of_what_it_stands_on(self, project: Path) -> None:
        before = definitions_hash(ProjectFolder(project), "attrition")
        (project / "models" / "other.toml").write_text((STARTER / "models" / "low_performance.toml").read_text())
        (project / "models" / "attrition.md").write_text("another card")
        assert definitions_hash(ProjectFolder(project), "attrition") == before
        (project / "models" / "attrition.toml").write_text("[learner]\nlearning_rate = 0.05\n")
        changed = definitions_hash(ProjectFolder(project), "attrition")
        (project / "features" / "sources.toml").write_text("[events]\nvalue_decimals = 3\n")
        assert len({before, changed, definitions_hash(ProjectFolder(project), "attrition")}) == 3

    @pytest.mark.parametrize("damage", ["changed", "more", "less", "gone"])
    def test_altered_ones_are_refused(self, tmp_path: Path, damage: str) -> None:
        digest = keep_definitions(ProjectFolder(STARTER), tmp_path)
        folder = tmp_path / "definitions" / digest
        match damage:
            case "changed":
                path = folder / "features" / "job.sql"
                path.write_text(path.read_text(encoding="utf-8") + " ", encoding="utf-8")
            case "more":
                (folder / "features" / "new.toml").write_text("")
            case "less":
                (folder / "models" / "attrition.md").unlink()
            case _:
                shutil.rmtree(folder)
        with pytest.raises(DefinitionError, match="missing" if damage == "gone" else "altered"):
            kept_definitions(tmp_path, digest)
