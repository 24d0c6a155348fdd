"""A reconciliation as one HTML file, in English and Chinese: the table of gaps, and the bridge of each entity."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from markupsafe import Markup

from perfml.messages import Language, Message, render
from perfml.project.trust.metrics import MetricsSpec
from perfml.report.reconciliation.drawing import BridgeStep, bridge_picture, signed
from perfml.report.report import in_language, write_page
from perfml.trust.entity_names import entity_message
from perfml.trust.reconciliation.bridge import GapStanding, Reconciled
from perfml.trust.reconciliation.reconcile import Reconciliation

WIDE, NARROW = 560.0, 330.0
"""Widths at which each picture is drawn: text in an SVG that is scaled down cannot be read on a telephone."""
STEPS: Mapping[str, str] = {
    "reference": "reconcile_total",
    "timing": "reconcile_timing",
    "missing": "reconcile_missing",
    "returns": "reconcile_returns",
    "attribution": "reconcile_attribution",
    "unexplained": "reconcile_unexplained",
    "actuals": "reconcile_total",
}
"""Step of a bridge -> the code of its label."""
STANDINGS: Mapping[GapStanding, Message] = {
    "held": Message.of("reconcile_standing_held"),
    "provisional": Message.of("reconcile_standing_provisional"),
    "final": Message.of("reconcile_standing_final"),
    "insufficient": Message.of("reconcile_standing_insufficient"),
}


def write_reconciliation(out: Path, reconciliation: Reconciliation, metrics: MetricsSpec) -> Path:
    """Write the page to ``out``, and return its path."""

    def texts(language: Language) -> dict[str, object]:
        return in_language(language, reconciliation.notices, {}, {}) | {
            "picture": lambda row: Markup(
                "".join(
                    f'<div class="{name}">{bridge_svg(row, metrics, language=language, width=width)}</div>'
                    for name, width in (("wide-picture", WIDE), ("narrow-picture", NARROW))
                )
            ),
            "entity": lambda row: render(entity_message(row.entity), language),
            "standing": lambda row: render(STANDINGS[row.standing], language),
            "steps": partial(bridge_steps, metrics=metrics, language=language),
            "money": lambda row, amount: f"{amount:,.{metrics.metrics[row.metric].decimals}f}".replace("-", "−"),
            "signed": lambda row, amount: signed(amount, metrics.metrics[row.metric].decimals),
            "metric": lambda row: getattr(metrics.metrics[row.metric], language),
        }

    title = render(Message.of("reconcile_title", as_of=str(reconciliation.as_of)), "en")
    return write_page(
        out, "reconciliation.html.j2", title=title, values={"reconciliation": reconciliation}, texts=texts
    )


def bridge_steps(row: Reconciled, *, metrics: MetricsSpec, language: Language) -> list[BridgeStep]:
    """The bridge of ``row``, total to total, with the label of each part."""
    spec = metrics.metrics[row.metric]
    ends = {"reference": str(spec.reference), "actuals": str(spec.actuals)}
    amounts = {"reference": row.bridge.reference, **row.bridge.parts, "actuals": row.bridge.actuals}
    return [
        BridgeStep(
            render(
                Message.of(STEPS[name], source=ends[name]) if name in ends else Message.of(STEPS[name]),
                language,
            ).replace("`", ""),
            amount,
        )
        for name, amount in amounts.items()
    ]


def bridge_svg(row: Reconciled, metrics: MetricsSpec, *, language: Language, width: float = WIDE) -> str:
    """The bridge of ``row`` as a picture."""
    start, *steps, end = bridge_steps(row, metrics=metrics, language=language)
    spec = metrics.metrics[row.metric]
    title = Message.of(
        "reconcile_bridge_title",
        entity=entity_message(row.entity),
        month=f"{row.month:%Y-%m}",
        reference=f"{row.bridge.reference:,} {spec.unit}",
        actuals=f"{row.bridge.actuals:,} {spec.unit}",
    )
    return bridge_picture(
        start=start, steps=steps, end=end, title=render(title, language), decimals=spec.decimals, width=width
    )
