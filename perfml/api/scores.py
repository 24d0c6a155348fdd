"""The verbs of scores: scoring, people, reasons, curves, replay, the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

import pandas as pd
import pyarrow as pa

from perfml.api.reconciliation import reconciled
from perfml.api.shared import DataLocation, GivenData, date_or_none, held_at, keep_who_is_who, people_of, seen
from perfml.dates import DateLike, DatesLike, date_of, dates_of
from perfml.errors import PerfmlError
from perfml.evidence.record_end import end_of_record, refuse_stale
from perfml.messages import Language, Message
from perfml.project.voices import Reader, Who
from perfml.scoring.people.files import PersonFacts, people_facts
from perfml.scoring.score_files import StoredScore, first_column, person_rows, read_scores

if TYPE_CHECKING:
    from perfml.advice.served import ServedSample
    from perfml.api import Project
    from perfml.evidence.nightly.night import NightLog
    from perfml.scoring.against.comparison import GroupComparison, ReferenceGroup, VoicedComparison
    from perfml.scoring.replay import Replay
    from perfml.scoring.voiced import VoicedScore
    from perfml.scoring.what_if.prediction import WhatIfPrediction

NIGHTLY = "nightly"
"""The folder of the home in which the log is kept from night to night."""


def score(
    project: Project,
    model: str,
    data: GivenData | None = None,
    *,
    as_of: DatesLike | None = None,
    incremental: bool = False,
) -> pa.Table:
    """Score everyone employed at each as-of date (default: the end of the record) with the model in use.

    The rows (``perfml.scoring.batches.rows.SCHEMA``) are kept under ``home``, where the service and :meth:`explain` read.
    ``incremental``: as in :meth:`write_scores`.
    """
    files = project.write_scores(model, data, as_of=as_of, incremental=incremental)
    scores = pa.concat_tables(read_scores(path) for path in files)
    seen(project, f"scores {model}", people_of(scores))
    return scores


def write_scores(
    project: Project,
    model: str,
    data: GivenData | None = None,
    *,
    as_of: DatesLike | None = None,
    incremental: bool = False,
    on_notice: Callable[[Message], None] | None = None,
) -> list[Path]:
    """Like :meth:`score`, in bounded memory: return the files under ``home``, one for each date with employees.

    ``incremental``: of the log read only what is new since the last run, at one date; the scores are the same. What was read
    before is kept in ``home/nightly``. ``on_notice`` is given what was read, and why where it was everything. Raises
    :class:`PerfmlError` for several dates, and while another run uses that folder.
    """
    if not incremental:
        return _write_scores(project, model, data, as_of=as_of, night=None)
    from perfml.evidence.nightly.night import run_night

    if as_of is not None and len(dates_of(as_of)) > 1:
        raise PerfmlError(Message.of("night_dates"), where="--as-of", remedy=Message.of("night_dates_remedy"))

    def run(night: NightLog) -> list[Path]:
        files = _write_scores(project, model, data, as_of=as_of, night=night)
        if on_notice is not None:
            for line in night.notices:
                on_notice(line)
        return files

    return run_night(project.home / NIGHTLY, project.folder.definitions, run, progress=project.progress)


def _write_scores(
    project: Project, model: str, data: GivenData | None, *, as_of: DatesLike | None, night: NightLog | None
) -> list[Path]:
    """See :func:`write_scores`."""
    from perfml.learning.registry.model_store import load
    from perfml.scoring.people.rating import keep_raters
    from perfml.scoring.personal.keeping import keep_records
    from perfml.scoring.replay import recorder
    from perfml.scoring.scoring import keep_scores, score_in_parts
    from perfml.scoring.withheld.provisional import provisional_entities

    project.folder.model(model)
    loaded = load(project.home, model)
    with project.open(data, kept_log=night, engine=project.engine) as opened:
        dates = dates_of(as_of) if as_of else [end_of_record(opened)]
        if night is not None:
            night.as_of = dates[0]
        refuse_stale(opened, max(dates))
        for day in dates:
            keep_who_is_who(project, opened, day)
        held = {day: held_at(project, opened, day) for day in dates}
        parts = score_in_parts(
            opened,
            project.folder,
            loaded,
            as_of=dates,
            home=project.home,
            held=held,
            evidence=project.home,
            progress=project.progress,
        )
        provisional = {
            day: provisional_entities(reconciled(project, opened, day).rows) if opened.has("facts") else []
            for day in dates
        }
        record = recorder(project.home, data=opened, folder=project.folder, held=held, provisional=provisional)
        runs, rules = {day: record(day) for day in dates}, project.folder.spec.disclosure
        for day in dates:
            keep_records(opened, project.folder, project.home, as_of=day, run=runs[day], held=held[day])
            keep_raters(opened, rules, project.home, as_of=day, run=runs[day], held=held[day])
        return list(keep_scores(parts, project.home, record=runs.__getitem__))


def export_scores(project: Project, files: Sequence[Path], out: str | Path, *, language: Language = "en") -> Path:
    """Write kept score ``files`` (of :meth:`write_scores`) as one file: ``.csv`` or ``.xlsx``, which people open, flat, with
    who each person is and the reasons in ``language``; or ``.parquet``, which holds the rows as they are kept."""
    from perfml.scoring.flat_scores import flat_scores
    from perfml.scoring.table_files import WRITERS, read_parts, write_parts
    from perfml.scoring.withheld.withholding import withholding

    target = Path(out)
    for path in files:
        seen(project, f"export {path.parent.name}/{path.stem}", people_of(read_scores(path)))
    if target.suffix.lower() in WRITERS:
        write_parts(flat_scores(project.home, files, language=language), target)
    else:
        write_parts((withholding(path).table(part) for path in files for part in read_parts(path)), target)
    return target


def people(project: Project, as_of: DateLike) -> dict[str, PersonFacts]:
    """Who everybody is that was scored or advised at ``as_of``: employee -> name, unit, manager, level, tenure. For HR."""
    return people_facts(project.home, date_of(as_of))


@overload
def explain(
    project: Project, employee_id: str, *, model: str, as_of: DateLike | None = None, voice: Literal["hr"] | None = None
) -> list[StoredScore]: ...


@overload
def explain(
    project: Project, employee_id: str, *, model: str, as_of: DateLike | None = None, voice: Reader
) -> list[VoicedScore]: ...


def explain(
    project: Project, employee_id: str, *, model: str, as_of: DateLike | None = None, voice: Who | None = None
) -> list[StoredScore] | list[VoicedScore]:
    """What is stored about one person, one row for each horizon; ``voice`` words the reasons for HR, manager or employee.

    HR reads score rows; manager and employee read reasons, and no probability, rank, band or contribution. Raises
    :class:`PerfmlError` where nothing is stored.
    """
    from perfml.learning.registry.artifacts import read_columns
    from perfml.reasons.voices import Voices
    from perfml.scoring.run_record import voices_of
    from perfml.scoring.voiced import VoicedScore

    rows = person_rows(project.home, model, employee_id, as_of=date_or_none(as_of))
    seen(project, f"explain {model}", [employee_id])
    if voice is not None:
        columns = read_columns(project.home, model, rows[0]["model_version"])
        voices = Voices(voices_of(project.home, model, rows[0]["as_of"]), columns)
        if voice != "hr":
            return [VoicedScore.of(row, voices, voice) for row in rows]
        for row in rows:
            if row["status"] == "scored":
                row["reasons"] = voices.retell(row["reasons"])
    return rows


@overload
def explain_against(
    project: Project,
    employee_id: str,
    group: ReferenceGroup,
    *,
    model: str,
    as_of: DateLike | None = None,
    voice: Literal["hr"] | None = None,
) -> list[GroupComparison]: ...


@overload
def explain_against(
    project: Project,
    employee_id: str,
    group: ReferenceGroup,
    *,
    model: str,
    as_of: DateLike | None = None,
    voice: Reader,
) -> list[VoicedComparison]: ...


def explain_against(
    project: Project,
    employee_id: str,
    group: ReferenceGroup,
    *,
    model: str,
    as_of: DateLike | None = None,
    voice: Who | None = None,
) -> list[GroupComparison] | list[VoicedComparison]:
    """Why a person's score differs from that of the others of their ``team`` or of their ``peers`` (role and level), a row for
    each horizon; ``voice`` as for :meth:`explain`.

    Computed when asked, from the evidence kept with the scores. With fewer others than ``[disclosure] min_others`` the answer is
    *insufficient*. The stored reasons, and the rows behind them, stay as they are. Raises :class:`PerfmlError` where nothing is
    stored.
    """
    from perfml.learning.registry.model_store import load
    from perfml.scoring.against.explanation import compare
    from perfml.scoring.run_record import voices_of

    rows = person_rows(project.home, model, employee_id, as_of=date_or_none(as_of))
    seen(project, f"explain {model} against {group}", [employee_id])
    version, spec = rows[0]["model_version"], voices_of(project.home, model, rows[0]["as_of"])
    least = project.folder.spec.disclosure.min_others
    compared, voices = compare(
        project.home, rows, group, least_others=least, load=lambda: load(project.home, model, version), spec=spec
    )
    if voice is None or voice == "hr":
        return compared
    return [comparison.voiced(voices, voice) for comparison in compared]


def what_if(
    project: Project,
    employee_id: str,
    changes: Mapping[str, float] | None = None,
    *,
    model: str,
    as_of: DateLike | None = None,
    horizon_days: int | None = None,
) -> WhatIfPrediction:
    """What the model would predict for one person, were pieces of evidence, named as in the reasons, as they are for others.

    ``horizon_days``: the shortest by default. Without ``changes``: what may change, and how far. Prediction and no effect:
    nothing says that a change made in the world lowers the risk. Raises :class:`PerfmlError` for somebody without a score and for
    what cannot change.
    """
    from perfml.learning.registry.light_model import load_light
    from perfml.scoring.what_if.prediction import predict_what_if

    rows = person_rows(project.home, model, employee_id, as_of=date_or_none(as_of))
    seen(project, f"what if {model}", [employee_id])
    horizons = [row["horizon_days"] for row in rows]
    row = next((row for row in rows if row["horizon_days"] == (horizon_days or min(horizons))), None)
    if row is None or row["status"] != "scored":
        raise PerfmlError(
            "has no such score", where=employee_id, remedy=f"see `perfml explain {employee_id} --model {model}`"
        )
    least = project.folder.spec.disclosure.min_others
    version = row["model_version"]
    return predict_what_if(
        project.home, row, changes or {}, least_others=least, load=lambda: load_light(project.home, model, version)
    )


def rows_behind(
    project: Project,
    employee_id: str,
    evidence: str,
    data: DataLocation | None = None,
    *,
    model: str,
    as_of: DateLike | None = None,
    most: int = 50,
    reader: Who = "hr",
) -> dict[str, pd.DataFrame]:
    """The rows of the company's own tables behind one reason of one person's score: table → at most ``most`` rows, newest
    first.

    ``evidence`` names the reason as score rows do; the shortest horizon that lists it is used. Its first column is looked
    up with the definitions of that scoring run, in what was known before its as-of date. For ``reader`` employee or manager
    the rows are without other people, such as who gave feedback. Raises :class:`PerfmlError` where no horizon lists the reason.
    """
    from perfml.evidence.behind import rows_behind, without_others
    from perfml.evidence.fingerprint import kept_definitions
    from perfml.learning.registry.model_store import load
    from perfml.scoring.run_record import read_record, score_path

    rows = person_rows(project.home, model, employee_id, as_of=date_or_none(as_of))
    seen(project, f"rows behind {model}", [employee_id])
    name = first_column(rows, evidence)
    loaded = load(project.home, model, rows[0]["model_version"])
    (column,) = (c for c in loaded.columns if c.name == name)
    day = rows[0]["as_of"]
    record = read_record(score_path(project.home, model, day))
    folder = project.folder if record is None else kept_definitions(project.home, record["definitions"])
    with project.open(data) as opened:
        tables = rows_behind(
            opened,
            folder.definitions,
            column,
            employee_id=employee_id,
            as_of=day,
            kinds=loaded.kinds,
            most=most,
        )
        specs = opened.specs
    if reader == "hr":
        return tables
    return {
        table: without_others(rows, specs[table], employee_id) if table in specs else rows
        for table, rows in tables.items()
    }


def curves(
    project: Project, model: str, data: DataLocation | None = None, *, as_of: DateLike | None = None
) -> pa.Table:
    """The probability of having left, by cause and month, and the expected days in employment; see
    ``perfml.scoring.curves.SCHEMA``."""
    from perfml.learning.registry.model_store import load
    from perfml.scoring.curves import curves

    project.folder.model(model)
    loaded = load(project.home, model)
    with project.open(data) as opened:
        day = date_of(as_of) if as_of else end_of_record(opened)
        drawn = curves(opened, project.folder, loaded, as_of=day, progress=project.progress)
    seen(project, f"curves {model}/{day}", people_of(drawn))
    return drawn


def replay(project: Project, model: str, as_of: DateLike, data: DataLocation | None = None) -> Replay:
    """Recompute kept scores from the recorded data, definitions and model, and compare every value.

    Raises :class:`PerfmlError` naming what has changed since.
    """
    from perfml.scoring.replay import replay
    from perfml.scoring.run_record import score_path

    day = date_of(as_of)
    compared = replay(project.home, model, day, data=data, progress=project.progress)
    seen(project, f"replay {model}/{day}", people_of(read_scores(score_path(project.home, model, day))))
    return compared


def check_served(
    project: Project, *, seed: str, files: int = 3, people: int = 20, data: DataLocation | None = None
) -> ServedSample:
    """Served equals known: recompute a random sample of the files of scores and suggestions that are or were served, and
    compare what is read of ``people`` of each for an answer.

    The same ``seed`` draws the same sample while nothing is added. What cannot be recomputed is reported, and raises nothing.
    """
    from perfml.advice.served import check_served

    return check_served(project.home, seed=seed, files=files, people=people, data=data)


def report(
    project: Project,
    out: str | Path,
    *,
    as_of: DateLike | None = None,
    title: str | None = None,
    notices: Sequence[Message] = (),
) -> Path:
    """Write the self-contained HTML report of all models scored at ``as_of`` (default: the newest date with scores), with
    the list before it, the newest suggestions up to that date, and ``notices`` on the data.

    Raises :class:`PerfmlError` where nothing has been scored, :class:`ModelError` where a model was retrained since.
    """
    from perfml.report.of_home import report_home
    from perfml.scoring.people.known import scored_people

    seen(project, f"report {as_of or 'newest'}", scored_people(project.home))
    return report_home(project.home, project.folder, Path(out), as_of=date_or_none(as_of), title=title, notices=notices)
