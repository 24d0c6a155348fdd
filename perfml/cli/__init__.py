"""``perfml`` on the command line. A command only translates: the verb it calls is :class:`perfml.Project`'s."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from perfml import terminal
from perfml._version import __version__
from perfml.api import Project
from perfml.cli import advice, models
from perfml.cli.options import (
    AsOfOption,
    DataOption,
    EveryOption,
    FromOption,
    HomeOption,
    JsonOption,
    ProjectOption,
    ToOption,
    print_json,
    series,
    suffix,
)
from perfml.errors import PerfmlError
from perfml.project.starter import init as copy_starter

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


def init(directory: Path) -> None:
    """Start a project of your own: a copy of the definitions that perfml ships, to be edited."""
    written = copy_starter(directory)
    terminal.out.print(
        f"{len(written)} files in {directory}; next: perfml check --project {directory} --data YOUR_EXPORT"
    )


def demo(
    out: Annotated[Path, typer.Option(help="Where the simulated company and the report are written.")] = Path(
        "build/demo"
    ),
    employees: Annotated[int, typer.Option(min=100, help="People employed at a time.")] = 600,
    seed: int = 7,
) -> None:
    """Simulate a company whose truth is known, and do the whole job on it: check, train, back-test, score, advise, report."""
    from perfml.demo.tour import tour

    tour(out, employees=employees, seed=seed)


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


def serve(
    host: str = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8321,
    project: ProjectOption = None,
    home: HomeOption = None,
) -> None:
    """Serve the kept scores under /v1, on this machine only."""
    from perfml.service.app import serve as run

    run(Project(project, home=home).home, host=host, port=port)


for command in (
    *(init, demo, check, features),
    *(models.train, models.promote, models.track, models.replay, models.drift, models.fairness, models.raters),
    *(models.curves, models.backtest, models.score, models.explain, models.warm_up, report),
    *(advice.targets, advice.courses, advice.priorities, advice.decide, advice.intervene, serve),
):
    app.command()(command)
