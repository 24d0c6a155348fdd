"""The verbs of what the law asks: notices, opt-outs, packages, retention, governance, the audit log."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from perfml.api.shared import DataLocation, date_or_none, seen
from perfml.dates import DateLike, MomentLike, moment_of
from perfml.evidence.record_end import end_of_record
from perfml.messages import Bilingual
from perfml.scoring.score_files import NoScore

if TYPE_CHECKING:
    from perfml.api import Project
    from perfml.trust.audit.checkpoints import Checkpoint
    from perfml.trust.audit.history import AuditEvent
    from perfml.trust.audit.verifying import Verification
    from perfml.trust.governance.checklist import Check
    from perfml.trust.notices.notice_log import Notice, NoticeState
    from perfml.trust.notices.retention import Retention


def give_notice(project: Project, notices: Sequence[Notice]) -> int:
    """Store that people were told, all of ``notices`` or none; return their number. The same notice is stored once.

    Raises :class:`PerfmlError` for a version that ``models/notices.toml`` does not define.
    """
    from perfml.trust.notices.notice_log import NoticeLog
    from perfml.trust.notices.withheld import notices_of

    return NoticeLog(project.home).give(notices, notices_of(project.folder))


def notices(project: Project) -> dict[str, NoticeState]:
    """Employee → what they were told and when, whether they opted out, and outcomes whose package is due."""
    from perfml.trust.notices.notice_log import NoticeLog

    return NoticeLog(project.home).states()


def opt_out(
    project: Project, employee_id: str, *, by: str, on: DateLike | None = None, withdraw: bool = False
) -> NoticeState:
    """Store that a person wants no score (``withdraw``: wants to be scored again). From then on none is computed, for
    any date, and their record trains no model unless the policy says so."""
    from perfml.trust.notices.notice_log import NoticeLog

    log, day = NoticeLog(project.home), date_or_none(on) or moment_of(None).date()
    return (log.opt_in if withdraw else log.opt_out)(employee_id, by=by, on=day)


def outcome(project: Project, employee_id: str, *, what: str, by: str, on: DateLike | None = None) -> NoticeState:
    """Store an adverse outcome that people decided on, so that its package is due (:meth:`package`)."""
    from perfml.trust.notices.notice_log import NoticeLog

    return NoticeLog(project.home).outcome(employee_id, what=what, by=by, on=date_or_none(on) or moment_of(None).date())


def package(
    project: Project,
    employee_id: str,
    out: str | Path,
    data: DataLocation | None = None,
    *,
    as_of: DateLike | None = None,
    now: MomentLike | None = None,
) -> Path:
    """Write the package for an adverse outcome, ``.html`` or ``.md``, in Chinese and English: what the system is, the part
    it played, inputs and their sources, how to correct them, how to get a human review.

    ``as_of``: a date that was scored (default: the newest, else the end of the record).
    """
    from perfml.files import write_text
    from perfml.trust.notices.notice_log import NoticeLog, NoticeState
    from perfml.trust.notices.package import package
    from perfml.trust.notices.withheld import notices_of

    log, today, target = NoticeLog(project.home), moment_of(now).date(), Path(out)
    seen(project, "package", [employee_id])
    state = log.states().get(employee_id, NoticeState(employee_id=employee_id))
    scores = []
    for name, spec in project.folder.models.items():
        try:
            voiced = project.explain(employee_id, model=name, as_of=as_of, voice="employee")
        except NoScore:
            continue
        scores += [(Bilingual(en=spec.en, zh=spec.zh), row) for row in voiced]
    with project.open(data) as opened:
        day = date_or_none(as_of) or max((row.as_of for _, row in scores), default=end_of_record(opened))
        text = package(
            opened, project.folder.definitions, notices_of(project.folder), state, scores, as_of=day, issued_on=today
        )
    content = text.html() if target.suffix.lower() == ".html" else text.markdown()
    write_text(target, content)
    log.package_made(employee_id, on=today, content=content)
    return target


def retention(project: Project, *, now: MomentLike | None = None, apply: bool = False) -> Retention:
    """What is older than the policy keeps (at least three years), and what is over of access; with ``apply`` it is erased."""
    from perfml.access.retention import with_access
    from perfml.trust.notices.retention import retention
    from perfml.trust.notices.withheld import notices_of

    years = notices_of(project.folder).retention_years
    moment = moment_of(now)
    due = retention(project.home, years=years, today=moment.date(), apply=apply)
    return with_access(due, project.home, now=moment, apply=apply)


def governance(
    project: Project, data: DataLocation | None = None, *, now: MomentLike | None = None
) -> tuple[Check, ...]:
    """The checklist for a works council, computed from the state of the system at ``now``: each rule passes, fails or is
    unknown, with its evidence and its remedy. ``data``: what reconciliation and versions are judged on."""
    from perfml.scoring.people.known import scored_people
    from perfml.trust.deliveries.report import delivery_packets
    from perfml.trust.governance.checklist import checklist
    from perfml.trust.governance.state import SystemState

    moment, scored, named = moment_of(now), scored_people(project.home), data or project.folder.spec.data.source
    with nullcontext() if named is None else project.open(data, strict=False) as opened:
        packets = delivery_packets(project.home, project.folder.deliveries, opened, now=moment)
        return checklist(
            SystemState.of(project.home, project.folder, opened, day=moment.date(), packets=packets, scored=scored)
        )


def write_governance(
    project: Project, checks: Sequence[Check], out: str | Path, *, now: MomentLike | None = None
) -> Path:
    """Write the checklist of :meth:`governance` as one HTML page that names nobody, for a works council."""
    from perfml.report.governance import write_governance

    return write_governance(Path(out), checks, day=moment_of(now).date())


def verify_audit(project: Project, *, checkpoints: str | Path | None = None) -> Verification:
    """Compare the audit log with its hashes, its signed ``checkpoints`` (a folder; default: that of this home) and the
    entries of the store; what is wrong is named with its remedy."""
    from perfml.trust.audit.verifying import verify

    return verify(project.home, checkpoints=None if checkpoints is None else Path(checkpoints))


def checkpoint_audit(project: Project, *, now: MomentLike | None = None) -> tuple[Checkpoint, Path]:
    """Sign what the audit log holds at ``now``, in a file outside the database: rows removed later are missed."""
    from perfml.trust.audit.checkpoints import write_checkpoint

    return write_checkpoint(project.home, now=moment_of(now))


def audit(project: Project, employee_id: str) -> tuple[AuditEvent, ...]:
    """Who saw a person's scores and reasons and what was recorded about them, when, by whom and for what purpose."""
    from perfml.trust.audit.history import history_of

    return history_of(project.home, employee_id)


def erase_audit(project: Project, employee_id: str, *, by: str, reason: str) -> None:
    """Erase a person from the audit log by deleting their key; the log still verifies."""
    from perfml.trust.audit.history import erase_person

    erase_person(project.home, employee_id, by=by, reason=reason)
