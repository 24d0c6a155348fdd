"""The verbs of holds and disputes."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from perfml.api.shared import DataLocation, seen, today_or
from perfml.dates import DateLike, date_of
from perfml.evidence.record_end import end_of_record
from perfml.project.course_policy import CoursePolicy
from perfml.project.target_policy import TargetPolicy
from perfml.scoring.score_files import StoredScore

if TYPE_CHECKING:
    from perfml.advice.dispute_outcome import DisputeOutcome
    from perfml.api import Project
    from perfml.trust.disputes.agreement import Agreement
    from perfml.trust.disputes.dispute import Dispute, DisputeVerdict
    from perfml.trust.disputes.dispute_log import DisputeLog
    from perfml.trust.holds.covering import Units
    from perfml.trust.holds.hold import Hold


def holds(project: Project, data: DataLocation | None = None, *, as_of: DateLike | None = None) -> tuple[Hold, ...]:
    """The holds in force; with ``data`` those on broken rows too, at ``as_of`` (default: the end of the record)."""
    from perfml.trust.holds.hold_log import HoldLog
    from perfml.trust.holds.quarantine import quarantine_holds

    entered = HoldLog(project.home).active()
    if data is None:
        return entered
    with project.open(data) as opened:
        day = date_of(as_of) if as_of else end_of_record(opened)
        return (*entered, *quarantine_holds(opened, day).values())


def release(
    project: Project,
    hold_id: str,
    *,
    by: str,
    reason: str,
    data: DataLocation | None = None,
    today: DateLike | None = None,
) -> Hold:
    """Lift a hold after its clean days, signed off ``by`` a person; what stands on it is computed again where data are named.

    Whom it covered is sent a message. Scores of dates on which the data were not whole yet stay held. Raises
    :class:`PerfmlError`, naming the days seen, where clean days are missing, and without a name or a reason.
    """
    from perfml.scoring.withheld.withholding import kept_units
    from perfml.trust.holds.hold_log import HoldLog

    day = today_or(today)
    units = kept_units(project.home, day)
    hold = HoldLog(project.home).release(hold_id, by=by, reason=reason, on=day, units=units)
    project.recompute(data)
    return hold


def stop(project: Project, *, by: str, reason: str, today: DateLike | None = None) -> Hold:
    """Hold everything at once, until :meth:`resume`. Raises :class:`PerfmlError` without a name or a reason."""
    from perfml.trust.holds.hold_log import HoldLog

    return HoldLog(project.home).stop(by=by, reason=reason, on=today_or(today))


def resume(project: Project, *, by: str, reason: str, today: DateLike | None = None) -> Hold:
    """Lift the stop. Raises :class:`PerfmlError` where nothing is stopped, and without a name or a reason."""
    from perfml.trust.holds.hold_log import HoldLog

    return HoldLog(project.home).resume(by=by, reason=reason, on=today_or(today))


def recompute(project: Project, data: DataLocation | None = None) -> list[Path]:
    """Compute again what stands on facts and areas about which something was entered since; return the new files.

    The old ones are kept as superseded. Nothing is computed where no data are named here or in the project.
    """
    from perfml.dated_files import dates_in
    from perfml.scoring.withheld.withholding import is_behind

    if data is None and project.folder.spec.data.source is None:
        return []
    written: list[Path] = []
    for name in project.folder.models:
        folder = project.home / "scores" / name
        days = [day for day in dates_in(folder) if is_behind(folder / f"{day}.parquet")]
        written += project.write_scores(name, data, as_of=days) if days else []
    for name, spec in project.folder.policies.items():
        folder = project.home / "suggestions" / name
        days = [day for day in dates_in(folder)[:1] if is_behind(folder / f"{day}.parquet")]
        for day in days:
            if isinstance(spec, TargetPolicy):
                project.targets(data, as_of=day, policy=name)
            elif isinstance(spec, CoursePolicy):
                project.courses(data, as_of=day, policy=name)
        written += [folder / f"{day}.parquet" for day in days]
    return written


def superseded(project: Project, model: str, employee_id: str, *, as_of: DateLike) -> list[StoredScore]:
    """The score rows of one person as they were before ``as_of`` was computed again; none where it never was."""
    from perfml.scoring.withheld.superseded import superseded_rows

    rows = superseded_rows(project.home, model, employee_id, as_of=date_of(as_of))
    seen(project, f"superseded {model}/{date_of(as_of)}", [employee_id])
    return rows


def dispute(
    project: Project,
    employee_id: str,
    *,
    table: str,
    key: str,
    right: Mapping[str, str],
    by: str,
    proof: str | Path | None = None,
    data: DataLocation | None = None,
    today: DateLike | None = None,
    idempotency_key: str | None = None,
) -> Dispute:
    """Dispute a row of ``employee_id``: ``right`` holds the right values of wrong columns, and is empty where the row should
    not exist. The row is withheld everywhere from now on, until somebody else decides.

    Raises :class:`PerfmlError` for a row that is not theirs, a value or a proof that cannot be used, and over the quota.
    """
    from perfml.evidence.withheld.stored_fact import stored_fact
    from perfml.trust.disputes.proofs import read_file
    from perfml.trust.disputes.verbs import file_dispute

    if (same := _disputes(project).open_dispute(employee_id, table=table, key=key)) is not None:
        return same
    fact = None
    if data is not None or project.folder.spec.data.source is not None:
        with project.open(data) as opened:
            fact = stored_fact(opened, employee_id, table=table, key=key)
    rules = project.folder.spec.disputes
    return file_dispute(
        project.home,
        rules,
        project.folder.definitions.tables,
        employee_id,
        table=table,
        key=key,
        right=right,
        by=by,
        on=today_or(today),
        fact=fact,
        proof=None if proof is None else read_file(Path(proof), max_bytes=rules.max_proof_bytes),
        idempotency_key=idempotency_key or str(uuid.uuid4()),
    )


def disputes(project: Project, employee_id: str | None = None) -> tuple[Dispute, ...]:
    """The disputes of a person (default: of everyone), oldest first."""
    return _disputes(project).disputes(employee_id)


def disputed(project: Project, dispute_id: str) -> DisputeOutcome:
    """A dispute with what the person may see of before and after: the row, and the reasons of their scores."""
    from perfml.advice.dispute_outcome import dispute_outcome

    outcome = dispute_outcome(project.home, _disputes(project).dispute(dispute_id))
    seen(project, f"dispute {dispute_id}", [outcome.employee_id])
    return outcome


def resolve(
    project: Project,
    dispute_id: str,
    verdict: DisputeVerdict,
    *,
    by: str,
    reason: str,
    data: DataLocation | None = None,
    today: DateLike | None = None,
) -> Dispute:
    """Uphold or reject a dispute; what stands on the fact is computed again where data are named, and the person is told.

    ``by``: the employee id of somebody outside the line of the person. Raises :class:`PerfmlError` otherwise.
    """
    day = today_or(today)
    log = _disputes(project)
    lines = _lines(project, data, [log.dispute(dispute_id).filed_on, day])
    decided = log.decide(dispute_id, verdict, by=by, reason=reason, on=day, lines=lines)
    project.recompute(data)
    return decided


def review(
    project: Project,
    dispute_id: str,
    verdict: DisputeVerdict,
    *,
    by: str,
    reason: str,
    data: DataLocation | None = None,
    today: DateLike | None = None,
) -> Dispute:
    """Note what a second reviewer would have decided: it changes nothing, and is measured by :meth:`agreement`."""
    day = today_or(today)
    log = _disputes(project)
    lines = _lines(project, data, [log.dispute(dispute_id).filed_on, day])
    return log.review(dispute_id, verdict, by=by, reason=reason, on=day, lines=lines)


def escalate(project: Project, *, today: DateLike | None = None) -> tuple[Dispute, ...]:
    """Tell whom the project names of disputes that are overdue, each once; return those."""
    return _disputes(project).escalate(today_or(today))


def agreement(project: Project) -> Agreement:
    """How often second reviewers agree with the decisions."""
    from perfml.trust.disputes.agreement import agreement

    return agreement(project.disputes(), least=project.folder.spec.disputes.least_reviews)


def _disputes(project: Project) -> DisputeLog:
    from perfml.trust.disputes.dispute_log import DisputeLog

    return DisputeLog(project.home, project.folder.spec.disputes)


def _lines(project: Project, data: DataLocation | None, days: Sequence[dt.date]) -> list[Units]:
    """The reporting lines as known after each of ``days``: from the data where they are named, else as they are kept."""
    from perfml.scoring.withheld.withholding import kept_units
    from perfml.trust.holds.held import units_at

    after = [day + dt.timedelta(days=1) for day in days]
    if data is None and project.folder.spec.data.source is None:
        return [kept_units(project.home, day) for day in after]
    with project.open(data) as opened:
        return [units_at(opened, day) for day in after]
