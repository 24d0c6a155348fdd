"""What a policy of kind ``talks`` may contain: by which phrases a sentence of a review supports a success factor."""

from __future__ import annotations

from typing import Literal

from perfml.project.spec import Spec


class TalksSpec(Spec):
    """``models/<name>.toml`` of kind ``talks``: what a conversation is prepared with."""

    kind: Literal["talks"] = "talks"
    """Marks the file as the preparation of conversations."""
    zh: str
    """The title in Chinese."""
    en: str
    """The title in English."""
    praise: tuple[str, ...] = ()
    """Phrases of sentences that name what went well."""
    denied: tuple[str, ...] = ()
    """Phrases with which a sentence is no such one, whatever else it says."""
