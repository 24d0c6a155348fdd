"""The policy of target adjustment: its rules, their one home, and its windows."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from perfml.errors import DefinitionError
from perfml.project.folder import ProjectFolder
from perfml.project.spec import parse
from perfml.project.starter import STARTER
from perfml.project.target_policy import TargetPolicy

FILE = "models/mine.toml"


_, SHIPPED = ProjectFolder(STARTER).policy_of(TargetPolicy)


def policy(**rules: Any) -> TargetPolicy:
    """The shipped rules, but for ``rules``."""
    shipped = SHIPPED.model_dump()
    return parse(TargetPolicy, shipped | rules, file=FILE)


@pytest.mark.parametrize(
    "rule", sorted(TargetPolicy.model_fields.keys() - {"kind", "definition_changes", "forecast", "population"})
)
def test_every_rule_stands_in_the_file(rule: str) -> None:
    with pytest.raises(DefinitionError, match=rf"key '{rule}' is missing"):
        parse(TargetPolicy, SHIPPED.model_dump(exclude={rule}), file=FILE)


def test_a_project_names_only_the_rules_that_differ(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "perfml.toml").write_text('name = "mine"\n')
    (tmp_path / "models" / "target_adjustment.toml").write_text(
        "minimum_weight_percent = 10\n[band]\nlow = 0.5\n", encoding="utf-8"
    )
    _, mine = ProjectFolder(tmp_path).policy_of(TargetPolicy)
    assert mine == policy(minimum_weight_percent=10, band={"low": 0.5, "high": 0.9})


@pytest.mark.parametrize(
    ("rules", "where"),
    [
        ({"max_change": 3}, "'max_change' is not a key"),
        ({"levers": []}, "levers"),
        ({"levers": ["bonus"]}, "levers"),
        ({"window_days_of_month": [10, 1]}, "must not be later"),
        ({"window_days_of_month": [0, 10]}, "window_days_of_month"),
        ({"band": {"low": 0.8, "high": 0.4}}, "low must lie below high"),
        ({"band": {"lowest": 0.8}}, r"\[band\]"),
        ({"max_target_change_percent": 40}, "more than that of a year"),
        ({"max_target_change_percent": 100, "max_target_change_per_year_percent": 100}, "stays above zero"),
        ({"max_weight_change_points": 50}, "more than those of a year"),
        ({"minimum_weight_percent": 0}, "minimum_weight_percent"),
        ({"definition_changes": [{"metric": "m", "before": "1", "after": "2", "percent": 1}] * 2}, "one change twice"),
    ],
)
def test_what_makes_no_sense_is_refused_with_file_and_key(rules: dict[str, Any], where: str) -> None:
    with pytest.raises(DefinitionError, match=where) as caught:
        policy(**rules)
    assert FILE in str(caught.value)


def test_windows() -> None:
    late = policy(window_days_of_month=[25, 31])
    days = {
        day: late.is_open(dt.date.fromisoformat(day))
        for day in ("2026-02-24", "2026-02-25", "2026-02-28", "2026-03-01")
    }
    assert list(days.values()) == [False, True, True, False]
    assert late.next_window(dt.date(2026, 2, 28)) == (dt.date(2026, 3, 25), dt.date(2026, 3, 31))
    assert late.next_window(dt.date(2026, 4, 1)) == (dt.date(2026, 4, 25), dt.date(2026, 4, 30))
    last = policy(window_days_of_month=[31, 31])
    assert last.is_open(dt.date(2026, 2, 28)) and not last.is_open(dt.date(2026, 3, 30))


def test_the_version_changes_with_every_rule() -> None:
    assert policy().version == policy().version
    others = [policy(minimum_weight_percent=6), policy(band={"low": 0.41, "high": 0.9}), policy(levers=["weight"])]
    assert len({each.version for each in (policy(), *others)}) == 4
