"""Horizons and causes fit together, whatever the classifiers say apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.isotonic import isotonic_regression

from perfml.learning.estimators.coherence import coherent


@pytest.mark.slow
@given(
    arrays(np.float64, st.tuples(st.integers(1, 8), st.integers(1, 3), st.integers(1, 4)), elements=st.floats(-8, 8))
)
def test_never_decreasing_and_never_more_than_certain(margins: np.ndarray) -> None:
    adjusted = coherent(margins)
    assert (np.diff(adjusted.incidence, axis=2) >= -1e-12).all()
    assert (adjusted.staying > 0).all()
    np.testing.assert_allclose(adjusted.incidence.sum(axis=1) + adjusted.staying, 1.0, atol=1e-12)
    np.testing.assert_allclose(1 / (1 + np.exp(-adjusted.margin)), adjusted.incidence[:, 0], atol=1e-9)
    mixed = np.einsum("nhk,nk->nh", adjusted.pooled, margins[:, 0]) + adjusted.shift
    np.testing.assert_allclose(mixed, adjusted.margin, atol=1e-9)


@pytest.mark.slow
@given(arrays(np.float64, (5, 4), elements=st.floats(-8, 8)))
def test_pooling_is_isotonic_regression(margin: np.ndarray) -> None:
    expected = [isotonic_regression(row) for row in margin]
    np.testing.assert_allclose(coherent(margin[:, None, :]).margin, expected, atol=1e-9)


def test_what_already_fits_is_left_alone() -> None:
    margins = np.array([[[-3.0, -2.0, -1.0], [-4.0, -3.5, -3.0]]])
    adjusted = coherent(margins)
    np.testing.assert_array_equal(adjusted.margin, margins[:, 0])
    assert not adjusted.shift.any()


def test_causes_that_exceed_certainty_are_scaled_together() -> None:
    adjusted = coherent(np.array([[[0.0, 3.0], [0.0, 3.0]]]))
    assert adjusted.staying[0, 1] == pytest.approx(1e-6, abs=1e-9)
    assert adjusted.incidence[0, 0] == pytest.approx(adjusted.incidence[0, 1])
    assert adjusted.shift[0, 1] < 0
