"""Scoring: one row for each (employee, as-of date, horizon), with a status, a rank, a band and reasons.

A model that its back-test did not show to be better than the baseline gives probabilities for study only: there is no list, so
neither ranks nor bands.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa

from perfml.arrays import Floats, Objects
from perfml.errors import ModelError
from perfml.evidence.sources import Data
from perfml.json_types import JsonObject
from perfml.learning.dataset.table import Table, make_table
from perfml.learning.registry.model_store import Model
from perfml.progress import SILENT, Progress
from perfml.project.folder import ProjectFolder
from perfml.project.model_spec import ListSpec
from perfml.reasons.few_others import Others
from perfml.reasons.record import REASON
from perfml.scoring.debt import Debt, debt_of
from perfml.scoring.run_record import RunRecord
from perfml.scoring.score_files import DEBT_COLUMNS
from perfml.scoring.scored_people import CHUNK, ScoredPeople
from perfml.scoring.sealed_files import write_sealed
from perfml.scoring.what_if.evidence import write_evidence
from perfml.treeshap.contributions import FEW, warm_up
from perfml.trust.holds.hold import Hold
from perfml.trust.holds.undelivered import delivery_holds
from perfml.trust.notices.withheld import withheld_people

OPTED_OUT = "opted_out"
DEBT_TYPES = dict(zip(DEBT_COLUMNS, (pa.float64(), pa.float64(), pa.bool_()), strict=True))
SCHEMA = pa.schema(
    [
        ("employee_id", pa.string()),
        ("as_of", pa.date32()),
        ("model", pa.string()),
        ("model_version", pa.string()),
        ("horizon_days", pa.int32()),
        ("probability", pa.float64()),
        ("margin", pa.float64()),
        ("base_value", pa.float64()),
        ("incidence", pa.list_(pa.struct([("cause", pa.string()), ("probability", pa.float64())]))),
        ("segments", pa.list_(pa.string())),
        ("status", pa.string()),
        ("rank", pa.int32()),
        ("band", pa.string()),
        ("why_not", pa.string()),
        ("reasons", pa.list_(REASON)),
        *((name, DEBT_TYPES[name]) for name in DEBT_COLUMNS),
    ]
)
"""A score row. ``status``: scored, ineligible, opted_out, thin or held (``why_not``: the message that says why, as JSON, which
:func:`perfml.messages.stored_message` reads). ``rank`` 1 is the highest risk at that date and horizon. ``incidence``: the
probability of leaving by each cause within the horizon, and of staying; it starts with the listed outcome, adds up to 1, and
never falls with the horizon. ``segments``: those of the model's spec that the person belongs to. ``band`` is ``act`` up to the
capacity, ``watch`` for as many again, else ``none``; rank and band are empty where the model gives no list. ``reasons`` plus
``base_value`` add up to ``margin`` within 1e-6. ``probability_low`` and ``probability_high``: where the days that are missing
from the log could move the probability; ``list_may_change``: whether they could change the person's place on the list. Empty
where no day is missing."""


def score(
    data: Data,
    folder: ProjectFolder,
    model: Model,
    *,
    as_of: Sequence[dt.date],
    home: Path | None = None,
    progress: Progress = SILENT,
) -> pa.Table:
    """Score everyone employed at each date of ``as_of``, ordered by as_of, horizon, rank and employee; see :data:`SCHEMA`.

    ``home``: whose holds apply, beside those on broken rows.
    """
    return pa.concat_tables(score_in_parts(data, folder, model, as_of=as_of, home=home, progress=progress))


def score_in_parts(
    data: Data,
    folder: ProjectFolder,
    model: Model,
    *,
    as_of: Sequence[dt.date],
    home: Path | None = None,
    held: Mapping[dt.date, Mapping[str, Hold]] | None = None,
    evidence: Path | None = None,
    progress: Progress = SILENT,
) -> Iterator[pa.Table]:
    """The rows of :func:`score` in their order, :data:`CHUNK` at a time: no more people are explained at once.

    ``held``: the people without a score at each date; by default those of :func:`withheld_people`. ``evidence``: the home where
    the evidence of everyone with a score is kept; nowhere by default.
    """
    table = make_table(
        data,
        folder.definitions,
        model.spec,
        name=model.name,
        dates=as_of,
        kinds=model.kinds,
        stated=True,
        progress=progress,
    )
    require_evidence(table, model)
    values = table.matrix([c.name for c in model.columns])
    if len(values) >= FEW:
        warm_up(progress)
    for day in sorted(set(as_of)):
        on_hold = withheld_people(data, folder, day, home) if held is None else held[day]
        late = delivery_holds(table.missing, day, hold_share=folder.definitions.holes.hold_share)
        debt = debt_of(data, folder.definitions, model, table.missing, as_of=day, progress=progress)
        yield from score_date(
            table,
            model,
            values=values,
            as_of=day,
            held={**late, **on_hold},
            others=Others.at(data, day, least=folder.spec.disclosure.min_others),
            debt=debt,
            evidence=evidence,
            progress=progress,
        )


def scored_at(
    data: Data,
    folder: ProjectFolder,
    model: Model,
    *,
    as_of: dt.date,
    home: Path | None = None,
    progress: Progress = SILENT,
) -> tuple[pa.Table, list[str], Floats]:
    """The rows of :func:`score` at one date, the n people with a score, and their evidence (n, the model's columns)."""
    table = make_table(
        data,
        folder.definitions,
        model.spec,
        name=model.name,
        dates=[as_of],
        kinds=model.kinds,
        stated=True,
        progress=progress,
    )
    require_evidence(table, model)
    values = table.matrix([c.name for c in model.columns])
    late = delivery_holds(table.missing, as_of, hold_share=folder.definitions.holes.hold_share)
    held = {**late, **withheld_people(data, folder, as_of, home)}
    others = Others.at(data, as_of, least=folder.spec.disclosure.min_others)
    scores = pa.concat_tables(
        score_date(table, model, values=values, as_of=as_of, held=held, others=others, progress=progress)
    )
    scored = table.usable & ~table.frame["employee_id"].isin(list(held)).to_numpy()
    return scores, table.frame["employee_id"][scored].tolist(), values[scored]


def require_evidence(table: Table, model: Model) -> None:
    """Raise :class:`ModelError` where ``table`` lacks columns that the model was trained on: a score would be a guess."""
    available = {column.name for column in table.columns}
    absent = [column for column in model.columns if column.name not in available]
    if absent:
        kinds = ", ".join(sorted({column.evidence for column in absent}))
        raise ModelError(
            f"{len(absent)} of its {len(model.columns)} columns are not in this data, e.g. {absent[0].name}",
            where=f"model {model.name} {model.version}",
            remedy=f"export what {kinds} is made from, or train again on data like this",
        )


def score_date(
    table: Table,
    model: Model,
    *,
    values: Floats,
    as_of: dt.date,
    held: Mapping[str, Hold],
    others: Others,
    debt: Debt | None = None,
    evidence: Path | None = None,
    progress: Progress = SILENT,
) -> Iterator[pa.Table]:
    """The rows of one date, horizon after horizon, :data:`CHUNK` at a time.

    ``values``: (rows of ``table``, the model's columns); ``held``: people without a score; ``others``: whom
    reasons may compare with; ``debt``: what missing days may do; ``evidence``: as for :func:`score_in_parts`.
    """
    rows_of_date = np.flatnonzero(table.frame["as_of"].to_numpy().astype("M8[D]") == np.datetime64(as_of))
    people = table.frame["employee_id"].to_numpy(dtype=object)[rows_of_date]
    withheld = np.array([_withheld(held.get(person)) for person in people], dtype=object)
    status = np.select(
        [withheld == OPTED_OUT, ~table.eligible[rows_of_date], withheld == "held", table.thin[rows_of_date]],
        [OPTED_OUT, "ineligible", "held", "thin"],
        "scored",
    )
    scored_rows = np.flatnonzero(status == "scored")
    number_of = np.full(len(people), -1)
    number_of[scored_rows] = np.arange(len(scored_rows))
    stated = values if table.stated is None else table.matrix([c.name for c in model.columns], stated=True)
    hidden = others.hidden(stated, rows_of_date, model.columns, people)
    scored = ScoredPeople.of(
        model,
        values,
        rows_of_date[scored_rows],
        stated=stated,
        hidden={column: hide[scored_rows] for column, hide in hidden.items()},
    )
    if evidence is not None:
        write_evidence(
            evidence,
            model=model.name,
            version=model.version,
            as_of=as_of,
            columns=[column.name for column in model.columns],
            people=people[scored_rows].tolist(),
            values=values[scored.rows],
            stated=scored.shown(np.arange(len(scored_rows))),
        )
    bands = _bands(len(scored_rows), model.spec.list)
    for horizon, days in enumerate(model.risks):
        margin = np.full(len(people), np.nan)
        margin[scored_rows] = scored.incidences.margin[:, horizon]
        order = np.lexsort((people, -margin, status != "scored"))
        proven = model.proven(days)
        owed = _owed(debt, scored, people[scored_rows], horizon=horizon)
        for low in range(0, max(1, len(order)), CHUNK):
            rows = order[low : low + CHUNK]
            numbers = number_of[rows[number_of[rows] >= 0]]
            ranks = low + np.arange(len(numbers))
            base, reasons = scored.explain(numbers, days)
            yield _part(
                {
                    "employee_id": people[rows],
                    "as_of": [as_of] * len(rows),
                    "model": [model.name] * len(rows),
                    "model_version": [model.version] * len(rows),
                    "horizon_days": [days] * len(rows),
                    "probability": scored.incidences.incidence[numbers, 0, horizon],
                    "margin": scored.incidences.margin[numbers, horizon],
                    "base_value": base,
                    "incidence": scored.causes(numbers, days),
                    "segments": [
                        [name for name, member in table.segments.items() if member[rows_of_date[row]]] for row in rows
                    ],
                    "status": status[rows].astype(object),
                    "rank": ranks + 1 if proven else [None] * len(numbers),
                    "band": bands[ranks] if proven else [None] * len(numbers),
                    "why_not": [
                        held[people[row]].message.model_dump_json() if status[row] in ("held", OPTED_OUT) else None
                        for row in rows
                    ],
                    "reasons": reasons,
                    **{name: column[numbers] for name, column in owed.items()},
                },
                len(rows),
            )
            progress(f"scoring {as_of}, {days} d", min(low + CHUNK, len(order)), len(order))


def _withheld(hold: Hold | None) -> str:
    """The status of a person without a score: opting out is a choice of theirs, and no fault of the data."""
    if hold is None:
        return ""
    return OPTED_OUT if hold.cause == "opt_out" else "held"


def _owed(debt: Debt | None, scored: ScoredPeople, people: Objects, *, horizon: int) -> dict[str, Floats | Objects]:
    """The columns :data:`DEBT_COLUMNS` of the ``people`` with a score."""
    days, n = list(scored.model.risks)[horizon], len(people)
    if debt is None:
        return {name: np.full(n, None, dtype=object) for name in DEBT_COLUMNS}
    concerned = np.array([person in debt.people for person in people], dtype=bool)
    low, high = debt.band(scored.incidences.incidence[:, 0, horizon], days)
    capacity = scored.model.spec.list.capacity(n) if scored.model.proven(days) else 0
    changes = debt.may_change(scored.incidences.margin[:, horizon], concerned, capacity, days)
    values = (np.where(concerned, low, np.nan), np.where(concerned, high, np.nan), changes.astype(object))
    return dict(zip(DEBT_COLUMNS, values, strict=True))


def _part(columns: Mapping[str, Any], rows: int) -> pa.Table:
    """A table of ``rows``; shorter columns hold the people with a score, who come first, and are empty for the others."""
    arrays = []
    for field in SCHEMA:
        values = columns[field.name]
        array = values if isinstance(values, pa.Array) else pa.array(values, field.type, from_pandas=True)
        arrays.append(
            pa.concat_arrays([array, pa.nulls(rows - len(array), field.type)]) if len(array) < rows else array
        )
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def _bands(n: int, spec: ListSpec) -> Objects:
    """The bands of ranks 1 … n: ``act`` up to the capacity, ``watch`` for as many again."""
    capacity = spec.capacity(n)
    bands = np.full(n, "none", dtype=object)
    bands[: 2 * capacity] = "watch"
    bands[:capacity] = "act"
    return bands


def keep_scores(
    parts: Iterable[pa.Table], home: Path, *, record: Callable[[dt.date], RunRecord] | None = None
) -> Iterator[Path]:
    """Write ``parts``, date after date as :func:`score_in_parts` gives them, to ``home/scores/<model>/<as_of>.parquet`` with the
    ``record`` of each date, where the service reads them; yield each file once it is written. A date without employees has no
    file."""
    filled = (part for part in parts if part.num_rows)
    for (model, as_of), of_date in groupby(filled, lambda part: (part.column("model")[0], part.column("as_of")[0])):
        address = f"scores/{model.as_py()}/{as_of.as_py()}.parquet"
        made_from = None if record is None else cast(JsonObject, record(as_of.as_py()))
        yield write_sealed(of_date, home, address, record=made_from, keep_earlier=True)
