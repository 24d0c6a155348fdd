"""Scoring: one row for each (employee, as-of date, horizon), with a status, a rank, a band and reasons.

A model that its back-test did not show better than the baseline gives probabilities for those who study it, and neither
ranks nor bands: there is no list.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from perfml.arrays import Floats, Indexes, Objects
from perfml.errors import ModelError
from perfml.evidence.sources import Data
from perfml.learning.dataset.table import Table, make_table
from perfml.learning.estimators.coherence import Incidences
from perfml.learning.registry.model_store import Model
from perfml.progress import SILENT, Progress
from perfml.project.folder import ProjectFolder
from perfml.project.spec import ListSpec, ModelSpec
from perfml.reasons.reasons import REASON, Grouping, explain
from perfml.scoring.table_files import write_parts
from perfml.treeshap.contributions import FEW, warm_up
from perfml.trust.holds import held_people

CHUNK = 20_000
"""Rows explained at a time: dense contributions of everyone are never held at once."""
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
    ]
)
"""A score row. ``status``: scored, ineligible, thin or held (``why_not`` says what is broken). ``rank`` 1 is the highest
risk at that date and horizon. ``incidence``: the probability of leaving for each cause within the horizon, and of staying;
it starts with the listed outcome, adds up to 1, and never falls with the horizon. ``segments``: those of the model's spec
that the person belongs to. ``band`` is ``act`` for as many as there is capacity for, ``watch`` for as many again, else
``none``; both are empty where the model gives no list. ``reasons`` plus ``base_value`` add up to ``margin`` within 1e-6."""


def score(
    data: Data, folder: ProjectFolder, model: Model, as_ofs: Sequence[dt.date], *, progress: Progress = SILENT
) -> pa.Table:
    """Everyone employed at each of ``as_ofs``, ordered by as_of, horizon, rank and employee; see :data:`SCHEMA`."""
    return pa.concat_tables(score_in_parts(data, folder, model, as_ofs, progress=progress))


def score_in_parts(
    data: Data, folder: ProjectFolder, model: Model, as_ofs: Sequence[dt.date], *, progress: Progress = SILENT
) -> Iterator[pa.Table]:
    """The rows of :func:`score` in their order, :data:`CHUNK` at a time: so many people are explained at once, and no more."""
    spec = ModelSpec.model_validate(model.about["spec"])
    table = make_table(data, folder.definitions, model.name, spec, as_ofs, kinds=model.kinds, progress=progress)
    require_evidence(table, model)
    values = table.matrix([c.name for c in model.columns])
    if len(values) >= FEW:
        warm_up(progress)
    for as_of in sorted(set(as_ofs)):
        yield from score_date(table, values, model, as_of, held_people(data, as_of), progress)


def require_evidence(table: Table, model: Model) -> None:
    """A score built on less evidence than the model learnt from would be a guess: raise :class:`ModelError`."""
    there = {column.name for column in table.columns}
    absent = [column for column in model.columns if column.name not in there]
    if absent:
        kinds = ", ".join(sorted({column.evidence for column in absent}))
        raise ModelError(
            f"{len(absent)} of its {len(model.columns)} columns are not in this data, e.g. {absent[0].name}",
            where=f"model {model.name} {model.version}",
            remedy=f"export what {kinds} is made from, or train anew on data like this",
        )


def score_date(
    table: Table,
    values: Floats,
    model: Model,
    as_of: dt.date,
    held: Mapping[str, str],
    progress: Progress = SILENT,
) -> Iterator[pa.Table]:
    """The rows of one date, horizon after horizon, :data:`CHUNK` at a time.

    ``values``: (rows of ``table``, the model's columns); ``held``: people without a score, and why.
    """
    room = ModelSpec.model_validate(model.about["spec"]).list
    here = np.flatnonzero(table.frame["as_of"].to_numpy().astype("M8[D]") == np.datetime64(as_of))
    people = table.frame["employee_id"].to_numpy(dtype=object)[here]
    is_held = np.array([person in held for person in people], dtype=bool)
    status = np.select([~table.eligible[here], is_held, table.thin[here]], ["ineligible", "held", "thin"], "scored")
    scored = np.flatnonzero(status == "scored")
    place_of = np.full(len(here), -1)
    place_of[scored] = np.arange(len(scored))
    known = here[scored]
    found = _incidences(model, values, known)
    usual = _usual(values, known)
    for place, days in enumerate(model.risks):
        margin = np.full(len(here), np.nan)
        margin[scored] = found.margin[:, place]
        order = np.lexsort((people, -margin, status != "scored"))
        proven, steady = model.proven(days), model.steady(days)
        bands = _bands(len(scored), room)
        for low in range(0, max(1, len(order)), CHUNK):
            rows = order[low : low + CHUNK]
            inside = place_of[rows[place_of[rows] >= 0]]
            ranks = low + np.arange(len(inside))
            said = _explained(model, values[known[inside]], found, usual, place, inside, steady)
            yield _part(
                {
                    "employee_id": people[rows],
                    "as_of": [as_of] * len(rows),
                    "model": [model.name] * len(rows),
                    "model_version": [model.version] * len(rows),
                    "horizon_days": [days] * len(rows),
                    "probability": found.incidence[inside, 0, place],
                    "margin": found.margin[inside, place],
                    "base_value": said.base,
                    "incidence": _causes(model, found, place, inside),
                    "segments": [[name for name, one in table.segments.items() if one[here[row]]] for row in rows],
                    "status": status[rows].astype(object),
                    "rank": ranks + 1 if proven else [None] * len(inside),
                    "band": bands[ranks] if proven else [None] * len(inside),
                    "why_not": [held.get(people[row]) if status[row] == "held" else None for row in rows],
                    "reasons": said.reasons,
                },
                len(rows),
            )
            progress(f"scoring {as_of}, {days} d", min(low + CHUNK, len(order)), len(order))


def _part(columns: Mapping[str, Any], rows: int) -> pa.Table:
    """A table of ``rows``; shorter columns are of those with a score, who come first, and empty for the others."""
    arrays = []
    for field in SCHEMA:
        given = columns[field.name]
        array = given if isinstance(given, pa.Array) else pa.array(given, field.type, from_pandas=True)
        arrays.append(
            pa.concat_arrays([array, pa.nulls(rows - len(array), field.type)]) if len(array) < rows else array
        )
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def _causes(model: Model, found: Incidences, place: int, inside: Indexes) -> list[list[dict[str, object]] | None]:
    """Causes with their probabilities, and staying, of the scored rows ``inside``; nothing where the outcome is no exit."""
    if not model.causes:
        return [None] * len(inside)
    shares, staying = found.incidence[inside, :, place], found.staying[inside, place]
    return [
        [
            *({"cause": c, "probability": p} for c, p in zip(model.causes, each, strict=True)),
            {"cause": "staying", "probability": stay},
        ]
        for each, stay in zip(shares.tolist(), staying.tolist(), strict=True)
    ]


@dataclass(frozen=True)
class _Explained:
    """Of some scored rows at one horizon: the base values, and the reasons."""

    base: Floats
    reasons: pa.ListArray


def _explained(
    model: Model,
    part: Floats,
    found: Incidences,
    usual: Floats,
    place: int,
    inside: Indexes,
    steady: Mapping[str, bool],
) -> _Explained:
    """Base values and reasons at one horizon of the scored rows ``inside``, whose evidence is ``part``.

    Margins of several horizons may have been pooled to be coherent; contributions are pooled with them.
    """
    pooled = found.pooled[inside, place]
    contributions = np.zeros((len(part), part.shape[1] + 1))
    for other, risk in enumerate(model.risks.values()):
        mixed = np.flatnonzero(pooled[:, other])
        if len(mixed):
            contributions[mixed] += pooled[mixed, other, None] * risk.contributions(part[mixed])
    reasons = explain(Grouping.of(model.columns), contributions, part, usual, steady)
    return _Explained(contributions[:, -1] + found.shift[inside, place], reasons)


def _incidences(model: Model, values: Floats, rows: Indexes) -> Incidences:
    """What is said of ``rows`` of ``values``, worked out :data:`CHUNK` at a time."""
    parts = [model.incidences(values[rows[low : low + CHUNK]]) for low in range(0, max(1, len(rows)), CHUNK)]
    return Incidences(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Incidences)))


def _usual(values: Floats, rows: Indexes) -> Floats:
    """The median of each column among ``rows`` of ``values``; missing where nobody has a value."""
    columns = (values[rows, column] for column in range(values.shape[1]))
    return np.array([np.nan if np.isnan(one).all() else np.nanmedian(one) for one in columns])


def _bands(n: int, spec: ListSpec) -> Objects:
    """For ranks 1 … n: as many ``act`` as there is capacity for, as many ``watch`` again."""
    room = spec.capacity(n)
    bands = np.full(n, "none", dtype=object)
    bands[: 2 * room] = "watch"
    bands[:room] = "act"
    return bands


def keep_scores(parts: Iterable[pa.Table], home: Path) -> Iterator[Path]:
    """Keep ``parts``, date after date as :func:`score_in_parts` gives them, under ``home/scores/<model>/<as_of>.parquet``,
    where the service reads them; gives each file when it is there. A date at which nobody was employed has none."""
    there = (part for part in parts if part.num_rows)
    for (model, as_of), of_date in groupby(there, lambda part: (part.column("model")[0], part.column("as_of")[0])):
        path = home / "scores" / model.as_py() / f"{as_of.as_py()}.parquet"
        write_parts(of_date, path)
        yield path
