"""A policy for many: who keeps a limit, how many did in training, and who lends their values."""

from __future__ import annotations

import numpy as np
import pytest

from perfml.errors import DefinitionError
from perfml.learning.validation.reference import Bins
from perfml.project.goals.what_if_spec import EvidenceChange, WhatIfPolicySpec
from perfml.project.spec import parse
from perfml.scoring.what_if.support import complies, lent, share_in_training


def test_a_limit_is_kept_by_those_within_it() -> None:
    values = np.array([0.0, 5, 10, np.nan])
    assert complies(EvidenceChange(column="x", at_most=5), values).tolist() == [True, True, False, False]
    assert complies(EvidenceChange(column="x", at_least=5), values).tolist() == [False, True, True, False]
    assert complies(EvidenceChange(column="x", set_to=5), values).tolist() == [False, True, False, False]


def test_the_share_in_training_is_never_more_than_it_was() -> None:
    known = np.concatenate([np.arange(100.0), np.full(50, np.nan)])
    bins = Bins.of(known)
    for limit in (-5.0, 3, 9.9, 33, 77, 120):
        assert share_in_training(EvidenceChange(column="x", at_most=limit), bins) <= (known <= limit).sum() / 100 + 0.01
        assert (
            share_in_training(EvidenceChange(column="x", at_least=limit), bins) <= (known >= limit).sum() / 100 + 0.01
        )
    assert share_in_training(EvidenceChange(column="x", at_most=33), bins) >= 0.25


def test_values_are_lent_by_somebody_who_is_alike() -> None:
    values = np.array([[40.0, 100, 7], [19, 60, 1], [20, 90, 2], [2, 10, 3]])
    out = lent(
        values,
        number=0,
        columns=[0, 1],
        concerned=np.array([True, False, False, False]),
        lenders=np.array([False, True, True, True]),
        limit=20,
    )
    assert out[0].tolist() == [20, 90, 7] and (out[1:] == values[1:]).all()


def test_a_policy_says_something() -> None:
    with pytest.raises(DefinitionError, match="give changes"):
        parse(WhatIfPolicySpec, {"zh": "无", "en": "none"}, file="models/none.toml")
