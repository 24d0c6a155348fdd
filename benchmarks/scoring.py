"""What explaining everybody takes: ``python3 run.py benchmark scoring [--people N] [--trees N] [--leaves N]``.

One LightGBM model on 150 columns (500 trees of 63 leaves by default), and N made-up people with their evidence. All are scored,
explained, put into words in two languages and written, part after part. Prints CPU seconds (user and system) of that, the rows a
second, and how much memory it took above the evidence itself; ends with 1 where that is more than a gigabyte.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import lightgbm as lgb  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from benchmarks._memory import held_mb, peak_mb  # noqa: E402
from perfml import terminal  # noqa: E402
from perfml.evidence.columns import Column  # noqa: E402
from perfml.learning.dataset.table import Table  # noqa: E402
from perfml.learning.estimators.blend import Hyperparameters, RiskModel  # noqa: E402
from perfml.learning.estimators.calibration import Affine  # noqa: E402
from perfml.learning.registry.model_store import FittedModels, Model  # noqa: E402
from perfml.project.folder import ProjectFolder  # noqa: E402
from perfml.project.starter import STARTER  # noqa: E402
from perfml.reasons.few_others import Others  # noqa: E402
from perfml.scoring.scoring import keep_scores, score_date  # noqa: E402
from perfml.treeshap.contributions import warm_up  # noqa: E402
from tests.records import backtest_record, training_record  # noqa: E402

COLUMNS, DAYS, DAY = 150, 182, dt.date(2026, 10, 1)
LEARNT_FROM = 20_000
MOST_MB = 1024


def evidence(rows: int, seed: int) -> np.ndarray:
    """(rows, columns) numbers, a tenth of them missing; made a part at a time, so that it is all that is held."""
    rng = np.random.default_rng(seed)
    out = np.empty((rows, COLUMNS))
    for low in range(0, rows, 50_000):
        part = rng.normal(size=(min(50_000, rows - low), COLUMNS)).round(2)
        part[rng.random(part.shape) < 0.1] = np.nan
        out[low : low + len(part)] = part
    return out


def model_of(trees: int, leaves: int) -> Model:
    """A model as if it had passed its gates; thirty kinds of evidence with five columns each."""
    features = evidence(LEARNT_FROM, seed=1)
    known = np.nan_to_num(features)
    label = known[:, 0] + known[:, 1] * known[:, 2] + np.random.default_rng(2).normal(size=LEARNT_FROM) > 1
    given = {"objective": "binary", "num_leaves": leaves, "min_child_samples": 5, "verbosity": -1, "num_threads": 1}
    booster = lgb.train(given, lgb.Dataset(features, label.astype(float)), trees)
    columns = tuple(
        Column(
            name=f"kind{n // 5}_{n % 5}",
            evidence=f"kind{n // 5}",
            reason=f"kind{n // 5}",
            reason_zh=f"证据{n // 5}",
            reason_en=f"evidence {n // 5}",
            zh=f"近{n % 5}月次数",
            en=f"times in the last {n % 5} months",
            unit="times",
            direction="neither",
            owner="manager",
        )
        for n in range(COLUMNS)
    )  # fmt: skip
    spec = ProjectFolder(STARTER).model("low_performance")
    label = spec.label.model_copy(update={"horizons_days": (DAYS,)})
    record = training_record(backtest_record(DAYS), spec=spec.model_copy(update={"label": label}))
    risk = RiskModel(
        boosters=(booster,), splines=None, share=1.0, calibration=Affine(), hyperparameters=Hyperparameters()
    )
    return Model(
        name="benchmark", version="0", learnt=FittedModels({DAYS: risk}), columns=columns, kinds=(), record=record
    )


def main() -> int:
    """Learn, make people up, score and write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("people", 100_000), ("trees", 500), ("leaves", 63)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    model = model_of(asked.trees, asked.leaves)
    warm_up()
    n = asked.people
    values = evidence(n, seed=3)
    frame = pd.DataFrame({"employee_id": [f"E{number}" for number in range(n)], "as_of": [DAY] * n})
    yes, no = np.ones(n, dtype=bool), np.zeros(n, dtype=bool)
    table = Table(
        frame=frame,
        columns=model.columns,
        kinds=(),
        eligible=yes,
        thin=no,
        left_out=(),
        record_begins={},
        segments={},
    )
    facts = pd.DataFrame({"manager_id": "M", "role_family": "sales", "level": 3}, index=frame["employee_id"])
    others = Others(people=facts, least=5)
    before, began = held_mb(), time.process_time()
    with tempfile.TemporaryDirectory() as folder, terminal.progress() as progress:
        (path,) = keep_scores(
            score_date(table, model, values=values, as_of=DAY, held={}, others=others, progress=progress), Path(folder)
        )
        written = path.stat().st_size / 1e6
    seconds, above = time.process_time() - began, peak_mb() - before
    terminal.out.print(
        f"{n:,} people × {COLUMNS} columns × {asked.trees} trees of {asked.leaves} leaves: {seconds:.1f} CPU s,"
        f" {n / seconds:,.0f} people a CPU second; {written:,.0f} MB written",
        highlight=False,
    )
    terminal.out.print(f"evidence {values.nbytes / 1e6:,.0f} MB; above it {above:,.0f} MB (goal ≤ {MOST_MB})")
    return int(above > MOST_MB)


if __name__ == "__main__":
    sys.exit(main())
