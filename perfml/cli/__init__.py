"""``perfml`` on the command line. A command only translates: the verb it calls is :class:`perfml.Project`'s."""

from __future__ import annotations

import sys
from collections.abc import Callable
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from perfml import terminal
from perfml._version import __version__
from perfml.api import Project
from perfml.cli import advice, definitions, deliveries, mapping, models, notices
from perfml.cli import holds as held
from perfml.cli.access import access
from perfml.cli.alerts import alerts
from perfml.cli.audit import audit
from perfml.cli.operation.backup import backup, restore
from perfml.cli.operation.exports import export
from perfml.cli.operation.secret_files import read_secret_files
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
    OneDateOption,
    ProjectOption,
    ToOption,
    print_json,
    require_suffix,
    series,
)
from perfml.cli.personal import commands as personal
from perfml.cli.personal.reasons import explain
from perfml.cli.work.goals import goals
from perfml.cli.work.indicators import indicators
from perfml.cli.work.network import feedback_network
from perfml.cli.work.process_debt import process_debt
from perfml.errors import PerfmlError
from perfml.evidence.exports.retrying import is_passing
from perfml.evidence.features import describe
from perfml.project.starter import init as copy_starter
from perfml.terminal.evidence import check_table

LATER = 75
"""EX_TEMPFAIL of sysexits.h: a disk is full, a database restarts, another run is not done yet."""
app = typer.Typer(
    name="perfml",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Who needs support, why, and how certain that is. Never a decision about pay or dismissal.",
)


def main() -> None:
    """Run a command; an error that the user can correct prints one line and exits with 1, an unknown option with 2, and with
    :data:`LATER` what may succeed later as it is."""
    code = 1
    try:
        read_secret_files()
        sys.exit(_command()(prog_name="perfml"))
    except PerfmlError as error:
        problem, code = str(error), LATER if error.may_pass or is_passing(error) else 1
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        problem = f"{where}{error.strerror or error}; choose another path, or change its permissions"
    terminal.err.print(f"[red]perfml:[/] {escape(problem)}", highlight=False, soft_wrap=True)
    sys.exit(code)


@cache
def _command() -> Callable[..., int]:
    """All commands with their options, which are derived from the functions once."""
    return typer.main.get_command(app)


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        terminal.out.print(__version__, highlight=False)
        raise typer.Exit


def init(directory: Path) -> None:
    """Start your own project: copy the definitions that perfml ships, for you to edit."""
    written = copy_starter(directory)
    terminal.out.print(
        f"{len(written)} files in {directory}; next: perfml check --project {directory} --data YOUR_EXPORT"
    )


class DemoName(StrEnum):
    """Demonstrations."""

    company = "company"
    incident = "incident"


def demo(
    name: Annotated[
        DemoName, typer.Argument(help="company, or incident: two systems that disagree.")
    ] = DemoName.company,
    out: Annotated[Path | None, typer.Option(help="Folder to write (default: build/demo, build/incident).")] = None,
    employees: Annotated[int, typer.Option(min=100, help="How many people the company employs at a time.")] = 600,
    seed: int = 7,
    jobs: JobsOption = None,
) -> None:
    """Simulate a company with known causes, and run every step on it: check, train, back-test, score, advise, report.

    `incident`: offices a third behind target in one system and ahead of it in the other, and what stops it.
    """
    if name is DemoName.incident:
        from perfml.demo.incident.story import play  # only this command needs it

        play(out or Path("build/incident"))
        return
    from perfml.workers.pool import Workers

    with Workers(jobs) as workers:
        workers.begin(imports=["perfml.learning.training"])  # while this process imports and simulates
        from perfml.demo.tour.steps import tour  # only this command needs the simulation

        tour(out or Path("build/demo"), employees=employees, seed=seed, workers=workers)


def check(
    data: DataOption = None,
    project: ProjectOption = None,
    language: Annotated[LanguageName, typer.Option(help="Of the sentences: en or zh.")] = LanguageName.en,
    as_json: JsonOption = False,
) -> None:
    """Report what the tables hold, what is wrong with them, and what can be computed. Exit code 1: scoring is impossible."""
    with terminal.progress() as progress:
        report = Project(project, progress=progress).check(data)
    if as_json:
        print_json(report.to_json())
    else:
        check_table(report, language.value)
    if not report.ready:
        raise typer.Exit(1)


def features(
    *,
    out: Annotated[Path, typer.Option("--out", help="Parquet file to write.")],
    data: DataOption = None,
    as_of: AsOfOption = None,
    start: FromOption = None,
    to: ToOption = None,
    every: EveryOption = None,
    engine: EngineOption = None,
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the evidence of everyone employed at each as-of date: one row per person and date."""

    require_suffix(out, ".parquet")
    dates = series(as_of, start=start, to=to, every=every)
    if not dates:
        raise PerfmlError("no date is named", where="--as-of", remedy="name one, or --from --to --every")
    with terminal.progress() as progress:
        rows = Project(project, engine=engine, progress=progress).write_features(data, out, as_of=dates)
    description = describe(out)
    if as_json:
        print_json({"out": str(out), "rows": rows, **description})
        return
    terminal.out.print(f"{rows:,} rows × {len(description['columns'])} columns of evidence in {out}")
    for absent in description["left_out"]:
        terminal.out.print(f"  left out  {escape(absent)}", highlight=False)


def report(
    *,
    out: Annotated[Path, typer.Option("--out", help="HTML file to write.")] = Path("report.html"),
    as_of: Annotated[str | None, typer.Option("--as-of", help="A date that was scored (default: the newest).")] = None,
    project: ProjectOption = None,
    home: HomeOption = None,
) -> None:
    """Write the stored scores as one HTML page, in English and Chinese, that opens without a network."""
    require_suffix(out, ".html")
    written = Project(project, home=home).report(out, as_of=as_of)
    terminal.out.print(f"report: {written}", highlight=False)


def dashboard(
    model: str,
    *,
    out: Annotated[Path, typer.Option("--out", help="HTML file to write.")] = Path("dashboard.html"),
    data: DataOption = None,
    as_of: OneDateOption = None,
    project: ProjectOption = None,
    home: HomeOption = None,
) -> None:
    """Write one model explained as one HTML page: evidence, people of its list by rank, what if, calibration, gates. No names."""
    require_suffix(out, ".html")
    with terminal.progress() as progress:
        written = Project(project, home=home, progress=progress).dashboard(model, out, data, as_of=as_of)
    terminal.out.print(f"dashboard: {written}", highlight=False)


class LogFormat(StrEnum):
    """Forms of the log."""

    text = "text"
    json = "json"


def serve(
    *,
    host: Annotated[str, typer.Option(envvar="PERFML_HOST")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, envvar="PERFML_PORT")] = 8321,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-host",
            envvar="PERFML_ALLOW_HOST",
            help="Name under which other machines are answered; repeatable. Needs an administrator.",
        ),
    ] = None,
    local_login: Annotated[
        bool, typer.Option("--local-login", help="For development: sign in as anybody, at this machine alone.")
    ] = False,
    log_format: Annotated[
        LogFormat, typer.Option("--log-format", envvar="PERFML_LOG_FORMAT", help="Lines of the log, on standard error.")
    ] = LogFormat.text,
    forwarded_allow_ips: Annotated[
        str | None,
        typer.Option(
            "--forwarded-allow-ips",
            envvar="FORWARDED_ALLOW_IPS",
            help="Addresses of reverse proxies, separated by commas (default: this machine).",
        ),
    ] = None,
    project: ProjectOption = None,
    home: HomeOption = None,
) -> None:
    """Serve the pages, and for programs /v1, on this machine only until access is granted."""
    # only this command needs the web framework
    from perfml.service.access.other_machines import refuse_unguarded
    from perfml.service.app import serve as run

    opened = Project(project, home=home)
    refuse_unguarded(opened.home, host, hosts=allow_host or (), local_login=local_login)
    if not opened.is_set_up():
        code = opened.setup_link(by="first start").secret
        link = f"http://127.0.0.1:{port}/setup?code={code}"
        terminal.out.print(
            f"the first administrator signs in here, within an hour · 首位管理员请在一小时内由此登录：\n{link}",
            highlight=False,
            soft_wrap=True,
        )
    run(
        opened.home,
        host=host,
        port=port,
        folder=opened.folder,
        hosts=allow_host or (),
        local_login=local_login,
        log_form=log_format.value,
        proxies=forwarded_allow_ips,
    )


app.add_typer(audit)
app.add_typer(alerts)
app.add_typer(access)
app.add_typer(export)
app.add_typer(goals)
app.command("map")(mapping.map_export)
for command in (
    mapping.template,
    *(init, demo, check, features),
    *(
        models.train,
        models.promote,
        models.track,
        models.mlflow,
        models.replay,
        models.drift,
        models.fairness,
        models.raters,
    ),
    *(models.curves, models.backtest, models.score, explain, models.warm_up, report, dashboard),
    *(advice.targets, advice.escalations, advice.courses, advice.priorities, advice.person),
    *(personal.record, personal.peers, personal.brief, personal.card, personal.eligibility, personal.what_if),
    *(advice.decide, advice.intervene),
    indicators,
    process_debt,
    feedback_network,
    *(deliveries.deliveries, deliveries.acknowledge, deliveries.receive),
    *(definitions.definitions, definitions.sign_off, definitions.reconcile, definitions.rebase),
    *(notices.notice, notices.opt_out, notices.outcome, notices.package, notices.retention, notices.governance),
    *(held.holds, held.release, held.stop, held.resume, held.recompute),
    *(held.dispute, held.disputes, held.resolve, held.review),
    *(backup, restore),
    serve,
):
    app.command()(command)
