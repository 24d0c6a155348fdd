"""No reason states a comparison with few others; the model still predicts from it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from perfml.arrays import Floats
from perfml.evidence.columns import Column
from perfml.reasons.few_others import Others

OWN = Column(
    name="logins_28d",
    evidence="logins",
    reason="logins",
    reason_zh="登录",
    reason_en="logins",
    zh="登录次数",
    en="logins",
    unit="count",
    direction="neither",
    owner="employee",
)
COLUMNS = (OWN, OWN.compared("team"), OWN.of_team("sum"), OWN.compared("peers"))


def people(team: int, others: int) -> pd.DataFrame:
    return pd.DataFrame({"manager_id": ["A"] * team + ["B"] * others, "role_family": "sales", "level": 3})


def stated(values: Floats, people: pd.DataFrame) -> Floats:
    """``values`` without those that may not be stated."""
    shown = values.copy()
    hidden = Others(people=people, least=5).hidden(values, np.arange(len(people)), COLUMNS, people.index.to_numpy())
    for column, hide in hidden.items():
        shown[hide, column] = np.nan
    return shown


@pytest.mark.parametrize(("size", "enough"), [(3, False), (5, False), (6, True)])
def test_five_others_are_needed(size: int, enough: bool) -> None:
    values = np.ones((size + 10, len(COLUMNS)))
    shown = ~np.isnan(stated(values, people(size, 10)))
    assert shown[:size, 1].all() == shown[:size, 2].all() == enough
    assert shown[:, 0].all() and shown[:, 3].all() and shown[size:].all()
    assert not np.isnan(values).any(), "the model's own values stay"


def test_who_has_no_value_is_no_other_and_who_has_no_manager_has_no_team() -> None:
    values = np.ones((7, len(COLUMNS)))
    values[:2, 1] = np.nan
    assert np.isnan(stated(values, people(7, 0))[:, 1]).all()
    nobody = people(7, 0).assign(manager_id=None)
    assert np.isnan(stated(np.ones((7, 4)), nobody)[:, 1]).all()
