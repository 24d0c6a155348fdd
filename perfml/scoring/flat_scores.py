"""Scores as people open them: who it is beside the id, one column a fact, three reasons in each voice."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

import pyarrow as pa

from perfml.learning.registry.artifacts import read_columns
from perfml.messages import Language, render, stored_message
from perfml.project.model_spec import LEADING_REASONS
from perfml.project.voices import Who
from perfml.reasons.leading import raising
from perfml.reasons.voices import Voices
from perfml.scoring.people.files import PersonFacts, people_facts, with_people
from perfml.scoring.run_record import voices_of
from perfml.scoring.score_files import DEBT_COLUMNS
from perfml.scoring.table_files import read_parts
from perfml.scoring.withheld.withholding import withholding

SCORED = (
    "as_of", "model", "model_version", "horizon_days", "status", "why_not", "rank", "band", "probability", "segments",
)  # fmt: skip
READERS: tuple[Who, ...] = get_args(Who)


def flat_scores(home: Path, files: Iterable[Path], *, language: Language) -> Iterator[pa.Table]:
    """The rows of kept score files, in their order and part by part.

    Columns: the person (:data:`~perfml.scoring.people.files.FACTS`), the score (:data:`SCORED`), what missing days may do
    to it, then ``<voice>_reason_1`` to
    ``_3``: the sentences of the reasons that raise the risk for HR, the manager and the employee, in ``language``. The file is
    HR's: whoever passes something on passes on the column of that reader's voice.
    """
    for path in files:
        people: dict[str, PersonFacts] | None = None
        with_holds = withholding(path)
        for part in map(with_holds.table, read_parts(path)):
            model, version = (part.column(name)[0].as_py() for name in ("model", "model_version"))
            as_of: dt.date = part.column("as_of")[0].as_py()
            people = people_facts(home, as_of) if people is None else people
            voices = Voices(voices_of(home, model, as_of), read_columns(home, model, version))
            yield _part(part, people, voices, language)


def _part(part: pa.Table, people: dict[str, PersonFacts], voices: Voices, language: Language) -> pa.Table:
    for name in DEBT_COLUMNS:  # files of an earlier perfml lack them
        if name not in part.column_names:
            part = part.append_column(name, pa.nulls(len(part)))
    table = with_people(part.select(["employee_id", *SCORED, *DEBT_COLUMNS]), people)
    why = [
        None if text is None else render(stored_message(text), language) for text in part.column("why_not").to_pylist()
    ]
    table = table.set_column(table.column_names.index("why_not"), "why_not", pa.array(why, pa.string()))
    reasons: list[list[Any]] = [listed or [] for listed in part.column("reasons").to_pylist()]
    for reader in READERS:
        lines = [_lines(listed, voices, reader, language) for listed in reasons]
        for number in range(LEADING_REASONS):
            texts = [each[number] if number < len(each) else None for each in lines]
            table = table.append_column(f"{reader}_reason_{number + 1}", pa.array(texts, pa.string()))
    return table


def _lines(reasons: Sequence[Any], voices: Voices, reader: Who, language: Language) -> list[str]:
    """The sentences of what raises the risk, the strongest first."""
    if reader == "hr":
        leading: list[Any] = raising(reasons)
        return [voices.text(reason, reader, language) for reason in leading]
    return [getattr(line, language) for line in voices.voiced_reasons(reasons, reader) if line.concern]
