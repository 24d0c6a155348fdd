"""The pictures of the report's page, each drawn twice: for wide screens and for telephones."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from markupsafe import Markup

from perfml.advice.suggestion_files import SuggestedTarget
from perfml.messages import Language, Message, render
from perfml.report import wording
from perfml.report.facts import MEASURES, HorizonFacts, ModelFacts
from perfml.report.overview import Leads, summary
from perfml.report.pictures import (
    Bin,
    Compared,
    Interval,
    WaterfallStep,
    calibration,
    comparison,
    target,
    waterfall,
)
from perfml.scoring.score_files import RankedRow

WIDE, NARROW = 560.0, 330.0
"""Widths at which each picture is drawn: text in an SVG that is scaled down cannot be read on a telephone."""
CALIBRATION_WIDE = 480.0
MEASURE_TEXTS: Mapping[str, tuple[Message, Message]] = {
    "auc": (Message.of("report_auc"), Message.of("report_auc_meaning")),
    "average_precision": (Message.of("report_average_precision"), Message.of("report_average_precision_meaning")),
    "lift_at_capacity": (Message.of("report_lift"), Message.of("report_lift_meaning")),
}
"""The name and the meaning of each measure."""


def target_pictures(row: SuggestedTarget, *, language: Language) -> Markup:
    """The forecast and the target of one goal, from its row of suggestions."""
    codes = ("report_target_forecast", "report_target_now", "report_target_suggested")
    forecast, now, suggested = (render(Message.of(code), language) for code in codes)
    return _both(
        partial(
            target,
            forecast=Interval(row["expected"], row["low"], row["high"]),
            before=row["old_target"],
            after=row["new_target"],
            names=(forecast, now, suggested),
            title=render(Message.of("report_target_title", metric=row["metric"]), language),
        )
    )


def waterfalls(row: RankedRow, facts: ModelFacts, *, language: Language) -> Markup:
    """The way from the base value to one person's risk, from the score row."""
    steps = [
        WaterfallStep(wording.evidence(reason, facts.columns, language), reason["contribution"])
        for reason in row["reasons"]
    ]
    origin = wording.natural_frequency(1 / (1 + math.exp(-row["base_value"])), language)
    person, risk = row["employee_id"], wording.natural_frequency(row["probability"], language)
    return _both(
        partial(
            waterfall,
            base=row["base_value"],
            steps=steps,
            start=render(Message.of("report_waterfall_start", risk=origin), language),
            end=render(Message.of("report_waterfall_end", person=person, risk=risk), language),
            title=render(Message.of("report_waterfall_title", person=person, risk=risk), language),
        )
    )


def summaries(leads: Sequence[Leads], horizon: HorizonFacts, facts: ModelFacts, *, language: Language) -> Markup:
    """The leading reasons among the people to act on."""
    people = len(horizon.act)
    return _both(
        partial(
            summary,
            leads,
            people=people,
            names=wording.reasons(facts.columns, language),
            scale=render(Message.of("report_summary_scale"), language),
            title=render(Message.of("report_summary_title", n=people), language),
        )
    )


def calibrations(horizon: HorizonFacts, *, language: Language) -> Markup:
    """Expected and observed shares of the back-test."""
    bins = [Bin(b.expected, b.observed, b.low, b.high) for b in horizon.backtest.bins]
    return _both(
        partial(
            calibration,
            bins=bins,
            title=render(Message.of("report_calibration_title", n=len(bins)), language),
            expected=render(Message.of("report_calibration_expected"), language),
            observed=render(Message.of("report_calibration_observed"), language),
            diagonal=render(Message.of("report_calibration_diagonal"), language),
        ),
        wide=CALIBRATION_WIDE,
    )


def comparisons(horizon: HorizonFacts, *, language: Language) -> Markup:
    """The measures of the model and of the baseline in the back-test."""
    rate = horizon.backtest.positives / max(1, horizon.backtest.rows)
    chances = {"auc": 0.5, "average_precision": rate, "lift_at_capacity": 1.0}
    measures = [
        Compared(
            render(MEASURE_TEXTS[name][0], language),
            horizon.figure("model", name),
            horizon.figure("baseline", name),
            chances[name],
        )
        for name in MEASURES
    ]
    return _both(
        partial(
            comparison,
            measures=measures,
            model=render(Message.of("report_comparison_model"), language),
            baseline=render(Message.of("report_comparison_baseline"), language),
            chance=render(Message.of("report_comparison_chance"), language),
            title=render(Message.of("report_comparison_title"), language),
        )
    )


def _both(draw: Callable[..., str], *, wide: float = WIDE) -> Markup:
    """One picture for wide and one for narrow screens; the style sheet shows one of them."""
    widths = (("wide", wide), ("narrow", NARROW))
    return Markup("".join(f'<div class="{name}">{draw(width=width)}</div>' for name, width in widths))
