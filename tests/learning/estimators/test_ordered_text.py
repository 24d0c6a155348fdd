"""Which columns of texts are ordered numbers, and what becomes of what cannot be read."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from perfml import RiskClassifier
from perfml.learning.estimators.encoding.encoder import Encoder
from perfml.learning.estimators.encoding.ordered_text import TextScale, read_amount, text_scale

QUICK = {"seeds": (1,), "max_rounds": 60, "early_stopping_rounds": 20}


@pytest.mark.parametrize(
    ("lowest_first", "others"),
    [
        (["<1", "1", "2", "15", ">20"], []),
        (["<10", "10/49", "50-99", "100-500", "500-999", "1000-4999", "10000+"], []),
        (["1", "2", "3", "4", ">4"], ["never"]),
        (["不足1年", "1-3年", "3年以上"], ["无"]),
        (["１年以下", "１～３年", "10年以上"], []),
        (["10人以下", "10-49人", "100-500人", "10000人以上"], []),
        (["1万以下", "1-2万", "2-5万", "5万以上"], []),
        (["6 months", "1-2 years", "3 years", "10+ years"], []),
        (["lt $1000", "$8000 to 9999", "$20000 - 24999", "$25000 or more"], []),
        (["18 - 24", "25 - 34", "65 and over"], []),
        (["Low", "Medium", "High"], ["None"]),
        (["低", "中", "高", "非常高"], []),
        (["Primary School", "High School", "Graduate", "Masters", "Phd"], []),
        (["Below Secondary", "Bachelor's", "Master's & above"], []),
        (["大专以下", "大专", "本科", "硕士", "博士"], []),
    ],
)
def test_what_is_ordered(lowest_first: list[str], others: list[str]) -> None:
    scale = text_scale([*reversed(lowest_first), *others])
    assert scale is not None and list(scale.others) == others
    numbers = [scale(text) for text in lowest_first]
    assert None not in numbers and numbers == sorted(set(numbers))
    assert [scale(text) for text in others] == [None] * len(others)


@pytest.mark.parametrize(
    "texts",
    [
        ["1", "2", "3"],  # may be codes
        ["region_1", "region_2", "region_3"],
        ["1组", "2组", "3组"],
        ["1st", "2nd", "3rd"],
        ["C1", "C2", "C3"],
        ["12-34", "34-12", "1-1"],
        ["2019-01", "2019-02", "2019-03"],
        ["010", "020", "030", "<1"],
        ["男", "女"],
        ["low", "high"],
        ["<1", "sales", "finance", "law", "1", "2"],  # too many others
        ["3 years", "5 km", "10 kg"],
        ["5", "6 months", "2 years"],  # five of what?
    ],
)
def test_what_stays_a_category(texts: list[str]) -> None:
    assert text_scale(texts) is None


def test_an_amount_that_training_did_not_show_is_read() -> None:
    scale = text_scale(["<1", "1", "2", ">20"])
    assert scale is not None and scale("7") == 7.0 and scale("3-5") == 4.0
    assert scale("9 km") is None and scale("many") is None
    assert read_amount("5-3") is None and read_amount(">20+") is None
    assert TextScale.from_json(scale.to_json()) == scale


def table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "since_last_job": ["1", "2", ">4", "never", None, "3"],
            "grade": pd.Categorical(["P6", "P5", "P10", "P5", None, "P6"], ["P5", "P6", "P10"], ordered=True),
            "city": ["a", "b", "a", "b", "a", None],
        }
    )


def test_words_among_amounts_are_categories_of_their_own_and_missing_is_missing() -> None:
    encoder = Encoder.fit(table())
    assert encoder.categories(3) == {2: 2, 3: 2}
    nan = np.nan
    expected = [[1, 1, 0, 0], [2, 0, 1, 0], [5, 2, 0, 0], [nan, 0, 1, 1], [nan, nan, 0, nan], [3, 1, nan, 0]]
    np.testing.assert_array_equal(encoder.transform(table()), expected)
    np.testing.assert_array_equal(Encoder.from_json(encoder.to_json()).transform(table()), expected)
    unreadable = table().head(1).assign(since_last_job="long ago")
    np.testing.assert_array_equal(encoder.transform(unreadable), [[nan, 1, 0, nan]])


@pytest.mark.slow
def test_contributions_are_those_of_the_table_s_columns() -> None:
    rng = np.random.default_rng(0)
    rows = table().iloc[rng.integers(0, 6, 900)].reset_index(drop=True)
    margin = 2.0 * (rows["since_last_job"] == "never") - (rows["since_last_job"] == ">4") - 0.5
    label = (rng.random(900) < 1 / (1 + np.exp(-margin))).astype(int)
    model = RiskClassifier(**QUICK).fit(rows, label)
    contributions = model.contributions(rows)
    assert contributions.shape == (900, 4) and model.feature_importances_.shape == (3,)
    np.testing.assert_allclose(contributions.sum(axis=1), model.decision_function(rows), atol=1e-9)
    never, last = rows["since_last_job"] == "never", rows["since_last_job"] == ">4"
    assert contributions[never, 0].mean() > 0.5 > -0.2 > contributions[last, 0].mean()
    monotone = RiskClassifier(**QUICK, monotone={"since_last_job": -1}).fit(rows, label)
    readable = monotone.decision_function(
        pd.DataFrame({"since_last_job": ["1", "2", "3", ">4"], "grade": "P5", "city": "a"})
    )
    assert (np.diff(readable) <= 1e-12).all()
    assert model.explanation(rows).values.shape == (900, 3)
