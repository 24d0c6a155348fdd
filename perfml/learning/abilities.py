"""Which models can be trained on a company's tables: what training asks of definitions, tables and cases, without learning."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from perfml.errors import DefinitionError, ModelError, PerfmlError
from perfml.evidence.check import CheckReport
from perfml.evidence.record_end import end_of_record
from perfml.evidence.sources import Data
from perfml.learning.dataset.conditions import require_names
from perfml.learning.dataset.table import evidence_of_conditions, learning_dates
from perfml.learning.validation.backtest import NoBacktest, refuse_one_sided, testable_folds
from perfml.learning.validation.sample import TrainingSample
from perfml.messages import Message
from perfml.progress import SILENT, Progress
from perfml.project.folder import ProjectFolder
from perfml.project.spec import Policy


def with_models(report: CheckReport, data: Data, folder: ProjectFolder, *, progress: Progress = SILENT) -> CheckReport:
    """``report`` with the models that can be trained within each horizon, and those that cannot, with the reason.

    A model whose definition cannot be used, or a policy, is one of the report's problems.
    """
    wrong = list(_wrong(folder))
    can, cannot = list(report.can), list(report.cannot)
    if report.ready and not wrong:
        until = end_of_record(data)
        for name, days, refusal in _refusals(data, folder, until=until, progress=progress):
            within = {"days": days} if days else {}
            model = Message.of("can_model_within" if days else "can_model", model=name, **within)
            if refusal is None:
                can.append(model)
            elif isinstance(refusal, DefinitionError):
                wrong.append(refusal)
            else:
                cannot.append(Message.of("cannot_model", model=model, why=refusal.notice))
    problems = (*report.problems, *map(str, wrong))
    return replace(report, can=tuple(can), cannot=tuple(cannot), problems=problems, ready=not problems)


def _wrong(folder: ProjectFolder) -> Iterator[DefinitionError]:
    """Yield why models and policies cannot be used, whatever the data are."""
    suggesting = [name for name, policy in folder.policies.items() if isinstance(policy, Policy)]
    for name in (*folder.models, *suggesting):
        try:
            folder.card(name)
            if name in folder.models:
                require_names(folder.definitions, folder.model(name), name)
        except DefinitionError as error:
            yield error


def _refusals(
    data: Data, folder: ProjectFolder, *, until: dt.date, progress: Progress
) -> Iterator[tuple[str, int, PerfmlError | None]]:
    """Yield each model and horizon with the refusal that training would end in, or None; horizon 0 where all are refused alike.

    One pass over the log serves all models.
    """
    dates: set[dt.date] = set()
    for spec in folder.models.values():
        with suppress(ModelError):  # which the model is refused with below
            dates.update(learning_dates(data, spec, until))
    specs, evidence = folder.models.values(), None
    for name in folder.models:
        try:
            if evidence is None and dates:
                evidence = evidence_of_conditions(data, folder.definitions, specs, dates=dates, progress=progress)
            sample = TrainingSample.of(data, folder, name, until=until, evidence=evidence, progress=progress)
            for days in sample.spec.label.horizons_days:
                try:
                    refuse_one_sided(sample, name, days)
                    testable_folds(sample, days, known=sample.label(days))
                    yield name, days, None
                except NoBacktest as refusal:
                    yield name, days, refusal
        except PerfmlError as refusal:
            yield name, 0, refusal
