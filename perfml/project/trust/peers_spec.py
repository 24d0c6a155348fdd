"""What a policy of kind ``peers`` may contain: the figures that a person is shown beside the mean of others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from perfml.project.spec import Spec

PeerGroup = Literal["department", "role_family", "company"]
"""Whom a person is compared with."""


class PeerMeasureSpec(Spec):
    """One figure."""

    column: str
    """The evidence column that it is."""
    zh: str
    """Its name in Chinese."""
    en: str
    """Its name in English."""
    unit: str
    """Its unit, as in ``features/``."""


class PeersSpec(Spec):
    """``models/<name>.toml`` of kind ``peers``: figures of a person beside the mean of others."""

    kind: Literal["peers"] = "peers"
    """Marks the file as a list of figures for comparison."""
    zh: str
    """The title in Chinese."""
    en: str
    """The title in English."""
    groups: Annotated[tuple[PeerGroup, ...], Field(min_length=1)] = ("department", "role_family", "company")
    """The groups in the order in which they are tried: the first that gives nobody's own value away is used."""
    measures: Annotated[Mapping[str, PeerMeasureSpec], Field(min_length=1)]
    """The figures by name."""
