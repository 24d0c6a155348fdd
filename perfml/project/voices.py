"""What a file of voices may say: how one reason is told to HR, to a manager, and to the employee, in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from typing import Literal

from pydantic import model_validator

from perfml.project.spec import Owner, Spec

Who = Literal["hr", "manager", "employee"]
PLACES = frozenset({"evidence"})
"""What a template may hold: the evidence with the person's value and the usual one, as ``perfml.words.evidence`` writes it."""


class Template(Spec):
    """A sentence in both languages, with the same places."""

    zh: str
    """The sentence in Chinese."""
    en: str
    """The sentence in English."""

    @model_validator(mode="after")
    def _alike(self) -> Template:
        places = [
            {name for _, name, _, _ in Formatter().parse(text) if name is not None} for text in (self.zh, self.en)
        ]
        unknown = sorted(set.union(*places) - PLACES)
        if unknown:
            raise ValueError(
                f"{{{unknown[0]}}} is no place; use one of: {', '.join(f'{{{p}}}' for p in sorted(PLACES))}"
            )
        if places[0] != places[1]:
            raise ValueError("zh and en do not hold the same places")
        if not self.zh.strip() or not self.en.strip():
            raise ValueError("both languages need words")
        return self


class Voice(Spec):
    """How reasons are told to somebody."""

    raises: Template
    """A reason that raises the risk; ``{evidence}`` is what it is, with its values."""
    lowers: Template
    """A reason that lowers the risk."""
    owners: Mapping[Owner, Template]
    """Who can act on it, as the listener would say it."""

    @model_validator(mode="after")
    def _complete(self) -> Voice:
        for name, template in (("raises", self.raises), ("lowers", self.lowers)):
            if "{evidence}" not in template.en:
                raise ValueError(f"{name} does not hold {{evidence}}")
        absent = sorted({"employee", "manager", "company", "data"} - set(self.owners))
        if absent:
            raise ValueError(f"owners lacks {absent[0]!r}")
        return self


class VoicesSpec(Spec):
    """``models/<name>.toml`` of kind ``voices``."""

    kind: Literal["voices"] = "voices"
    """Says that the file is a set of voices."""
    zh: str
    """The title in Chinese."""
    en: str
    """The title in English."""
    voices: Mapping[Who, Voice]
    """Listener -> voice; all three are needed."""
    actions: Mapping[str, Template] = {}
    """By reason (the name that stands in ``evidence`` of a line): what its owner could do."""

    @model_validator(mode="after")
    def _everyone(self) -> VoicesSpec:
        absent = sorted({"hr", "manager", "employee"} - set(self.voices))
        if absent:
            raise ValueError(f"voices lacks {absent[0]!r}")
        return self
