"""What a policy of kind ``alerts`` may contain: rules over evidence that speak to people early, without Python."""

from __future__ import annotations

import re
from collections.abc import Mapping
from string import Formatter
from typing import Annotated, Literal

from pydantic import Field, model_validator

from perfml.project.spec import Days, Policy, Spec
from perfml.project.trust.delivery_spec import PersonSpec

AlertReader = Literal["manager", "employee", "hr"]
"""``employee`` is whom the alert concerns, ``manager`` whom they report to."""
Severity = Literal["notice", "attention", "urgent"]
FIELDS = ("person", "day")
"""Fields of every text beside its numbers: the id of whom it concerns, and the day."""
TEAM_FIELDS = ("concerned", "team", "coverage")
"""Fields of a text about a team: for how many reports the condition is true, of how many, and the share for whom it is not."""
_FORETOLD = re.compile(
    r"离职|辞职|跳槽|概率|几率|probab|likel|resign|quit|leav(e|ing) the company|attrition|flight", re.IGNORECASE
)


class AlertText(Spec):
    """What one reader is told. ``{person}``, ``{day}`` and the numbers of the rule are filled in, with their units."""

    zh: str
    """The sentence in Chinese."""
    en: str
    """The sentence in English."""

    @property
    def fields(self) -> set[str]:
        """The fields of both sentences."""
        return {name for text in (self.zh, self.en) for _, name, _, _ in Formatter().parse(text) if name is not None}

    @model_validator(mode="after")
    def _speaks_of_facts(self) -> AlertText:
        if not self.zh.strip() or not self.en.strip():
            raise ValueError("zh or en is empty; write the sentence in both languages")
        by_language = [{n for _, n, _, _ in Formatter().parse(text) if n is not None} for text in (self.zh, self.en)]
        if by_language[0] != by_language[1]:
            raise ValueError("zh and en do not have the same fields; use the same ones in both")
        if (foretold := _FORETOLD.search(f"{self.zh} {self.en}")) is not None:
            raise ValueError(f"{foretold[0]!r} tells what might become of a person; say what happened and what helps")
        return self


class AlertOutcome(Spec):
    """What a rule should be earlier than; used by the back-test alone."""

    model: str
    """The model whose label is the outcome, such as ``low_performance``."""
    horizon_days: Days
    """Days from the alert within which the outcome counts."""
    of: Literal["person", "reports"] = "person"
    """Whose outcome: that of whom the alert concerns, or of their direct reports."""


class AlertRule(Policy):
    """One rule: a condition on evidence, whom it concerns, who is told, in what words, and how often."""

    zh: str
    """The title in Chinese."""
    en: str
    """The title in English."""
    severity: Severity = "notice"
    """How soon somebody should look: ``notice``, ``attention`` or ``urgent``."""
    whom: str | None = None
    """SQL over the same columns: the people whom the rule is for, such as those who usually do something; the back-test compares
    with them. Default: everyone."""
    when: str
    """SQL over evidence columns and the person's position. Where a column it needs is missing for a person, nobody is told."""
    concerns: Literal["person", "team"] = "person"
    """``person``: whoever meets the condition. ``team``: the manager of people who meet it."""
    least_people: Annotated[int, Field(ge=1)] = 1
    """Of a team: direct reports with known evidence below which nothing is said."""
    least_share: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Of a team: share of these reports who meet the condition from which on it is said."""
    numbers: tuple[str, ...] = ()
    """Evidence columns that the texts may name as fields."""
    behind: tuple[str, ...] | None = None
    """Evidence columns whose rows stand behind the alert; default: ``numbers``."""
    to: Annotated[tuple[AlertReader, ...], Field(min_length=1)]
    """Who is told at once. The first is asked to take care of it, the others get a copy."""
    texts: Mapping[AlertReader, AlertText]
    """Reader → what they are told."""
    cooldown_days: Days = 28
    """Days without the condition after which it is told anew; until then it is one alert."""
    acknowledge_days: Days = 7
    """Days within which somebody is to acknowledge it."""
    escalate_to: AlertReader | None = None
    """Who is told when nobody does and the condition still holds."""
    leave_aware: bool = True
    """Whether nothing is said of a person who is away (table ``absences``)."""
    leave_days: Annotated[int, Field(ge=0, le=366)] = 0
    """Days before the alert in which having been away counts too: silence during leave is no silence."""
    outcome: AlertOutcome | None = None
    """What the back-test compares it with."""

    @property
    def columns_behind(self) -> tuple[str, ...]:
        """The columns whose rows stand behind an alert."""
        return self.numbers if self.behind is None else self.behind

    @model_validator(mode="after")
    def _fields_are_known(self) -> AlertRule:
        known = {*FIELDS, *(TEAM_FIELDS if self.concerns == "team" else self.numbers)}
        for reader, text in self.texts.items():
            if unknown := sorted(text.fields - known):
                listed = ", ".join(f"{{{name}}}" for name in sorted(known))
                raise ValueError(f"texts.{reader} names {{{unknown[0]}}}; use {listed}, or add the column to numbers")
        for reader in (*self.to, *([self.escalate_to] if self.escalate_to else [])):
            if reader not in self.texts:
                raise ValueError(f"{reader} is to be told and has no text; write texts.{reader}")
        return self


class AlertsSpec(Spec):
    """``models/<name>.toml`` of kind ``alerts``: rules over evidence that speak to people early."""

    kind: Literal["alerts"] = "alerts"
    """Marks the file as a set of rules for alerts."""
    zh: str
    """The title in Chinese."""
    en: str
    """The title in English."""
    hr: PersonSpec = PersonSpec(name="hr")
    """Who reads for HR."""
    address: str = "{employee_id}"
    """Where messages to an employee or a manager go, such as ``{employee_id}@example.com``."""
    off: tuple[str, ...] = ()
    """Rules that are inherited and not used."""
    rules: Annotated[Mapping[str, AlertRule], Field(min_length=1)]
    """The rules by name."""

    @property
    def used(self) -> Mapping[str, AlertRule]:
        """The rules that are not switched off."""
        return {name: rule for name, rule in self.rules.items() if name not in self.off}

    @model_validator(mode="after")
    def _addresses(self) -> AlertsSpec:
        if {name for _, name, _, _ in Formatter().parse(self.address) if name is not None} != {"employee_id"}:
            raise ValueError("address needs {employee_id} and no other field")
        if unknown := sorted(set(self.off) - self.rules.keys()):
            raise ValueError(f"off names {unknown[0]!r}, which is no rule; use one of: {', '.join(self.rules)}")
        return self
