"""``perfml`` on the command line. A command only translates: the verb it calls is :class:`perfml.Project`'s."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from perfml import __version__, terminal
from perfml.cli import advice
from perfml.cli.options import (
    AsOfOption,
    DataOption,
    EveryOption,
    FromOption,
    HomeOption,
    JsonOption,
    OneDateOption,
    ProjectOption,
    ToOption,
    TrackingOption,
    UntilOption,
    print_json,
    series,
    suffix,
)
from perfml.errors import PerfmlError
from perfml.project.starter import init as copy_starter
from perfml.terminal import advice as show
from perfml.verbs import Project

app = typer.Typer(
    name="perfml",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Who needs support, why, and how far to believe it. Never a decision about pay or dismissal.",
)


def main() -> None:
    """Run a command; a mistake that can be mended ends in one line and exit code 1, an unknown option in 2."""
    try:
        sys.exit(app(prog_name="perfml"))
    except PerfmlError as error:
        said = str(error)
    except OSError as error:
        said = f"{error.filename}: {error.strerror}; choose another place, or change its rights"
    terminal.err.print(f"[red]perfml:[/] {escape(said)}", highlight=False, soft_wrap=True)
    sys.exit(1)


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        terminal.out.print(__version__, highlight=False)
        raise typer.Exit


@app.command()
def init(directory: Path) -> None:
    """Start a project of your own: a copy of the definitions that perfml ships, to be edited."""
    written = copy_starter(directory)
    terminal.out.print(
        f"{len(written)} files in {directory}; next: perfml check --project {directory} --data YOUR_EXPORT"
    )


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Where the simulated company and the report are written.")] = Path(
        "build/demo"
    ),
    employees: Annotated[int, typer.Option(min=100, help="People employed at a time.")] = 600,
    seed: int = 7,
) -> None:
    """Simulate a company whose truth is known, and do the whole job on it: check, train, back-test, score, report."""
    from perfml.demo.tour import tour

    tour(out, employees=employees, seed=seed)


@app.command()
def check(data: DataOption = None, project: ProjectOption = None, as_json: JsonOption = False) -> None:
    """What the tables hold, what is wrong with them, and what can be computed. Exit code 1: the main job cannot run."""
    with terminal.progress() as tell:
        report = Project(project, progress=tell).check(data)
    if as_json:
        print_json(report.to_json())
    else:
        terminal.check_table(report)
    if not report.ready:
        raise typer.Exit(1)


@app.command()
def features(
    out: Annotated[Path, typer.Option("--out", help="Parquet file to write.")],
    data: DataOption = None,
    as_of: AsOfOption = None,
    start: FromOption = None,
    to: ToOption = None,
    every: EveryOption = None,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the evidence of everyone employed at each as-of date: one row a person and date."""
    from perfml.evidence.features import describe

    suffix(out, ".parquet")
    dates = series(as_of, start, to, every)
    if not dates:
        raise PerfmlError("no date is named", where="--as-of", remedy="name one, or --from --to --every")
    with terminal.progress() as tell:
        rows = Project(project, progress=tell).write_features(data, out, as_of=dates)
    said = describe(out)
    if as_json:
        print_json({"out": str(out), "rows": rows, **said})
        return
    terminal.out.print(f"{rows:,} rows × {len(said['columns'])} columns of evidence in {out}")
    for absent in said["left_out"]:
        terminal.out.print(f"  left out  {escape(absent)}", highlight=False)


@app.command()
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


@app.command()
def promote(
    model: str,
    approver: Annotated[str, typer.Option("--approver", help="Who approves it: a person's name.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why, in a sentence.")] = "",
    project: ProjectOption = None,
    home: HomeOption = None,
    tracking_uri: TrackingOption = None,
) -> None:
    """Show what the newest model passes, and make it the one in use if a named person says why. No gate can be waived."""
    from perfml.learning.promotion import candidate

    opened = Project(project, home=home)
    opened.folder.model(model)
    terminal.gates_table(candidate(opened.home, model))
    done = opened.promote(model, approver=approver, reason=reason, uri=tracking_uri)
    replaced = f", in place of {done.before}" if done.before else ""
    said = f"{done.model} {done.version} is the champion{replaced}; approved by {done.approver}: {done.reason}"
    terminal.out.print(escape(said), highlight=False)


@app.command()
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


@app.command()
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


@app.command()
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


@app.command()
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


@app.command()
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


@app.command()
def curves(
    model: str,
    out: Annotated[Path, typer.Option("--out", help="Parquet or CSV file to write.")],
    data: DataOption = None,
    as_of: OneDateOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
) -> None:
    """By when people will have left, for each cause, and how long they can be expected to stay."""
    from perfml.advice.scoring import write_table

    suffix(out, ".parquet", ".csv")
    with terminal.progress() as tell:
        found = Project(project, home=home, progress=tell).curves(model, data, as_of=as_of)
    write_table(found, out)
    people = len(set(found.column("employee_id").to_pylist()))
    terminal.out.print(f"curves of {people:,} people, {found.num_rows:,} points, in {out}", highlight=False)


@app.command()
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
        if model in opened.folder.policies:
            found = opened.backtest_targets(model, data, until=until)
        else:
            tested = opened.backtest(model, data, until=until)
    if model in opened.folder.policies:
        print_json(found.to_json()) if as_json else show.target_backtest(model, found)
        return
    if as_json:
        print_json({"model": model, "horizons": [t.to_json() for t in tested]})
    else:
        terminal.backtest_tables(model, tested)


@app.command()
def score(
    model: str,
    data: DataOption = None,
    as_of: AsOfOption = None,
    start: FromOption = None,
    to: ToOption = None,
    every: EveryOption = None,
    out: Annotated[Path | None, typer.Option("--out", help="Parquet or CSV file to write as well.")] = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Score everyone with the trained model: probability, rank, band and reasons."""
    from perfml.advice.scoring import write_table

    if out is not None:
        suffix(out, ".parquet", ".csv")
    with terminal.progress() as tell:
        scores = Project(project, home=home, progress=tell).score(
            model, data, as_of=series(as_of, start, to, every) or None
        )
    if out is not None:
        write_table(scores, out)
    rows = scores.select(["as_of", "horizon_days", "status", "band", "why_not"]).to_pylist()
    if as_json:
        print_json(
            {
                "model": model,
                "rows": len(rows),
                "out": None if out is None else str(out),
                "counts": terminal.score_counts(rows),
            }
        )
        return
    terminal.out.print(f"{len(rows):,} rows: {terminal.score_counts(rows)}" + (f"; written to {out}" if out else ""))
    for why in terminal.held_counts(rows):
        terminal.out.print(f"  held  {escape(why)}; `perfml check` names the rows", highlight=False)
    terminal.show_list(scores)


@app.command()
def explain(
    employee: str,
    model: Annotated[str, typer.Option("--model")] = "attrition",
    as_of: Annotated[str | None, typer.Option("--as-of", help="A date that was scored (default: the newest).")] = None,
    project: ProjectOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """One person's risk with its reasons, as it was scored."""
    rows = Project(project, home=home).explain(employee, model=model, as_of=as_of)
    if as_json:
        print_json(rows)
    else:
        terminal.explanation(rows)


@app.command()
def report(
    out: Annotated[Path, typer.Option("--out", help="HTML file to write.")] = Path("report.html"),
    as_of: Annotated[str | None, typer.Option("--as-of", help="A date that was scored (default: the newest).")] = None,
    project: ProjectOption = None,
    home: HomeOption = None,
) -> None:
    """Write the kept scores as one HTML page, in English and Chinese, that opens without a network."""
    suffix(out, ".html")
    written = Project(project, home=home).report(out, as_of=as_of)
    terminal.out.print(f"report: {written}", highlight=False)


for command in (advice.targets, advice.courses, advice.priorities, advice.decide, advice.intervene):
    app.command()(command)


@app.command()
def serve(
    host: str = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8321,
    project: ProjectOption = None,
    home: HomeOption = None,
) -> None:
    """Serve the kept scores under /v1, on this machine only."""
    from perfml.service.app import serve as run

    run(Project(project, home=home).home, host=host, port=port)


def _figure(estimate: dict[str, float | None]) -> str:
    low, high = estimate["low"], estimate["high"]
    return f"{estimate['value']:.3f}" + (f" [{low:.3f}, {high:.3f}]" if low is not None and high is not None else "")
