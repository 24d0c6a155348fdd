"""The pictures of the report's page, each drawn twice: for wide screens and for telephones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from markupsafe import Markup

from perfml.messages import Language, Message, render
from perfml.report.contents.facts import MEASURES, HorizonFacts
from perfml.report.pictures import Bin, Compared, calibration, comparison

WIDE, NARROW = 560.0, 330.0
"""Widths at which each picture is drawn: text in an SVG that is scaled down cannot be read on a telephone."""
CALIBRATION_WIDE = 480.0
MEASURE_TEXTS: Mapping[str, tuple[Message, Message]] = {
    "auc": (Message.of("report_auc"), Message.of("report_auc_meaning")),
    "average_precision": (Message.of("report_average_precision"), Message.of("report_average_precision_meaning")),
    "lift_at_capacity": (Message.of("report_lift"), Message.of("report_lift_meaning")),
}
"""The name and the meaning of each measure."""


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
    widths = (("wide-picture", wide), ("narrow-picture", NARROW))
    return Markup("".join(f'<div class="{name}">{draw(width=width)}</div>' for name, width in widths))
