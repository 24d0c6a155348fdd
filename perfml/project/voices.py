"""Definition of voices: templates of a reason for HR, for the manager and for the employee, in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from typing import Literal

from pydantic import model_validator

from perfml.project.spec import Owner, Spec

Who = Literal["hr", "manager", "employee"]
Reader = Literal["manager", "employee"]
"""Who reads reasons and never a probability, rank or band."""
FIELDS = frozenset({"evidence"})
"""The fields of a template: the evidence with the person's value and the median, as ``perfml.messages.reasons`` renders it."""


class Template(Spec):
    """A sentence in both languages, with the same fields in each."""

    zh: str
    """The sentence in Chinese."""
    en: str
    """The sentence in English."""

    @model_validator(mode="after")
    def _alike(self) -> Template:
        fields = [
            {name for _, name, _, _ in Formatter().parse(text) if name is not None} for text in (self.zh, self.en)
        ]
        unknown = sorted(set.union(*fields) - FIELDS)
        if unknown:
            raise ValueError(
                f"{{{unknown[0]}}} is not a field; use one of: {', '.join(f'{{{field}}}' for field in sorted(FIELDS))}"
            )
        if fields[0] != fields[1]:
            raise ValueError("zh and en do not have the same fields; use the same ones in both")
        if not self.zh.strip() or not self.en.strip():
            raise ValueError("zh or en is empty; write the sentence in both languages")
        return self


class Voice(Spec):
    """The templates of reasons for one reader."""

    raises: Template
    """A reason that raises the risk; ``{evidence}`` is the evidence with its values."""
    lowers: Template
    """A reason that lowers the risk; manager and employee read it only where its value is good news."""
    owners: Mapping[Owner, Template]
    """Who can act on a reason, worded for this reader."""

    @model_validator(mode="after")
    def _complete(self) -> Voice:
        for name, template in (("raises", self.raises), ("lowers", self.lowers)):
            if "{evidence}" not in template.en:
                raise ValueError(f"{name} does not contain {{evidence}}; add it to both languages")
        absent = sorted({"employee", "manager", "company", "data"} - set(self.owners))
        if absent:
            raise ValueError(f"owners lacks {absent[0]!r}; write one sentence for each owner")
        return self


class VoicesSpec(Spec):
    """``models/<name>.toml`` of kind ``voices``."""

    kind: Literal["voices"] = "voices"
    """Marks the file as a set of voices."""
    zh: str
    """The title in Chinese."""
    en: str
    """The title in English."""
    voices: Mapping[Who, Voice]
    """Reader -> voice; all three are required."""
    actions: Mapping[str, Template] = {}
    """Name of a reason (``evidence`` of a score row), or of the file that it comes from -> what its owner can do."""
    owner_actions: Mapping[Owner, Template] = {}
    """What an owner can do about a reason without an action of its own."""

    @model_validator(mode="after")
    def _everyone(self) -> VoicesSpec:
        absent = sorted({"hr", "manager", "employee"} - set(self.voices))
        if absent:
            raise ValueError(f"voices lacks {absent[0]!r}; write one voice for each reader")
        return self
