"""The commands of models: train, promote, monitor, score and explain."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pyarrow.dataset import dataset
from rich.markup import escape

from perfml import terminal
from perfml.api import Project
from perfml.cli.options import (
    AsOfOption,
    DataOption,
    EngineOption,
    EveryOption,
    FromOption,
    HomeOption,
    JobsOption,
    JsonOption,
    LanguageName,
    LanguageOption,
    OneDateOption,
    OutOption,
    ProjectOption,
    ToOption,
    TrackingOption,
    UntilOption,
    print_json,
    require_table,
    series,
    write,
)
from perfml.errors import PerfmlError
from perfml.learning.in_people import in_people, lead_message, outcome_message
from perfml.learning.record import Figure
from perfml.messages import Message, coded, render
from perfml.project.trust.alert_spec import AlertsSpec
from perfml.scoring.sealed_files import verify
from perfml.terminal import advice as advice_tables
from perfml.terminal import models as model_tables
from perfml.terminal import scores as score_tables
from perfml.terminal.evidence import missing_lines
from perfml.terminal.trust.alerts import backtest_table

if TYPE_CHECKING:  # LightGBM and scikit-learn take seconds to load
    from perfml.advice.served import ServedCheck
    from perfml.scoring.replay import Replay


def train(
    model: str,
    *,
    data: DataOption = None,
    until: UntilOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    tracking_uri: TrackingOption = None,
    jobs: JobsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Back-test and train a model on what was known by --until, apply every gate, and store it as the candidate."""
    from perfml.workers.pool import Workers  # looks up the processors, which only training needs

    with terminal.progress() as progress, Workers(jobs) as workers:
        opened = Project(project, home=home, progress=progress, workers=workers)
        trained = opened.train(model, data, until=until)
        tracked = opened.track(model, uri=tracking_uri)
    if as_json:
        print_json(
            {"model": model, "version": trained.version, "tracked": tracked[0].logged, **trained.record.to_json()}
        )
        return
    terminal.out.print(
        f"{model} {trained.version}, trained on what was known by {trained.record.until}", highlight=False
    )
    for days, tested in trained.record.backtests.items():
        counts = trained.record.training[days]
        style = "green" if tested.proven else "yellow"
        auc = tested.model["auc"]
        terminal.out.print(
            f"  {days} days: {render(counts.text, 'en')}; back-test AUC {_figure(auc)};"
            f" [{style}]{escape(render(tested.text, 'en'))}[/]",
            highlight=False,
        )
        if past := in_people(tested, share=trained.spec.list.capacity_share):
            sentence = render(past.text(outcome_message(trained.spec.label, days)), "en")
            terminal.out.print(f"    {escape(sentence)}", highlight=False)
        if early := lead_message(tested):
            terminal.out.print(f"    {escape(render(early, 'en'))}", highlight=False)
    model_tables.gates_table(trained)
    for notice in trained.record.left_out:
        terminal.out.print(f"  [dim]left out  {escape(render(notice, 'en'))}[/]", highlight=False)
    if not tracked[0].logged:
        terminal.out.print(f"  [yellow]tracking[/]  waits: {escape(tracked[0].reason)}; `perfml track` tries again")
    model_tables.stage_line(opened.home, trained)


def promote(
    model: str,
    *,
    approver: Annotated[str, typer.Option("--approver", help="Who approves it: a person's name.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why, in a sentence.")] = "",
    version: Annotated[
        str | None, typer.Option("--version", help="Default: the newest; an earlier one to go back to it.")
    ] = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    tracking_uri: TrackingOption = None,
) -> None:
    """Show the gates of a version, and make it the champion for a named person with a reason. No gate can be waived."""
    from perfml.learning.registry.model_store import candidate, load  # loads LightGBM

    opened = Project(project, home=home)
    opened.folder.model(model)
    shown = candidate(opened.home, model) if version is None else load(opened.home, model, version)
    model_tables.gates_table(shown)
    promotion = opened.promote(model, approver=approver, reason=reason, version=version, uri=tracking_uri)
    replaced = f", in place of {promotion.before}" if promotion.before else ""
    approved = f"approved by {promotion.approver}: {promotion.reason}"
    line = f"{promotion.model} {promotion.version} is the champion{replaced}; {approved}"
    terminal.out.print(escape(line), highlight=False)


def track(project: ProjectOption = None, home: HomeOption = None, tracking_uri: TrackingOption = None) -> None:
    """Send to MLflow what could not be logged before. Exit code 1 while something still waits."""
    runs = Project(project, home=home).track(uri=tracking_uri)
    for run in runs:
        state = "logged" if run.logged else f"waits: {run.reason}"
        terminal.out.print(f"{run.name} {run.version}  {run.what}  {escape(state)}", highlight=False)
    if not runs:
        terminal.out.print("nothing waits to be logged")
    if not all(run.logged for run in runs):
        raise typer.Exit(1)


def mlflow(
    *,
    port: Annotated[int, typer.Option(min=1, max=65535)] = 5000,
    project: ProjectOption = None,
    home: HomeOption = None,
    tracking_uri: TrackingOption = None,
) -> None:
    """Open MLflow's own pages on the logged runs, on this machine, or say what to install and where the runs are."""
    from perfml.learning.registry.mlflow_pages import pages_command  # loads LightGBM
    from perfml.learning.registry.mlflow_tracking import PLAIN

    command = pages_command(Project(project, home=home).home, uri=tracking_uri, port=port)
    if isinstance(command, str):
        terminal.out.print(f"the runs are on a server: {escape(command)}", highlight=False)
        return
    terminal.out.print(f"MLflow: http://127.0.0.1:{port}   (Ctrl-C ends it)", highlight=False)
    raise typer.Exit(subprocess.call(command, env=os.environ | PLAIN))


def replay(
    model: Annotated[str | None, typer.Argument(help="Whose scores of --as-of.")] = None,
    *,
    as_of: Annotated[str | None, typer.Option("--as-of", help="The date that was scored.")] = None,
    sample: Annotated[
        int | None,
        typer.Option("--sample", min=1, help="Instead: this many files of scores and suggestions at random."),
    ] = None,
    people: Annotated[int, typer.Option("--people", min=0, help="People compared in each file of the sample.")] = 20,
    seed: Annotated[str | None, typer.Option("--seed", help="Draws the sample (default: today's date).")] = None,
    data: DataOption = None,
    language: LanguageOption = LanguageName.en,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Recompute what was served from what was known then. Exit code 1 unless every value of everything matches."""
    if (sample is None) == (model is None or as_of is None):
        raise PerfmlError(
            "says neither which scores nor how many at random",
            where="perfml replay",
            remedy="MODEL --as-of, or --sample",
        )
    with terminal.progress() as progress:
        opened = Project(project, home=home, progress=progress)
        if model is not None and as_of is not None:
            replayed = opened.replay(model, as_of, data)
            answer, matches, summary = replayed.to_json(), replayed.matches, None
            lines: Sequence[Replay | ServedCheck] = [replayed]
        else:
            drawn = seed or dt.date.today().isoformat()
            served = opened.check_served(seed=drawn, files=sample or 1, people=people, data=data)
            answer, matches, summary, lines = served.to_json(), served.sound, served.text, served.checks
    if as_json:
        print_json(answer)
    else:
        score_tables.replay_lines(lines, summary, language.value)
    raise typer.Exit(0 if matches else 1)


def drift(
    model: str,
    *,
    data: DataOption = None,
    as_of: OneDateOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare evidence, scores and outcomes with those of training: no action, watch, retrain, or cannot tell."""
    with terminal.progress() as progress:
        horizons = Project(project, home=home, progress=progress).drift(model, data, as_of=as_of)
    if as_json:
        print_json([horizon.to_json() for horizon in horizons])
    else:
        model_tables.drift_table(model, horizons)


def fairness(
    model: str,
    *,
    data: DataOption = None,
    mitigate: Annotated[
        str | None, typer.Option("--mitigate", help="A protected attribute: what would each mitigation cost?")
    ] = None,
    until: UntilOption = None,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Audit whether lists treat groups alike, which evidence predicts a protected attribute, and what mitigation costs."""
    with terminal.progress() as progress:
        answer = Project(project, progress=progress).fairness(model, data, mitigate=mitigate, until=until)
    if as_json:
        print_json(answer.to_json())
    else:
        model_tables.fairness_tables(model, answer)


def raters(
    *, data: DataOption = None, until: UntilOption = None, project: ProjectOption = None, as_json: JsonOption = False
) -> None:
    """Report how severely each reviewer rates, where reviewers can be compared; those with few ratings are only counted."""
    with terminal.progress() as progress:
        severities = Project(project, progress=progress).raters(data, until=until)
    if as_json:
        print_json(json.loads(severities.to_json(orient="records", force_ascii=False)))
    else:
        model_tables.raters_table(severities)


def curves(
    model: str,
    *,
    out: Annotated[Path, typer.Option("--out", help="File to write: .csv, .xlsx or .parquet.")],
    data: DataOption = None,
    as_of: OneDateOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
) -> None:
    """Write the probability of having left by cause over time, and the expected days in employment."""
    require_table(out)
    with terminal.progress() as progress:
        opened = Project(project, home=home, progress=progress)
        points = opened.curves(model, data, as_of=as_of)
    write(points, out, opened=opened)
    people = len(set(points.column("employee_id").to_pylist()))
    terminal.out.print(f"curves of {people:,} people, {points.num_rows:,} points, in {out}", highlight=False)


def backtest(
    model: str,
    *,
    data: DataOption = None,
    until: UntilOption = None,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Back-test a model, a target policy or the rules of alerts at past dates, beside a baseline, with intervals."""
    with terminal.progress() as progress:
        opened = Project(project, progress=progress)
        opened.folder.require(model)
        if isinstance(opened.folder.policies.get(model), AlertsSpec):
            alerts = opened.backtest_alerts(data, until=until, policy=model)
            print_json(alerts.to_json()) if as_json else backtest_table(alerts, "en")
            return
        if is_policy := model in opened.folder.policies:
            target_backtest = opened.backtest_targets(model, data, until=until)
        else:
            horizons = opened.backtest(model, data, until=until)
    if is_policy:
        print_json(target_backtest.to_json()) if as_json else advice_tables.target_backtest(model, target_backtest)
    elif as_json:
        print_json({"model": model, "horizons": [horizon.to_json() for horizon in horizons]})
    else:
        model_tables.backtest_tables(model, horizons)


def score(
    model: str,
    *,
    data: DataOption = None,
    as_of: AsOfOption = None,
    start: FromOption = None,
    to: ToOption = None,
    every: EveryOption = None,
    engine: EngineOption = None,
    incremental: Annotated[
        bool, typer.Option("--incremental", help="Of the log read only what is new since the last run; one date.")
    ] = False,
    out: OutOption = None,
    language: LanguageOption = LanguageName.en,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Score everyone with the trained model: probability, rank, band and reasons."""
    require_table(out)
    with terminal.progress() as progress:
        opened = Project(project, home=home, engine=engine, progress=progress)
        read: list[Message] = []
        paths = opened.write_scores(
            model,
            data,
            as_of=series(as_of, start=start, to=to, every=every) or None,
            incremental=incremental,
            on_notice=read.append,
        )
    if out is not None:
        opened.export_scores(paths, out, language=language.value)
    for path in paths:
        verify(path)
    scores = dataset([str(path) for path in paths])
    rows, counts = scores.count_rows(), score_tables.score_counts(scores)
    debt = score_tables.debt_counts(scores)
    missing = opened.missing_days(data, as_of=max(path.stem for path in paths)) if debt else ()
    if as_json:
        print_json(
            {
                "model": model,
                "rows": rows,
                "out": None if out is None else str(out),
                "counts": counts,
                "missing": [days.to_json() for days in missing],
                "log": [coded(line) for line in read],
            }
        )
        return
    terminal.out.print(f"{rows:,} rows: {counts}" + (f"; written to {out}" if out else ""))
    for line in read:
        terminal.out.print(f"  log  {escape(render(line, 'en'))}", highlight=False)
    for why in score_tables.held_counts(scores):
        terminal.out.print(
            f"  held  {escape(why)}; `perfml holds` lists holds, `perfml check` broken rows", highlight=False
        )
    for days in missing:
        missing_lines(days)
    if debt:
        terminal.out.print(f"  [yellow]missing[/] {escape(render(debt, 'en'))}", highlight=False)
    model_tables.version_cautions(opened.home, model, scores.head(1, ["model_version"]).column(0)[0].as_py())
    people = opened.people(max(path.stem for path in paths))
    score_tables.show_list(scores, people, others_share=opened.folder.model(model).reasons.others_share)


def warm_up() -> None:
    """Compile the code that computes reasons, once per machine; otherwise the first `score` does it."""
    from perfml.treeshap.contributions import warm_up as compile_all  # numba and LightGBM

    with terminal.progress() as progress:
        seconds = compile_all(progress)
    terminal.out.print(f"reasons: compiled after {seconds:.1f} s", highlight=False)


def _figure(figure: Figure) -> str:
    if figure.value is None:
        return "not estimated"
    interval = "" if figure.low is None or figure.high is None else f" [{figure.low:.3f}, {figure.high:.3f}]"
    return f"{figure.value:.3f}{interval}"
