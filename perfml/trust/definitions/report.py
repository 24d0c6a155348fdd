"""What is known of every definition: its version, who signed it off, where sources clash, and what nobody has defined."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from perfml.evidence.sources import Data
from perfml.json_types import JsonObject
from perfml.messages import render
from perfml.project.trust.metrics import MetricSpec, MetricsSpec
from perfml.trust.definitions.affected import affected
from perfml.trust.definitions.clashes import Clash, clashes
from perfml.trust.definitions.undefined import OtherVersion, UndefinedMetric, other_versions, undefined_metrics
from perfml.trust.definitions.versions import MetricVersion, history


@dataclass(frozen=True, kw_only=True)
class DefinedMetric:
    """One metric as it is defined, and the standing of its version."""

    name: str
    spec: MetricSpec
    version: MetricVersion | None
    """Its version as first used and signed off; None where it was never used."""
    clashes: tuple[tuple[Clash, tuple[str, ...]], ...]
    """Each clash with the entities that it affects; none where no data are named."""

    @property
    def in_force(self) -> bool:
        """Whether numbers of it may be compared and scored."""
        return not any(clash.stops for clash, _ in self.clashes)


@dataclass(frozen=True, kw_only=True)
class DefinitionsReport:
    """The registry of definitions."""

    metrics: tuple[DefinedMetric, ...]
    undefined: tuple[UndefinedMetric, ...] = ()
    other_versions: tuple[OtherVersion, ...] = ()

    def to_json(self) -> JsonObject:
        """The registry as JSON, sentences in both languages."""
        return {
            "metrics": [_metric(each) for each in self.metrics],
            "undefined": [{"metric": u.metric, "table": u.table, "rows": u.rows} for u in self.undefined],
            "other_versions": [
                {"metric": o.metric, "stated": o.stated, "current": o.current, "goals": o.goals}
                for o in self.other_versions
            ],
        }


def definitions_report(
    metrics: MetricsSpec, home: Path, *, data: Data | None = None, as_of: dt.date = dt.date.max
) -> DefinitionsReport:
    """Everything that is known of ``metrics``, with what ``data`` say of them before ``as_of``."""
    known = history(home)
    every = clashes(metrics, known, data, as_of)
    return DefinitionsReport(
        metrics=tuple(
            DefinedMetric(
                name=name,
                spec=spec,
                version=known.of(name, spec.version),
                clashes=tuple(
                    (clash, affected(data, clash, spec, as_of) if data is not None else ())
                    for clash in every
                    if clash.metric == name
                ),
            )
            for name, spec in metrics.metrics.items()
        ),
        undefined=undefined_metrics(data, metrics) if data is not None else (),
        other_versions=other_versions(data, metrics, as_of) if data is not None else (),
    )


def _metric(defined: DefinedMetric) -> JsonObject:
    spec, signed = defined.spec, defined.version.sign_off if defined.version else None
    return {
        "metric": defined.name,
        "en": spec.en,
        "zh": spec.zh,
        **spec.meaning,
        "closing_days": spec.closing_days,
        "owner": spec.owner,
        "version": spec.version,
        "in_force": defined.in_force,
        "signed_off": None if signed is None else {"by": signed.by, "reason": signed.reason, "at": signed.signed_at},
        "sources": {source: spec.meaning_of(source) for source in spec.sources},
        "clashes": [{**clash.to_json(), "affects": list(entities)} for clash, entities in defined.clashes],
    }


def sentence_pairs(report: DefinitionsReport) -> list[tuple[str, str]]:
    """What is wrong, each sentence in English and Chinese."""
    messages = [
        *(clash.message for metric in report.metrics for clash, _ in metric.clashes),
        *(each.message for each in report.undefined),
        *(each.message for each in report.other_versions),
    ]
    return [(render(message, "en"), render(message, "zh")) for message in messages]
