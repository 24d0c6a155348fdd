"""What a policy of kind ``feedback_network`` may contain: which rows of the log are contacts, and when a gap is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from perfml.project.spec import Days, Spec

ContactKind = Literal["feedback", "recognition"]
NetworkUnit = Literal["department", "manager_id", "location"]
Share = Annotated[float, Field(gt=0, lt=1)]


class ContactSpec(Spec):
    """What a kind of the log says of two people."""

    contact: ContactKind
    """``feedback`` or ``recognition``."""
    given_by: Literal["employee", "counterpart"] = "employee"
    """Who gave it: the ``employee_id`` of the row, or its ``counterpart_id``."""


class FeedbackNetworkSpec(Spec):
    """``models/<name>.toml`` of kind ``feedback_network``: who gives feedback and recognition to whom."""

    kind: Literal["feedback_network"] = "feedback_network"
    """Marks the file as rules about the feedback network."""
    zh: str
    """The title in Chinese."""
    en: str
    """The title in English."""
    kinds: Annotated[Mapping[str, ContactSpec], Field(min_length=1)]
    """Kind of the log → what it says of two people. Several rows of one contact, pair and day count once."""
    days: Days = 182
    """Days of the log behind what is said of people."""
    unit_days: Days = 364
    """Days of the log behind what is said of units."""
    units: tuple[NetworkUnit, ...] = ("department", "manager_id")
    """Units whose silence is looked for."""
    false_share: Share = 0.05
    """Expected share of false alarms among all that is told (Benjamini & Hochberg 1995)."""
    least_contacts: Annotated[int, Field(ge=2)] = 6
    """Contacts of two people from which on a one-way street is told."""
    returned_share: Annotated[float, Field(ge=0, lt=0.5)] = 0.1
    """Largest share of contacts in return on a one-way street."""
    silent_share: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Largest share of the expected contacts between units that are called silent."""
