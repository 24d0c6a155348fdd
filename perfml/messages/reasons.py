"""The sentences of a reason: the evidence with its values, the direction of its push, and who can act on it."""

from __future__ import annotations

import math

from perfml.messages.message import Language, fill
from perfml.messages.values import value_text

OWNERS: dict[str, dict[Language, str]] = {
    "employee": {"zh": "本人", "en": "the employee"},
    "manager": {"zh": "上级", "en": "the manager"},
    "company": {"zh": "公司", "en": "the company"},
    "data": {"zh": "数据", "en": "the data"},
}


def evidence_text(
    title: str, meaning: str, *, value: float | None, median: float | None, unit: str, language: Language
) -> str:
    """Name the evidence with the person's value and the median; a z-score stands alone, it is a comparison already.

    ``title`` is left out where ``meaning`` contains it.

    >>> evidence_text("Log-ins", "log-ins in 28 days", value=3.0, median=12.0, unit="times", language="en")
    'log-ins in 28 days: 3 times (usually 12 times)'
    """
    if unit == "standard deviations" and value is not None and not math.isnan(value):
        comparison = _distance(value, language)
    else:
        comparison = fill(
            "beside_median",
            language,
            value=value_text(value, unit, language),
            median=value_text(median, unit, language),
        )
    clause = fill("evidence_clause", language, meaning=meaning, comparison=comparison)
    return clause if title.lower() in meaning.lower() else fill("evidence_titled", language, title=title, clause=clause)


def other_text(language: Language) -> str:
    """Name the evidence that is not listed."""
    return fill("other_evidence", language)


def reason_text(evidence: str, *, raises: bool, language: Language) -> str:
    """One line of an explanation: the evidence, and the direction of its push.

    >>> reason_text("logins: 3 times (usually 12 times)", raises=True, language="en")
    'logins: 3 times (usually 12 times); raises the risk'
    """
    return fill("raises_risk" if raises else "lowers_risk", language, evidence=evidence)


def owner_text(owner: str, stable: bool | None, language: Language) -> str:
    """Who can act on a reason, with a warning where the reason is known to be unstable.

    >>> owner_text("manager", False, "en"), owner_text("data", None, "zh")
    ('the manager; changes when the model is retrained', '数据')
    """
    name = OWNERS[owner][language]
    return fill("unstable_owner", language, owner=name) if stable is False else name


def _distance(z: float, language: Language) -> str:
    """A z-score as a distance from the mean."""
    if f"{abs(z):.1f}" == "0.0":
        return fill("at_the_mean", language)
    return fill("above_the_mean" if z > 0 else "below_the_mean", language, distance=abs(z))
