"""One reason in three voices and two languages. The record of a reason is one; only the words around its numbers differ."""

from __future__ import annotations

from collections.abc import Sequence

from perfml import words
from perfml.project.voices import VoicesSpec, Who
from perfml.reasons.reasons import Reason


def voiced(reason: Reason, spec: VoicesSpec, who: Who, language: words.Language) -> str:
    """A line of an explanation as ``who`` is told it, with who can act and, where the definitions say so, how."""
    zh, raises = language == "zh", reason["contribution"] >= 0
    voice = spec.voices[who]
    said = words.evidence_of(reason["zh"] if zh else reason["en"], raises=raises, language=language)
    parts = [getattr(voice.raises if raises else voice.lowers, language).format(evidence=said)]
    if raises and reason["evidence"] != "other":  # what goes well needs nobody to act
        action = spec.actions.get(reason["evidence"])
        parts += [getattr(one, language) for one in (voice.owners[reason["owner"]], action) if one is not None]
    return ("；" if zh else "; ").join(parts)


def retold(reasons: Sequence[Reason], spec: VoicesSpec, who: Who) -> list[Reason]:
    """The same reasons, their texts as ``who`` is told them; nothing else is changed."""
    return [{**one, "zh": voiced(one, spec, who, "zh"), "en": voiced(one, spec, who, "en")} for one in reasons]
