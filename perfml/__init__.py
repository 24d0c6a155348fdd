"""perfml: early, explained, fair support, from the evidence a company already holds.

>>> from perfml import Project
>>> "attrition" in Project().folder.models
True
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from perfml.errors import DataError, DefinitionError, ModelError, PerfmlError

if TYPE_CHECKING:
    from perfml.advice.courses import CourseRecommender
    from perfml.api import Project
    from perfml.learning.estimators.classifier import RiskClassifier

from perfml._version import __version__

__all__ = [
    "CourseRecommender",
    "DataError",
    "DefinitionError",
    "ModelError",
    "PerfmlError",
    "Project",
    "RiskClassifier",
    "__version__",
]


_WHERE = {
    "CourseRecommender": "perfml.advice.courses",
    "Project": "perfml.api",
    "RiskClassifier": "perfml.learning.estimators.classifier",
}
"""Public names that bring heavy libraries: loaded when asked for."""


def __getattr__(name: str) -> object:
    if name in _WHERE:
        return getattr(import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'perfml' has no attribute {name!r}")
