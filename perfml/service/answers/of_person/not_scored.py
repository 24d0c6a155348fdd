"""Why somebody has no score: with the condition as the model's file has it for HR, in everyday words for everybody else."""

from __future__ import annotations

import re
from collections.abc import Mapping

from perfml.evidence.columns import Column
from perfml.messages import Bilingual, Message, chain, stored_message
from perfml.messages.values import value_text
from perfml.project.model_spec import Population
from perfml.service.answers.shared import TextAnswer
from perfml.service.scores import StoredRow

_COMPARISON = re.compile(r"(\w+) (>=|>|<=|<) (\d+(?:\.\d+)?)")
"""A condition on one column of the evidence, such as ``tenure_days >= 28``."""
_CODES: Mapping[str, str] = {
    ">=": "condition_at_least",
    ">": "condition_more_than",
    "<=": "condition_at_most",
    "<": "condition_less_than",
}


def why_not(row: StoredRow, population: Population) -> TextAnswer | None:
    """Say why a row has no score, naming the condition or the broken table; None where it has one.

    >>> why_not({"status": "thin", "why_not": None}, Population(eligible="true", thin="events_count_364d = 0")).en
    'too little is recorded about this person: events_count_364d = 0'
    """
    match row["status"]:
        case "held":
            return TextAnswer.of(Message.of("service_person_held", why=stored_message(str(row["why_not"]))))
        case "opted_out":
            return TextAnswer.of(stored_message(str(row["why_not"])))
        case "thin":
            return TextAnswer.of(Message.of("service_person_thin", rule=population.thin))
        case "ineligible":
            return TextAnswer.of(Message.of("service_person_ineligible", rule=population.rule))
        case _:
            return None


def why_not_in_words(row: StoredRow, population: Population, columns: Mapping[str, Column]) -> TextAnswer | None:
    """The same for the person and their manager. ``columns``: those of the model; a condition that compares some of them with
    numbers is said by their names, of another one it is said that the model is for others."""
    match row["status"]:
        case "thin":
            return TextAnswer.of(Message.of("service_little_recorded"))
        case "ineligible":
            conditions = None if population.where is not None else _in_words(population.eligible, columns)
            if conditions is None:
                return TextAnswer.of(Message.of("service_for_others"))
            return TextAnswer.of(Message.of("service_only_where", conditions=conditions))
        case _:
            return why_not(row, population)


def _in_words(condition: str, columns: Mapping[str, Column]) -> Message | None:
    """A condition that compares columns with numbers, and nothing else; None for another."""
    comparisons = []
    for part in condition.split(" and "):
        compared = _COMPARISON.fullmatch(part)
        if compared is None or compared[1] not in columns:
            return None
        column, number = columns[compared[1]], float(compared[3])
        value = Bilingual(en=value_text(number, column.unit, "en"), zh=value_text(number, column.unit, "zh"))
        comparisons.append(Message.of(_CODES[compared[2]], column=Bilingual(en=column.en, zh=column.zh), value=value))
    return chain("condition_and", comparisons)
