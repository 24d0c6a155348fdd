"""A past score is reproduced to the last bit, or the error names what has changed."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Mapping
from dataclasses import replace as with_other
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from perfml.errors import DataError, DefinitionError, ModelError, PerfmlError
from perfml.evidence.sources import open_data
from perfml.learning.registry.model_store import load
from perfml.project.folder import ProjectFolder
from perfml.scoring.replay import Replay, content_hash, record_run, replay
from perfml.scoring.scoring import keep_scores, score_in_parts
from perfml.scoring.table_files import read_parts
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
    stored = keep_scores(score_in_parts(data, definitions, load(home, MODEL), as_of=[EARLIER, END]), home)
    written = record_run(home, stored, data=data, folder=definitions)
    assert [path.name for path in written] == [f"{EARLIER}.json", f"{END}.json"]
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
        assert replay(scored / "home", MODEL, as_of) == Replay(model=MODEL, as_of=as_of, matches=True, rows=rows)

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
        path = home / "scores" / MODEL / f"{END}.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"source": str(home / "nowhere")}))
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
            ("cut", r"cannot be read"),
            ("record cut", r"cannot be read"),
            ("other rows", r"2026-10-01\.parquet: holds other rows than were recorded"),
        ],
    )
    def test_the_scores_themselves(self, home: Path, damage: str, problem: str) -> None:
        path = home / "scores" / MODEL / f"{END}.parquet"
        match damage:
            case "no scores":
                path.unlink()
            case "no record":
                path.with_suffix(".json").unlink()
            case "cut":
                path.write_bytes(path.read_bytes()[:-20])
            case "record cut":
                path.with_suffix(".json").write_text("{")
            case _:
                pq.write_table(pq.read_table(path).slice(1), path)
        with pytest.raises(PerfmlError, match=problem):
            replay(home, MODEL, END)


def test_one_digit_that_differs_is_named(home: Path) -> None:
    """Scores and record altered together: only computing them again can tell."""
    path = home / "scores" / MODEL / f"{END}.parquet"
    table = pq.read_table(path)
    margins = table.column("margin").to_pylist()
    margins[3] += 1e-15
    forged = table.set_column(table.column_names.index("margin"), table.schema.field("margin"), pa.array(margins))
    pq.write_table(forged, path)
    record = json.loads(path.with_suffix(".json").read_text())
    record |= {"content": content_hash([forged]), "versions": record["versions"] | {"numpy": "1.0"}}
    path.with_suffix(".json").write_text(json.dumps(record))
    came = replay(home, MODEL, END)
    assert not came.matches
    who = table.column("employee_id")[3]
    (difference,) = came.differences
    assert difference.startswith(f"margin: 1 rows, e.g. {who} within 182 days: {margins[3]!r} then, ")
    assert len(came.other_versions) == 1 and came.other_versions[0].startswith("numpy 1.0 then, ")


def test_how_rows_are_stored_does_not_matter(scored: Path, tmp_path: Path) -> None:
    stored = pq.read_table(scored / "home" / "scores" / MODEL / f"{END}.parquet")
    pq.write_table(stored, tmp_path / "other.parquet", compression="none", row_group_size=7, use_dictionary=False)
    assert content_hash(read_parts(tmp_path / "other.parquet", rows=3)) == content_hash([stored])
    assert content_hash([stored.take([1, 0, *range(2, len(stored))])]) != content_hash([stored])


def test_a_record_holds_no_password_and_nobody(scored: Path, company_of_500: Simulated, tmp_path: Path) -> None:
    definitions = ProjectFolder(scored / "project")
    data = open_data(company_of_500.data, definitions.definitions.tables)
    stored = scored / "home" / "scores" / MODEL / f"{END}.parquet"
    (path,) = record_run(
        tmp_path,
        [stored],
        data=with_other(data, source="postgresql://me:se@cret@db.local/people"),
        folder=definitions,
    )
    record: Mapping[str, object] = json.loads(path.read_text())
    assert record["source"] == "postgresql://db.local/people"
    assert pq.read_table(stored).column("employee_id")[0].as_py() not in path.read_text()
    assert {"model_version", "fingerprint", "definitions", "versions", "rows", "content"} <= set(record)
    data.close()
