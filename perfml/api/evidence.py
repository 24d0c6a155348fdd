"""The verbs of data: exports as they are, checks, evidence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from perfml.api.shared import DataLocation, GivenData, people_of, seen
from perfml.dates import DateLike, DatesLike, date_of, dates_of
from perfml.evidence.check import CheckReport
from perfml.evidence.check import check as check_tables
from perfml.evidence.features import Evidence, build, write
from perfml.evidence.features import missing_days as missing_days_of
from perfml.evidence.holes.hole import MissingDays
from perfml.evidence.people import people_at
from perfml.evidence.population.check import with_populations
from perfml.evidence.record_end import end_of_record
from perfml.messages import Language
from perfml.trust.definitions.undefined import with_metrics

if TYPE_CHECKING:
    from perfml.api import Project
    from perfml.mapping.proposal import MappingProposal


def propose(project: Project, export: DataLocation) -> MappingProposal:
    """Propose how an export is read: its files and sheets recognised, each column with a reason and a confidence, and the
    questions that only a person can answer (``proposal.questions()``, :meth:`MappingProposal.answered`)."""
    from perfml.mapping.propose import propose

    return propose(export, project.folder.definitions.tables)


def map(
    project: Project, proposal: MappingProposal, out: str | Path, *, language: Language = "en", force: bool = False
) -> list[Path]:
    """Write a project that reads the export of ``proposal`` into ``out``; reasons and open questions are comments in
    ``language``. Return its files. Raises :class:`PerfmlError` where one would be overwritten, unless ``force``."""
    from perfml.mapping.writing import write_project

    return write_project(proposal, Path(out), language=language, force=force)


def template(project: Project, directory: str | Path) -> list[Path]:
    """Write a workbook and CSV files to fill in, which are read without a mapping; return the files."""
    from perfml.mapping.template import write_template

    return write_template(project.folder.definitions.tables, Path(directory))


def check(project: Project, data: GivenData | None = None) -> CheckReport:
    """Report what the tables hold, what is wrong with them, and what can be computed and trained from them.

    What it says can be trained is back-tested by :meth:`train`: both look for the same definitions, tables and cases.
    """
    from perfml.learning.abilities import with_models

    with project.open(data, strict=False) as opened:
        report = with_populations(check_tables(opened, project.folder.definitions), opened, project.folder)
        report = with_metrics(report, opened, project.folder.metrics)
        return with_models(report, opened, project.folder, progress=project.progress)


def features(project: Project, data: DataLocation | None = None, *, as_of: DatesLike) -> pd.DataFrame:
    """The evidence of everyone employed at each as-of date: one row per (employee_id, as_of), one column per feature."""
    return project.evidence(data, as_of=as_of).frame


def evidence(project: Project, data: DataLocation | None = None, *, as_of: DatesLike) -> Evidence:
    """Like :meth:`features`, with the meaning of each column and what was left out."""
    with project.open(data, engine=project.engine) as opened:
        evidence = build(opened, project.folder.definitions, dates_of(as_of), progress=project.progress)
    seen(project, "features", (str(person) for person in evidence.frame["employee_id"].unique()))
    return evidence


def missing_days(
    project: Project, data: DataLocation | None = None, *, as_of: DateLike | None = None
) -> tuple[MissingDays, ...]:
    """The days that are missing from the log at ``as_of`` (default: the end of the record), each stretch with the people and
    the evidence that it reaches: undelivered, silent without an announcement, or after a feed has stopped."""
    with project.open(data, engine=project.engine) as opened:
        return missing_days_of(opened, project.folder.definitions, [date_of(as_of) if as_of else end_of_record(opened)])


def write_features(project: Project, data: DataLocation | None, out: Path, *, as_of: DatesLike) -> int:
    """Write the evidence to a Parquet file in bounded memory; return the number of rows."""
    with project.open(data, engine=project.engine) as opened:
        dates = dates_of(as_of)
        seen(project, "features", {person for day in dates for person in people_of(people_at(opened, day))})
        return write(opened, project.folder.definitions, dates, out, progress=project.progress)
