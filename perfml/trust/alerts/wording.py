"""Alerts as sentences: the texts of a rule with its numbers filled in, and the messages that carry them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from perfml.messages import Bilingual, Language, Message
from perfml.messages.values import value_text
from perfml.project.trust.alert_spec import AlertReader, AlertRule
from perfml.trust.alerts.alert import Sighting


def texts_of(rule: AlertRule, sighting: Sighting, units: Mapping[str, str]) -> dict[AlertReader, Bilingual]:
    """Reader → what they are told of a sighting; ``units``: column → unit of its values."""
    known = {"coverage": "share"} if rule.concerns == "team" else units

    def worded(template: str, language: Language) -> str:
        numbers = {
            name: value_text(value, known[name], language) if name in known else f"{value:.0f}"
            for name, value in sighting.numbers.items()
        }
        return template.format(person=sighting.employee_id, day=sighting.day, **numbers)

    return {
        reader: Bilingual(en=worded(text.en, "en"), zh=worded(text.zh, "zh")) for reader, text in rule.texts.items()
    }


def raised_message(rule: AlertRule, sighting: Sighting, reader: AlertReader) -> Message:
    """The message when an alert is raised; the first reader is asked to take care of it."""
    text = sighting.texts[reader]
    if reader != rule.to[0]:
        return Message.of("alert_copy", text=text)
    return Message.of("alert_raised", text=text, alert=sighting.alert_id, days=rule.acknowledge_days)


def escalated_message(sighting: Sighting, reader: AlertReader, *, alert_id: str, raised: dt.date) -> Message:
    """The message to whom the alert ``alert_id`` is escalated, with the numbers of the day on which it is."""
    return Message.of("alert_escalated", text=sighting.texts[reader], alert=alert_id, raised=str(raised))
