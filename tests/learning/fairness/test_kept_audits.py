"""The audit that training stored serves again while nothing has changed, and only then."""

from __future__ import annotations

import datetime as dt
import math

import pytest

from perfml import Project
from perfml.learning.fairness import run
from perfml.learning.fairness.findings import FairnessReport, insufficient
from perfml.learning.registry.model_store import candidate
from perfml.project.model_spec import FairnessSpec
from tests.simulated import Simulated


class _AskedAgain(Exception):
    """A back-test was begun."""


def test_a_version_trained_on_the_same_record_is_not_tested_again(
    company_of_500: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    def back_test(*_: object, **__: object) -> None:
        raise _AskedAgain

    monkeypatch.setattr(run, "backtests", back_test)
    project = Project(company_of_500.project, home=company_of_500.home)
    record = candidate(company_of_500.home, "attrition").record
    answer = project.fairness("attrition", company_of_500.data, until=record.until)
    assert {days: audit.record() for days, audit in answer.audits.items()} == record.fairness
    with pytest.raises(_AskedAgain):
        project.fairness("attrition", company_of_500.data, until=record.until - dt.timedelta(days=1))
    with pytest.raises(_AskedAgain):
        Project(company_of_500.project, home=company_of_500.home / "empty").fairness(
            "attrition", company_of_500.data, until=record.until
        )


def test_what_could_not_be_estimated_is_not_estimated_in_the_stored_audit_either() -> None:
    limits = FairnessSpec()
    finding = insufficient("gender", "calibration_gap", limits=limits, table=[])
    report = FairnessReport(verdict="insufficient", findings=(finding,), groups={}, limits=limits)
    again = FairnessReport.of(report.record())
    assert math.isnan(again.findings[0].value.low) and again.findings[0].p_value is None
    assert again.record() == report.record()
