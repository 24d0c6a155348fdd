"""Figures of the running service in the format of Prometheus: by the template of an address, never by an id.

Each application has a registry of its own. Counting is two additions a request; ages and sizes are looked at when somebody asks.
"""

from __future__ import annotations

import datetime as dt

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from perfml.errors import PerfmlError
from perfml.service.serving.audit_writer import AuditWriter
from perfml.service.serving.kept_answers import KeptAnswers
from perfml.service.store import Store

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Upper limits of the groups of durations."""


class ServiceMetrics:
    """What one application has counted."""

    def __init__(self, answers: KeptAnswers, audit: AuditWriter) -> None:
        self._registry = registry = CollectorRegistry()
        self._answers, self._audit = answers, audit
        labels = ("method", "address")
        self._requests = Counter("perfml_requests", "Requests answered.", (*labels, "status"), registry=registry)
        self._seconds = Histogram(
            "perfml_request_seconds", "Time to the end of an answer.", labels, buckets=SECONDS, registry=registry
        )
        self._counted: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._sent_again = Gauge(
            "perfml_kept_answers", "Answers sent again (hit) and computed (miss).", ("outcome",), registry=registry
        )
        self._age = Gauge(
            "perfml_scores_age_seconds", "Age of the newest scores of a model.", ("model",), registry=registry
        )
        self._queue = Gauge("perfml_audit_queue", "Reads that wait to be recorded.", registry=registry)

    def count(self, method: str, address: str, *, status: int, seconds: float) -> None:
        """Count one answer of an ``address``, which is a template."""
        counted = self._counted.get((method, address, status))
        if counted is None:
            counted = self._requests.labels(method, address, status), self._seconds.labels(method, address)
            self._counted[method, address, status] = counted
        requests, durations = counted
        requests.inc()
        durations.observe(seconds)

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
