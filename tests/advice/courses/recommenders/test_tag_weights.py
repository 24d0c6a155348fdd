"""The weights of evidence for gap tags: where they come from, and when a course is shown."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest

from benchmarks.course_weights import learn
from perfml.advice.courses.recommenders.embedding import E5, USE, encoders
from perfml.advice.courses.recommenders.tag_weights import TagEvidence, TagWeights, shipped_weights, table_of


def evidence(cosine: list[float], *, named: bool = False) -> TagEvidence:
    n = len(cosine)
    wide, narrow = np.zeros(n), np.zeros(n, dtype=np.float32)
    return TagEvidence(
        named=named, fused=narrow, covered=narrow, same=wide, helping=wide, cosine=np.array(cosine, dtype=np.float32)
    )


def test_the_cosine_counts_as_its_lead_over_the_closest_courses() -> None:
    np.testing.assert_allclose(evidence([0.9, 0.6, 0.3, 0.1]).matrix[:, 4], [0.3, 0.0, -0.3, -0.5], atol=1e-6)


def test_nothing_is_shown_unless_the_likeliest_course_is_likely_enough() -> None:
    weights = TagWeights(
        fused=0, covered=0, same=0, helping=0, lead=10, constant=-1, least_probability=0.3, least_share=0.5
    )
    three = [0.5, 0.5, 0.5, 0.3]
    (best, *_, last) = weights.probability(evidence(three))
    assert best == pytest.approx(0.269, abs=0.001) and last < 0.5 * best
    assert not weights.shown(evidence(three)).any()
    assert weights.shown(evidence(three, named=True)).tolist() == pytest.approx([best, best, best, 0])


@pytest.mark.slow
@pytest.mark.parametrize("running", [(), (USE,), (USE, E5)], ids=table_of)
def test_the_shipped_weights_are_what_the_script_learns(running: tuple[object, ...]) -> None:
    """Nobody has edited them by hand."""
    chosen = tuple(each for each in (USE, E5) if each in running)
    if not set(chosen) <= set(encoders()):
        pytest.skip("these encoders of perfml[embeddings] do not run here")
    shipped, learnt = shipped_weights(table_of(chosen)), learn(chosen).weights
    np.testing.assert_allclose(astuple(learnt), astuple(shipped), atol=0.03)
