"""Everything that is said of a company from what is kept, as one text for each person and one for all."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import get_args

from perfml import Project
from perfml.advice.person import person
from perfml.advice.suggestion_files import read_suggestions, suggestion_file
from perfml.project.voices import Who
from perfml.scoring.people.known import rows_of
from perfml.scoring.score_files import read_scores, score_file
from perfml.service.answers.at_risk import AtRiskQuery, at_risk_json
from perfml.service.answers.people import PersonQuery, person_risk
from perfml.service.answers.priorities import PrioritiesQuery, priority_list
from perfml.service.answers.targets import TargetsQuery, target_suggestions
from perfml.service.store import Store
from tests.trust.disputes.case import MODEL, Company


def outputs(company: Company, day: dt.date) -> dict[str, str]:
    """Name of an output at ``day`` -> its text."""
    home, store = company.home, Store(company.home)
    path = score_file(home, MODEL, day)
    _, suggested = suggestion_file(home, "target_adjustment", day)
    return {
        "scores": text(read_scores(path).to_pylist()),
        "targets": text(read_suggestions(suggested).to_pylist()),
        "list": at_risk_json(store, MODEL, AtRiskQuery(as_of=day)).body.decode(),
        "priorities": priority_list(store, PrioritiesQuery(model=MODEL, as_of=day)).model_dump_json(),
        "served targets": target_suggestions(store, TargetsQuery(as_of=day)).model_dump_json(),
    }


def outputs_of(company: Company, day: dt.date, employee: str) -> dict[str, str]:
    """The same of one person."""
    home, store = company.home, Store(company.home)
    out = {
        "rows": text(rows_of(score_file(home, MODEL, day), employee)),
        "risk": person_risk(store, employee, PersonQuery(model=MODEL, as_of=day)).model_dump_json(),
    }
    voices: tuple[Who, ...] = get_args(Who)
    return out | {voice: person(home, employee, voice=voice, as_of=day).model_dump_json() for voice in voices}


def export(company: Company, day: dt.date, out: Path) -> str:
    """The scores of ``day`` as a CSV file."""
    opened = Project(home=company.home)
    return opened.export_scores([score_file(company.home, MODEL, day)], out).read_text(encoding="utf-8-sig")


def text(value: object) -> str:
    return json.dumps(value, default=str, ensure_ascii=False)
