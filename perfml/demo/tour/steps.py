"""The tour: a simulated company, and every step of perfml on it."""

from __future__ import annotations

import datetime as dt
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from pyarrow.dataset import dataset
from rich.markup import escape

from perfml import terminal
from perfml.api import Project
from perfml.demo.company import CAUSES, simulate
from perfml.demo.tour.personas import grant_personas
from perfml.demo.tour.work import PERSONAS, Stop, look_at_work, plant_work
from perfml.messages import Message, render
from perfml.project.starter import STARTER
from perfml.terminal import advice as tables
from perfml.terminal.evidence import check_table
from perfml.terminal.scores import show_list
from perfml.terminal.work.goals import goals_summary

START, END = dt.date(2023, 10, 1), dt.date(2026, 10, 1)
WINDOW = dt.date(2026, 9, 3)
"""A day within the last quarter on which targets may be proposed."""
BEFORE = dt.date(2026, 9, 1)
"""The scoring a month earlier, with which the report compares."""
MODELS = ("attrition", "low_performance")
ADDRESS = "http://127.0.0.1:8321"
"""Where `perfml serve` answers."""


def tour(out: Path, *, employees: int = 600, seed: int = 7) -> Path:
    """Simulate, check, train and back-test both models, score the last day, advise, print the lists, write the report.

    Write everything under ``out``, after removing an earlier tour; return the path of the report.
    """
    began = time.monotonic()
    data, home = out / "company", out / "var"
    runs = f"sqlite:///{(home / 'mlflow' / 'mlflow.db').resolve()}"  # a demo never logs to the company's own server
    for old in (data, home):
        shutil.rmtree(old, ignore_errors=True)
    with terminal.progress() as progress:
        progress("simulating a company", 0, 1)
        truth = simulate(data, employees=employees, start=START, end=END, seed=seed)
        plant_work(data, seed=seed, end=END)
        project = Project(STARTER, home=home, progress=progress)
        report = project.check(data)
    active = truth.active(END)
    _say(began, f"a simulated company of {employees} people, {START} to {END}, in {data}")
    check_table(report, "en")
    for name in MODELS:
        with terminal.progress() as progress:
            project = Project(STARTER, home=home, progress=progress)
            model = project.train(name, data, until=END)
            project.track(name, uri=runs)
            files = project.write_scores(name, data, as_of=[BEFORE, END])
        project.export_scores(files[-1:], out / f"{name}.xlsx")
        people = project.people(END)
        _say(began, f"{name}: trained, back-tested, scored")
        for days, tested in model.record.backtests.items():
            terminal.out.print(f"  {days} days: {escape(render(tested.text, 'en'))}", highlight=False)
        show_list(dataset(str(files[-1])), people, others_share=model.spec.reasons.others_share, most=3)
    with terminal.progress() as progress:
        project = Project(STARTER, home=home, progress=progress)
        targets = project.targets(data, as_of=WINDOW)
        courses = project.courses(data, as_of=END)
        looked = project.goals(data, as_of=WINDOW)
    _say(began, f"targets as of {WINDOW}, courses as of {END}")
    tables.targets_table(targets, people, most=3)
    tables.courses_table(courses, people, most=3)
    _say(began, f"goals as of {WINDOW}: which serve the company, and what they add up to")
    goals_summary(looked, "en")
    with terminal.progress() as progress:
        stops = look_at_work(Project(STARTER, home=home, progress=progress), data, goals=looked, end=END)
    _say(
        began,
        "indicators, milestones, process debt, a policy, the feedback network, openings: where each is read, below",
    )
    listed = project.priorities(MODELS[0], as_of=END)
    _say(began, f"priorities, for {listed.capacity} conversations")
    tables.priorities_table(listed, people)
    notice = Message.of("simulated_company", people=len(active), causes=", ".join(CAUSES))
    page = project.report(out / "report.html", as_of=END, title="perfml demo", notices=[notice])
    _say(began, f"report: {page}")
    terminal.out.print(f"MLflow has the training runs: python3 run.py perfml mlflow --home {home}")
    accounts = grant_personas(project, END)
    _show(stops)
    terminal.out.print(
        f"to see it as {', '.join(accounts)}: python3 run.py perfml serve --local-login --home {home}"
        f"   (then {ADDRESS})",
        highlight=False,
    )
    return page


def _show(stops: Sequence[Stop]) -> None:
    """Print where each part of the work is read, by persona: the address opens after signing in as that account."""
    for persona in PERSONAS:
        terminal.out.print(f"[bold]as {persona}[/]", highlight=False)
        for stop in stops:
            if stop.persona == persona:
                terminal.out.print(f"  {ADDRESS}{stop.address}   {escape(stop.text)}", highlight=False)


def _say(began: float, what: str) -> None:
    terminal.out.print(f"[bold]{time.monotonic() - began:5.1f} s[/]  {escape(what)}", highlight=False)
