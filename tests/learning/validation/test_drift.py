"""The index is 0 where nothing has drifted, and each verdict has its evidence: none of them comes from sampling alone."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter
from scipy.stats import ks_2samp

from perfml.errors import DataError
from perfml.learning.validation.drift import DriftReport, assess
from perfml.learning.validation.reference import Reference
from perfml.messages import render

ROOT = Path(__file__).parent.parent.parent
SHARED = ROOT.parent / "shared" / "data"
NAMES = [f"column_{i}" for i in range(12)]
Sample = dict[str, Any]


def sample(seed: int, people: int = 1000, *, rows: int = 1, shift: float = 0.0, score: float = 0.0) -> Sample:
    """Rows of people; ``shift`` moves the first column, ``score`` the margins, each by so many standard deviations."""
    rng = np.random.default_rng(seed)
    features = np.repeat(rng.normal(size=(people, len(NAMES))), rows, axis=0)
    features[:, 0] += shift
    features[:, 1] = np.round(features[:, 1])
    features[rng.random(len(features)) < 0.2, 2] = np.nan
    margin = np.repeat(rng.normal(size=people), rows) - 2 + score
    return {
        "features": features,
        "probability": 1 / (1 + np.exp(-margin)),
        "person": np.repeat(np.arange(people), rows).astype(object),
    }


def outcome(seed: int, of: Sample, times: float = 1.0) -> np.ndarray:
    return (np.random.default_rng(seed).random(len(of["person"])) < of["probability"] * times).astype(float)


BEFORE = sample(0, people=3000)
REFERENCE = Reference.of(names=NAMES, **BEFORE)


def assessed(now: Sample, **more: Any) -> DriftReport:
    if "label" in more:
        more["outcomes"] = more.pop("label"), now["probability"], now["person"]
    return assess(REFERENCE, names=NAMES, **now, **more)


def test_the_index_without_what_sampling_gives_is_zero_on_average() -> None:
    excess = []
    for seed in range(1, 31):
        now = assessed(sample(seed, people=400))
        noise = 1 / 400 + 1 / 3000
        excess += [shift.psi - 9 * noise for shift in now.columns if shift.name not in NAMES[1:3]]  # ten bins each
    error = np.std(excess) / np.sqrt(len(excess))
    assert abs(np.mean(excess)) < 3 * error
    assert error < 0.001
    assert np.mean(excess) + 9 * noise > 0.02  # uncorrected it is not 0


@pytest.mark.slow
@pytest.mark.parametrize("rows", [1, 6])
def test_no_drift_gives_no_alarm(rows: int) -> None:
    """Twelve columns, the score and the outcomes of a small company, 40 times."""
    verdicts = []
    for seed in range(1, 41):
        now = sample(seed, people=250, rows=rows)
        verdicts.append(assessed(now, label=outcome(seed, now), draws=100).verdict)
    assert verdicts.count("no action") >= 38
    assert "retrain" not in verdicts


def test_moved_evidence_alone_is_watched_and_named() -> None:
    now = sample(1, shift=0.8)
    report = assessed(now, label=outcome(1, now))
    assert report.verdict == "watch" and report.evidence_alone
    first = report.columns[0]
    assert first.name == "column_0" and first.moved
    pooled = BEFORE["features"][:, 0]
    assert first.effect == pytest.approx((now["features"][:, 0].mean() - pooled.mean()) / pooled.std())
    assert [s.name for s in report.columns if s.moved] == ["column_0"]
    english = render(report.text, "en")
    assert "column_0" in english and "column_0" in render(report.text, "zh")
    assert "column_1" not in english


def test_ks_equals_scipy_on_a_column_of_few_values() -> None:
    now = sample(1)
    now["features"][:, 1] += 1
    shift = next(s for s in assessed(now).columns if s.name == "column_1")
    expected = ks_2samp(BEFORE["features"][:, 1], now["features"][:, 1]).statistic
    assert shift.ks == pytest.approx(expected, abs=0.005)


def test_values_that_go_missing_are_a_drift() -> None:
    now = sample(1)
    now["features"][:400, 3] = np.nan
    first = assessed(now).columns[0]
    assert first.name == "column_3" and first.moved
    assert first.missing == pytest.approx(0.4)
    now["features"][:, 3] = np.nan
    json.dumps(assessed(now).to_json(), allow_nan=False)


@pytest.mark.parametrize(
    ("people", "times", "verdict"),
    [
        (1000, 1.0, "no action"),
        (1000, 1.9, "retrain"),
        (1000, 0.4, "retrain"),
        (4000, 1.25, "watch"),
        (250, 1.25, "no action"),
    ],
)
def test_outcomes_against_what_was_expected(people: int, times: float, verdict: str) -> None:
    now = sample(2, people=people)
    report = assessed(now, label=outcome(3, now, times))
    assert report.verdict == verdict
    assert report.observed_over_expected is not None
    assert report.observed_over_expected.low <= times <= report.observed_over_expected.high


def test_outcomes_that_are_not_known_yet_are_said_not_to_be() -> None:
    now = sample(1)
    label = outcome(1, now, 3.0)
    label[150:] = np.nan
    for report in (assessed(now), assessed(now, label=label)):
        assert report.observed_over_expected is None
        assert report.verdict == "no action"
        assert "not known yet" in render(report.text, "en") and "尚不可知" in render(report.text, "zh")


def test_scores_that_moved_far_ask_for_learning_anew() -> None:
    assert [assessed(sample(1, score=by)).verdict for by in (0.0, 0.4, 1.0)] == ["no action", "watch", "retrain"]


def test_too_few_people_cannot_tell() -> None:
    """Two hundred rows of twenty people are twenty people."""
    report = assessed(sample(1, people=20, rows=10, shift=5.0))
    assert report.verdict == "cannot tell"
    assert "20 now" in render(report.text, "en") and "无法判断" in render(report.text, "zh")
    assert report.score is None and report.columns == ()


def test_a_reference_comes_back_from_json_the_same() -> None:
    now = sample(1, shift=0.8)
    adapter = TypeAdapter(Reference)
    back = adapter.validate_json(json.dumps(adapter.dump_python(REFERENCE, mode="json"), allow_nan=False))
    assert back == REFERENCE
    assert assess(back, names=NAMES, **now).to_json() == assessed(now).to_json()
    assert len(adapter.dump_json(REFERENCE)) < 10_000  # quantiles, not rows


def test_columns_are_found_by_name() -> None:
    now = sample(1, shift=0.8)
    turned = now | {"features": now["features"][:, ::-1]}
    assert assess(REFERENCE, names=NAMES[::-1], **turned).to_json() == assessed(now).to_json()
    with pytest.raises(DataError, match="column_11"):
        assess(REFERENCE, names=NAMES[:-1], **(now | {"features": now["features"][:, :-1]}))


@pytest.mark.data
@pytest.mark.skipif(not SHARED.is_dir(), reason="the evaluation data does not lie beside the checkout (../shared/data)")
def test_yearly_snapshots_rank_the_leavers_and_the_lay_offs_raise_the_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    """People were first laid off at the end of 2014: the year that the snapshot of 2013 tells."""
    monkeypatch.syspath_prepend(str(ROOT / "evaluation"))
    import yearly

    answers = yearly.evaluate(SHARED)
    sys.modules.pop("yearly")
    assert answers["auc"]["value"] >= 0.80
    assert answers["first_retrain"] == 2013
    assert answers["snapshots"]["2013"]["drift"]["observed_over_expected"]["low"] > 1.25
    assert [answers["snapshots"][year]["alarm"] for year in ("2010", "2011")] == ["no action", "no action"]
    assert answers["snapshots"]["2012"]["alarm"] != "retrain"
