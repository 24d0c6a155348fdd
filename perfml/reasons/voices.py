"""A reason in three voices and two languages: rendered from the record of the reason, for HR, the manager or the employee.

HR reads reasons as score rows have them; managers and employees read :class:`VoicedReason`, without a contribution.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from perfml.evidence.columns import Column
from perfml.messages.message import Language
from perfml.project.spec import Owner
from perfml.project.voices import Reader, VoicesSpec, Who
from perfml.reasons.consistency import form_of, good_news
from perfml.reasons.leading import UNLISTED
from perfml.reasons.record import Reason
from perfml.reasons.wording import evidence

Wording = Callable[[Reason, Mapping[str, Column], Language], str]


@dataclass(frozen=True, kw_only=True)
class VoicedReason:
    """One reason for the manager or the employee; ``concern``: it is worth attention, else it is going well."""

    evidence: str
    owner: Owner
    concern: bool
    zh: str
    en: str


class Voices:
    """Renders the reasons of one model version; ``columns``: its columns by name; ``wording``: of the evidence of a reason.

    Every method raises :class:`PerfmlError` for a reason with a column that the model does not have.
    """

    def __init__(self, spec: VoicesSpec, columns: Mapping[str, Column], *, wording: Wording = evidence) -> None:
        self._spec, self._columns, self._wording = spec, columns, wording

    def retell(self, reasons: Sequence[Reason]) -> list[Reason]:
        """The same reasons with their texts rendered for HR; nothing else changes."""
        return [
            {**reason, "zh": self.text(reason, "hr", "zh"), "en": self.text(reason, "hr", "en")} for reason in reasons
        ]

    def voiced_reasons(self, reasons: Sequence[Reason], who: Reader) -> tuple[VoicedReason, ...]:
        """What raises the risk and what is good news, as far as it is :meth:`readable`."""
        return tuple(
            VoicedReason(
                evidence=reason["evidence"],
                owner=reason["owner"],
                concern=reason["contribution"] > 0,
                zh=self.text(reason, who, "zh"),
                en=self.text(reason, who, "en"),
            )
            for reason in reasons
            if self.readable(reason, who) and (reason["contribution"] > 0 or good_news(reason, self._columns))
        )

    def readable(self, reason: Reason, who: Who) -> bool:
        """Whether a listed reason says something to ``who``: a combination does to HR alone, who read the figures beside it."""
        return reason["evidence"] != UNLISTED and (who == "hr" or form_of(reason, self._columns) != "combined")

    def text(self, reason: Reason, who: Who, language: Language) -> str:
        """One line for ``who``; where the reason raises the risk also who can act, and what they can do."""
        voice, raises = self._spec.voices[who], reason["contribution"] >= 0
        template = getattr(voice.raises if raises else voice.lowers, language)
        parts = [template.format(evidence=self._wording(reason, self._columns, language))]
        if raises and reason["evidence"] != UNLISTED:  # nobody needs to act on what lowers the risk
            if form_of(reason, self._columns) != "combined":
                parts.append(getattr(voice.owners[reason["owner"]], language))
            parts.append(self.action(reason, language))
        return ("；" if language == "zh" else "; ").join(part for part in parts if part)

    def action(self, reason: Reason, language: Language) -> str:
        """What the owner of a reason can do: its own action, else that of its evidence, else the owner's; empty where undefined.

        The action of ``activity`` holds for ``activity:login`` too; what counts only in combination calls for none of its own.
        """
        name = "" if form_of(reason, self._columns) == "combined" else reason["evidence"]
        while name and name not in self._spec.actions:
            name = name.rpartition(":")[0]
        template = self._spec.actions.get(name) or self._spec.owner_actions.get(reason["owner"])
        return "" if template is None else getattr(template, language)
