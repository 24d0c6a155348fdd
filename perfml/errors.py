"""Every error that a person can correct: it says where (file, key or row) and how."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import ClassVar

from perfml.messages import Message, render

ALIKE = 0.7
"""Similarity (difflib's ratio) from which a name is taken for a misspelling of another."""


class PerfmlError(Exception):
    """Something the caller can correct. ``where`` names file, key or row; ``remedy`` says what to do.

    Problem and remedy are texts, or messages, which the error gives in English and keeps as ``notice``. ``may_pass``: the same
    may succeed later, with nothing corrected but what others do.

    >>> str(PerfmlError("'day' is not a key", where="features/feedback.toml [windows]", remedy="use one of: days, kinds"))
    "features/feedback.toml [windows]: 'day' is not a key; use one of: days, kinds"
    """

    may_pass: ClassVar[bool] = False

    def __init__(self, problem: str | Message, *, where: str = "", remedy: str | Message = "") -> None:
        self.notice = Message.of("refusal", problem=problem, remedy=remedy)
        self.problem, self.where, self.remedy = _english(problem), where, _english(remedy)
        super().__init__((f"{where}: " if where else "") + self.problem + (f"; {self.remedy}" if self.remedy else ""))


class DefinitionError(PerfmlError):
    """A file in ``features/``, ``models/`` or ``perfml.toml`` that cannot be used as written."""


class DataError(PerfmlError):
    """Input tables that cannot be read, or on which the main job cannot run."""


class MissingTables(DataError):
    """An export without the tables that the main job needs, under their own names."""


class ModelError(PerfmlError):
    """A model that is missing, altered on disk, or cannot be trained on this data."""


class DiskFull(PerfmlError):
    """No space is left to write to ``where``; what was stored before is as it was, and can be read."""

    may_pass = True

    def __init__(self, where: str) -> None:
        super().__init__(Message.of("disk_full"), where=where, remedy=Message.of("disk_full_remedy"))


def _english(text: str | Message) -> str:
    return text if isinstance(text, str) else render(text, "en")


def choose_from(names: Iterable[str], *, instead_of: str) -> str:
    """The remedy for a name that is not among ``names``: all of them, the one it resembles first.

    >>> choose_from(["horizons_days", "kind"], instead_of="horizon_days")
    "did you mean 'horizons_days'? use one of: horizons_days, kind"
    """
    options = list(names)
    near = get_close_matches(instead_of, options, n=1, cutoff=ALIKE)
    return "".join(f"did you mean {name!r}? " for name in near) + f"use one of: {', '.join(options)}"
