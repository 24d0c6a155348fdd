"""The work list of a model: priorities made from its kept scores."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from perfml.advice.decision_log import DecisionLog
from perfml.advice.guaranteed import guarantee_of
from perfml.advice.priorities import Priorities, Ranking, priorities
from perfml.errors import PerfmlError
from perfml.learning.registry.artifacts import cautions, read_record
from perfml.project.model_spec import ListSpec
from perfml.scoring.score_files import read_scores, score_file
from perfml.scoring.table_files import read_rows


def work_list(
    home: Path,
    model: str,
    spec: ListSpec,
    *,
    as_of: dt.date | None = None,
    capacity: int | None = None,
    settings: int | None = None,
    horizon_days: int | None = None,
    hold_out_share: float = 0.0,
    wasted_at_most: float | None = None,
) -> Priorities:
    """The people to talk to first, by the scores of ``model`` (default: the newest date, the shortest horizon).

    ``capacity``: how many people there is time for (default: the capacity of ``spec``); ``settings``: the most people whose
    setting needs support (default: ``setting_people`` of ``spec``, else as many as the capacity); ``wasted_at_most``: the
    largest share of conversations that may go to people without the outcome, see :mod:`.guaranteed`. Raises
    :class:`PerfmlError` where nothing was scored, at that date or for that horizon.
    """
    path = score_file(home, model, as_of)
    available = sorted(set(read_rows(path, names=["horizon_days"]).column(0).to_pylist()))
    days = horizon_days or available[0]
    if days not in available:
        horizons = ", ".join(str(horizon) for horizon in available)
        raise PerfmlError("was not scored", where=f"{model}, {days} days", remedy=f"use one of: {horizons}")
    ranking = Ranking.of(read_scores(path, only=("horizon_days", days)))
    version = ranking.model_version
    record = read_record(home, model, version)
    most = spec.capacity(ranking.scored) if capacity is None else capacity
    guarantee = None
    if wasted_at_most is not None:
        guarantee = guarantee_of(
            home,
            model,
            record.backtests.get(days),
            version=version,
            wasted_at_most=wasted_at_most,
            most=most,
            scored=ranking.scored,
        )
    return priorities(
        ranking,
        record,
        capacity=most,
        settings=spec.setting_people if settings is None else settings,
        interventions=DecisionLog(home).interventions(),
        hold_out_share=hold_out_share,
        cautions=cautions(home, model, version, record, horizon_days=days),
        guarantee=guarantee,
    )
