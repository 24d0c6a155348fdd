"""The commands of models: learn, prove, promote, watch, score, explain."""

from __future__ import annotations

import json
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from perfml import terminal
from perfml.api import Project
from perfml.cli.options import (
    AsOfOption,
    DataOption,
    EveryOption,
    FromOption,
    HomeOption,
    JsonOption,
    OneDateOption,
    OutOption,
    ProjectOption,
    ToOption,
    TrackingOption,
    UntilOption,
    is_table,
    print_json,
    series,
    write,
)
from perfml.project.voices import Who
from perfml.terminal import advice as show


def train(
    model: str,
    data: DataOption = None,
    until: UntilOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    tracking_uri: TrackingOption = None,
    as_json: JsonOption = False,
) -> None:
    """Back-test a model, learn from what was known by --until, ask every gate, and keep it as the candidate."""
    with terminal.progress() as tell:
        opened = Project(project, home=home, progress=tell)
        trained = opened.train(model, data, until=until)
        tracked = opened.track(model, uri=tracking_uri)
    if as_json:
        print_json({"model": model, "version": trained.version, "tracked": tracked[0].logged, **trained.about})
        return
    terminal.out.print(
        f"{model} {trained.version}, learnt from what was known by {trained.about['until']}", highlight=False
    )
    for days, tested in trained.about["backtests"].items():
        counts = trained.about["training"][days]
        style = "green" if tested["proven"] else "yellow"
        auc = tested["model"]["auc"]
        terminal.out.print(
            f"  {days} days: {counts['rows']:,} rows, {counts['positives']:,} cases; back-test AUC {_figure(auc)};"
            f" [{style}]{escape(tested['en'])}[/]",
            highlight=False,
        )
    terminal.gates_table(trained)
    for notice in trained.about["left_out"]:
        terminal.out.print(f"  [dim]left out  {escape(notice)}[/]", highlight=False)
    if not tracked[0].logged:
        terminal.out.print(f"  [yellow]tracking[/]  waits: {escape(tracked[0].reason)}; `perfml track` tries again")
    terminal.stage(opened.home, trained)


def promote(
    model: str,
    approver: Annotated[str, typer.Option("--approver", help="Who approves it: a person's name.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why, in a sentence.")] = "",
    project: ProjectOption = None,
    home: HomeOption = None,
    tracking_uri: TrackingOption = None,
) -> None:
    """Show what the newest model passes, and make it the one in use if a named person says why. No gate can be waived."""
    from perfml.learning.registry.promotion import candidate

    opened = Project(project, home=home)
    opened.folder.model(model)
    terminal.gates_table(candidate(opened.home, model))
    done = opened.promote(model, approver=approver, reason=reason, uri=tracking_uri)
    replaced = f", in place of {done.before}" if done.before else ""
    said = f"{done.model} {done.version} is the champion{replaced}; approved by {done.approver}: {done.reason}"
    terminal.out.print(escape(said), highlight=False)


def track(project: ProjectOption = None, home: HomeOption = None, tracking_uri: TrackingOption = None) -> None:
    """Log in MLflow what could not be logged before. Exit code 1 when something still waits."""
    found = Project(project, home=home).track(uri=tracking_uri)
    for tracked in found:
        said = "logged" if tracked.logged else f"waits: {tracked.reason}"
        terminal.out.print(f"{tracked.name} {tracked.version}  {tracked.what}  {escape(said)}", highlight=False)
    if not found:
        terminal.out.print("nothing waits to be logged")
    if not all(tracked.logged for tracked in found):
        raise typer.Exit(1)


def replay(
    model: str,
    as_of: Annotated[str, typer.Option("--as-of", help="The date that was scored.")],
    data: DataOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
) -> None:
    """Compute kept scores again from recorded data, definitions and model. Exit code 1 unless every value matches."""
    with terminal.progress() as tell:
        found = Project(project, home=home, progress=tell).replay(model, as_of, data)
    if found.matches:
        terminal.out.print(f"[green]matches[/]: {found.rows:,} rows of {model} at {as_of}, to the last digit")
        return
    terminal.out.print(f"[red]differs[/]: {model} at {as_of}")
    for line in (*found.differences, *found.other_versions):
        terminal.out.print(f"  {escape(line)}", highlight=False)
    raise typer.Exit(1)


def drift(
    model: str,
    data: DataOption = None,
    as_of: OneDateOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Whether evidence, scores and outcomes are still what the model learnt from: retrain, watch, or cannot tell."""
    with terminal.progress() as tell:
        found = Project(project, home=home, progress=tell).drift(model, data, as_of=as_of)
    if as_json:
        print_json([one.to_json() for one in found])
    else:
        terminal.drift_table(model, found)


def fairness(
    model: str,
    data: DataOption = None,
    mitigate: Annotated[
        str | None, typer.Option("--mitigate", help="A protected attribute: what would a cure cost?")
    ] = None,
    until: UntilOption = None,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Whether lists treat groups alike, which evidence tells a protected attribute, and what a cure costs."""
    with terminal.progress() as tell:
        found = Project(project, progress=tell).fairness(model, data, mitigate=mitigate, until=until)
    if as_json:
        print_json(found.to_json())
    else:
        terminal.fairness_tables(model, found)


def raters(
    data: DataOption = None, until: UntilOption = None, project: ProjectOption = None, as_json: JsonOption = False
) -> None:
    """Who rates how severely, where reviewers can be compared; those with few ratings are counted, not shown."""
    with terminal.progress() as tell:
        found = Project(project, progress=tell).raters(data, until=until)
    if as_json:
        print_json(json.loads(found.to_json(orient="records", force_ascii=False)))
    else:
        terminal.raters_table(found)


def curves(
    model: str,
    out: Annotated[Path, typer.Option("--out", help="Parquet or CSV file to write.")],
    data: DataOption = None,
    as_of: OneDateOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
) -> None:
    """By when people will have left, for each cause, and how long they can be expected to stay."""
    is_table(out)
    with terminal.progress() as tell:
        found = Project(project, home=home, progress=tell).curves(model, data, as_of=as_of)
    write(found, out)
    people = len(set(found.column("employee_id").to_pylist()))
    terminal.out.print(f"curves of {people:,} people, {found.num_rows:,} points, in {out}", highlight=False)


def backtest(
    model: str,
    data: DataOption = None,
    until: UntilOption = None,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """What a model or a target policy would have said at past dates, beside its baseline, with intervals."""
    with terminal.progress() as tell:
        opened = Project(project, progress=tell)
        if is_policy := model in opened.folder.policies:
            found = opened.backtest_targets(model, data, until=until)
        else:
            tested = opened.backtest(model, data, until=until)
    if is_policy:
        print_json(found.to_json()) if as_json else show.target_backtest(model, found)
    elif as_json:
        print_json({"model": model, "horizons": [t.to_json() for t in tested]})
    else:
        terminal.backtest_tables(model, tested)


def score(
    model: str,
    data: DataOption = None,
    as_of: AsOfOption = None,
    start: FromOption = None,
    to: ToOption = None,
    every: EveryOption = None,
    out: OutOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Score everyone with the trained model: probability, rank, band and reasons."""
    from pyarrow.dataset import dataset

    from perfml.scoring.table_files import read_parts, write_parts

    is_table(out)
    with terminal.progress() as tell:
        opened = Project(project, home=home, progress=tell)
        kept = opened.write_scores(model, data, as_of=series(as_of, start, to, every) or None)
    if out is not None:
        write_parts(chain.from_iterable(read_parts(path) for path in kept), out)
    scores = dataset([str(path) for path in kept])
    rows, counts = scores.count_rows(), terminal.score_counts(scores)
    if as_json:
        print_json(
            {
                "model": model,
                "rows": rows,
                "out": None if out is None else str(out),
                "counts": counts,
            }
        )
        return
    terminal.out.print(f"{rows:,} rows: {counts}" + (f"; written to {out}" if out else ""))
    for why in terminal.held_counts(scores):
        terminal.out.print(f"  held  {escape(why)}; `perfml check` names the rows", highlight=False)
    terminal.show_list(scores)


def explain(
    employee: str,
    model: Annotated[str, typer.Option("--model")] = "attrition",
    as_of: Annotated[str | None, typer.Option("--as-of", help="A date that was scored (default: the newest).")] = None,
    voice: Annotated[Who | None, typer.Option("--voice", help="As whom it is told (default: plainly).")] = None,
    behind: Annotated[
        str | None, typer.Option("--behind", help="Show the rows behind this reason, e.g. activity:overtime.")
    ] = None,
    data: DataOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """One person's risk with its reasons, as it was scored; or, with --behind, the rows behind a reason."""
    opened = Project(project, home=home)
    if behind is not None:
        found = opened.rows_behind(employee, behind, data, model=model, as_of=as_of)
        if as_json:
            print_json(
                {name: json.loads(rows.to_json(orient="records", date_format="iso")) for name, rows in found.items()}
            )
        else:
            terminal.rows_lines(found, employee)
        return
    rows = opened.explain(employee, model=model, as_of=as_of, voice=voice)
    if as_json:
        print_json(rows)
    else:
        terminal.explanation(rows)


def warm_up() -> None:
    """Compile what computes reasons, once for this machine; without it the first `score` does."""
    from perfml.treeshap.contributions import warm_up as compile_all

    with terminal.progress() as tell:
        seconds = compile_all(tell)
    terminal.out.print(f"reasons are ready, after {seconds:.1f} s", highlight=False)


def _figure(estimate: dict[str, float | None]) -> str:
    low, high = estimate["low"], estimate["high"]
    return f"{estimate['value']:.3f}" + (f" [{low:.3f}, {high:.3f}]" if low is not None and high is not None else "")
