"""Spark computes what DuckDB computes: the same rows, exactly for counts and sums, to 1e-12 for all others."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from perfml import Project
from perfml.api.scores import NIGHTLY
from perfml.demo.company import simulate
from perfml.errors import DefinitionError, PerfmlError
from perfml.evidence.engines import duckdb as on_this_machine
from perfml.evidence.engines.spark import SparkEngine
from perfml.evidence.engines.spark_session import spark_session
from perfml.evidence.features import build, missing_days
from perfml.evidence.fingerprint import digests
from perfml.evidence.holes.hole import Hole, LogPart
from perfml.evidence.holes.planted import hidden_rows
from perfml.evidence.log.cells import kind_counts
from perfml.evidence.nightly.night import NightLog, run_night
from perfml.evidence.sources import open_data
from perfml.learning.registry.model_store import Model, load
from perfml.project.spec import EngineSettings
from perfml.project.trust.holes_spec import HoleAnswer
from perfml.scoring.run_record import read_record
from perfml.scoring.scoring import score
from tests.companies import company, other_future
from tests.evidence.engines.alike import built, exact_columns, unlike
from tests.evidence.engines.scored_homes import close, unlike_files
from tests.evidence.engines.sessions import needs_spark, spark
from tests.evidence.engines.side_by_side import side_by_side, with_late_and_copied, withheld_events
from tests.evidence.lake.files import parted
from tests.evidence.nightly import nights
from tests.evidence.nightly.test_nights import DEFINITIONS
from tests.features.test_specifications import KEYS, Case, all_cases, definition, differs
from tests.simulated import END, Simulated
from tests.tables import TODAY, opened, shipped, windowed
from tests.test_no_future import write

pytestmark = [
    pytest.mark.slow,
    needs_spark,
    pytest.mark.filterwarnings(
        "ignore:unclosed <socket:ResourceWarning"
    ),  # PySpark leaves the socket of an answer open
    pytest.mark.filterwarnings(
        "ignore:PySpark does not yet fully support pandas:FutureWarning"
    ),  # only Arrow is exchanged
    pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"),
]
AS_OF = dt.date(2025, 3, 3)
ROOT = Path(__file__).parents[3]
SHARED = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="module")
def engine() -> Iterator[EngineSettings]:
    """The session is stopped after the last test of this module: it holds memory."""
    settings = spark()
    session = spark_session(settings)
    session.sparkContext.setLogLevel("ERROR")
    yield settings
    session.stop()


def test_every_shipped_definition(engine: EngineSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the simulated company, in several parts of persons."""
    monkeypatch.setattr(on_this_machine, "BATCH_BYTES", 4_000_000)
    simulate(tmp_path, employees=120, start=dt.date(2024, 10, 1), end=dt.date(2026, 10, 1))
    dates = [dt.date(2026, 4, 1), dt.date(2026, 10, 1)]
    first, other = (built(tmp_path, shipped(), dates, each) for each in (None, engine))
    exact = exact_columns(first, shipped())
    assert len(exact) > 100 and len(first.frame) > 200
    assert {column.evidence for column in first.columns} >= {"activity", "collaboration", "reviews", "goals", "rhythm"}
    assert unlike(first, other, exact=exact) == []


@pytest.mark.data
@pytest.mark.skipif(not SHARED.is_dir(), reason="the evaluation data does not lie beside the checkout (../shared/data)")
@pytest.mark.parametrize(
    ("name", "dates"),
    [
        ("contributors", [dt.date(2019, 4, 1), dt.date(2023, 7, 1)]),
        ("sales_force", [dt.date(2016, 8, 1), dt.date(2016, 11, 1)]),
    ],
)
def test_real_companies(name: str, dates: list[dt.date], engine: EngineSettings) -> None:
    """What the evaluation's project has, which is all that is shipped and what it adds."""
    definitions = Project(ROOT / "evaluation" / name).folder.definitions
    assert {file.name for file in shipped().windowed} <= {file.name for file in definitions.windowed}
    assert {file.name for file in shipped().relational} == {file.name for file in definitions.relational}
    first, other = (built(SHARED / name, definitions, dates, each) for each in (None, engine))
    exact = exact_columns(first, definitions)
    assert len(first.frame) > 1_000 and len(exact) >= 40
    assert unlike(first, other, exact=exact) == []


def test_late_repeated_corrected_retracted_and_broken_rows_of_two_futures(
    engine: EngineSettings, tmp_path: Path
) -> None:
    """As DuckDB quarantines, ranks and withholds them; and what lies in the future changes nothing: three random companies, and
    the same with another future, as one company."""
    answer = HoleAnswer(first=AS_OF - dt.timedelta(days=40), last=AS_OF - dt.timedelta(days=20), verdict="lost")
    holes = shipped().holes.model_copy(update={"answers": (answer,)})
    definitions = replace(shipped(), holes=holes)
    before = {f"{seed}": with_late_and_copied(company(Random(seed), AS_OF), AS_OF) for seed in (5, 7, 9)}
    after = {f"other {seed}": other_future(Random(int(seed) + 1), before[seed], AS_OF) for seed in before}
    out = withheld_events(before | after, AS_OF)
    part, whole = (
        side_by_side(tmp_path / "part", before),
        side_by_side(tmp_path / "whole", before | after, parquet=True),
    )
    alone = built(part, definitions, [AS_OF], None, estimate=True, withheld=out)
    assert unlike(alone, built(part, definitions, [AS_OF], None, estimate=True))
    first, other = (built(whole, definitions, [AS_OF], each, estimate=True, withheld=out) for each in (None, engine))
    exact = exact_columns(first, definitions)
    assert first.missing and first.missing[0].people
    assert unlike(first, other, exact=exact) == []
    of_another = other.frame["employee_id"].str.startswith("other ")
    frame = other.frame.assign(employee_id=other.frame["employee_id"].str.removeprefix("other "))
    for rows in (of_another, ~of_another):
        half = replace(other, frame=frame[rows].reset_index(drop=True), missing=alone.missing)
        assert unlike(alone, half, exact=exact) == []


def test_the_same_rows_are_quarantined(engine: EngineSettings, tmp_path: Path) -> None:
    tables = company(Random(5), AS_OF)
    tables["events"] += [*tables["events"][:6], tables["events"][7] | {"value": "much"}]
    write(tmp_path, tables, parquet=False)
    with opened(tmp_path) as data:
        expected, rows = data.query("select * from quarantine order by all").to_pylist(), data.rows_read
    assert {row["rule"] for row in expected if row["table_name"] == "events"} >= {"wrong_type", "duplicate_key"}
    with open_data(tmp_path, shipped().tables, today=TODAY, engine=engine) as data:
        for _ in range(2):
            data.complete_quarantine()
        assert data.connection.sql("select * from quarantine order by all").to_arrow_table().to_pylist() == expected
        assert data.rows_read == rows
        with pytest.raises(duckdb.Error, match="the log lies on Spark"):
            data.connection.execute("select count(*) from events")


def test_pages_of_features(engine: EngineSettings, tmp_path: Path) -> None:
    """Every case of ``tests/features`` as a company of its own within one, so that Spark runs once."""
    cases = list(enumerate(all_cases()))
    side_by_side(tmp_path, {f"{number}": case.tables for number, case in cases})
    dates = sorted({dt.date.fromisoformat(date) for _, case in cases for each in case.expected for date in each.as_ofs})
    frame = built(tmp_path, shipped(), dates, engine).frame
    frame = frame.assign(as_of=frame["as_of"].dt.strftime("%Y-%m-%d")).set_index(list(KEYS))
    wrong = [problem for number, case in cases for problem in unexpected(frame, number, case)]
    assert wrong == []


def unexpected(frame: pd.DataFrame, number: int, case: Case) -> list[str]:
    """The cells that are not as drawn."""
    return [
        f"{case.page}: {case.title}: {row['employee_id']} {row['as_of']} {name}: {cell or 'missing'}, not {value}"
        for expected in case.expected
        for row in expected.rows
        for name, cell in row.items()
        if name not in KEYS
        and differs(cell, value := float(frame.at[(f"{number} {row['employee_id']}", row["as_of"]), name]))
    ]


def test_sql_that_does_not_run_is_named(engine: EngineSettings, tmp_path: Path) -> None:
    """Before the cluster is asked where no row shows it, else by the task that fails."""
    write(tmp_path, company(Random(5), AS_OF), parquet=False)
    file = definition("job")
    wrong = replace(file, sql=file.sql.replace("hired_on", "no_such(1)"), name="wrong", file="features/wrong.sql")
    with pytest.raises(DefinitionError, match=r"features/wrong\.sql: does not run"):
        built(tmp_path, replace(shipped(), windowed=(), relational=(wrong,)), [AS_OF], engine)
    twice = replace(wrong, sql=f"{file.sql} union all {file.sql}")
    with pytest.raises(PerfmlError, match=r"a task failed .*features/wrong\.sql: gives several rows"):
        built(tmp_path, replace(shipped(), windowed=(), relational=(twice,)), [AS_OF], engine)


def test_a_task_that_fails_is_named(engine: EngineSettings, tmp_path: Path) -> None:
    """Of questions about the log too."""
    log = parted(tmp_path)
    with open_data(tmp_path, shipped().tables, today=TODAY, engine=engine) as data:
        assert isinstance(data.engine, SparkEngine) and data.engine.log.shares
        next(log.rglob("*.parquet")).write_bytes(b"")
        with pytest.raises(PerfmlError, match=r"a task failed \(.*parquet"):
            missing_days(data, shipped(), [dt.date(2024, 2, 1)])


def test_a_definition_of_another_value(engine: EngineSettings, tmp_path: Path) -> None:
    """What the rest of a team has together, the last events, conditions, and a population."""
    write(tmp_path, company(Random(7), AS_OF), parquet=True)
    definitions = windowed(
        {"measure": "sum", "column": "s_{window}", "kinds": "all", "windows_days": [91], "team": ["sum"]},
        {"measure": "count", "column": "c_{window}", "kinds": "all", "windows_days": [91], "team": ["sum", "share"]},
        {"measure": "mean", "column": "m_{window}_{last}", "kinds": "all", "windows_days": [364], "last_events": [3]},
        {"measure": "count", "column": "big_{window}", "kinds": "all", "windows_days": [364], "where": "value > 1"},
        population={"where": "level >= 2"},
    )
    first, other = (built(tmp_path, definitions, [AS_OF], each) for each in (None, engine))
    assert first.frame["big_364"].notna().any() and first.frame["big_364"].isna().any()
    assert unlike(first, other) == []


@pytest.mark.parametrize("kind", ["parquet", "delta"])
def test_the_executors_read_a_folder_where_it_lies(kind: str, engine: EngineSettings, tmp_path: Path) -> None:
    """The id 007 keeps its zeros, and what a Delta table no longer holds is not read."""
    log = parted(tmp_path)
    if kind == "delta":
        deltalake = pytest.importorskip("deltalake", reason='needs the extra "perfml[delta]"')
        rows = pq.read_table(log, partitioning=None)
        days = rows.column("happened_at").cast(pa.date32())
        shutil.rmtree(log)
        deltalake.write_deltalake(log, rows.append_column("day", days), partition_by=["day"])
        deltalake.DeltaTable(log).delete("event_id = 'v7'")
    definitions = windowed({"measure": "count", "column": "c_{window}", "kinds": "all", "windows_days": [91]})
    dates = [dt.date(2024, 2, 1)]
    first = built(tmp_path, definitions, dates, None)
    with open_data(tmp_path, definitions.tables, today=TODAY, engine=engine) as data:
        assert isinstance(data.engine, SparkEngine)
        other = build(data, definitions, dates)
        assert not (data.engine.folder / "raw.parquet").exists()
    assert first.frame["c_91"].sum() == (60 if kind == "parquet" else 59)
    assert unlike(first, other, exact=frozenset({"c_91"})) == []


def test_a_home_scored_on_spark_is_that_of_one_machine(
    engine: EngineSettings, company_of_500: Simulated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scores, ranks, bands and reasons, and all that is kept beside them, of the whole log and of a first night; somebody opted
    out, and somebody's rows are broken."""
    monkeypatch.setattr(Model, "proven", lambda *_: True)
    data = tmp_path / "data"
    shutil.copytree(company_of_500.data, data)
    broken, out = break_rows(data / "events.parquet"), company_of_500.rows["attrition"][0]["employee_id"]
    homes = [company_of_500.copy_home(tmp_path / name) for name in ("one", "other", "nightly")]
    for home, settings in zip(homes, (None, engine, engine), strict=True):
        shutil.rmtree(home / "records")  # made again
        project = Project(company_of_500.project, home=home)
        project.engine = settings or project.engine
        project.opt_out(out, by=out, on=END)
        project.write_scores("attrition", data, as_of=[END], incremental=home.name == "nightly")
    shutil.rmtree(homes[2] / NIGHTLY)
    assert [unlike_files(homes[0], home) for home in homes[1:]] == [[], []]
    rows = pq.read_table(homes[1] / "scores" / "attrition" / f"{END}.parquet").to_pylist()
    assert {row["status"] for row in rows} >= {"scored", "opted_out", "held"}
    assert {row["band"] for row in rows} == {"act", "watch", "none", None}
    assert [row["status"] for row in rows if row["employee_id"] == broken] == ["held"]
    first, *others = (read_record(home / "scores" / "attrition" / f"{END}.parquet") for home in homes)
    assert first is not None
    for other in others:
        assert other is not None and "pyspark" in other["versions"]
        assert {key for key in first if first.get(key) != other.get(key)} <= {"versions", "content"}


def break_rows(log: Path) -> str:
    """Leave a tenth of somebody's rows without a kind; return who it is."""
    rows = pq.read_table(log).to_pandas()
    person = rows["employee_id"].value_counts().index[0]
    rows.loc[rows.index[rows["employee_id"] == person][::10], "kind"] = None
    rows.to_parquet(log)
    return str(person)


def test_nights_in_a_row_on_spark(engine: EngineSettings, tmp_path: Path) -> None:
    """Late, corrected and retracted rows, somebody who joins, a damaged block of sums: as everything that one machine reads."""
    changing, state, full = nights.Company(tmp_path / "data", Random(11)), tmp_path / "state", []
    changing.begin()
    for changes in (("late", "join"), ("correct", "retract"), ()):
        changing.write()
        given = nights.nightly(changing.folder, state, DEFINITIONS, changing.day, engine=engine)
        assert nights.differs(given, nights.whole(changing.folder, DEFINITIONS, changing.day)) == "", (
            f"before {changes}"
        )
        full.append(given.full and given.full.code)
        changing.pass_days(1)
        for change in changes:
            changing.change(change)
        if "correct" in changes:
            next(state.glob("sums-*")).write_bytes(b"")
    assert full == ["night_first", None, "night_damaged_sums"]


def test_rows_of_a_kept_log_can_be_hidden_for_a_while(engine: EngineSettings, tmp_path: Path) -> None:
    """What they count is counted on the cluster; afterwards the kept log answers as before."""
    changing = nights.Company(tmp_path / "data", Random(5))
    changing.begin()
    changing.write()
    day = changing.day
    lost = Hole(part=LogPart(), first=day - dt.timedelta(days=400), last=day - dt.timedelta(days=60), cause="lost")

    def run(night: NightLog) -> list[object]:
        night.as_of = day
        with open_data(changing.folder, shipped().tables, today=TODAY, kept_log=night, engine=engine) as data:
            answers: list[object] = [kind_counts(data, str(day))]
            with hidden_rows(data, [lost], day):
                answers.append(kind_counts(data, str(day)))
            return [*answers, digests(data, until=day), kind_counts(data, str(day))]

    with open_data(changing.folder, shipped().tables, today=TODAY) as data:
        whole, summed = kind_counts(data, str(day)), digests(data, until=day)
        with hidden_rows(data, [lost], day):
            rest = kind_counts(data, str(day))
    assert rest and rest != whole
    assert run_night(tmp_path / "state", shipped(), run) == [whole, rest, summed, whole]


def test_missing_days_move_scores_as_on_one_machine(
    engine: EngineSettings, company_of_500: Simulated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A department's days are lost: bands, places on the list that may change, what may not be stated, and who is held."""
    monkeypatch.setattr(Model, "proven", lambda *_: True)
    monkeypatch.setattr("perfml.scoring.debt.PAST_DATES", 1)  # each of which is two runs of evidence
    positions = pq.read_table(company_of_500.data / "positions.parquet").to_pandas()
    department = positions["department"].value_counts().index[0]
    (tmp_path / "features").mkdir()
    (tmp_path / "perfml.toml").write_text("")
    lost = END - dt.timedelta(days=30)
    (tmp_path / "features" / "holes.toml").write_text(
        f'[[answers]]\nfirst = {lost}\nlast = {lost + dt.timedelta(days=9)}\nverdict = "lost"\n'
        f'department = "{department}"\n'
    )
    project = Project(tmp_path, home=company_of_500.home)
    rows = []
    for settings in (None, engine):
        with project.open(company_of_500.data, engine=settings) as data:
            model = load(project.home, "attrition")
            rows.append(score(data, project.folder, model, as_of=[END], home=project.home).to_pylist())
    first, other = rows
    wrong = [
        (row["employee_id"], name, row[name], same[name])
        for row, same in zip(first, other, strict=True)
        for name in row
        if not close(row[name], same[name])
    ]
    assert wrong == []
    banded = [row for row in other if row["probability_low"] is not None]
    assert 20 < len(banded) < len(other) and all(row["probability_low"] <= row["probability"] for row in banded)
    assert {row["list_may_change"] for row in other if row["status"] == "scored"} == {True, False}
