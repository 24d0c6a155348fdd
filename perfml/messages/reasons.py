"""The sentences of a reason: the evidence with its values, the direction of its push, and who can act on it."""

from __future__ import annotations

import math
from typing import Literal

from perfml.messages.message import Language, fill
from perfml.messages.values import value_text

OWNERS: dict[str, dict[Language, str]] = {
    "employee": {"zh": "本人", "en": "the employee"},
    "manager": {"zh": "上级", "en": "the manager"},
    "company": {"zh": "公司", "en": "the company"},
    "data": {"zh": "数据", "en": "the data"},
}
DISTANCES = ((2.0, "far_above", "far_below"), (1.0, "above", "below"), (0.5, "rather_above", "rather_below"))
"""From how many standard deviations on a value is worded how, above and below the average."""
GROUPS = {"team": "group_team", "peers": "group_peers"}
MIN_DISTANCE = DISTANCES[-1][0]
"""Standard deviations below which a comparison reads as "about the average"."""


def evidence_text(title: str, meaning: str, comparison: str, language: Language) -> str:
    """Name the evidence with how the person's value compares; ``title`` is left out where ``meaning`` contains it.

    >>> evidence_text("Log-ins", "log-ins in 28 days", value_beside(3.0, 12.0, "times", "en"), "en")
    'log-ins in 28 days: 3 times (usually 12 times)'
    """
    clause = fill("evidence_clause", language, meaning=meaning, comparison=comparison)
    return clause if title.lower() in meaning.lower() else fill("evidence_titled", language, title=title, clause=clause)


def value_beside(value: float | None, median: float | None, unit: str, language: Language) -> str:
    """A value beside the median.

    >>> value_beside(None, 2.0, "days", "zh")
    '无记录（通常 2 天）'
    """
    shown, common = (value_text(number, unit, language) for number in (value, median))
    return fill("beside_median", language, value=shown, median=common)


def change_beside(before: float, after: float, *, median: float | None, unit: str, language: Language) -> str:
    """A rise or a fall, beside the median.

    >>> change_beside(5.0, 3.0, median=3.5, unit="rating", language="en")
    '5 → 3 (usually 3.5)'
    """
    step = fill("from_to", language, before=value_text(before, unit, language), after=value_text(after, unit, language))
    return fill("beside_median", language, value=step, median=value_text(median, unit, language))


def among(z: float | None, relation: Literal["team", "peers"], language: Language) -> str:
    """A z-score in everyday words.

    >>> among(2.3, "team", "en"), among(-0.7, "peers", "zh"), among(None, "team", "en")
    ('far above most of the team', '略低于同岗位同级平均水平', 'not recorded')
    """
    if z is None or math.isnan(z):
        return fill("not_recorded", language)
    code = next((above if z > 0 else below for least, above, below in DISTANCES if abs(z) >= least), "alike")
    return fill(code, language, group=fill(GROUPS[relation], language))


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
    ('the manager, less certain', '数据')
    """
    name = OWNERS[owner][language]
    return fill("unstable_owner", language, owner=name) if stable is False else name
