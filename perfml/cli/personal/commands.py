"""What is held about one person, their figures beside those of others, and what a conversation is prepared with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, TypeVar

import typer

from perfml.api import Project
from perfml.cli.options import (
    DataOption,
    HomeOption,
    JsonOption,
    LanguageName,
    LanguageOption,
    ProjectOption,
    print_json,
)
from perfml.errors import PerfmlError
from perfml.messages import Language
from perfml.project.voices import Who
from perfml.scoring.personal.record import PersonalPart
from perfml.terminal import personal as tables
from perfml.terminal.scores import what_if_lines
from perfml.terminal.work.policies import policy_json, policy_lines

P = TypeVar("P", bound=PersonalPart)
ReaderOption = Annotated[Who, typer.Option("--as", help="Who reads: hr, manager or employee.")]
ScoredDateOption = Annotated[str | None, typer.Option("--as-of", help="A date that was scored (default: the newest).")]


def record(
    employee: str,
    *,
    reader: ReaderOption = "hr",
    as_of: ScoredDateOption = None,
    language: LanguageOption = LanguageName.en,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is held about a person: their rows of every table, as known before a date, each with the key a dispute names."""
    answer = Project(project, home=home).record(employee, reader=reader, as_of=as_of)
    _print(answer, tables.record_tables, language=language, as_json=as_json)


def peers(
    employee: str,
    *,
    reader: ReaderOption = "hr",
    as_of: ScoredDateOption = None,
    language: LanguageOption = LanguageName.en,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a person beside the mean of at least five others of their department, their kind of work or the company."""
    answer = Project(project, home=home).peers(employee, reader=reader, as_of=as_of)
    _print(answer, tables.peer_lines, language=language, as_json=as_json)


def brief(
    employee: str,
    *,
    as_of: ScoredDateOption = None,
    language: LanguageOption = LanguageName.en,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Prepare a one-to-one: goals, success factors with their rows, wishes, three questions, and what to mend."""
    answer = Project(project, home=home).brief(employee, as_of=as_of)
    _print(answer, tables.brief_lines, language=language, as_json=as_json)


def card(
    employee: str,
    *,
    as_of: ScoredDateOption = None,
    language: LanguageOption = LanguageName.en,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a person's development card: reviews, strengths, gaps, projects and courses, each line with its row."""
    answer = Project(project, home=home).development_card(employee, as_of=as_of)
    _print(answer, tables.card_lines, language=language, as_json=as_json)


def eligibility(
    employee: str,
    *,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="A date that was prepared (default: the newest).")
    ] = None,
    language: LanguageOption = LanguageName.en,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show which internal openings a person is eligible for, of those they asked to be considered for, and why not yet."""
    answer = Project(project, home=home).eligibility(employee, as_of=as_of)
    _print(answer, tables.eligibility_lines, language=language, as_json=as_json)


def what_if(
    employee: Annotated[str | None, typer.Argument(help="Whose; none with --policy.")] = None,
    *,
    policy: Annotated[
        str | None,
        typer.Option("--policy", help="A change for many: a definition of kind what_if, or a .toml file of one."),
    ] = None,
    data: DataOption = None,
    change: Annotated[
        list[str] | None, typer.Option("--change", help="Evidence and value, e.g. activity:overtime=40; up to three.")
    ] = None,
    model: Annotated[str, typer.Option("--model", help="Which model.")] = "attrition",
    as_of: ScoredDateOption = None,
    horizon: Annotated[int | None, typer.Option("--horizon", help="In days (default: the shortest).")] = None,
    language: LanguageOption = LanguageName.en,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what the model would predict were a piece of evidence as it is for others; without --change, what may change.

    With --policy for many: expected numbers before and after, and with --data what is known of the effect of its programme.
    """
    if (employee is None) == (policy is None):
        raise PerfmlError("is missing", where="what-if", remedy="name a person, or a policy with --policy FILE")
    opened = Project(project, home=home)
    if policy is not None:
        record = opened.what_if_policy(policy, data, as_of=as_of)
        if as_json:
            print_json(policy_json(record))
        else:
            policy_lines(record, language.value)
        return
    assert employee is not None
    predicted = opened.what_if(
        employee, dict(map(_change, change or [])), model=model, as_of=as_of, horizon_days=horizon
    )
    if as_json:
        print_json(predicted.to_json())
    else:
        what_if_lines(predicted, language.value)


def _change(text: str) -> tuple[str, float]:
    """Evidence and value of an option."""
    evidence, _, value = text.rpartition("=")
    try:
        return evidence, float(value)
    except ValueError as error:
        raise PerfmlError(
            f"{text!r} is no change", where="--change", remedy="write evidence=value, e.g. activity:overtime=40"
        ) from error


def _print(answer: P, lines: Callable[[P, Language], None], *, language: LanguageName, as_json: bool) -> None:
    """Print an answer as JSON, or with ``lines`` for people."""
    if as_json:
        print_json(answer.model_dump(mode="json"))
    else:
        lines(answer, language.value)
