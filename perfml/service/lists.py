"""The at-risk list: one page of the people scored at a date, the highest risk first."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import cast
from urllib.parse import quote

import numpy as np

from perfml.learning.validation.lists import cases_in_list
from perfml.reasons.leading import for_others
from perfml.reasons.reasons import Reason
from perfml.service.problems import no_horizon, no_segment, not_proven
from perfml.service.schemas import AtRiskAnswer, AtRiskQuery, ExpectedCases, Listed, ReasonLine, Status
from perfml.service.scores import Row
from perfml.service.store import Store

LINE = tuple(f"reasons.list.element.{field}" for field in ReasonLine.model_fields)
"""The reasons without the values behind them, which are half of the reading and stand on the person's own page."""
SHOWN = ("employee_id", "rank", "band", "probability", "incidence", "segments", *LINE)
RANKED = ("rank", "band", "status", "probability")


def at_risk(store: Store, model: str, query: AtRiskQuery) -> AtRiskAnswer:
    """A page of the list.

    Raises :class:`NotThere` for a model, date, horizon or segment that is not there, :class:`NotProven` where the version
    that made the scores failed a gate, and :class:`ModelError` where that version is missing or altered.
    """
    with store.scores(model, query.as_of) as (as_of, file):
        horizons = cast(list[int], file.column("horizon_days"))
        there = sorted(set(horizons))
        days = query.horizon_days or there[0]
        if days not in there:
            raise no_horizon(model, there)
        low, high = horizons.index(days), len(horizons) - horizons[::-1].index(days)
        version = str(file.rows([low], ["model_version"])[0]["model_version"])
        about = store.about(model, version)
        if query.segment is not None and query.segment not in about.spec.segments:
            raise no_segment(model, list(about.spec.segments))
        tested = about.backtests.get(days)
        if tested is None or not tested.proven:
            said = (tested.zh, tested.en) if tested else ("没有回测", "it has no back-test")
            raise not_proven(model, days, zh=said[0], en=said[1])
        part = slice(low, high)
        ranks, bands, statuses, probabilities = file.columns(RANKED, part)
        # Rows of one horizon are written side by side; were they not, those in between are passed over.
        here = [at for at, horizon in enumerate(horizons[part]) if horizon == days]
        chosen = [at for at in here if ranks[at] is not None and query.band in (None, bands[at])]
        if query.segment is not None:
            segments = cast(list[list[str]], file.columns(["segments"], part)[0])
            chosen = [at for at in chosen if query.segment in segments[at]]
        ranked = sorted(chosen, key=lambda at: cast(int, ranks[at]))
        shown = [low + at for at in ranked[query.offset : query.offset + query.limit]]
        acting = np.array([probabilities[at] for at in here if bands[at] == "act"], dtype=np.float64)
        why_not = Counter(cast(Status, statuses[at]) for at in here)
        asked = {"as_of": as_of, "horizon_days": days, "band": query.band, "segment": query.segment}
        address = f"/v1/models/{quote(model, safe='')}/at-risk"
        return AtRiskAnswer(
            model=model,
            model_version=version,
            as_of=as_of,
            horizon_days=days,
            scored_at=file.written,
            **AtRiskAnswer.of(address, asked, len(ranked), query.limit, query.offset),
            not_listed={why: n for why, n in why_not.items() if why != "scored"},
            expected_cases=ExpectedCases(**asdict(cases_in_list(acting, tested.listed_ratio))),
            people=tuple(_listed(row) for row in file.rows(shown, SHOWN)),
        )


def _listed(row: Row) -> Listed:
    setting = for_others(cast(list[Reason], row["reasons"]))
    return Listed.model_validate({**row, "incidence": row["incidence"] or (), "setting": setting})
