"""Every reason of everyone in a simulated company, of both models, in both languages: it holds, and somebody can do something."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import get_args

import pytest

from perfml.evidence.columns import Column
from perfml.learning.registry.artifacts import read_columns
from perfml.messages import Language
from perfml.project.folder import ProjectFolder
from perfml.project.starter import STARTER
from perfml.project.voices import Reader, VoicesSpec
from perfml.reasons.consistency import fault
from perfml.reasons.leading import raising
from perfml.reasons.record import Reason
from perfml.reasons.voices import Voices
from tests.simulated import Simulated

MODELS = ("attrition", "low_performance")
SPEC = ProjectFolder(STARTER).policy_of(VoicesSpec)[1]
LANGUAGES: tuple[Language, ...] = get_args(Language)
COMBINED: Mapping[Language, str] = {"en": "in combination with other evidence", "zh": "与其他依据结合"}
GOING_WELL: Mapping[Language, str] = {"en": "Going well", "zh": "进展良好"}
RAISES: Mapping[Language, str] = {"en": "; raises the risk", "zh": "，推高风险"}
GOOD = {"higher": 1, "lower": -1, "neither": 0}


def columns_of(company: Simulated, model: str) -> dict[str, Column]:
    return read_columns(company.home, model, company.rows[model][0]["model_version"])


def reasons_of(company: Simulated, model: str) -> Iterator[Reason]:
    """The reasons that are listed by name."""
    for row in company.rows[model]:
        yield from (reason for reason in row["reasons"] or () if reason["values"])


def news(reason: Reason, columns: Mapping[str, Column]) -> float:
    """What the value that the sentence shows says of the person: above 0 it is good, below bad, 0 neither or not known."""
    first = reason["values"][0]
    column = columns[first["column"]]
    compared = reason["values"][1]["value"] if "→" in reason["en"] else first["usual"]
    reference = 0.0 if column.relation else compared
    if first["value"] is None or reference is None:
        return 0.0
    return (first["value"] - reference) * GOOD[column.direction]


def contradictory(reasons: Sequence[Reason], columns: Mapping[str, Column], language: Language) -> list[str]:
    """The sentences that say good news raises the risk, or bad news lowers it, and do not say that it takes more than that."""
    return [
        reason[language]
        for reason in reasons
        if COMBINED[language] not in reason[language]
        and news(reason, columns) * (1 if RAISES[language] in reason[language] else -1) > 0
    ]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_contradicts_itself(company_of_500: Simulated, model: str, language: Language) -> None:
    columns, reasons = columns_of(company_of_500, model), list(reasons_of(company_of_500, model))
    assert len(reasons) > 2_000
    assert contradictory(reasons, columns, language) == []
    assert [reason[language] for reason in reasons if fault(reason, columns)] == []
    assert len({reason["form"] for reason in reasons}) == 3


@pytest.mark.parametrize("model", MODELS)
def test_both_counts_can_fail(company_of_500: Simulated, model: str) -> None:
    columns = columns_of(company_of_500, model)
    plain: list[Reason] = [
        {**reason, "form": "value", "en": reason["en"].replace(", " + COMBINED["en"], "")}
        for reason in reasons_of(company_of_500, model)
        if reason["form"] == "combined"
    ]
    assert len(contradictory(plain, columns, "en")) > 20
    assert {"contradicts", "says nothing"} <= {fault(reason, columns) for reason in plain}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("who", get_args(Reader))
def test_nobody_reads_that_bad_news_goes_well(company_of_500: Simulated, model: str, who: Reader) -> None:
    columns = columns_of(company_of_500, model)
    voices, lines = Voices(SPEC, columns), 0
    for row in company_of_500.rows[model]:
        by_evidence = {reason["evidence"]: reason for reason in row["reasons"] or ()}
        for line in voices.voiced_reasons(row["reasons"] or (), who):
            for language in LANGUAGES:
                if GOING_WELL[language] in getattr(line, language):
                    assert news(by_evidence[line.evidence], columns) > 0, getattr(line, language)
                    lines += 1
    assert lines > 100


@pytest.mark.parametrize("model", MODELS)
def test_every_strongest_reason_has_an_action(company_of_500: Simulated, model: str) -> None:
    columns = columns_of(company_of_500, model)
    voices = Voices(SPEC, columns)
    by_exact_name = Voices(SPEC.model_copy(update={"owner_actions": {}}), columns)
    strongest = [reason for row in company_of_500.rows[model] for reason in raising(row["reasons"])]
    assert len(strongest) > 400
    for language in LANGUAGES:
        assert all(voices.action(reason, language) for reason in strongest)
    assert not all(reason["evidence"] in SPEC.actions for reason in strongest), "some are inherited"
    assert not all(by_exact_name.action(reason, "en") for reason in strongest), "the owner's action is needed"


@pytest.mark.parametrize("model", MODELS)
def test_what_is_named_carries_the_reason(company_of_500: Simulated, model: str) -> None:
    """Rows add up, and the owner is that of the column that is named."""
    columns = columns_of(company_of_500, model)
    for row in company_of_500.rows[model]:
        if row["status"] == "scored":
            total = row["base_value"] + sum(reason["contribution"] for reason in row["reasons"])
            assert total == pytest.approx(row["margin"], abs=1e-6)
            for reason in row["reasons"][:-1]:
                assert reason["owner"] == columns[reason["values"][0]["column"]].owner
