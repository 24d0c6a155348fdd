"""Alerts as sentences: the text of the rule for a reader, with its numbers filled in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

from perfml.evidence.columns import Column
from perfml.messages import Bilingual, Language, Message
from perfml.messages.values import value_text
from perfml.project.trust.alert_spec import AlertReader, AlertRule
from perfml.trust.alerts.alert import Sighting


def text_of(rule: AlertRule, sighting: Sighting, reader: AlertReader, *, units: Mapping[str, str]) -> Bilingual:
    """What ``reader`` is told of a sighting; ``units``: column → unit of its values."""

    def worded(template: str, language: Language) -> str:
        of_team = {"coverage": "share"} if rule.concerns == "team" else units
        numbers = {
            name: value_text(value, of_team[name], language) if name in of_team else f"{value:.0f}"
            for name, value in sighting.numbers.items()
        }
        return template.format(person=sighting.employee_id, day=sighting.day, **numbers)

    text = rule.texts[reader]
    return Bilingual(en=worded(text.en, "en"), zh=worded(text.zh, "zh"))


def raised_message(rule: AlertRule, sighting: Sighting, reader: AlertReader, *, units: Mapping[str, str]) -> Message:
    """The message when an alert is raised; the first reader is asked to take care of it."""
    text = text_of(rule, sighting, reader, units=units)
    if reader != rule.to[0]:
        return Message.of("alert_copy", text=text)
    return Message.of("alert_raised", text=text, alert=sighting.alert_id, days=rule.acknowledge_days)


def escalated_message(
    rule: AlertRule,
    sighting: Sighting,
    *,
    alert_id: str,
    reader: AlertReader,
    raised: dt.date,
    units: Mapping[str, str],
) -> Message:
    """The message to whom the alert ``alert_id`` is escalated, with the numbers of the day on which it is."""
    text = text_of(rule, sighting, reader, units=units)
    return Message.of("alert_escalated", text=text, alert=alert_id, raised=str(raised))


def units_of(columns: Iterable[Column]) -> dict[str, str]:
    """Column → unit of its values."""
    return {column.name: column.unit for column in columns}
