"""How much of past errors is common: planted shares are estimated, and what is planted nowhere is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from perfml.goals.sums.common_errors import MOST_COMMON, CommonErrors


def past(rng: np.random.Generator, *, metric: float, scope: float, names: tuple[str, ...] = ("a", "b")) -> pd.DataFrame:
    """Errors of 30 goals in each of 4 scopes and 12 periods, with these shares of the variance common."""
    shape = (len(names), 12, 4, 30)
    shared, local, own = (
        rng.normal(0, np.sqrt(share), size)
        for share, size in ((metric, (*shape[:2], 1, 1)), (scope, (*shape[:3], 1)), (1 - metric - scope, shape))
    )
    name, period, where, _ = (index.ravel() for index in np.indices(shape))
    return pd.DataFrame(
        {
            "metric": np.array(names, dtype=object)[name],
            "scope": np.array(list("nsew"), dtype=object)[where],
            "period": period.astype(float),
            "part": 0.5,
            "error": 0.1 * (shared + local + own).ravel(),
        }
    )


@pytest.mark.slow
@pytest.mark.parametrize(("metric", "scope"), [(0.0, 0.0), (0.4, 0.0), (0.0, 0.4), (0.25, 0.25)])
def test_planted_shares_are_estimated(metric: float, scope: float) -> None:
    estimates = []
    for seed in range(8):
        errors = CommonErrors.of(past(np.random.default_rng(seed), metric=metric, scope=scope))
        estimates.append([share[0] for share in errors.at(np.array(["a"], dtype=object))])
    assert np.mean(estimates, axis=0) == pytest.approx([metric, scope], abs=0.09)


def test_a_metric_without_a_past_has_the_shares_of_all_together() -> None:
    errors = CommonErrors.of(past(np.random.default_rng(1), metric=0.3, scope=0.2))
    of_new, of_old = (errors.at(np.array([name], dtype=object)) for name in ("new", "a"))
    assert of_new[0][0] == pytest.approx(errors.pooled[0]) and of_new[0][0] == pytest.approx(of_old[0][0], abs=0.2)


def test_without_a_past_nothing_is_common_and_never_everything() -> None:
    nothing = CommonErrors.of(past(np.random.default_rng(1), metric=0.3, scope=0.2).iloc[:0])
    assert nothing.at(np.array(["a"], dtype=object)) == (0.0, 0.0)
    whole = CommonErrors.of(past(np.random.default_rng(1), metric=0.97, scope=0.03))
    assert sum(share[0] for share in whole.at(np.array(["a"], dtype=object))) <= MOST_COMMON + 1e-12
