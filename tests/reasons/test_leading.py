"""Which reasons lead, and whether it is the setting that needs support."""

from __future__ import annotations

import pytest

from perfml.reasons.leading import for_others, raising


def reason(evidence: str, contribution: float, owner: str) -> dict[str, object]:
    return {"evidence": evidence, "contribution": contribution, "owner": owner}


def test_three_that_raise_the_risk_lead_in_their_order() -> None:
    reasons = [
        reason("a", 0.9, "manager"), reason("b", -0.8, "employee"), reason("c", 0.5, "company"),
        reason("d", 0.4, "data"), reason("e", 0.3, "employee"), reason("other", 0.7, "data"),
    ]  # fmt: skip
    assert [leading["evidence"] for leading in raising(reasons)] == ["a", "c", "d"]
    assert raising(None) == [] == raising([reason("other", 1.0, "data")])


@pytest.mark.parametrize(
    ("owners", "expected"),
    [
        ([], False),
        (["manager"], True),
        (["manager", "company", "data"], True),
        (["manager", "employee"], False),
        (["manager", "company", "manager", "employee"], True),
    ],
)
def test_the_setting_needs_support_where_others_own_every_leading_reason(owners: list[str], expected: bool) -> None:
    reasons = [reason(f"r{position}", 1.0 - position / 10, owner) for position, owner in enumerate(owners)]
    assert for_others(reasons) is expected
    own = reason("own", -0.5, "employee")
    assert for_others([*reasons, own]) is expected, "what lowers the risk decides nothing"
