"""What is wrong with a row that breaks a rule, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from perfml.messages import Bilingual, Message
from perfml.project.table_spec import TableSpec

RULES: Final[Mapping[str, Message]] = {
    "wrong_type": Message.of("rule_wrong_type"),
    "unlisted_value": Message.of("rule_unlisted_value"),
    "missing_value": Message.of("rule_missing_value"),
    "before_1900": Message.of("rule_before_1900"),
    "in_the_future": Message.of("rule_in_the_future"),
    "off_the_scale": Message.of("rule_off_the_scale"),
    "too_large_to_sum": Message.of("rule_too_large_to_sum"),
    "past_9999": Message.of("rule_past_9999"),
    "duplicate_key": Message.of("rule_duplicate_key"),
    "contradicting_rows": Message.of("rule_contradicting_rows"),
    "undefined_metric": Message.of("rule_undefined_metric"),
    "cycle_of_managers": Message.of("rule_cycle_of_managers"),
}
"""The rules of every table."""


def rule_text(rule: str, spec: TableSpec) -> Message:
    """What a row breaks: a rule of its own table, or one of every table."""
    own = spec.rules.get(rule)
    return RULES[rule] if own is None else Message.of("as_worded", text=Bilingual(en=own.en, zh=own.zh))
