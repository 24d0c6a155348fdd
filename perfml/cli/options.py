"""Shared by commands: options, dates, and JSON on standard output."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfml.api import Project
from perfml.errors import PerfmlError
from perfml.harmless import CONTROL
from perfml.learning.dataset.folds import as_of_dates
from perfml.project.spec import EngineName, Every
from perfml.scoring.people.files import with_people
from perfml.scoring.table_files import WRITERS, write_parts

if TYPE_CHECKING:
    import pyarrow as pa


class LanguageName(StrEnum):
    """Languages of texts."""

    en = "en"
    zh = "zh"


EngineOption = Annotated[
    EngineName | None,
    typer.Option("--engine", help="What computes evidence (default: as perfml.toml says)."),
]
DataOption = Annotated[
    str | None, typer.Option("--data", help="Folder of CSV or Parquet, workbook, DuckDB file, or postgresql:// URL.")
]
ProjectOption = Annotated[
    Path | None,
    typer.Option("--project", help="Folder of definitions (default: the working folder, else the starter)."),
]
TrackingOption = Annotated[
    str | None,
    typer.Option("--tracking-uri", help="MLflow server (default: MLFLOW_TRACKING_URI, else SQLite in --home)."),
]
OneDateOption = Annotated[str | None, typer.Option("--as-of", help="Date, YYYY-MM-DD (default: end of the record).")]
HomeOption = Annotated[
    Path | None, typer.Option("--home", help="Folder of models and scores (default: <project>/var).")
]
OutOption = Annotated[Path | None, typer.Option("--out", help="File to write as well: .csv, .xlsx or .parquet.")]
LanguageOption = Annotated[
    LanguageName, typer.Option("--language", help="Of the sentences in a .csv or .xlsx file: en or zh.")
]
JobsOption = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        min=1,
        help="Models fitted at a time (default: as many as there are processors to use). No figure changes.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
AsOfOption = Annotated[list[str] | None, typer.Option("--as-of", help="Date, YYYY-MM-DD; may be repeated.")]
FromOption = Annotated[str | None, typer.Option("--from", help="First of a series of dates.")]
ToOption = Annotated[str | None, typer.Option("--to", help="Last of the series.")]
EveryOption = Annotated[str | None, typer.Option("--every", help="week, month or quarter.")]
UntilOption = Annotated[
    str | None, typer.Option("--until", help="Use only what was known by this date (default: all).")
]


def series(as_of: Sequence[str] | None, *, start: str | None, to: str | None, every: str | None) -> list[dt.date]:
    """The dates of --as-of and of --from, --to and --every, ascending. Raises :class:`PerfmlError` for an incomplete series."""
    dates = [day_of(text, "--as-of") for text in as_of or []]
    if start is None and to is None and every is None:
        return sorted(set(dates))
    if start is None or to is None or every is None:
        raise PerfmlError("is incomplete", where="--from --to --every", remedy="give all three, or --as-of alone")
    stepped = as_of_dates(day_of(start, "--from"), day_of(to, "--to"), every_of(every))
    if not stepped:
        raise PerfmlError(
            "contains no date", where=f"--from {start} --to {to} --every {every}", remedy="widen the range"
        )
    return sorted({*dates, *stepped})


def every_of(text: str) -> Every:
    """The step of --every. Raises :class:`PerfmlError` for another word."""
    steps: dict[str, Every] = {"week": "week", "month": "month", "quarter": "quarter"}
    if text not in steps:
        raise PerfmlError(f"{text!r} is not a step", where="--every", remedy=f"use one of: {', '.join(steps)}")
    return steps[text]


def day_of(text: str, where: str) -> dt.date:
    """Parse a date. Raises :class:`PerfmlError` naming the option ``where``."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise PerfmlError(f"{text!r} is not a date", where=where, remedy="write YYYY-MM-DD") from None


def require_suffix(out: Path | None, *allowed: str) -> None:
    """Raise :class:`PerfmlError` unless the file to write has one of the ``allowed`` suffixes."""
    if out is not None and out.suffix.lower() not in allowed:
        raise PerfmlError(f"ends in {out.suffix!r}", where=f"--out {out}", remedy=f"use {' or '.join(allowed)}")


def require_table(out: Path | None) -> None:
    """Raise :class:`PerfmlError` for a file that :func:`write` cannot write, before any work is done."""
    require_suffix(out, ".parquet", ".csv", ".xlsx")


def write(table: pa.Table, out: Path | None, *, opened: Project) -> None:
    """Write ``table`` to the file of --out, where one is given: a file that people open also says who each person is."""
    if out is not None:
        if out.suffix.lower() in WRITERS and len(table):
            table = with_people(table, opened.people(table.column("as_of")[0].as_py()))
        write_parts([table], out)


def print_json(value: object) -> None:
    """Print JSON on standard output."""
    text = json.dumps(value, ensure_ascii=False, indent=2, default=str)
    sys.stdout.write(CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n")
