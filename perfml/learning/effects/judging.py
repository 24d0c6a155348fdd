"""Each kind of programme by the best design that the record has of it: chance first, then staggered starts, then association."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from perfml.evidence.sources import Data
from perfml.learning.effects.people import PeopleDifference, association, randomised
from perfml.learning.effects.programmes import programme_kinds, programme_panel
from perfml.learning.effects.record import EffectDesign, EffectRecord, EffectVerdict, IntervalRecord
from perfml.learning.effects.staggered import StaggeredEffect, staggered
from perfml.messages import Message
from perfml.project.model_spec import Label


def effects(
    data: Data, offers: pd.DataFrame, label: Label, *, days: int, as_of: dt.date, kind: str | None = None
) -> list[EffectRecord]:
    """What is said of ``kind`` (default: every kind on record): at least one record for each, of every design that it has.

    ``offers``: :func:`perfml.learning.validation.uplift.known_interventions` until ``as_of``; ``days``: within which the outcome
    of ``label`` counts.
    """
    kinds = [kind] if kind is not None else sorted({*programme_kinds(data, as_of), *offers["kind"].astype(str)})
    return [record for each in kinds for record in _of_kind(data, offers, label, days=days, as_of=as_of, kind=each)]


def _of_kind(
    data: Data, offers: pd.DataFrame, label: Label, *, days: int, as_of: dt.date, kind: str
) -> list[EffectRecord]:
    records = []
    own = offers[offers["kind"].astype(str) == kind]
    if own["random"].any():
        difference = randomised(data, own, label, days=days, until=as_of)
        records.append(_of_people(kind, "randomised", difference, days=days))
    if kind in programme_kinds(data, as_of):
        records.append(_staggered(data, label, days=days, as_of=as_of, kind=kind))
    if not own.empty and not own["random"].all():
        records.append(
            _of_people(kind, "association", association(data, own, label, days=days, until=as_of), days=days)
        )
    nothing = Message.of("effect_nothing", kind=kind)
    return records or [EffectRecord(kind=kind, design="association", verdict="insufficient", days=days, text=nothing)]


def _of_people(kind: str, design: EffectDesign, difference: PeopleDifference | None, *, days: int) -> EffectRecord:
    if difference is None:
        text = Message.of("effect_few_people", kind=kind)
        return EffectRecord(kind=kind, design=design, verdict="insufficient", days=days, text=text)
    return EffectRecord(
        kind=kind,
        design=design,
        verdict=_verdict(difference.shown),
        causes=design == "randomised" and difference.shown,
        days=days,
        people=difference.people,
        text=_text(f"effect_{design}", kind, difference, days=days),
        estimate=difference.estimate,
        interval_80=_interval(difference.interval_80),
        interval_95=_interval(difference.interval_95),
    )


def _staggered(data: Data, label: Label, *, days: int, as_of: dt.date, kind: str) -> EffectRecord:
    panel = programme_panel(data, kind, label, days=days, as_of=as_of)
    effect = "no start" if panel is None else staggered(panel.panel, random=panel.random)
    if panel is None or not isinstance(effect, StaggeredEffect):
        text = Message.of(f"effect_{str(effect).replace(' ', '_')}", kind=kind)
        return EffectRecord(kind=kind, design="staggered", verdict="insufficient", days=days, text=text)
    return EffectRecord(
        kind=kind,
        design="staggered",
        verdict=_verdict(effect.shown),
        causes=panel.random and effect.shown,
        days=days,
        people=effect.people,
        units=effect.units,
        alike_95=_interval(effect.alike.interval_95) if effect.alike else None,
        placebo_p=effect.placebo_p,
        text=staggered_text(kind, effect, random=panel.random, days=days),
        estimate=effect.estimate,
        interval_80=_interval(effect.interval_80),
        interval_95=_interval(effect.interval_95),
    )


def _verdict(shown: bool) -> EffectVerdict:
    return "shown" if shown else "not shown"


def staggered_text(kind: str, effect: StaggeredEffect, *, random: bool, days: int) -> Message:
    """What is said of a staggered start: the effect with the drift taken out and, where they do not agree, the one without."""
    if effect.alike is None or effect.alike.side == effect.side:
        return _text("effect_staggered_random" if random else "effect_staggered", kind, effect, days=days)
    low, high = effect.alike.interval_95
    alike = {"alike": 100 * effect.alike.estimate, "alike_low": 100 * low, "alike_high": 100 * high}
    return Message.of("effect_staggered_drift", **_figures(kind, effect, days=days), **alike)


def _text(code: str, kind: str, effect: PeopleDifference | StaggeredEffect, *, days: int) -> Message:
    return Message.of(code if effect.shown else f"{code}_unclear", **_figures(kind, effect, days=days))


def _figures(kind: str, effect: PeopleDifference | StaggeredEffect, *, days: int) -> dict[str, str | int | float]:
    return {
        "kind": kind,
        "days": days,
        "people": effect.people,
        "estimate": 100 * effect.estimate,
        "low": 100 * effect.interval_95[0],
        "high": 100 * effect.interval_95[1],
    }


def _interval(ends: tuple[float, float]) -> IntervalRecord:
    return IntervalRecord(low=ends[0], high=ends[1])
