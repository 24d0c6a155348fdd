"""FastAPI's own telemetry would put addresses, which hold ids, into spans: it stays off whatever else the process has set up."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from perfml.service.app import create_app


def test_no_span_names_a_person(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spans, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    address = "/v1/employees/E1/risk"
    with TestClient(FastAPI(), base_url="http://127.0.0.1") as client:
        client.get(address)
    assert any(address in str(span.attributes) for span in spans.get_finished_spans())  # what it does by itself
    spans.clear()
    with TestClient(create_app(home), base_url="http://127.0.0.1") as client:
        assert client.get(address).status_code == 200
    assert spans.get_finished_spans() == ()
