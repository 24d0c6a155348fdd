"""Pictures of a training run: calibration and comparison with the baseline, for each horizon."""

from __future__ import annotations

from perfml.learning.record import Figure
from perfml.learning.registry.model_store import Model
from perfml.report.pictures import Bin, Compared, Interval, calibration, comparison


def training_pictures(model: Model) -> dict[str, str]:
    """Draw the back-tests of the model's record: file name -> SVG text.

    ``within_<days>_days_calibration.svg`` and ``within_<days>_days_baseline.svg``.
    """
    out = {}
    for days, tested in model.record.backtests.items():
        bins = [Bin(b.expected, b.observed, b.low, b.high) for b in tested.bins]
        title = f"{model.name} within {days} days: expected against observed"
        out[f"within_{days}_days_calibration.svg"] = calibration(
            bins=bins,
            title=title,
            expected="expected share",
            observed="observed share",
            diagonal="exactly as expected",
        )
        rate = tested.positives / tested.rows
        chances = {"auc": 0.5, "average_precision": rate, "lift_at_capacity": 1.0}
        measures = [
            Compared(name.replace("_", " "), _interval(tested.model[name]), _interval(tested.baseline[name]), chance)
            for name, chance in chances.items()
        ]
        out[f"within_{days}_days_baseline.svg"] = comparison(
            measures=measures,
            model="model",
            baseline=" + ".join(tested.baseline_columns) or "baseline",
            chance="random order",
            title=f"{model.name} within {days} days: model and baseline with 95 % intervals",
        )
    return out


def _interval(figure: Figure) -> Interval:
    return Interval(figure.value, figure.low, figure.high)
