"""The tour: a simulated company, and every step of perfml on it."""

from __future__ import annotations

import datetime as dt
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa
from pyarrow.dataset import dataset
from rich.markup import escape
from threadpoolctl import threadpool_limits

from perfml import terminal
from perfml.api import Project
from perfml.demo.company import CAUSES, simulate
from perfml.demo.tour.personas import grant_personas
from perfml.demo.tour.work import (
    PERSONAS,
    WITHOUT_SCORES,
    LookAt,
    Stop,
    look_at_goals,
    look_at_risks,
    plant_work,
)
from perfml.goals.report import GoalsReport
from perfml.learning.registry.artifacts import current_version, read_record
from perfml.messages import Message, render
from perfml.project.starter import STARTER
from perfml.terminal import advice as tables
from perfml.terminal.evidence import check_table
from perfml.terminal.scores import show_list
from perfml.terminal.work.goals import goals_summary
from perfml.treeshap.contributions import warm_up
from perfml.workers.pool import ALONE, Workers

START, END = dt.date(2023, 10, 1), dt.date(2026, 10, 1)
WINDOW = dt.date(2026, 9, 3)
"""A day within the last quarter on which targets may be proposed."""
BEFORE = dt.date(2026, 9, 1)
"""The scoring a month earlier, with which the report compares."""
MODELS = ("attrition", "low_performance")
ADDRESS = "http://127.0.0.1:8321"
"""Where `perfml serve` answers."""


@dataclass(frozen=True, kw_only=True)
class DemoAdvice:
    """What is suggested for the demonstration company, and what its goals come to."""

    targets: pa.Table
    courses: pa.Table
    alignment: GoalsReport
    stops: Sequence[Stop]


def tour(out: Path, *, employees: int = 600, seed: int = 7, workers: Workers = ALONE) -> Path:
    """Simulate, check, train and back-test both models, score the last day, advise, print the lists, write the report.

    Write everything under ``out``, after removing an earlier tour; return the path of the report. ``workers``: who does steps and
    fits beside this process; what comes out does not depend on them.
    """
    workers.submit(warm_up, long=True)
    with threadpool_limits(1, user_api="blas"):  # its threads would wait for each other longer than they compute
        return _tour(out, employees=employees, seed=seed, workers=workers)


def _tour(out: Path, *, employees: int, seed: int, workers: Workers) -> Path:
    began = time.monotonic()
    data, home = out / "company", out / "var"
    for old in (data, home):
        shutil.rmtree(old, ignore_errors=True)
    with terminal.progress() as progress:
        progress("simulating a company", 0, 1)
        truth = simulate(data, employees=employees, start=START, end=END, seed=seed)
        plant_work(data, seed=seed, end=END)
    look = partial(_looked, home=home, data=data)
    advised = workers.submit(partial(_advised, home=home, data=data), STARTER, long=True)
    looked = [workers.submit(look, STARTER, at, long=True) for at in WITHOUT_SCORES]
    with Project(STARTER, home=home).open(data) as opened:  # once, and so what both models stand on is computed once
        with terminal.progress() as progress:
            report = Project(STARTER, home=home, progress=progress).check(opened)
        _say(began, f"a simulated company of {employees} people, {START} to {END}, in {data}")
        check_table(report, "en")
        with terminal.progress() as progress:
            project = Project(STARTER, home=home, progress=progress, workers=workers)
            for name in MODELS:
                project.train(name, opened, until=END)
            tracked = workers.submit(partial(_track, home=home), STARTER, long=True)
            files = {name: project.write_scores(name, opened, as_of=[BEFORE, END]) for name in MODELS}
            looked.append(workers.submit(look, STARTER, look_at_risks, long=True))
            progress("targets, courses, goals", 0, 1)
            advice = advised.result()
    people = project.people(END)
    for name in MODELS:
        project.export_scores(files[name][-1:], out / f"{name}.xlsx")
        record = read_record(home, name, current_version(home, name))
        _say(began, f"{name}: trained, back-tested, scored")
        for days, tested in record.backtests.items():
            terminal.out.print(f"  {days} days: {escape(render(tested.text, 'en'))}", highlight=False)
        show_list(dataset(str(files[name][-1])), people, others_share=record.spec.reasons.others_share, most=3)
    _say(began, f"targets as of {WINDOW}, courses as of {END}")
    tables.targets_table(advice.targets, people, most=3)
    tables.courses_table(advice.courses, people, most=3)
    _say(began, f"goals as of {WINDOW}: which serve the company, and what they add up to")
    goals_summary(advice.alignment, "en")
    listed = project.priorities(MODELS[0], as_of=END)
    _say(began, f"priorities, for {listed.capacity} conversations")
    tables.priorities_table(listed, people)
    notice = Message.of("simulated_company", people=len(truth.active(END)), causes=", ".join(CAUSES))
    page = project.report(out / "report.html", as_of=END, title="perfml demo", notices=[notice])
    _say(began, f"report: {page}")
    with terminal.progress() as progress:
        progress("indicators, milestones, lines, process debt, a policy, the feedback network, openings", 0, 1)
        tracked.result()
        stops = [*advice.stops, *(stop for each in looked for stop in each.result())]
    _say(
        began,
        "indicators, milestones, process debt, a policy, the feedback network, openings: where each is read, below",
    )
    terminal.out.print(f"MLflow has the training runs: python3 run.py perfml mlflow --home {home}")
    accounts = grant_personas(project, END)
    _show(stops)
    terminal.out.print(
        f"to see it as {', '.join(accounts)}: python3 run.py perfml serve --local-login --home {home}"
        f"   (then {ADDRESS})",
        highlight=False,
    )
    return page


def _advised(definitions: Path, *, home: Path, data: Path) -> DemoAdvice:
    project = Project(definitions, home=home, workers=ALONE)
    with project.open(data) as opened:
        targets, courses = project.targets(opened, as_of=WINDOW), project.courses(opened, as_of=END)
        alignment = project.goals(opened, as_of=WINDOW)
        stops = look_at_goals(project, opened, goals=alignment)
    return DemoAdvice(targets=targets, courses=courses, alignment=alignment, stops=stops)


def _looked(definitions: Path, look: LookAt, *, home: Path, data: Path) -> Sequence[Stop]:
    project = Project(definitions, home=home, workers=ALONE)
    with project.open(data) as opened:
        return look(project, opened, END)


def _track(definitions: Path, *, home: Path) -> None:
    """Log the training runs to an SQLite file: a demo never logs to the company's own server."""
    runs = f"sqlite:///{(home / 'mlflow' / 'mlflow.db').resolve()}"
    for name in MODELS:
        Project(definitions, home=home).track(name, uri=runs)


def _show(stops: Sequence[Stop]) -> None:
    """Print where each part of the work is read, by persona: the address opens after signing in as that account."""
    for persona in PERSONAS:
        terminal.out.print(f"[bold]as {persona}[/]", highlight=False)
        for stop in stops:
            if stop.persona == persona:
                terminal.out.print(f"  {ADDRESS}{stop.address}   {escape(stop.text)}", highlight=False)


def _say(began: float, what: str) -> None:
    terminal.out.print(f"[bold]{time.monotonic() - began:5.1f} s[/]  {escape(what)}", highlight=False)
