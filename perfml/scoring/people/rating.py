"""Keeping how severely reviewers rate, as far as it may be said of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa

from perfml.errors import DataError
from perfml.evidence.sources import Data
from perfml.learning.dataset.labels import known_reviews, rating_scale
from perfml.learning.dataset.raters import rater_model, severity_report
from perfml.project.spec import DisclosureRules
from perfml.scoring.people.raters import NOT_SHOWN, SCHEMA, raters_made_from, write_raters
from perfml.scoring.run_record import RunRecord, source_of
from perfml.trust.holds.hold import Hold

RENAMED = {"reviewer_id": "employee_id", "severity_low": "low", "severity_high": "high"}
"""Column of the report → its name in the file, where they differ."""


def keep_raters(
    data: Data, rules: DisclosureRules, home: Path, *, as_of: dt.date, run: RunRecord, held: Mapping[str, Hold]
) -> None:
    """Keep the reviewers known at ``as_of`` who did not opt out; nothing where no review names its reviewer.

    ``run``: the record of the scores of that date. What was made from the same is not computed again.
    """
    source = source_of(run, held)
    if raters_made_from(home, as_of) == source:
        return
    try:
        reviews, scale = known_reviews(data, until=as_of), rating_scale(data)
    except DataError:
        return
    model = rater_model(reviews, scale=scale)
    report = severity_report(model, min_others=rules.min_others)
    shown = report[report["verdict"] != NOT_SHOWN].rename(columns=RENAMED)
    few = model.reviewers[~model.reviewers["reviewer_id"].isin(shown["employee_id"])]
    rest = pd.DataFrame({"employee_id": few["reviewer_id"], "verdict": NOT_SHOWN})
    rows = pd.concat([shown, rest]).reindex(columns=SCHEMA.names)
    rows["severity"] = rows["severity"].where(rows["low"].notna())
    out = [person for person, hold in held.items() if hold.cause == "opt_out"]
    rows = rows[~rows["employee_id"].isin(out)]
    write_raters(pa.Table.from_pandas(rows, schema=SCHEMA, preserve_index=False), home, as_of=as_of, made_from=source)
