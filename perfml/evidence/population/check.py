"""The check of populations: for how many people each definition that names some holds on the last day of the record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from perfml.errors import DefinitionError
from perfml.evidence.check import CheckReport
from perfml.evidence.population.membership import outsiders
from perfml.evidence.record_end import end_of_record
from perfml.evidence.sources import Data
from perfml.messages import Message
from perfml.project.folder import ProjectFolder, RelationalFile, WindowedFile
from perfml.project.spec import ForWhom


def with_populations(report: CheckReport, data: Data, folder: ProjectFolder) -> CheckReport:
    """``report`` with what each population holds; a condition that cannot be used is a problem, one that nobody meets a lack."""
    can, cannot, problems = list(report.can), list(report.cannot), list(report.problems)
    populations = dict(_populations(folder))
    if not populations or not report.ready:
        return report
    day = end_of_record(data)
    everyone = outsiders(data, "false", day, file="check")
    for file, where in populations.items():
        try:
            inside = len(everyone) - len(outsiders(data, where, day, file=file))
        except DefinitionError as error:
            problems.append(str(error))
            continue
        line = Message.of("population_of", file=file, inside=inside, people=len(everyone), day=str(day), where=where)
        (can if inside else cannot).append(line)
    return replace(
        report, can=tuple(can), cannot=tuple(cannot), problems=tuple(problems), ready=report.ready and not problems
    )


def _populations(folder: ProjectFolder) -> Iterator[tuple[str, str]]:
    """Yield the file and condition of each definition that names its people."""
    files: list[WindowedFile | RelationalFile] = [*folder.definitions.windowed, *folder.definitions.relational]
    for file in files:
        if file.spec.population.where is not None:
            yield file.file, file.spec.population.where
    for name, model in folder.models.items():
        if model.population.where is not None:
            yield f"models/{name}.toml", model.population.where
    for name, policy in folder.policies.items():
        population = getattr(policy, "population", None)
        if isinstance(population, ForWhom) and population.where is not None:
            yield f"models/{name}.toml", population.where
