"""What came of it: the outcome within a horizon after an as-of date, as far as it was known by a given day."""

from __future__ import annotations

import datetime as dt

import numpy as np
import numpy.typing as npt
import pandas as pd

from perfml.errors import DataError
from perfml.evidence.sources import Data
from perfml.project.spec import Label

Floats = npt.NDArray[np.float64]


def labels(data: Data, rows: pd.DataFrame, label: Label, *, horizon_days: int, until: dt.date) -> Floats:
    """1, 0 or missing for each row (employee_id, as_of): did the outcome happen on a day in [as_of, as_of + horizon)?

    Only exits and reviews that happened and were known before ``until`` are looked at. Missing where

    - the label has not matured by ``until`` (horizon and reporting delay have not passed),
    - a person turned out to have left before the as-of date,
    - an exit of theirs was set aside as unusable and may lie before the end of the horizon: whether they left is not known,
    - for reviews, none fell within the horizon.

    Raises :class:`DataError` when the table that the label needs is absent.
    """
    table = "exits" if label.kind == "exit" else "reviews"
    if not data.has(table):
        raise DataError(
            f"the table {table!r} is missing", where=data.source, remedy=f"a label of kind {label.kind!r} needs it"
        )
    wait = horizon_days + label.reporting_delay_days
    data.connection.register("label_rows", rows[["employee_id", "as_of"]].assign(row_number=np.arange(len(rows))))
    known = f"t.usable_day < date '{until}' and (t.superseded_day is null or t.superseded_day >= date '{until}')"
    if label.kind == "exit":
        kinds = ", ".join(f"'{kind}'" for kind in label.exit_kinds)
        inside = f"t.exited_on >= r.as_of::date and t.exited_on < r.as_of::date + {horizon_days}"
        unsure = (
            "exists (select 1 from quarantine q where q.table_name = 'exits' and q.rule <> 'duplicate_key'"
            f" and q.employee_id = r.employee_id and coalesce(q.happened_day, r.as_of::date) < r.as_of::date + {horizon_days})"
        )
        outcome = (
            f"case when {unsure} or count(*) filter (where t.exited_on < r.as_of::date) > 0 then null"
            f" else (count(*) filter (where {inside} and t.kind in ({kinds})) > 0)::double end"
        )
        hired = "select max(e.hired_on) from employees e where e.employee_id = r.employee_id and e.usable_day < r.as_of::date"
        since = f"t.exited_on >= coalesce(({hired}), date '1900-01-01')"
    else:
        inside = f"t.reviewed_on >= r.as_of::date and t.reviewed_on < r.as_of::date + {horizon_days}"
        outcome = (
            f"arg_min(t.rating <= {label.low_at_most}, (t.reviewed_on, t.review_id)) filter (where {inside})::double"
        )
        since = "true"
    found = data.connection.execute(
        f"select case when r.as_of::date + {wait} <= date '{until}' then {outcome} end as label"
        f" from label_rows r left join {table} t on t.employee_id = r.employee_id and {known} and {since}"
        " group by r.row_number, r.employee_id, r.as_of order by r.row_number"
    ).fetchnumpy()["label"]
    data.connection.unregister("label_rows")
    return np.ma.filled(np.ma.asarray(found, dtype=np.float64), np.nan)
