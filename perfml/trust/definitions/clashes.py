"""Clashes: sources that do not mean the same by one metric, and meanings that nobody has signed off.

They are looked for in the definitions and in what the rows of ``facts`` say of themselves, before any two numbers are compared.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from perfml.evidence.snapshots import visible
from perfml.evidence.sources import Data
from perfml.json_types import JsonObject
from perfml.messages import Message, both
from perfml.project.trust.metrics import MEANING, MetricSpec, MetricsSpec
from perfml.trust.definitions.versions import MetricVersion, VersionHistory

Aspect = Literal["unit", "basis", "attribution"]


@dataclass(frozen=True, kw_only=True)
class Clash:
    """Two meanings of one metric that differ in one aspect."""

    metric: str
    owner: str
    aspect: Aspect
    message: Message
    stops: bool
    """Whether nothing may be compared, and nobody affected scored, until a new version is signed off. Else what leads from one
    meaning to the other is defined."""

    def to_json(self) -> JsonObject:
        """The clash as JSON, with its sentence in both languages."""
        return {
            "metric": self.metric,
            "owner": self.owner,
            "aspect": self.aspect,
            "stops": self.stops,
            **both(self.message),
        }


def clashes(metrics: MetricsSpec, history: VersionHistory, data: Data | None, as_of: dt.date) -> tuple[Clash, ...]:
    """Every clash of ``metrics``, by metric; those that stop something first."""
    every = [
        clash
        for name, spec in metrics.metrics.items()
        for clash in (
            *_between_sources(name, spec),
            *_between_versions(name, spec, history),
            *(_in_the_rows(name, spec, data, as_of) if data is not None and data.has("facts") else ()),
        )
    ]
    return tuple(sorted(every, key=lambda clash: (clash.metric, not clash.stops)))


def _between_sources(name: str, spec: MetricSpec) -> Iterator[Clash]:
    """Where a source means something else than the metric does."""
    bridged = {"basis": spec.bridge.returns, "attribution": spec.bridge.attribution}
    for source in spec.sources:
        stated = spec.meaning_of(source)
        for aspect in MEANING:
            if stated[aspect] != spec.meaning[aspect]:
                leads = source == spec.reference and bridged.get(aspect) is not None
                yield _clash(
                    name, spec, aspect, "definition_clash_bridged" if leads else "definition_clash",
                    stops=not leads and source in (spec.reference, spec.actuals), source=source, theirs=stated[aspect],
                    meant=spec.meaning[aspect],
                )  # fmt: skip


def _between_versions(name: str, spec: MetricSpec, history: VersionHistory) -> Iterator[Clash]:
    """Where a meaning changed without a new version, and where a new version is not signed off."""
    known = history.of(name, spec.version)
    if known is not None:
        for aspect in MEANING:
            if known.meaning[aspect] != spec.meaning[aspect]:
                yield _clash(
                    name, spec, aspect, "definition_changed", stops=True, version=spec.version,
                    before=known.meaning[aspect], now=spec.meaning[aspect],
                )  # fmt: skip
    if spec.version > 1 and (known is None or not known.in_force):
        for aspect in changed_aspects(spec, history.before(name, spec.version)):
            yield _clash(name, spec, aspect, "definition_unsigned", stops=True, version=spec.version)


def changed_aspects(spec: MetricSpec, before: MetricVersion | None) -> tuple[Aspect, ...]:
    """What a version means otherwise than the one before; where that one is not known, everything."""
    return tuple(aspect for aspect in _ASPECTS if before is None or before.meaning[aspect] != spec.meaning[aspect])


_ASPECTS: Mapping[Aspect, str] = {
    "unit": "definition_aspect_unit",
    "basis": "definition_aspect_basis",
    "attribution": "definition_aspect_attribution",
}
"""Aspect -> the code of what to call it."""


def _in_the_rows(name: str, spec: MetricSpec, data: Data, as_of: dt.date) -> Iterator[Clash]:
    """Where rows of ``facts`` say that they mean something else than the definition says of their source."""
    rows = data.connection.execute(
        "select distinct t.source, coalesce(t.basis, ''), coalesce(t.attribution, '') from main.facts t,"
        f" (select ?::date as as_of) a where {visible('t')} and t.metric = ? order by all",
        [as_of, name],
    ).fetchall()
    reported: set[tuple[str, Aspect, str]] = set()
    for packet, basis, attribution in rows:
        source = next((known for known in spec.sources if packet == known or packet.startswith(f"{known}/")), None)
        if source is None:
            continue
        stated = spec.meaning_of(source)
        for aspect, value in (("basis", basis), ("attribution", attribution)):
            if value and value != stated[aspect] and (source, aspect, value) not in reported:
                key: Aspect = "basis" if aspect == "basis" else "attribution"
                reported.add((source, key, value))
                yield _clash(
                    name, spec, key, "definition_rows_clash", stops=source in (spec.reference, spec.actuals),
                    source=source, theirs=value, declared=stated[aspect],
                )  # fmt: skip


def _clash(name: str, spec: MetricSpec, aspect: str, code: str, *, stops: bool, **values: str | int) -> Clash:
    (key,) = (each for each in _ASPECTS if each == aspect)
    return Clash(
        metric=name,
        owner=spec.owner,
        aspect=key,
        message=Message.of(code, metric=name, aspect=Message.of(_ASPECTS[key]), **values),
        stops=stops,
    )
