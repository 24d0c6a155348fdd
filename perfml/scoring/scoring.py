"""Scoring: one row for each (employee, as-of date, horizon), with a status, a rank, a band and reasons.

A model that its back-test did not show to be better than the baseline gives probabilities for study only: there is no list, so
neither ranks nor bands.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import cast

import numpy as np
import pyarrow as pa

from perfml.arrays import Floats
from perfml.evidence.sources import Data
from perfml.json_types import JsonObject
from perfml.learning.dataset.table import Table, make_table
from perfml.learning.registry.model_store import Model
from perfml.progress import SILENT, Progress
from perfml.project.folder import ProjectFolder
from perfml.reasons.few_others import Others
from perfml.scoring.batches.ranking import ranked
from perfml.scoring.batches.rows import score_rows, statuses, withheld_status
from perfml.scoring.batches.scored_people import CHUNK, ScoredPeople
from perfml.scoring.debt import Debt, Owed, debt_of
from perfml.scoring.run_record import RunRecord
from perfml.scoring.sealed_files import write_sealed
from perfml.scoring.what_if.evidence import evidence_rows, write_evidence
from perfml.treeshap.contributions import FEW, warm_up
from perfml.trust.holds.hold import Hold
from perfml.trust.holds.undelivered import delivery_holds
from perfml.trust.notices.withheld import withheld_people


def score(
    data: Data,
    folder: ProjectFolder,
    model: Model,
    *,
    as_of: Sequence[dt.date],
    home: Path | None = None,
    progress: Progress = SILENT,
) -> pa.Table:
    """Score everyone employed at each date of ``as_of``, ordered by as_of, horizon, rank and employee.

    The rows are :data:`~perfml.scoring.batches.rows.SCHEMA`.

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
    the evidence of everyone with a score is kept; nowhere by default. Of ``data`` on Spark the ``model`` lies in ``home``.
    """
    if data.engine is not None:
        from perfml.scoring.batches.on_spark import score_on_spark  # an optional extra

        held = held or {day: withheld_people(data, folder, day, home) for day in as_of}
        yield from score_on_spark(
            data, folder, model, as_of=as_of, home=home, held=held, evidence=evidence, progress=progress
        )
        return
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
    model.require_evidence(table.columns)
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
    model.require_evidence(table.columns)
    values = table.matrix([c.name for c in model.columns])
    late = delivery_holds(table.missing, as_of, hold_share=folder.definitions.holes.hold_share)
    held = {**late, **withheld_people(data, folder, as_of, home)}
    others = Others.at(data, as_of, least=folder.spec.disclosure.min_others)
    scores = pa.concat_tables(
        score_date(table, model, values=values, as_of=as_of, held=held, others=others, progress=progress)
    )
    scored = table.usable & ~table.frame["employee_id"].isin(list(held)).to_numpy()
    return scores, table.frame["employee_id"][scored].tolist(), values[scored]


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
    rows = np.flatnonzero(table.frame["as_of"].to_numpy().astype("M8[D]") == np.datetime64(as_of))
    people = table.frame["employee_id"].to_numpy(dtype=object)[rows]
    withheld = np.array([withheld_status(held.get(person)) for person in people], dtype=object)
    stated = values if table.stated is None else table.matrix([c.name for c in model.columns], stated=True)
    scored = ScoredPeople.of(
        model,
        values,
        rows,
        employee_ids=people,
        status=statuses(withheld, eligible=table.eligible[rows], thin=table.thin[rows]),
        held=held,
        segments={name: member[rows] for name, member in table.segments.items()},
        stated=stated,
        hidden=others.hidden(stated, rows, model.columns, people),
    )
    n_scored = len(scored.scored)
    if evidence is not None:
        by_id = scored.scored[np.argsort(people[scored.scored], kind="stable")]
        of_everyone = evidence_rows(
            [column.name for column in model.columns],
            people[by_id].tolist(),
            values=values[rows[by_id]],
            shown=scored.shown(by_id),
        )
        write_evidence(
            evidence, [of_everyone], model=model.name, version=model.version, as_of=as_of, people=of_everyone.num_rows
        )
    for horizon, days in enumerate(model.risks):
        order, owed = scored.order(horizon), _owed(debt, model, scored, horizon=horizon)
        batches = (scored.batch(order[low : low + CHUNK], owed) for low in range(0, max(1, len(order)), CHUNK))
        parts = (score_rows(model, batch, as_of=as_of, days=days, spread=scored.spread) for batch in batches)
        done = 0
        for part in ranked(parts, n_scored=n_scored, spec=model.spec.list, proven=model.proven(days)):
            yield part
            done += part.num_rows
            progress(f"scoring {as_of}, {days} d", done, len(order))


def _owed(debt: Debt | None, model: Model, scored: ScoredPeople, *, horizon: int) -> Owed | None:
    """What missing days may do to the scores of one horizon."""
    if debt is None:
        return None
    days, margin = list(model.risks)[horizon], scored.incidences.margin[:, horizon]
    ids = scored.employee_ids[scored.scored]
    concerned = np.array([person in debt.people for person in ids], dtype=bool)
    capacity = model.spec.list.capacity(len(margin)) if model.proven(days) else 0
    return debt.owed(days, frozenset(ids[debt.may_change(margin, concerned, capacity, days)]))


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
