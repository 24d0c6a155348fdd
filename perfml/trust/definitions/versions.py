"""Versions of what a metric means: each is remembered when it is first used, and from the second on signed off by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from perfml.errors import PerfmlError, choose_from
from perfml.project.trust.metrics import MEANING, MetricSpec, MetricsSpec
from perfml.sentences import is_sentence
from perfml.store.record_store import NewEntry, RecordStore, StoredEntry
from perfml.store.tables import DEFINITIONS

SEEN: Final = "seen"
SIGNED: Final = "signed off"


@dataclass(frozen=True, kw_only=True)
class SignOff:
    """Who put a version of a metric in force, and why."""

    by: str
    reason: str
    signed_at: str
    """UTC, ISO 8601."""


@dataclass(frozen=True, kw_only=True)
class MetricVersion:
    """One version of a metric: what it means, and who signed it off."""

    metric: str
    version: int
    meaning: Mapping[str, str]
    """Unit, basis and attribution, as first used or as signed off."""
    sign_off: SignOff | None = None

    @property
    def in_force(self) -> bool:
        """The first version is in force from its first use, a later one from its sign-off."""
        return self.version == 1 or self.sign_off is not None


@dataclass(frozen=True)
class VersionHistory:
    """The versions of all metrics, by metric and number."""

    versions: Mapping[tuple[str, int], MetricVersion]

    def of(self, metric: str, version: int) -> MetricVersion | None:
        """One version, where it was used or signed off."""
        return self.versions.get((metric, version))

    def before(self, metric: str, version: int) -> MetricVersion | None:
        """The newest version in force before ``version``."""
        earlier = [each for each in self.versions.values() if each.metric == metric and each.version < version]
        return max((each for each in earlier if each.in_force), key=lambda each: each.version, default=None)


def history(home: Path) -> VersionHistory:
    """The versions that the store of ``home`` holds."""
    return fold_versions(RecordStore(home).read(DEFINITIONS))


def fold_versions(entries: Iterable[StoredEntry]) -> VersionHistory:
    """The versions that ``entries`` add up to: the first use and the first sign-off of each count, whatever their order."""
    versions: dict[tuple[str, int], MetricVersion] = {}
    for stored in sorted(entries, key=lambda stored: stored.number):
        entry = stored.entry
        key = stored.subject, int(str(entry["version"]))
        known = versions.get(key)
        meaning = known.meaning if known else {name: str(entry[name]) for name in MEANING}
        sign_off = known.sign_off if known else None
        if entry["event"] == SIGNED and sign_off is None:
            sign_off = SignOff(by=str(entry["by"]), reason=str(entry["reason"]), signed_at=stored.entered_at)
        versions[key] = MetricVersion(metric=key[0], version=key[1], meaning=meaning, sign_off=sign_off)
    return VersionHistory(versions)


def remember(home: Path, metrics: MetricsSpec) -> VersionHistory:
    """Remember what each metric means in its present version, where that version is new; return the history."""
    known = history(home)
    unseen = {name: spec for name, spec in metrics.metrics.items() if known.of(name, spec.version) is None}
    if unseen:
        RecordStore(home).add(DEFINITIONS, [_entry(name, spec, SEEN) for name, spec in unseen.items()])
        known = history(home)
    return known


def sign_off(home: Path, metrics: MetricsSpec, metric: str, *, version: int, by: str, reason: str) -> MetricVersion:
    """Put the version that stands in the definitions in force, in the name of ``by``. Signed off before: that one is returned.

    Raises :class:`PerfmlError` for an unknown metric, a version that does not stand in the file, no name or reason, and a
    meaning that changed since the version was first used.
    """
    spec = metrics.metrics.get(metric)
    where = f"features/definitions.toml [metrics.{metric}]"
    if spec is None:
        remedy = choose_from(metrics.metrics, instead_of=metric) if metrics.metrics else "define it"
        raise PerfmlError("is no defined metric", where=repr(metric), remedy=remedy)
    if version != spec.version:
        raise PerfmlError(
            f"stands at version {spec.version}, not {version}",
            where=where,
            remedy="sign off the version that stands there",
        )
    if not by.strip():
        raise PerfmlError("names nobody", where=where, remedy="say who signs off: --by NAME")
    if not is_sentence(reason):
        raise PerfmlError("gives no reason", where=where, remedy="say why in a sentence: --reason TEXT")
    known = remember(home, metrics).of(metric, version)
    if known is not None and dict(known.meaning) != spec.meaning:
        raise changed(metric, spec, known)
    if known is None or known.sign_off is None:
        RecordStore(home).add(DEFINITIONS, [_entry(metric, spec, SIGNED, by=by.strip(), reason=reason.strip())])
    signed = history(home).of(metric, version)
    assert signed is not None
    return signed


def changed(metric: str, spec: MetricSpec, known: MetricVersion) -> PerfmlError:
    """The error of a meaning that is not what its version was used with."""
    key = next(key for key in MEANING if known.meaning[key] != spec.meaning[key])
    return PerfmlError(
        f"version {spec.version} was used with {key} = {known.meaning[key]!r} and now says {spec.meaning[key]!r}",
        where=f"features/definitions.toml [metrics.{metric}]",
        remedy=f"a changed meaning is a new version: write version = {spec.version + 1}, or restore what it said",
    )


def _entry(metric: str, spec: MetricSpec, event: str, **details: str) -> NewEntry:
    return NewEntry(
        key=f"definition/{metric}/{spec.label}/{event}",
        subject=metric,
        entry={"event": event, "version": spec.version, **spec.meaning, **details},
    )
