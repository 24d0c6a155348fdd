"""One reason in three voices and two languages. The record of a reason is one; only the words around its numbers differ."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from perfml import words
from perfml.evidence.columns import Column
from perfml.project.voices import VoicesSpec, Who
from perfml.reasons.reasons import Reason


def voiced(reason: Reason, columns: Mapping[str, Column], spec: VoicesSpec, who: Who, language: words.Language) -> str:
    """A line of an explanation as ``who`` is told it, with who can act and, where the definitions say so, how.

    ``columns``: the model's, by name. Raises KeyError for a column that the model does not have.
    """
    voice, raises = spec.voices[who], reason["contribution"] > 0
    template = voice.raises if raises else voice.lowers
    if not reason["values"]:
        return str(getattr(template, language)).format(evidence=words.other(language))
    told = reason["values"][0]
    column = columns[told["column"]]
    value, usual = (np.nan if x is None else x for x in (told["value"], told["usual"]))
    zh = language == "zh"
    title, meaning = (column.reason_zh, column.zh) if zh else (column.reason_en, column.en)
    said = words.evidence(title, meaning, value, usual, column.unit, language)
    parts = [getattr(template, language).format(evidence=said)]
    if raises:  # what goes well needs nobody to act
        action = spec.actions.get(reason["evidence"])
        parts += [getattr(one, language) for one in (voice.owners[column.owner], action) if one is not None]
    return ("；" if zh else "; ").join(parts)
