"""perfml: early, explained, fair support, from the evidence a company already holds.

>>> from perfml import Project
>>> sorted(Project().folder.models)
['attrition', 'low_performance']
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfml.errors import DataError, DefinitionError, ModelError, PerfmlError

if TYPE_CHECKING:
    from perfml.verbs import Project

__version__ = "0.1.0"
__all__ = ["DataError", "DefinitionError", "ModelError", "PerfmlError", "Project", "__version__"]


def __getattr__(name: str) -> object:
    if name == "Project":
        from perfml.verbs import Project

        return Project
    raise AttributeError(f"module 'perfml' has no attribute {name!r}")
