"""Affine calibration: accepted only where it helps."""

from __future__ import annotations

import numpy as np

from perfml.learning.calibration import Affine, fit_affine


def sample(n: int, factor: float, shift: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    truth = rng.normal(-1.5, 1.0, n)
    return (truth - shift) / factor, (rng.random(n) < 1 / (1 + np.exp(-truth))).astype(float)


def test_finds_slope_and_intercept() -> None:
    found = fit_affine(*sample(40_000, 0.5, 0.4))
    assert abs(found.slope - 0.5) < 0.05
    assert abs(found.intercept - 0.4) < 0.1


def test_right_margins_are_left_alone_or_hardly_moved() -> None:
    found = fit_affine(*sample(40_000, 1.0, 0.0))
    assert abs(found.slope - 1) < 0.05


def test_too_few_cases_or_a_ranking_upside_down_give_the_identity() -> None:
    margin, label = sample(400, 1.0, 0.0)
    assert fit_affine(margin[:60], label[:60]) == Affine()
    assert fit_affine(-margin, label) == Affine()
