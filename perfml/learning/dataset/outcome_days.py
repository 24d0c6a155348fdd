"""The days on which outcomes came."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from perfml.evidence.sources import Data
from perfml.learning.dataset.known import known_by
from perfml.learning.dataset.labels import LABEL_TABLES
from perfml.project.model_spec import Label


def outcome_days(data: Data, label: Label, *, first: dt.date, last: dt.date, until: dt.date) -> pd.DataFrame:
    """One row for each outcome from ``first`` to before ``last``, as known by ``until``: ``employee_id`` and ``came_on``.

    No rows for a label of events: which of several events the outcome was depends on their sum.
    """
    if label.kind == "event":
        return pd.DataFrame({"employee_id": pd.Series(dtype=str), "came_on": pd.Series(dtype="datetime64[s]")})
    leaving = label.kind == "exit"
    column = "exited_on" if leaving else "reviewed_on"
    kinds = ", ".join(repr(kind) for kind in label.exit_kinds)
    chosen = f"t.kind in ({kinds})" if leaving else f"t.rating <= {label.low_at_most}"
    return data.connection.execute(
        f"select distinct t.employee_id, t.{column}::timestamp_s as came_on from {LABEL_TABLES[label.kind]} t"
        f" where {known_by(until)} and {chosen} and t.{column} >= date '{first}' and t.{column} < date '{last}'"
        " order by t.employee_id, came_on"
    ).df()
