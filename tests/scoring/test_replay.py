"""A past score is reproduced to the last bit, or the error names what has changed."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from dataclasses import replace as with_other
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from perfml.errors import DataError, DefinitionError, ModelError, PerfmlError
from perfml.evidence.sources import open_data
from perfml.learning.registry.model_store import load
from perfml.messages import render
from perfml.project.folder import ProjectFolder
from perfml.scoring.content_hash import content_hash
from perfml.scoring.replay import Replay, recorder, replay
from perfml.scoring.run_record import read_record
from perfml.scoring.scoring import keep_scores, score_in_parts
from perfml.scoring.sealed_files import write_sealed
from perfml.scoring.table_files import read_rows
from tests.sealed import seal_again
from tests.simulated import END, Simulated

EARLIER = dt.date(2026, 4, 1)
MODEL = "attrition"


@pytest.fixture(scope="module")
def scored(company_of_500: Simulated, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which two dates were scored in one run, and a project of the same name beside it. Read only."""
    folder: Path = tmp_path_factory.mktemp("scored")
    home, project = folder / "home", folder / "project"
    shutil.copytree(company_of_500.home / "models", home / "models")
    shutil.copytree(company_of_500.project, project)
    definitions = ProjectFolder(project)
    data = open_data(company_of_500.data, definitions.definitions.tables)
    record = recorder(home, data=data, folder=definitions, held={EARLIER: {}, END: {}})
    parts = score_in_parts(data, definitions, load(home, MODEL), as_of=[EARLIER, END])
    written = list(keep_scores(parts, home, record=record))
    assert [path.name for path in written] == [f"{EARLIER}.parquet", f"{END}.parquet"]
    data.close()
    return folder


@pytest.fixture
def home(scored: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(scored, tmp_path / "copy")) / "home"


def export(company: Simulated, out: Path, **changes: str) -> Path:
    """Another export of the company: each table of ``changes`` as the SQL over the old one says."""
    shutil.copytree(company.data, out)
    for table, sql in changes.items():
        (path,) = out.glob(f"{table}.*")
        with duckdb.connect() as connection:
            connection.execute(f"create table old as from '{path}'")
            path.unlink()
            connection.execute(f"copy ({sql}) to '{path.with_suffix('.parquet')}'")
    return out


class TestMatches:
    @pytest.mark.parametrize("as_of", [EARLIER, END])
    @pytest.mark.slow
    def test_each_date_of_a_run_alone(self, scored: Path, as_of: dt.date) -> None:
        rows = pq.read_metadata(scored / "home" / "scores" / MODEL / f"{as_of}.parquet").num_rows
        assert rows > 300
        assert replay(scored / "home", MODEL, as_of) == Replay(what="scores", name=MODEL, as_of=as_of, rows=rows)

    def test_after_all_went_on(self, home: Path, company_of_500: Simulated, tmp_path: Path) -> None:
        """The export has grown, and the project and the current model are other ones."""
        grown = export(
            company_of_500,
            tmp_path / "grown",
            events="from old union all by name (select * replace (happened_at + interval 1 day as happened_at) from old"
            f" where happened_at > timestamp '{EARLIER}' limit 999)",
            employees="from old union all by name (select 'new' as employee_id, date '2026-09-01' as hired_on)",
        )
        (home.parent / "project" / "features").mkdir(exist_ok=True)
        (home.parent / "project" / "features" / "activity.toml").write_text("most_kinds = 1\n")
        (home / "models" / MODEL / "candidate").write_text("0" * 12)
        assert replay(home, MODEL, EARLIER, data=grown).matches


class TestSaysWhatChanged:
    def test_a_row_of_the_past(self, home: Path, company_of_500: Simulated, tmp_path: Path) -> None:
        other = export(
            company_of_500,
            tmp_path / "other",
            events="select * from old qualify row_number() over (order by happened_at) > 1",
        )
        with pytest.raises(
            DataError, match=r"known before 2026-04-01 has changed: events \((\d+) rows then, (\d+) now"
        ):
            replay(home, MODEL, EARLIER, data=other)

    def test_the_data_is_gone(self, home: Path) -> None:
        seal_again(home / "scores" / MODEL / f"{END}.parquet", source=str(home / "nowhere"))
        with pytest.raises(DataError, match="nowhere: is not there"):
            replay(home, MODEL, END)

    def test_the_definitions(self, home: Path) -> None:
        (stored,) = (home / "definitions").iterdir()
        (stored / "features" / "job.sql").write_text("select 1")
        with pytest.raises(DefinitionError, match="was altered"):
            replay(home, MODEL, END)
        shutil.rmtree(stored)
        with pytest.raises(DefinitionError, match="definitions of that run are missing"):
            replay(home, MODEL, END)

    def test_the_model(self, home: Path) -> None:
        version = load(home, MODEL).version
        path = next((home / "models" / MODEL / version).glob("*.txt"))
        path.write_text(path.read_text()[:-9])
        with pytest.raises(ModelError, match="altered or cut"):
            replay(home, MODEL, END)
        shutil.rmtree(path.parent)
        with pytest.raises(ModelError, match="manifest is missing"):
            replay(home, MODEL, END)

    @pytest.mark.parametrize(
        ("damage", "problem"),
        [
            ("no scores", r"attrition 2026-10-01: was not scored; score that date again"),
            ("no record", r"2026-10-01\.parquet: has no record"),
            ("cut", r"was altered or cut"),
            ("without a key", r"was altered, or written by another version"),
            ("other rows", r"2026-10-01\.parquet: was altered"),
        ],
    )
    def test_the_scores_themselves(self, home: Path, damage: str, problem: str) -> None:
        path = home / "scores" / MODEL / f"{END}.parquet"
        match damage:
            case "no scores":
                path.unlink()
            case "no record":
                write_sealed([read_rows(path)], home, f"scores/{MODEL}/{END}.parquet")
            case "cut":
                path.write_bytes(path.read_bytes()[:-20])
            case "without a key":
                seal_again(path, without="tables")
            case _:
                pq.write_table(pq.read_table(path).slice(1), path)
        with pytest.raises(PerfmlError, match=problem):
            replay(home, MODEL, END)


def test_one_digit_that_differs_is_named(home: Path) -> None:
    """Scores and record altered together: only computing them again can tell."""
    path = home / "scores" / MODEL / f"{END}.parquet"
    table = read_rows(path)
    margins = table.column("margin").to_pylist()
    margins[3] += 1e-15
    forged = table.set_column(table.column_names.index("margin"), table.schema.field("margin"), pa.array(margins))
    record = read_record(path)
    assert record is not None
    seal_again(path, forged, versions={**record["versions"], "numpy": "1.0"})
    came = replay(home, MODEL, END)
    assert not came.matches
    who = table.column("employee_id")[3]
    difference, library = (render(message, "en") for message in came.details)
    assert difference.startswith(f"margin: 1 rows, e.g. 182 {who}: {margins[3]!r} then, ")
    assert library.startswith("numpy 1.0 then, ")


def test_how_rows_are_stored_does_not_matter(scored: Path) -> None:
    stored = read_rows(scored / "home" / "scores" / MODEL / f"{END}.parquet")
    parts = [stored.slice(low, 7) for low in range(0, len(stored), 7)]
    assert content_hash(parts) == content_hash([stored])
    assert content_hash([stored.take([1, 0, *range(2, len(stored))])]) != content_hash([stored])


def test_a_record_holds_no_password_and_nobody(scored: Path, company_of_500: Simulated, tmp_path: Path) -> None:
    definitions = ProjectFolder(scored / "project")
    data = open_data(company_of_500.data, definitions.definitions.tables)
    stored = scored / "home" / "scores" / MODEL / f"{END}.parquet"
    elsewhere = with_other(data, source="postgresql://me:se@cret@db.local/people")
    record = recorder(tmp_path, data=elsewhere, folder=definitions, held={END: {}})(END)
    assert record["source"] == "postgresql://db.local/people"
    assert read_rows(stored).column("employee_id")[0].as_py() not in json.dumps(record)
    assert read_record(stored) == {**record, "source": str(company_of_500.data.resolve())} | {
        key: value for key, value in (read_record(stored) or {}).items() if key in ("address", "rows", "content")
    }
    data.close()
