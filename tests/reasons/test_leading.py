"""Which reasons lead, and how much of the raised risk others own."""

from __future__ import annotations

import pytest

from perfml.project.model_spec import ReasonsSpec
from perfml.reasons.leading import for_others, others_share, raising

LIMIT = ReasonsSpec().others_share


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
    ("raised", "share"),
    [
        ([], 0.0),
        ([("manager", 1.0)], 1.0),
        ([("manager", 3.08), ("employee", 0.42)], 0.88),
        ([("employee", 0.5), ("company", 0.3), ("data", 0.2)], 0.5),
    ],
)
def test_the_setting_needs_support_by_the_share_of_the_raised_risk_that_others_own(
    raised: list[tuple[str, float]], share: float
) -> None:
    reasons = [reason(f"r{number}", contribution, owner) for number, (owner, contribution) in enumerate(raised)]
    assert others_share(reasons) == pytest.approx(share)
    assert for_others(reasons, LIMIT) is (share >= LIMIT)
    assert others_share([*reasons, reason("own", -0.5, "employee"), reason("other", 9.0, "data")]) == pytest.approx(
        share
    ), "what lowers the risk, and what is not listed, decides nothing"


def test_nobody_with_nothing_raised_stands_under_the_setting() -> None:
    assert not for_others([reason("a", -1.0, "manager")], LIMIT)
    assert not for_others(None, LIMIT)
