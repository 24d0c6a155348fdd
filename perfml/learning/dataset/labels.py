"""Labels: the outcome within a horizon after an as-of date, as known by a given day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pandas as pd

from perfml.arrays import Floats
from perfml.errors import DataError
from perfml.evidence.sources import Data
from perfml.learning.dataset.known import known_by
from perfml.learning.dataset.logged_outcomes import logged_outcomes
from perfml.learning.dataset.raters import consensus_ratings, rater_model
from perfml.project.model_spec import Label

ANY_EXIT = Label(kind="exit", horizons_days=(1,))
LABEL_TABLES = {"exit": "exits", "low_review": "reviews", "event": "events"}
"""Kind of label -> the table that its outcome is read from."""


def labels(data: Data, rows: pd.DataFrame, label: Label, *, horizon_days: int, until: dt.date) -> Floats:
    """1, 0 or missing for each row (employee_id, as_of): whether the outcome fell on a day in [as_of, as_of + horizon).

    Only exits, reviews and events that happened and were known before ``until`` count. The label is missing where

    - it has not matured by ``until`` (horizon and reporting delay have not passed),
    - the person had left before the as-of date,
    - an exit of the person is in quarantine and may lie before the end of the horizon, so that it is not known whether they left,
    - for reviews, none fell within the horizon,
    - for events, the log does not cover the horizon (:mod:`.logged_outcomes`). Who leaves within the horizon without an event
      has none: 0.

    Raises :class:`DataError` if the table that the label needs is missing.
    """
    table = LABEL_TABLES[label.kind]
    data.require(table, remedy=f"a label of kind {label.kind!r} needs it")
    if label.kind == "event":
        logged = logged_outcomes(data, rows, label, horizon_days=horizon_days, until=until)
        if data.has("exits"):
            logged[np.isnan(labels(data, rows, ANY_EXIT, horizon_days=0, until=until))] = np.nan
        return logged
    wait = horizon_days + label.reporting_delay_days
    data.connection.register("label_rows", rows[["employee_id", "as_of"]].assign(row_number=np.arange(len(rows))))
    known = known_by(until)
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
        low = f"t.rating <= {label.low_at_most}"
        if label.correct_raters and "reviewer_id" in data.columns["reviews"]:
            table, most = _corrected_reviews(data, until=until, low_at_most=label.low_at_most or 0.0)
            low = f"t.rating <= {most}"
        outcome = f"arg_min({low}, (t.reviewed_on, t.review_id)) filter (where {inside})::double"
        since = "true"
    outcomes = data.connection.execute(
        f"select case when r.as_of::date + {wait} <= date '{until}' then {outcome} end as label"
        f" from label_rows r left join {table} t on t.employee_id = r.employee_id and {known} and {since}"
        " group by r.row_number, r.employee_id, r.as_of order by r.row_number"
    ).fetchnumpy()["label"]
    data.connection.unregister("label_rows")
    return np.ma.filled(np.ma.asarray(outcomes, dtype=np.float64), np.nan)


def _corrected_reviews(data: Data, *, until: dt.date, low_at_most: float) -> tuple[str, float]:
    """A relation of the reviews known by ``until`` with corrected ratings, and the highest low rating.

    Ratings are as an average reviewer would give them or, where several rated a person for one period, their consensus. They
    lie between the steps of the scale, so low ends half-way to the next rating in use: where one reviewer rates each person and
    nothing is corrected, the same reviews are low as without correction.
    """
    reviews = known_reviews(data, until=until)
    above = reviews["rating"][reviews["rating"] > low_at_most].min()
    most = low_at_most if np.isnan(above) else (low_at_most + float(above)) / 2
    model = rater_model(reviews, scale=rating_scale(data))
    rating = consensus_ratings(reviews, model, by=("employee_id", "period_end"))
    data.connection.register("corrected_reviews", reviews.assign(rating=rating))
    return "corrected_reviews", most


def known_reviews(data: Data, *, until: dt.date) -> pd.DataFrame:
    """The reviews that happened and were known before ``until``, each in its version of that day.

    Raises :class:`DataError` if the table of reviews is missing or names no reviewers.
    """
    if not data.has("reviews") or "reviewer_id" not in data.columns["reviews"]:
        raise DataError("no review names its reviewer", where=data.source, remedy="export reviews with reviewer_id")
    return data.connection.execute(f"select t.* from reviews t where {known_by(until)}").df()


def rating_scale(data: Data) -> tuple[float, float]:
    """The worst and the best rating. Raises :class:`DataError` if the reviews have no scale."""
    scale = data.specs["reviews"].scale
    if scale is None:
        raise DataError("reviews have no scale", where="features/sources.toml [reviews]", remedy="add scale")
    return scale.worst, scale.best


def exit_times(
    data: Data, rows: pd.DataFrame, *, until: dt.date, causes: Sequence[str], delay_days: int = 0
) -> tuple[Floats, Floats]:
    """Days from each row's as-of date to the exit or, without one, to ``until``; and the cause, its index in ``causes`` + 1.

    Cause 0 is right-censored: still employed as known by ``until``, without the last ``delay_days``, in which exits may still
    be reported. Days are missing for people who had left before the as-of date and for rows on or after ``until``. An exit on
    the as-of date counts as half a day.
    """
    end = until - dt.timedelta(days=delay_days)
    employed = labels(data, rows, ANY_EXIT, horizon_days=0, until=until)  # missing: had left, or not known
    data.connection.register("label_rows", rows[["employee_id", "as_of"]].assign(row_number=np.arange(len(rows))))
    known = known_by(until)
    codes = " ".join(f"when '{cause}' then {number}" for number, cause in enumerate(causes, start=1))
    exits = data.connection.execute(
        f"select arg_min(date_diff('day', r.as_of::date, t.exited_on), t.exited_on) as days,"
        f" arg_min(case t.kind {codes} else 0 end, t.exited_on) as cause,"
        f" date_diff('day', any_value(r.as_of)::date, date '{end}') as held"
        f" from label_rows r left join exits t on t.employee_id = r.employee_id and {known} and t.exited_on >= r.as_of::date"
        f" and t.exited_on < date '{end}' group by r.row_number order by r.row_number"
    ).fetchnumpy()
    data.connection.unregister("label_rows")
    days = np.ma.filled(np.ma.asarray(exits["days"], dtype=np.float64), np.nan)
    cause = np.ma.filled(np.ma.asarray(exits["cause"], dtype=np.float64), 0.0)
    held = np.asarray(exits["held"], dtype=np.float64)
    time = np.where(np.isnan(days), held, np.maximum(days, 0.5))
    time[np.isnan(employed) | (held <= 0)] = np.nan
    return time, np.where(np.isnan(days), 0.0, cause)
