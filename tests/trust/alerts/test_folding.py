"""The order in which looks come does not matter, and nothing is told twice within a cooldown."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfml.project.folder import ProjectFolder
from perfml.project.starter import STARTER
from perfml.project.trust.alert_spec import AlertsSpec
from perfml.store.record_store import RecordStore
from perfml.store.tables import ALERTS
from perfml.trust.alerts.alert import Alert, Look, Sighting
from perfml.trust.alerts.alert_log import enter
from perfml.trust.alerts.folding import fold, stretches
from perfml.trust.alerts.wording import texts_of
from perfml.trust.outbox import posts

SPEC = ProjectFolder(STARTER).policy_of(AlertsSpec)[1]
RULE, BEGIN = "no_crm_update", dt.date(2026, 1, 5)
COOLDOWN = SPEC.rules[RULE].cooldown_days
PEOPLE = ("ana", "ben")
NUMBERS = {"crm_update_days_since_last": 15.0, "crm_update_count_91d": 9.0}
UNITS = {"crm_update_days_since_last": "days", "crm_update_count_91d": "times"}
Days = dict[int, dict[str, str]]
"""Week → person → ``true``, ``false`` or ``unknown``."""


def look(week: int, states: dict[str, str]) -> Look:
    day = BEGIN + dt.timedelta(days=7 * week)
    seen = [
        Sighting(rule=RULE, employee_id=who, day=day, numbers=NUMBERS, manager_id="mia")
        for who, state in states.items()
        if state == "true"
    ]
    worded = [Sighting(**{**vars(each), "texts": texts_of(SPEC.rules[RULE], each, UNITS)}) for each in seen]
    silent = frozenset(who for who, state in states.items() if state == "unknown")
    return Look(rule=RULE, day=day, seen=tuple(worded), silent=silent)


def run(days: Days, order: list[int], home: Path) -> tuple[Alert, ...]:
    alerts: tuple[Alert, ...] = ()
    for week in order:
        each = look(week, days[week])
        alerts = enter(home, SPEC, [each], day=each.day)
    return alerts


STATES = st.fixed_dictionaries({who: st.sampled_from(["true", "false", "unknown"]) for who in PEOPLE})
LOOKS: st.SearchStrategy[Days] = st.dictionaries(st.integers(0, 20), STATES, min_size=1, max_size=9)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(LOOKS, st.data())
def test_looks_in_any_order_and_again_end_in_one_state(days: Days, data: st.DataObject) -> None:
    order = data.draw(st.permutations([*days, *data.draw(st.lists(st.sampled_from(sorted(days)), max_size=4))]))
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as other:
        assert run(days, sorted(days), Path(first)) == run(days, order, Path(other))
        entries = RecordStore(Path(other)).read(ALERTS)
        assert fold(data.draw(st.permutations(entries))) == fold(entries)
        for home in (Path(first), Path(other)):
            sent = defaultdict(list)
            for post in posts(home):
                _, event, _, who, day, reader = post.key.split("/")
                sent[event, who, reader].append(dt.date.fromisoformat(day))
            for dates in sent.values():
                gaps = [(b - a).days for a, b in zip(sorted(dates), sorted(dates)[1:], strict=False)]
                assert all(gap > COOLDOWN for gap in gaps)


def test_a_day_within_the_cooldown_belongs_to_the_same_alert(tmp_path: Path) -> None:
    """So that the test above can fail: 28 days apart are one alert, 35 days are two."""
    true = {"ana": "true"}
    assert [len(a.ids) for a in run({0: true, 4: true}, [0, 4], tmp_path / "one")] == [2]
    assert [len(a.ids) for a in run({0: true, 5: true}, [0, 5], tmp_path / "two")] == [1, 1]
    assert len(stretches([BEGIN, BEGIN + dt.timedelta(days=COOLDOWN)], COOLDOWN)) == 1
    assert len(stretches([BEGIN, BEGIN + dt.timedelta(days=COOLDOWN + 1)], COOLDOWN)) == 2


def test_unknown_resolves_nothing_and_a_late_look_tells_nobody(tmp_path: Path) -> None:
    days: Days = {0: {"ana": "true"}, 1: {"ana": "unknown"}, 2: {"ana": "false"}}
    (alert,) = run(days, [0, 1], tmp_path / "a")
    assert alert.state == "open"
    (alert,) = run(days, [2], tmp_path / "a")
    assert alert.resolved_on == BEGIN + dt.timedelta(days=14)
    (alert,) = run(days, [2, 1, 0], tmp_path / "b")
    assert alert.resolved_on == BEGIN + dt.timedelta(days=14) and posts(tmp_path / "b") == []
