"""Scoring: one row for each (employee, as-of date, horizon), with a status, a rank, a band and reasons.

A model that its back-test did not show better than the baseline gives probabilities for those who study it, and neither
ranks nor bands: there is no list.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from perfml.errors import ModelError
from perfml.evidence.features import Progress
from perfml.evidence.sources import Data
from perfml.files import whole_file
from perfml.learning.incidence import Incidences
from perfml.learning.registry import Model
from perfml.learning.table import Table, make_table
from perfml.project.project import Folder
from perfml.project.spec import ListSpec, ModelSpec
from perfml.reasons.reasons import Grouping, Reason, explain
from perfml.trust.holds import held_people

Floats = npt.NDArray[np.float64]
CHUNK = 20_000
"""Rows explained at a time: dense contributions of everyone are never held at once."""
ROWS_READ = 2_000
"""Rows of a row group: what the service has to read for one page or one person."""
_VALUE = pa.struct(
    [
        ("column", pa.string()),
        ("value", pa.float64()),
        ("usual", pa.float64()),
        ("zh", pa.string()),
        ("en", pa.string()),
    ]
)
_REASON = pa.struct(
    [
        ("evidence", pa.string()),
        ("contribution", pa.float64()),
        ("owner", pa.string()),
        ("zh", pa.string()),
        ("en", pa.string()),
        ("values", pa.list_(_VALUE)),
    ]
)
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
        ("reasons", pa.list_(_REASON)),
    ]
)
"""A score row. ``status``: scored, ineligible, thin or held (``why_not`` says what is broken). ``rank`` 1 is the highest
risk at that date and horizon. ``incidence``: the probability of leaving for each cause within the horizon, and of staying;
it starts with the listed outcome, adds up to 1, and never falls with the horizon. ``segments``: those of the model's spec
that the person belongs to. ``band`` is ``act`` for as many as there is capacity for, ``watch`` for as many again, else
``none``; both are empty where the model gives no list. ``reasons`` plus ``base_value`` add up to ``margin`` within 1e-6."""


def score(
    data: Data, project: Folder, model: Model, as_ofs: Sequence[dt.date], *, progress: Progress | None = None
) -> pa.Table:
    """Everyone employed at each of ``as_ofs``, ordered by as_of, horizon, rank and employee; see :data:`SCHEMA`."""
    spec = ModelSpec.model_validate(model.about["spec"])
    table = make_table(data, project.definitions, model.name, spec, as_ofs, kinds=model.kinds, progress=progress)
    require_evidence(table, model)
    values = table.matrix([c.name for c in model.columns])
    held = {as_of: held_people(data, as_of) for as_of in as_ofs}
    parts = [_score_date(table, values, model, spec, as_of, held[as_of], progress) for as_of in sorted(set(as_ofs))]
    return pa.concat_tables(parts)


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


def _score_date(
    table: Table,
    values: Floats,
    model: Model,
    spec: ModelSpec,
    as_of: dt.date,
    held: dict[str, str],
    progress: Progress | None,
) -> pa.Table:
    """The rows of one date, horizon after horizon."""
    here = np.flatnonzero(table.frame["as_of"].to_numpy().astype("M8[D]") == np.datetime64(as_of))
    people = table.frame["employee_id"].to_numpy(dtype=object)[here]
    is_held = np.array([person in held for person in people], dtype=bool)
    status = np.select([~table.eligible[here], is_held, table.thin[here]], ["ineligible", "held", "thin"], "scored")
    scored = np.flatnonzero(status == "scored")
    found = _explain(model, values[here[scored]], progress, f"scoring {as_of}")
    segments = [[name for name, inside in table.segments.items() if inside[row]] for row in here]
    parts = []
    for place, days in enumerate(model.risks):
        full = np.full(len(here), np.nan)
        margins, bases, probabilities = full.copy(), full.copy(), full.copy()
        margins[scored], bases[scored] = found.incidences.margin[:, place], found.bases[:, place]
        probabilities[scored] = found.incidences.incidence[:, 0, place]
        rank = pd.array([pd.NA] * len(here), dtype="Int32")
        band = np.full(len(here), None, dtype=object)
        if model.proven(days):
            order = np.lexsort((people[scored], -margins[scored]))
            rank[scored[order]] = np.arange(1, len(scored) + 1)
            band[scored[order]] = _bands(len(scored), spec.list)
        texts: list[list[Reason] | None] = [None] * len(here)
        causes: list[list[dict[str, object]] | None] = [None] * len(here)
        for row, lines, shares in zip(
            scored, found.reasons[place], _causes(model, found.incidences, place), strict=True
        ):
            texts[row], causes[row] = lines, shares
        made = pd.DataFrame({"status": status == "scored", "margin": -margins, "employee_id": people})
        ordered = made.sort_values(["status", "margin", "employee_id"], ascending=[False, True, True]).index.to_numpy()
        columns = {
            "employee_id": people[ordered],
            "as_of": [as_of] * len(here),
            "model": [model.name] * len(here),
            "model_version": [model.version] * len(here),
            "horizon_days": [days] * len(here),
            "probability": probabilities[ordered],
            "margin": margins[ordered],
            "base_value": bases[ordered],
            "incidence": [causes[i] for i in ordered],
            "segments": [segments[i] for i in ordered],
            "status": status[ordered].astype(object),
            "rank": rank[ordered],
            "band": band[ordered],
            "why_not": [held.get(people[i]) if status[i] == "held" else None for i in ordered],
            "reasons": [texts[i] for i in ordered],
        }
        arrays = [pa.array(columns[field.name], field.type, from_pandas=True) for field in SCHEMA]
        parts.append(pa.Table.from_arrays(arrays, schema=SCHEMA))
    return pa.concat_tables(parts)


def _causes(model: Model, found: Incidences, place: int) -> list[list[dict[str, object]] | None]:
    """Each person's causes with their probabilities, and staying; nothing where the outcome is no exit."""
    if not model.causes:
        return [None] * len(found.margin)
    staying = found.staying
    return [
        [
            *({"cause": c, "probability": float(p)} for c, p in zip(model.causes, shares[:, place], strict=True)),
            {"cause": "staying", "probability": float(stay[place])},
        ]
        for shares, stay in zip(found.incidence, staying, strict=True)
    ]


@dataclass(frozen=True)
class _Explained:
    """Of the scored rows: what is said, the base values (rows, horizons), and the reasons, horizon after horizon."""

    incidences: Incidences
    bases: Floats
    reasons: list[list[list[Reason]]]


def _explain(model: Model, values: Floats, progress: Progress | None, what: str) -> _Explained:
    """Margins, base values and reasons of each row at each horizon.

    Margins of several horizons may have been pooled to be coherent; contributions are pooled with them.
    """
    grouping = Grouping.of(model.columns)
    found = model.incidences(values)
    bases = np.empty_like(found.margin)
    reasons: list[list[list[Reason]]] = [[] for _ in model.risks]
    known = ~np.isnan(values).all(axis=0) if len(values) else np.zeros(values.shape[1], dtype=bool)
    usual = np.full(values.shape[1], np.nan)
    usual[known] = np.nanmedian(values[:, known], axis=0)
    for low in range(0, len(values), CHUNK):
        part = values[low : low + CHUNK]
        rows = slice(low, low + len(part))
        apart = [risk.contributions(part) for risk in model.risks.values()]
        for place in range(len(apart)):
            pooled = found.pooled[rows, place]
            mixed = sum(pooled[:, [other]] * each for other, each in enumerate(apart) if pooled[:, other].any())
            contributions = np.asarray(mixed, dtype=np.float64)
            bases[rows, place] = contributions[:, -1] + found.shift[rows, place]
            reasons[place] += explain(grouping, contributions, part, usual)
        if progress:
            progress(what, low + len(part), len(values))
    return _Explained(found, bases, reasons)


def _bands(n: int, spec: ListSpec) -> npt.NDArray[np.object_]:
    """For ranks 1 … n: as many ``act`` as there is capacity for, as many ``watch`` again."""
    room = spec.room(n)
    bands = np.full(n, "none", dtype=object)
    bands[: 2 * room] = "watch"
    bands[:room] = "act"
    return bands


def write_table(table: pa.Table, out: Path) -> None:
    """Write to ``.csv`` (lists as JSON text) or Parquet, whole or not at all."""
    with whole_file(out) as path:
        if out.suffix.lower() == ".csv":
            frame = table.to_pandas()
            for field in table.schema:
                if pa.types.is_list(field.type):
                    frame[field.name] = [
                        None if lines is None else json.dumps(lines, ensure_ascii=False)
                        for lines in table.column(field.name).to_pylist()
                    ]
            frame.to_csv(path, index=False)
        else:
            pq.write_table(table, path, compression="zstd", row_group_size=ROWS_READ)


def keep_scores(scores: pa.Table, home: Path) -> list[Path]:
    """Keep each as-of date's rows under ``home/scores/<model>/<as_of>.parquet``, where the service reads them."""
    kept = []
    for as_of in sorted(set(scores.column("as_of").to_pylist())):
        rows = scores.filter(pa.compute.equal(scores.column("as_of"), pa.scalar(as_of, pa.date32())))
        path = home / "scores" / rows.column("model")[0].as_py() / f"{as_of}.parquet"
        write_table(rows, path)
        kept.append(path)
    return kept
