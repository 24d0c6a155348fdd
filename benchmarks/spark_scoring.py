"""What scoring costs on Spark beside one machine: ``python3 run.py benchmark spark_scoring [--people N] [--master local[2]]
[--kill SECONDS]``.

The same made-up evidence of so many people (150 columns in a Parquet file, thirty of them comparisons within teams of eight) is
predicted, explained, ranked, put into words in two languages and written as one sealed file, with the evidence kept beside it: by
one process, and by Spark, each in processes of its own. CPU is of a whole tree of processes on Linux; Spark's start, with the
loading of model and kernels, is measured by a small run before, and reported apart. The two files are compared, row by row. With
``--master "local-cluster[2,1,2048]"`` executors are processes of their own; ``--kill`` ends one of them in mid-run.

Prints a table with the goal and writes ``build/benchmark_spark_scoring.json``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table as Figures  # noqa: E402

from benchmarks._company_log import company  # noqa: E402
from benchmarks._memory import peak_mb  # noqa: E402
from benchmarks.evidence import HOME, TODAY  # noqa: E402
from benchmarks.scale import SMALL, ProcessTree, kill_an_executor  # noqa: E402
from benchmarks.scoring import COLUMNS, DAY, evidence, model_of  # noqa: E402
from perfml.evidence.engines.spark import SparkEngine  # noqa: E402
from perfml.evidence.engines.spark_part import by  # noqa: E402
from perfml.evidence.sources import open_data  # noqa: E402
from perfml.evidence.tasks.exchange import Exchange  # noqa: E402
from perfml.files import write_text  # noqa: E402
from perfml.learning.dataset.table import Table  # noqa: E402
from perfml.learning.registry.model_store import Model, load, save  # noqa: E402
from perfml.learning.registry.shipping import ShippedModel  # noqa: E402
from perfml.progress import SILENT  # noqa: E402
from perfml.project.folder import ProjectFolder  # noqa: E402
from perfml.project.spec import EngineSettings  # noqa: E402
from perfml.project.starter import STARTER  # noqa: E402
from perfml.reasons.few_others import Others  # noqa: E402
from perfml.scoring.batches.on_spark import DateScoring  # noqa: E402
from perfml.scoring.batches.prediction import Prediction  # noqa: E402
from perfml.scoring.batches.tasks import INSIDE, WHY_NOT, WITHHELD, PeopleAtDate  # noqa: E402
from perfml.scoring.scoring import keep_scores, score_date  # noqa: E402
from perfml.treeshap.contributions import warm_up  # noqa: E402

GOAL, LEAST_OTHERS, TEAM = 1.3, 5, 8
NAME, FEW = "benchmark", 2_000
PART = 60_000
"""People of a part: so many that its evidence is 72 MB."""
ROWS_FILE, PARTS_FOLDER, POSITIONS_FILE = "rows.parquet", "parts", "positions.parquet"
ANYBODY = {"eligible": "true", "thin": "false"}
console = Console()


def keep_model(home: Path, trees: int, leaves: int) -> Model:
    """The model of ``benchmark scoring`` on disk, every fifth column a comparison with the team."""
    made = model_of(trees, leaves)
    columns = tuple(
        replace(column, name=f"{made.columns[n - 1].name}_team_z", compares=made.columns[n - 1].name, relation="team")
        if n % 5 == 4
        else column
        for n, column in enumerate(made.columns)
    )
    spec = made.spec.model_copy(update={"population": made.spec.population.model_copy(update=ANYBODY)})
    record = made.record.model_copy(update={"spec": spec})
    return save(home, NAME, made.learnt, columns=columns, kinds=(), record=record, card="")


def write_people(folder: Path, model: Model, people: int) -> None:
    """Evidence of so many people as rows and, as Spark leaves it, in parts; and their positions."""
    values = evidence(people, seed=3)
    folder.mkdir()
    rows: pq.ParquetWriter | None = None
    places: pq.ParquetWriter | None = None
    of_parts = parts_of(folder, people)
    for part, low in enumerate(range(0, people, PART)):
        number = np.arange(low, min(people, low + PART))
        ids = pa.array([f"E{each:08}" for each in number], pa.string())
        own = {
            "employee_id": ids,
            "as_of": pa.array([DAY] * len(number), pa.date32()),
            **{c.name: pa.array(values[number, at], from_pandas=True) for at, c in enumerate(model.columns)},
        }
        nothing = pa.nulls(len(number), pa.string())
        beside = {
            "employee_id": ids,
            by("manager_id"): pa.array([f"M{each // TEAM}" for each in number], pa.string()),
            by("role_family"): pa.array(["sales"] * len(number), pa.string()),
            by("level"): pa.array([3] * len(number), pa.int64()),
            INSIDE: pa.array([True] * len(number)),
            WITHHELD: nothing,
            WHY_NOT: nothing,
        }
        rows = rows or pq.ParquetWriter(folder / ROWS_FILE, pa.table(own).schema)
        places = places or pq.ParquetWriter(folder / POSITIONS_FILE, pa.table(beside).schema)
        rows.write_table(pa.table(own))
        places.write_table(pa.table(beside))
        of_parts.write(part, [(0, batch) for batch in pa.table(own).to_batches()])
    assert rows is not None and places is not None
    rows.close()
    places.close()


def parts_of(folder: Path, people: int) -> Exchange:
    """The evidence as Spark leaves it."""
    return Exchange(folder / PARTS_FOLDER, -(-people // PART), 1)


def on_one_machine(home: Path, rows: Path, out: Path) -> None:
    """Score the people of a file as :func:`perfml.scoring.scoring.score_in_parts` does once their evidence is computed."""
    model = load(home, NAME)
    names = [column.name for column in model.columns]
    frame = pq.read_table(rows / ROWS_FILE).to_pandas()
    facts = pd.DataFrame(
        {
            "manager_id": pq.read_table(rows / POSITIONS_FILE).column(by("manager_id")).to_numpy(),
            "role_family": "sales",
            "level": 3,
        },
        index=frame["employee_id"],
    )
    frame["as_of"] = pd.to_datetime(frame["as_of"])
    yes = np.ones(len(frame), dtype=bool)
    table = Table(
        frame=frame,
        columns=model.columns,
        kinds=(),
        eligible=yes,
        thin=~yes,
        left_out=(),
        record_begins={},
        segments={},
    )
    values = table.matrix(names)
    warm_up()
    others = Others(people=facts, least=LEAST_OTHERS)
    list(keep_scores(score_date(table, model, values=values, as_of=DAY, held={}, others=others, evidence=out), out))


def on_spark(engine: SparkEngine, home: Path, rows: Path, out: Path) -> None:
    """The same on a cluster."""
    model = load(home, NAME)
    people = PeopleAtDate(
        as_of=DAY,
        number=0,
        evidence=parts_of(rows, pq.read_metadata(rows / POSITIONS_FILE).num_rows),
        stated=None,
        positions=str(rows / POSITIONS_FILE),
        before_record=frozenset(),
    )
    shipped = ShippedModel.of(home, NAME, model.version)
    prediction = Prediction(engine=engine, model=model, shipped=shipped, least_others=LEAST_OTHERS)
    with engine.scratch() as scratch:
        scoring = DateScoring(prediction=prediction, people=people, folder=scratch)
        list(keep_scores(scoring.rows(out, SILENT), out))


def child(engine: str, home: Path, rows: Path, few: Path, out: Path, master: str, kill: float) -> None:
    """Score in this process, and print what it cost as JSON."""
    tree = ProcessTree()
    if engine == "spark":
        settings = {"spark.driver.memory": "1g", "spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "8"}
        spark = EngineSettings(name="spark", master=master, settings=settings)
        definitions = ProjectFolder(STARTER).definitions
        with open_data(company(SMALL, HOME), definitions.tables, today=TODAY, engine=spark) as data:
            assert isinstance(data.engine, SparkEngine)
            on_spark(data.engine, home, few, out)
            start = tree.cpu_seconds()
            if kill:
                threading.Thread(target=kill_an_executor, args=(kill,), daemon=True).start()
            on_spark(data.engine, home, rows, out)
            used = tree.cpu_seconds() - start
    else:
        on_one_machine(home, few, out)
        start = tree.cpu_seconds()
        on_one_machine(home, rows, out)
        used = tree.cpu_seconds() - start
    print(json.dumps({"cpu": used, "start": start, "own_peak_mb": peak_mb(), "largest_other_mb": tree.largest_mb()}))


def unlike(first: Path, other: Path) -> float:
    """The largest difference of numbers in two files of scores. Raises where anything else differs."""
    largest = 0.0
    for left, right in zip(
        pq.ParquetFile(first).iter_batches(20_000), pq.ParquetFile(other).iter_batches(20_000), strict=True
    ):
        for name in left.schema.names:
            one, two = left.column(name), right.column(name)
            if name == "reasons":
                one, two = one.flatten(), two.flatten()
                assert one.field("zh").equals(two.field("zh")) and one.field("evidence").equals(two.field("evidence"))
                one, two = one.field("contribution"), two.field("contribution")
            if not pa.types.is_floating(one.type):
                assert name == "incidence" or one.equals(two), f"{name} differs"
                continue
            apart = np.abs(one.to_numpy(zero_copy_only=False) - two.to_numpy(zero_copy_only=False))
            largest = max(largest, float(np.nanmax(apart, initial=0.0)))
    return largest


def main() -> int:
    """Exit code 1 where the goal is missed or the engines differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("people", 100_000), ("trees", 500), ("leaves", 63)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--master", default="local[2]")
    parser.add_argument("--kill", type=float, default=0.0, metavar="SECONDS", help="after which an executor is killed")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "benchmark_spark_scoring.json")
    parser.add_argument("--child", nargs=7, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        engine, home, rows, few, out, master, kill = asked.child
        child(engine, Path(home), Path(rows), Path(few), Path(out), master, float(kill))
        return 0
    HOME.mkdir(parents=True, exist_ok=True)
    figures: dict[str, float] = {"people": asked.people}
    with tempfile.TemporaryDirectory(dir=HOME) as scratch:
        of_model, everyone, small = (Path(scratch) / name for name in ("home", "everyone", "few"))
        model = keep_model(of_model, asked.trees, asked.leaves)
        write_people(everyone, model, asked.people)
        write_people(small, model, FEW)
        for engine in ("one machine", "spark"):
            command = [
                sys.executable,
                __file__,
                "--child",
                engine,
                of_model,
                everyone,
                small,
                Path(scratch) / engine,
                asked.master,
                asked.kill,
            ]
            answer = subprocess.run([str(each) for each in command], stdout=subprocess.PIPE, text=True, check=True)
            cost = json.loads(answer.stdout.splitlines()[-1])
            figures |= {f"{engine} {name}": value for name, value in cost.items()}
            console.print(f"{cost['cpu']:8.1f} CPU s  {engine}", highlight=False)
        files = [Path(scratch) / engine / "scores" / NAME / f"{DAY}.parquet" for engine in ("one machine", "spark")]
        figures["largest difference"] = unlike(*files)
    figures["spark over one machine"] = figures["spark cpu"] / figures["one machine cpu"]
    table = Figures(title=f"scoring of {asked.people:,} people, {COLUMNS} columns", title_justify="left")
    for heading in ("figure", "value", "goal"):
        table.add_column(heading, justify="right" if heading == "value" else "left")
    for figure, value in figures.items():
        table.add_row(figure, f"{value:.4g}", f"≤ {GOAL:g}" if figure == "spark over one machine" else "")
    console.print(table)
    write_text(asked.out, json.dumps(figures, indent=1) + "\n")
    return int(figures["largest difference"] > 1e-12 or figures["spark over one machine"] > GOAL)


if __name__ == "__main__":
    sys.exit(main())
