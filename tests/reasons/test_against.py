"""Reasons against a reference group in words: the own value, the side of most others, and nothing of any other."""

from __future__ import annotations

import numpy as np
import pytest

from perfml.reasons.against import AgainstGroup, group_reasons
from perfml.reasons.record import Reason, ReasonValue
from tests.reasons.test_reasons import column

HOURS, REMOTE, RARE = column("hours", "work"), column("remote", "home", unit="yes or no"), column("rare", "odd")
COLUMNS = {each.name: each for each in (HOURS, REMOTE, RARE)}
OTHERS = np.array(
    [[10, 1, 3], [12, 1, np.nan], [14, 1, 5], [16, 0, 7], [18, 1, 9], [20, 1, np.nan]], dtype=float
)  # of the third column only four have a value


@pytest.fixture
def group() -> AgainstGroup:
    return AgainstGroup(OTHERS, columns=COLUMNS, least_others=5)


def value(name: str, number: float | None) -> ReasonValue:
    return {"column": name, "value": number, "usual": None, "zh": "", "en": ""}


@pytest.mark.parametrize(
    "name, own, standing",
    [
        ("hours", 17.0, "above_most"),
        ("hours", 13.0, "below_most"),
        ("hours", 15.0, None),  # three on either side
        ("hours", None, None),
        ("remote", 1.0, None),
        ("remote", 0.0, "unlike_most"),
        ("rare", 100.0, None),
    ],
)
def test_on_which_side_of_most_others(group: AgainstGroup, name: str, own: float | None, standing: str | None) -> None:
    assert group.standing(value(name, own)) == standing


def test_no_figure_of_the_group_is_told(group: AgainstGroup) -> None:
    reasons = group_reasons(
        np.array([0.4, -0.2, 0.3, -1.0]), group, values=np.array([23.0, 0.0, 100.0]), middle_share=0.5
    )
    assert [reason["evidence"] for reason in reasons] == ["work", "odd", "home", "other"]
    assert sum(reason["contribution"] for reason in reasons) == pytest.approx(0.5)
    texts = {reason["evidence"]: group.evidence(reason, COLUMNS, "en") for reason in reasons}
    assert texts["work"] == "Evidence: meaning of hours: 23 days, above most of them"
    assert texts["home"] == "Evidence: meaning of remote: no, unlike most of them"
    assert texts["odd"].endswith("100 days, in combination with other evidence")  # nothing of the four who have one
    assert group.evidence(reasons[0], COLUMNS, "zh") == "证据：hours的含义 23 天，高于其中多数人"
    assert all(each["usual"] is None for reason in reasons for each in reason["values"])


def test_a_change_and_a_gap(group: AgainstGroup) -> None:
    reason: Reason = {
        "evidence": "work", "contribution": 0.1, "owner": "manager", "steady": None, "form": "change", "zh": "", "en": "",
        "values": [value("hours", 19.0), value("hours", 8.0)],
    }  # fmt: skip
    assert group.evidence(reason, COLUMNS, "en") == "Evidence: meaning of hours: 8 days → 19 days"
    unknown: Reason = {**reason, "form": "value", "values": [value("hours", None)]}
    assert group.evidence(unknown, COLUMNS, "en") == "Evidence: meaning of hours: not recorded"
