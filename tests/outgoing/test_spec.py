"""Definitions of exports: refused for pay and dismissal, and for what is not safe."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from perfml.access.principals import REFUSED, SERVED, Purpose
from perfml.errors import DefinitionError
from perfml.outgoing.content import columns_of
from perfml.project.folder import ProjectFolder
from perfml.project.starter import STARTER
from perfml.project.trust.export_spec import PURPOSES, ExportSchedule
from tests.outgoing.home import spec

BASE = '[exports.list]\nzh = "名单"\nen = "List"\nwhat = "at_risk"\nowner = { name = "hr" }\n'


def refused(tmp_path: Path, text: str) -> str:
    (tmp_path / "serve").mkdir()
    (tmp_path / "perfml.toml").write_text('name = "mine"')
    (tmp_path / "serve" / "exports.toml").write_text(text, encoding="utf-8")
    with pytest.raises(DefinitionError) as error:
        _ = ProjectFolder(tmp_path).exports
    assert "serve/exports.toml" in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("purpose", ["pay", "dismissal"])
def test_pay_and_dismissal_are_refused_as_purpose(purpose: str, tmp_path: Path) -> None:
    assert "never serves decisions about pay or dismissal" in refused(tmp_path, f'{BASE}purpose = "{purpose}"')


@pytest.mark.parametrize(
    "change",
    [
        ('"hr"', '"Payroll office"'),
        ('"List"', '"For the bonus round"'),
        ('"List"', '"People to dismiss"'),
        ('"名单"', '"裁员名单"'),
        ('"名单"', '"薪酬"'),
        ("exports.list", "exports.pay_round"),
    ],
)
def test_pay_and_dismissal_are_refused_as_receiver(change: tuple[str, str], tmp_path: Path) -> None:
    assert "pay or dismissal" in refused(tmp_path, BASE.replace(*change) + 'purpose = "support"')


@pytest.mark.parametrize(
    "recipient",
    [
        'webhook = "https://payroll.example.com/in"',
        'webhook = "https://x.example.com/terminations"',
        'folder = "/srv/salary"',
    ],
)
def test_an_address_of_pay_is_refused(recipient: str, tmp_path: Path) -> None:
    text = f'{BASE}purpose = "support"\n[exports.list.recipient]\n{recipient}'
    assert "pay or dismissal" in refused(tmp_path, text)


@pytest.mark.parametrize(
    ("recipient", "reason"),
    [
        ('webhook = "http://example.com/in"', "is not encrypted"),
        ('webhook = "ftp://example.com/in"', "write https"),
        ('webhook = "https:///in"', "write https"),
        ('webhook = "https://me:secret@example.com/in"', "holds a password"),
        ('webhook = "https://example.com:99999/in"', "write https"),
        ('webhook = "https://example.com/a b"', "write https"),
        ('webhook = "https://example.com"\nfolder = "x"', "two exports"),
        ('webhook = "https://example.com"\nallow = ["10.0.0.1/8"]', "is no network"),
    ],
)
def test_an_unsafe_receiver_is_refused(recipient: str, reason: str, tmp_path: Path) -> None:
    text = f'{BASE}purpose = "support"\n[exports.list.recipient]\n{recipient}'
    assert reason in refused(tmp_path, text)


def test_a_word_that_holds_pay_is_none() -> None:
    assert spec(en="Repayment of training", owner={"name": "Paya Spayd"}).owner.name == "Paya Spayd"


def test_purposes_are_those_for_groups() -> None:
    assert {Purpose(name) for name in PURPOSES} <= set(SERVED) - set(REFUSED)
    policy = (STARTER / "serve" / "policies" / "purposes.cedar").read_text(encoding="utf-8")
    of_groups = policy.split('@id("purposes.of_a_group")')[1]
    assert all(f'"{name}"' in of_groups for name in PURPOSES)


def test_the_shipped_exports_have_columns() -> None:
    for name, each in ProjectFolder(STARTER).exports.exports.items():
        assert "employee_id" in columns_of(name, each) or each.what == "holds"
        assert each.schedule is None and each.recipient.webhook is None


@pytest.mark.parametrize(
    ("schedule", "today", "newest"),
    [
        ({"every": "day"}, "2026-11-29", "2026-11-29"),
        ({"every": "week", "on": "sun"}, "2026-11-29", "2026-11-29"),
        ({"every": "week", "on": "mon"}, "2026-11-29", "2026-11-23"),
        ({"every": "month", "day": 28}, "2026-03-01", "2026-02-28"),
        ({"every": "month", "day": 1}, "2026-03-01", "2026-03-01"),
        ({"every": "month", "day": 15}, "2026-01-14", "2025-12-15"),
    ],
)
def test_the_newest_due_day(schedule: dict[str, object], today: str, newest: str) -> None:
    due = ExportSchedule.model_validate(schedule).newest(dt.date.fromisoformat(today))
    assert due == dt.date.fromisoformat(newest)
