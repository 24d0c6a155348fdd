"""The at-risk list: one page of the people scored at a date, the highest risk first."""

from __future__ import annotations

from collections import Counter
from typing import cast
from urllib.parse import quote, urlencode

from perfml.service.problems import no_horizon, not_proven
from perfml.service.schemas import AtRiskAnswer, AtRiskQuery, Listed, ReasonLine, Status
from perfml.service.store import Store

LINE = tuple(f"reasons.list.element.{field}" for field in ReasonLine.model_fields)
"""The reasons without the values behind them, which are half of the reading and stand on the person's own page."""


def at_risk(store: Store, model: str, query: AtRiskQuery) -> AtRiskAnswer:
    """A page of the list.

    Raises :class:`NotThere` for a model, date or horizon without scores, :class:`NotProven` where the version that made
    the scores was not shown better than the baseline, and :class:`ModelError` where that version is missing or altered.
    """
    with store.scores(model, query.as_of) as (as_of, file):
        horizons = cast(list[int], file.column("horizon_days"))
        there = sorted(set(horizons))
        days = query.horizon_days or there[0]
        if days not in there:
            raise no_horizon(model, there)
        low, high = horizons.index(days), len(horizons) - horizons[::-1].index(days)
        version = str(file.rows([low], ["model_version"])[0]["model_version"])
        tested = store.about(model, version).backtests.get(days)
        if tested is None or not tested.proven:
            said = (tested.zh, tested.en) if tested else ("没有回测", "it has no back-test")
            raise not_proven(model, days, zh=said[0], en=said[1])
        part = slice(low, high)
        ranks, bands, statuses = file.columns(["rank", "band", "status"], part)
        # Rows of one horizon are written side by side; were they not, those in between are passed over.
        rows = zip(range(low, high), horizons[part], cast(list[int | None], ranks), bands, strict=True)
        ranked = sorted(
            (r, at) for at, h, r, band in rows if h == days and r is not None and query.band in (None, band)
        )
        shown = [at for _, at in ranked[query.offset : query.offset + query.limit]]
        people = file.rows(shown, ["employee_id", "rank", "band", "probability", *LINE])
        why_not = Counter(w for h, w in zip(horizons[part], cast(list[Status], statuses), strict=True) if h == days)
        end = query.offset + query.limit
        asked = {"as_of": as_of, "horizon_days": days, "band": query.band, "limit": query.limit, "offset": end}
        link = urlencode({name: value for name, value in asked.items() if value is not None})
        return AtRiskAnswer(
            model=model,
            model_version=version,
            as_of=as_of,
            horizon_days=days,
            scored_at=file.written,
            total=len(ranked),
            limit=query.limit,
            offset=query.offset,
            next=f"/v1/models/{quote(model, safe='')}/at-risk?{link}" if end < len(ranked) else None,
            not_listed={why: n for why, n in why_not.items() if why != "scored"},
            people=tuple(Listed.model_validate(row) for row in people),
        )
