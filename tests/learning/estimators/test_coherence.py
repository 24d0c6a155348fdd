"""Horizons and causes fit together, whatever the classifiers say apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.isotonic import isotonic_regression

from perfml.learning.estimators.coherence import coherent


@given(
    arrays(np.float64, st.tuples(st.integers(1, 8), st.integers(1, 3), st.integers(1, 4)), elements=st.floats(-8, 8))
)
def test_never_decreasing_and_never_more_than_certain(margins: np.ndarray) -> None:
    found = coherent(margins)
    assert (np.diff(found.incidence, axis=2) >= -1e-12).all()
    assert (found.staying > 0).all()
    np.testing.assert_allclose(found.incidence.sum(axis=1) + found.staying, 1.0, atol=1e-12)
    np.testing.assert_allclose(1 / (1 + np.exp(-found.margin)), found.incidence[:, 0], atol=1e-9)
    mixed = np.einsum("nhk,nk->nh", found.pooled, margins[:, 0]) + found.shift
    np.testing.assert_allclose(mixed, found.margin, atol=1e-9)


@given(arrays(np.float64, (5, 4), elements=st.floats(-8, 8)))
def test_pooling_is_isotonic_regression(margin: np.ndarray) -> None:
    expected = [isotonic_regression(row) for row in margin]
    np.testing.assert_allclose(coherent(margin[:, None, :]).margin, expected, atol=1e-9)


def test_what_already_fits_is_left_alone() -> None:
    margins = np.array([[[-3.0, -2.0, -1.0], [-4.0, -3.5, -3.0]]])
    found = coherent(margins)
    np.testing.assert_array_equal(found.margin, margins[:, 0])
    assert not found.shift.any()


def test_causes_that_exceed_certainty_are_scaled_together() -> None:
    found = coherent(np.array([[[0.0, 3.0], [0.0, 3.0]]]))
    assert found.staying[0, 1] == pytest.approx(1e-6, abs=1e-9)
    assert found.incidence[0, 0] == pytest.approx(found.incidence[0, 1])
    assert found.shift[0, 1] < 0
