"""Figures of the running service in the format of Prometheus: by the template of an address, never by an id.

Each application has a registry of its own. Counting is two additions a request; all else is put together when somebody asks.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from perfml.errors import PerfmlError
from perfml.service.serving.audit_writer import AuditWriter
from perfml.service.serving.kept_answers import KeptAnswers
from perfml.service.store import Store

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Upper limits of the groups of durations."""


@dataclass(slots=True)
class _Counted:
    """The answers of one address with one status."""

    groups: list[int] = field(default_factory=lambda: [0] * (len(SECONDS) + 1))
    """By duration: up to each of :data:`SECONDS`, and beyond."""
    seconds: float = 0.0


class _Answers(Collector):
    """What was answered, as two families of metrics."""

    def __init__(self) -> None:
        self.counted: dict[tuple[str, str, int], _Counted] = {}

    def collect(self) -> Iterator[Metric]:
        """The answers by status, and their durations."""
        labels = ("method", "address")
        answered = CounterMetricFamily("perfml_requests", "Requests answered.", labels=(*labels, "status"))
        durations = HistogramMetricFamily("perfml_request_seconds", "Time to the end of an answer.", labels=labels)
        together: dict[tuple[str, str], _Counted] = {}
        for (method, address, status), counted in list(self.counted.items()):
            answered.add_metric((method, address, str(status)), sum(counted.groups))
            whole = together.setdefault((method, address), _Counted())
            whole.groups = [sum(pair) for pair in zip(whole.groups, counted.groups, strict=True)]
            whole.seconds += counted.seconds
        for (method, address), whole in together.items():
            limits = (*map(str, SECONDS), "+Inf")
            durations.add_metric(
                (method, address), list(zip(limits, accumulate(whole.groups), strict=True)), whole.seconds
            )
        yield answered
        yield durations


class ServiceMetrics:
    """What one application has counted."""

    def __init__(self, answers: KeptAnswers, audit: AuditWriter) -> None:
        self._registry = registry = CollectorRegistry()
        self._answers, self._audit, self._answered = answers, audit, _Answers()
        registry.register(self._answered)
        self._sent_again = Gauge(
            "perfml_kept_answers", "Answers sent again (hit) and computed (miss).", ("outcome",), registry=registry
        )
        self._age = Gauge(
            "perfml_scores_age_seconds", "Age of the newest scores of a model.", ("model",), registry=registry
        )
        self._queue = Gauge("perfml_audit_queue", "Reads that wait to be recorded.", registry=registry)

    def count(self, method: str, address: str, *, status: int, seconds: float) -> None:
        """Count one answer of an ``address``, which is a template."""
        key = (method, address, status)
        counted = self._answered.counted.get(key)
        if counted is None:
            counted = self._answered.counted[key] = _Counted()
        counted.groups[bisect_left(SECONDS, seconds)] += 1
        counted.seconds += seconds

    def text(self, store: Store) -> str:
        """Everything, as Prometheus reads it."""
        self._sent_again.labels("hit").set(self._answers.hits)
        self._sent_again.labels("miss").set(self._answers.misses)
        self._queue.set(self._audit.waiting)
        now = dt.datetime.now(dt.UTC)
        self._age.clear()
        for model in store.models():
            try:
                _, file = store.scores(model)
            except PerfmlError:  # none, or damaged: then it has no age, and health says why
                continue
            self._age.labels(model).set((now - file.written).total_seconds())
        return generate_latest(self._registry).decode()
