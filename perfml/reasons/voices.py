"""A reason in three voices and two languages: rendered from the record of the reason, for HR, the manager or the employee."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from perfml.errors import PerfmlError
from perfml.evidence.columns import Column
from perfml.messages.message import Language
from perfml.messages.reasons import other_text
from perfml.project.voices import VoicesSpec, Who
from perfml.reasons.reasons import Reason


class Voices:
    """Renders the reasons of one model version; ``columns``: its columns by name."""

    def __init__(self, spec: VoicesSpec, columns: Mapping[str, Column]) -> None:
        self._spec, self._columns = spec, columns

    def retell(self, reasons: Sequence[Reason], who: Who) -> list[Reason]:
        """The same reasons with their texts rendered for ``who``; nothing else changes.

        Raises :class:`PerfmlError` for a reason with a column that the model does not have.
        """
        return [
            {**reason, "zh": self.text(reason, who, "zh"), "en": self.text(reason, who, "en")} for reason in reasons
        ]

    def text(self, reason: Reason, who: Who, language: Language) -> str:
        """One line for ``who``; where the reason raises the risk also who can act, and what the definitions propose."""
        voice, raises = self._spec.voices[who], reason["contribution"] >= 0
        template = getattr(voice.raises if raises else voice.lowers, language)
        parts = [template.format(evidence=self._evidence(reason, language))]
        if raises and reason["evidence"] != "other":  # nobody needs to act on what lowers the risk
            action = self._spec.actions.get(reason["evidence"])
            parts += [
                getattr(template, language)
                for template in (voice.owners[reason["owner"]], action)
                if template is not None
            ]
        return ("；" if language == "zh" else "; ").join(parts)

    def _evidence(self, reason: Reason, language: Language) -> str:
        if not reason["values"]:
            return other_text(language)
        lead = reason["values"][0]
        column = self._columns.get(lead["column"])
        if column is None:
            raise PerfmlError(
                "is not a column of the model that scored",
                where=repr(lead["column"]),
                remedy="the scores were altered: score that date again",
            )
        return column.text(lead["value"], lead["usual"], language)
