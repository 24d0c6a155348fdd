"""The definition of metrics: what each means, who owns it, how each source reports it. ``features/definitions.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from perfml.project.spec import Spec

Level = Literal["employee", "department", "location"]
MEANING = ("unit", "basis", "attribution")
"""The keys that say what a number means: another value of one of them is another version."""


class SourceMeaning(Spec):
    """How one source reports a metric. A source called ``bi`` also covers ``bi/North``: one packet of it."""

    basis: str
    """What is counted, such as ``gross`` or ``net``; as in ``facts``."""
    attribution: str
    """Who or what it is counted for, such as ``delivery`` or ``registration``; as in ``facts``."""
    unit: str | None = None
    """Default: the unit of the metric."""


class MeaningBridge(Spec):
    """The metrics of ``facts`` that lead from the reference's meaning to that of the actuals, by entity and business day."""

    returns: str | None = None
    """What of the reference's value came back: a positive amount, subtracted. Needed where the bases differ."""
    attribution: str | None = None
    """What is counted for another entity: an amount added, negative where it leaves. It is in the basis of the actuals and adds
    up to zero over all entities. Needed where the attributions differ."""


class MetricSpec(Spec):
    """One metric: ``[metrics.<name>]``."""

    zh: str
    """The name in Chinese."""
    en: str
    """The name in English."""
    unit: str
    """The unit, such as ``CNY`` or ``hours``."""
    owner: str
    """Who is asked what it means, and told when sources disagree: a person or a post."""
    version: Annotated[int, Field(ge=1)]
    """Rises with every change of meaning. Targets and actuals state it as ``v1``; from 2 on it holds once it is signed off."""
    basis: str
    """What is counted, such as ``gross`` or ``net``."""
    attribution: str
    """Who or what it is counted for, such as ``delivery`` or ``registration``."""
    closing_days: Annotated[int, Field(ge=0, le=366)] = 0
    """Days from a business day until every source has closed it; earlier days are not compared."""
    decimals: Annotated[int, Field(ge=0, le=6)] = 2
    """Decimal places of the unit: amounts are added up exactly, to this place."""
    entity: Level = "employee"
    """What ``entity`` of ``facts`` names."""
    level: Level | None = None
    """Where a gap is judged and held; default: each entity by itself. People belong to it by their position."""
    reference: str | None = None
    """The complete source that others are compared with."""
    actuals: str | None = None
    """The source that actuals of goals come from; it must mean what the metric means."""
    limit_percent: Annotated[Decimal, Field(ge=0, le=100)] = Decimal(5)
    """Gap above which the affected entities are held; a gap of exactly this much holds nobody."""
    sources: Mapping[str, SourceMeaning] = {}
    """How each source reports it."""
    bridge: MeaningBridge = MeaningBridge()
    """What leads from one meaning to the other."""

    @model_validator(mode="after")
    def _names_its_sources(self) -> MetricSpec:
        for name in self.sources:
            if "/" in name:
                raise ValueError(f"{name!r} names a packet; name the source, what stands before the /")
        for key in ("reference", "actuals"):
            name = getattr(self, key)
            if name is not None and name not in self.sources:
                raise ValueError(f"{key} names {name!r}, which stands under no sources; say how it reports the metric")
        if self.entity != "employee" and self.level not in (None, self.entity):
            raise ValueError("level names where people belong; leave it out where entity names no employee")
        if self.reference is not None and self.reference == self.actuals:
            raise ValueError("reference and actuals are one source; name two, or leave reference out")
        return self

    @property
    def label(self) -> str:
        """The version as targets and actuals state it."""
        return f"v{self.version}"

    @property
    def judged(self) -> Level:
        """The level at which a gap is judged."""
        return self.level or self.entity

    @property
    def meaning(self) -> dict[str, str]:
        """What a number of this metric means: :data:`MEANING`."""
        return {key: getattr(self, key) for key in MEANING}

    def meaning_of(self, source: str) -> dict[str, str]:
        """What a number of one of its sources means."""
        stated = self.sources[source]
        return {"unit": stated.unit or self.unit, "basis": stated.basis, "attribution": stated.attribution}


class MetricsSpec(Spec):
    """``features/definitions.toml``."""

    required: bool = False
    """Whether every metric of goals and facts needs a definition: rows of others are set aside. Otherwise `check` lists them."""
    metrics: Mapping[str, MetricSpec] = {}
    """The metrics, by their name in ``goals`` and ``facts``."""

    @property
    def defined(self) -> frozenset[str]:
        """The metrics with a definition, those of bridges included."""
        bridges = [spec.bridge for spec in self.metrics.values()]
        return frozenset([*self.metrics, *(name for b in bridges for name in (b.returns, b.attribution) if name)])
