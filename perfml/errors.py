"""Every error a person can mend: it says where (file, key or row) and how."""

from __future__ import annotations


class PerfmlError(Exception):
    """Something the caller can mend. ``where`` names file, key or row; ``remedy`` says what to do.

    >>> str(PerfmlError("'day' is not a key", where="features/feedback.toml [windows]", remedy="use one of: days, kinds"))
    "features/feedback.toml [windows]: 'day' is not a key; use one of: days, kinds"
    """

    def __init__(self, problem: str, *, where: str = "", remedy: str = "") -> None:
        self.problem, self.where, self.remedy = problem, where, remedy
        super().__init__((f"{where}: " if where else "") + problem + (f"; {remedy}" if remedy else ""))


class DefinitionError(PerfmlError):
    """A file in ``features/``, ``models/`` or ``perfml.toml`` that cannot be used as written."""


class DataError(PerfmlError):
    """Input tables that cannot be read, or on which the main job cannot run."""


class ModelError(PerfmlError):
    """A model that is missing, altered on disk, or cannot be learnt from this data."""
