"""Affine calibration: the slope is accepted only where it helps, the level is that of the rows learnt from."""

from __future__ import annotations

import numpy as np
import pytest

from perfml.learning.estimators.calibration import SLOPES, Affine, at_level, fit_slope


def sample(n: int, factor: float, shift: float) -> tuple[np.ndarray, np.ndarray]:
    """Margins of which ``factor × margin + shift`` would be right."""
    rng = np.random.default_rng(4)
    truth = rng.normal(-1.5, 1.0, n)
    return (truth - shift) / factor, (rng.random(n) < 1 / (1 + np.exp(-truth))).astype(float)


@pytest.mark.slow
@pytest.mark.parametrize(("factor", "shift"), [(0.6, 0.4), (1.5, -0.5), (1.0, 0.0)])
def test_finds_slope_and_level(factor: float, shift: float) -> None:
    margin, label = sample(40_000, factor, shift)
    calibrated = at_level(margin, label, fit_slope(margin, label))
    assert calibrated.slope == pytest.approx(factor, abs=0.08)
    assert calibrated.intercept == pytest.approx(shift, abs=0.15)
    assert np.mean(1 / (1 + np.exp(-calibrated(margin)))) == pytest.approx(label.mean(), abs=1e-9)


@pytest.mark.slow
def test_another_world_does_not_stretch_without_end() -> None:
    assert fit_slope(*sample(40_000, 6.0, 0.0)) == SLOPES[1]


def test_too_few_cases_or_a_ranking_upside_down_change_nothing() -> None:
    margin, label = sample(400, 1.0, 0.0)
    assert fit_slope(margin[:60], label[:60]) == 1.0
    assert fit_slope(-margin, label) == 1.0


def test_one_label_has_no_level() -> None:
    assert at_level(np.zeros(10), np.zeros(10), 1.5) == Affine(1.5, 0.0)
