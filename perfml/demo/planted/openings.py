"""Internal openings of a simulated company, and who asked to be considered: `plant_openings` adds both tables.

Everything is drawn from a stream of its own.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

ASKING: Final = 0.35
"""Share of people who ask to be considered."""
EVERY: Final = 0.3
"""Of these, the share who ask for every opening."""
OPENINGS: Final[tuple[tuple[str, str, int | None, int | None], ...]] = (
    ("P001", "客户经理 account manager", None, 12),
    ("P002", "服务组长 service team lead", 4, 24),
    ("P003", "数据分析师 data analyst", 2, None),
)
"""Id, title, lowest level and months in the present position."""


def plant_openings(data: Path, *, seed: int, end: date) -> pd.DataFrame:
    """Write `openings` and `opening_interest` into the folder `data`, as known before `end`; return the interest."""
    rng = np.random.default_rng([seed, 47])
    ids, titles, levels, months = zip(*OPENINGS, strict=True)
    openings = pa.table(
        {
            "opening_id": pa.array(ids, pa.string()),
            "opened_on": pa.array([end - timedelta(days=45)] * len(ids), pa.date32()),
            "closes_on": pa.array([end + timedelta(days=45)] * len(ids), pa.date32()),
            "title": pa.array(titles, pa.string()),
            "least_level": pa.array(levels, pa.int64()),
            "least_months": pa.array(months, pa.int64()),
        }
    )
    pq.write_table(openings, data / "openings.parquet", compression="zstd")
    left = set(pd.read_parquet(data / "exits.parquet")["employee_id"])
    people = np.array(sorted(set(pd.read_parquet(data / "employees.parquet")["employee_id"]) - left))
    asking = people[rng.random(len(people)) < ASKING]
    single = rng.choice(ids, len(asking))
    stated = pd.Timestamp(end) - pd.to_timedelta(rng.integers(1, 45, len(asking)), unit="D")
    interest = pd.DataFrame(
        {
            "employee_id": asking,
            "opening_id": np.where(rng.random(len(asking)) < EVERY, "*", single),
            "stated_on": stated.date,
            "interested": True,
        }
    )
    pq.write_table(
        pa.Table.from_pandas(interest, preserve_index=False), data / "opening_interest.parquet", compression="zstd"
    )
    return interest
