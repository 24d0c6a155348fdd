"""The checker of a reason's facts: it finds what contradicts itself and what says nothing, and it lets the rest pass."""

from __future__ import annotations

import pytest

from perfml.evidence.columns import Column
from perfml.project.spec import Direction
from perfml.reasons.consistency import Fault, fault, form_of, good_news
from perfml.reasons.record import Form, Reason
from perfml.reasons.wording import evidence


def columns_of(direction: Direction) -> dict[str, Column]:
    updates = Column(
        name="updates", evidence="activity", reason="activity:crm_update", reason_zh="客户记录更新", reason_en="CRM updates",
        zh="近91天客户记录更新次数", en="CRM updates in the last 91 days", unit="times", direction=direction, owner="employee",
    )  # fmt: skip
    return {column.name: column for column in (updates, updates.compared("team"))}


def reason(
    value: float | None,
    common: float | None,
    contribution: float,
    *,
    form: Form | None = "value",
    column: str = "updates",
) -> Reason:
    shown = {"column": column, "value": value, "usual": common, "zh": "", "en": ""}
    earlier = {"column": "updates", "value": 41.0, "usual": 41.0, "zh": "", "en": ""}
    return {
        "evidence": "activity:crm_update", "contribution": contribution, "owner": "employee", "steady": None, "form": form,
        "zh": "", "en": "", "values": [shown, earlier],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("value", "common", "contribution", "direction", "expected"),
    [
        (1.0, 41.0, -0.4, "higher", "contradicts"),  # "Going well: CRM updates 1 (usually 41)"
        (1.0, 41.0, 0.4, "higher", None),
        (80.0, 41.0, 0.4, "higher", "contradicts"),
        (80.0, 41.0, 0.4, "lower", None),
        (80.0, 41.0, 0.4, "neither", None),
        (41.0, 41.0, 0.4, "higher", "says nothing"),
        (None, 41.0, 0.4, "higher", None),
        (None, None, 0.4, "higher", "says nothing"),
    ],
)
def test_a_value_beside_the_median(
    value: float | None, common: float | None, contribution: float, direction: Direction, expected: Fault | None
) -> None:
    columns = columns_of(direction)
    assert fault(reason(value, common, contribution), columns) == expected
    assert fault(reason(value, common, contribution, form="combined"), columns) is None


@pytest.mark.parametrize(
    ("z", "contribution", "expected"), [(-1.5, -0.4, "contradicts"), (1.5, -0.4, None), (0.1, 0.4, "says nothing")]
)
def test_a_comparison_is_held_against_the_average_of_the_group(
    z: float, contribution: float, expected: Fault | None
) -> None:
    if expected == "says nothing":
        contribution = -contribution
    assert fault(reason(z, 0.3, contribution, column="updates_team_z"), columns_of("higher")) == expected


@pytest.mark.parametrize(
    ("now", "contribution", "expected"), [(5.0, -0.4, "contradicts"), (5.0, 0.4, None), (41.0, 0.4, "says nothing")]
)
def test_a_change_is_held_against_the_earlier_value(now: float, contribution: float, expected: Fault | None) -> None:
    assert fault(reason(now, 3.0, contribution, form="change"), columns_of("higher")) == expected


def test_a_row_kept_before_there_were_forms_is_read_without_contradiction() -> None:
    columns = columns_of("higher")
    old = reason(1.0, 41.0, -0.4)
    del old["form"]
    assert form_of(old, columns) == "combined" and fault(old, columns) is None and not good_news(old, columns)
    assert evidence(old, columns, "en") == (
        "CRM updates in the last 91 days: 1 time (usually 41 times), in combination with other evidence"
    )
    fine = reason(80.0, 41.0, -0.4, form=None)
    assert form_of(fine, columns) == "value" and good_news(fine, columns)
