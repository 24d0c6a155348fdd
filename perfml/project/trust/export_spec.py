"""What ``serve/exports.toml`` may contain: lists for other systems, when they are sent, and to whom."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from perfml.project.spec import Spec
from perfml.project.trust.delivery_spec import WEEKDAYS, PersonSpec, Weekday

ExportFormat = Literal["csv", "xlsx", "parquet"]
ExportContent = Literal[
    "at_risk", "courses", "targets", "decisions", "alerts", "holds", "eligibility", "ratings", "events"
]
ExportName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
ExportUnit = Annotated[str, Field(pattern=r"^(department|location):\S.*$")]
_PAY = re.compile(
    r"(?<![a-z])(pay|payroll|payslips?|salar(y|ies)|wages?|bonus(es)?|compensation)(?![a-z])|薪|工资|奖金",
    re.IGNORECASE,
)
_DISMISSAL = re.compile(
    r"(?<![a-z])(dismiss(al|als|ed)?|terminations?|layoffs?|redundanc(y|ies)|firing)(?![a-z])|解雇|解聘|裁员|辞退|开除",
    re.IGNORECASE,
)


def refused_word(text: str, what: ExportContent) -> str | None:
    """The word of ``text`` that names pay or dismissal; of settled ratings, which are the company's own, pay may be named."""
    match = _DISMISSAL.search(text) or (None if what == "ratings" else _PAY.search(text))
    return None if match is None else match[0]


class ExportSchedule(Spec):
    """The days on which an export is due."""

    every: Literal["day", "week", "month"]
    """How often."""
    on: Weekday = "mon"
    """Day of the week, for ``week``."""
    day: Annotated[int, Field(ge=1, le=28)] = 1
    """Day of the month, for ``month``."""

    def newest(self, today: dt.date) -> dt.date:
        """The last due day up to ``today``.

        >>> ExportSchedule(every="week", on="fri").newest(dt.date(2026, 11, 29))
        datetime.date(2026, 11, 27)
        """
        if self.every == "day":
            return today
        if self.every == "week":
            return today - dt.timedelta(days=(today.weekday() - WEEKDAYS.index(self.on)) % 7)
        month = today if today.day >= self.day else today.replace(day=1) - dt.timedelta(days=1)
        return month.replace(day=self.day)


class ExportRecipient(Spec):
    """Where an export goes: a folder, or a webhook."""

    folder: str | None = None
    """Folder for the files, within the home unless it is absolute; default: ``exports/NAME``."""
    webhook: str | None = None
    """Address that each file is posted to: ``https://…``, or ``http://`` on this machine."""
    allow: tuple[str, ...] = ()
    """Private networks, such as ``10.1.0.0/16``, in which the webhook may lie. Without it only public addresses are posted to."""

    @field_validator("webhook")
    @classmethod
    def _is_secure(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            parts = urlsplit(value)
            host, _ = parts.hostname, parts.port
        except ValueError:
            raise ValueError("is no address; write https://HOST/PATH") from None
        if host is None or parts.scheme not in ("http", "https") or parts.fragment or re.search(r"[\s\\]", value):
            raise ValueError("is no address; write https://HOST/PATH")
        if parts.username is not None or parts.password is not None:
            raise ValueError("holds a password, which belongs in no file; the signature says who sends")
        if parts.scheme == "http" and not _is_this_machine(host):
            raise ValueError("is not encrypted; write https://…")
        return value

    @field_validator("allow")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            try:
                ip_network(text)
            except ValueError:
                raise ValueError(f"{text!r} is no network; write one such as 10.1.0.0/16") from None
        return value

    @model_validator(mode="after")
    def _is_one(self) -> ExportRecipient:
        if self.folder is not None and self.webhook is not None:
            raise ValueError("names a folder and a webhook; write two exports")
        return self


class ExportSpec(Spec):
    """One list that is sent to another system, or downloaded."""

    zh: str
    """The title in Chinese."""
    en: str
    """The title in English."""
    what: ExportContent
    """Its rows: people at risk, courses suggested, targets suggested, decisions on targets, open alerts, areas that are held;
    facts: eligibility for openings, settled ratings, events."""
    model: str = "attrition"
    """The model of ``at_risk``."""
    policy: str | None = None
    """The policy of ``courses``, ``targets`` and ``decisions``; default: ``course_match``, else ``target_adjustment``."""
    format: ExportFormat = "csv"
    """Form of the file."""
    columns: tuple[str, ...] = ()
    """Columns in their order; default: all that there are."""
    units: tuple[ExportUnit, ...] = ()
    """Only people of these units, such as ``department:South``; default: everyone."""
    purpose: str
    """What the receiver uses it for: ``support``, ``development``, ``targets`` or ``data_quality``."""
    owner: PersonSpec
    """Who answers for it."""
    schedule: ExportSchedule | None = None
    """When it is due; default: whenever somebody asks for it."""
    recipient: ExportRecipient = ExportRecipient()
    """Where it goes."""
    version: Annotated[int, Field(ge=1)] = 1
    """Raised with each change that a receiver has to know of."""
    attempts: Annotated[int, Field(ge=1, le=1000)] = 8
    """Runs that fail until it is given up."""

    @field_validator("purpose")
    @classmethod
    def _is_served(cls, value: str) -> str:
        if value in ("pay", "dismissal"):
            raise ValueError(f"{value} is refused: perfml never serves decisions about pay or dismissal")
        if value not in PURPOSES:
            raise ValueError(f"{value!r} is no purpose; use one of: {', '.join(PURPOSES)}")
        return value

    @model_validator(mode="after")
    def _is_not_for_pay(self) -> ExportSpec:
        recipient = (self.recipient.folder, self.recipient.webhook, self.owner.name, self.owner.address)
        for text in filter(None, (self.zh, self.en, *recipient)):
            if (refused := refused_word(text, self.what)) is not None:
                raise ValueError(
                    f"{refused!r} names pay or dismissal, which no list may be sent for; choose another receiver"
                )
        return self


PURPOSES = ("support", "development", "targets", "data_quality")
"""What a list of people may be sent for, as in ``serve/policies/purposes.cedar``."""


class ExportsSpec(Spec):
    """``serve/exports.toml``: lists for other systems."""

    exports: Mapping[ExportName, ExportSpec] = {}
    """The exports by name."""

    @model_validator(mode="after")
    def _names(self) -> ExportsSpec:
        for name, export in self.exports.items():
            if (refused := refused_word(name, export.what)) is not None:
                raise ValueError(f"exports.{name}: {refused!r} names pay or dismissal, which no list may be sent for")
        return self


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
