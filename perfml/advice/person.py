"""One person in one answer: the risk and its reasons, whose they are, and the support that fits.

Two types, so that what a reader may not see has no field: :class:`SharedPerson` for the manager and the employee, and
:class:`PersonForHr`, which adds names, figures of the risk and offers of help. Everything is read from what is kept under
``home``; nothing is computed. Without heavy imports: the service answers with these types.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import cast

from pydantic import BaseModel, ConfigDict

from perfml.advice.decision_log import DecisionLog
from perfml.advice.suggestion_files import BeyondTarget, StoredCourse, StoredTarget, SuggestedTarget
from perfml.dated_files import dates_in
from perfml.errors import PerfmlError
from perfml.learning.registry.artifacts import read_columns, read_record
from perfml.messages import Language, render, stored_message
from perfml.project.spec import Owner
from perfml.project.voices import Who
from perfml.reasons.leading import for_others, raising
from perfml.reasons.voices import Voices
from perfml.scoring.people.files import facts_of, people_facts
from perfml.scoring.people.known import rows_of
from perfml.scoring.run_record import voices_of
from perfml.scoring.score_files import StoredScore
from perfml.scoring.sealed_files import DamagedFile
from perfml.scoring.withheld.provisional import provisional_people
from perfml.scoring.withheld.stale import last_good


class _BundlePart(BaseModel):
    """The base of the parts: frozen; an attribute's docstring is its description in the OpenAPI document."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class NobodyKept(PerfmlError):
    """Nothing is kept of a person, at a date or at all."""


class BothLanguages(_BundlePart):
    """The same text in Simplified Chinese and English."""

    zh: str
    en: str


class PersonReason(_BundlePart):
    """A leading reason that raises the risk, in the reader's voice: the evidence, who can act, and what they can do."""

    evidence: str
    owner: Owner
    """Whose it is to act on: employee, manager, company or data."""
    text: BothLanguages
    action: BothLanguages | None
    """What the owner can do, as the sentence says it too; null where none is defined."""


class SharedRisk(_BundlePart):
    """What one model says of the person, without figures."""

    model: str
    title: BothLanguages
    as_of: dt.date
    status: str
    """``scored``, or why there is no score: ``ineligible``, ``opted_out``, ``thin`` or ``held``."""
    provisional: bool
    """Whether it is a score on figures that two sources had not closed yet."""
    reasons: tuple[PersonReason, ...]
    """The strongest first."""


class LastGoodScore(_BundlePart):
    """A score that does not stand on data in doubt: shown with its date, and in no ranking."""

    as_of: dt.date
    probability: float


class HorizonRisk(_BundlePart):
    """The figures of one horizon."""

    horizon_days: int
    proven: bool
    """Whether no gate of the model failed. Otherwise there is neither rank nor band."""
    probability: float | None
    rank: int | None
    band: str | None
    why_not: BothLanguages | None
    """Why the score is held, where it is."""
    stale: LastGoodScore | None
    """The last good score of somebody held."""


class HrRisk(SharedRisk):
    """What one model says of the person, with figures."""

    setting: bool
    """Whether others own most of the raised risk: then the setting needs support, not the person."""
    horizons: tuple[HorizonRisk, ...]


class CourseSupport(_BundlePart):
    """A course for a gap, or why there is none."""

    suggestion_id: str
    as_of: dt.date
    tag: str | None
    """The gap."""
    title: str | None
    """The course; null where none fits."""
    order: int | None
    """1 is the first to take."""
    hours: float | None
    text: BothLanguages | None
    """What is suggested, or why nothing is."""


class TargetSupport(_BundlePart):
    """A goal whose target or weight should move, or that no change within the policy brings into reach."""

    suggestion_id: str
    as_of: dt.date
    goal_id: str
    metric: str
    scope: str | None
    status: str
    """``suggested`` or ``beyond``."""
    old_target: float | None
    new_target: float | None
    old_weight: float | None
    new_weight: float | None
    escalation_id: str | None
    """The case that the goal belongs to."""
    text: BothLanguages | None


class OfferedHelp(_BundlePart):
    """Help that was offered, refused or done."""

    kind: str
    offered_on: dt.date
    status: str
    done_on: dt.date | None


class SharedPerson(_BundlePart):
    """What the manager or the employee may read of one person."""

    employee_id: str
    voice: Who
    risks: tuple[SharedRisk, ...]
    courses: tuple[CourseSupport, ...]
    targets: tuple[TargetSupport, ...]
    missing: tuple[BothLanguages, ...] = ()
    """Suggestions that cannot be read, and what mends them."""


class KnownPerson(_BundlePart):
    """What HR knows a person by beside the id; null where the record does not say."""

    name: str | None
    department: str | None
    manager_id: str | None
    manager_name: str | None
    role_family: str | None
    level: int | None
    tenure_days: int | None


class PersonForHr(SharedPerson, KnownPerson):
    """Everything that HR needs to support one person."""

    risks: tuple[HrRisk, ...]
    offers: tuple[OfferedHelp, ...]
    """Oldest first."""


def person(home: Path, employee_id: str, *, voice: Who = "hr", as_of: dt.date | None = None) -> SharedPerson:
    """What is kept of one person: of each model the scores of ``as_of`` (default: its newest), of each policy the newest
    suggestions until then. A :class:`PersonForHr` for ``voice="hr"``.

    Raises :class:`NobodyKept` where nothing is kept of the person, :class:`PerfmlError` for damaged files.
    """
    risks = tuple(_risks(home, employee_id, voice=voice, as_of=as_of))
    suggestions, damages = _readable_suggestions(home, employee_id, as_of)
    if not risks and not suggestions:
        if damages:
            raise damages[0]
        raise NobodyKept(
            "is nobody of whom anything is kept here" + (f" at {as_of}" if as_of else ""),
            where=f"employee_id {employee_id!r}",
            remedy="check the id and the date; people are known once a date has been scored or advised",
        )
    stored_courses = [cast(StoredCourse, row) for row in suggestions if "course_id" in row]
    stored_targets = [cast(StoredTarget, row) for row in suggestions if "goal_id" in row]
    courses = tuple(_course(row) for row in stored_courses if row["status"] != "outside")
    targets = tuple(_target(row) for row in stored_targets if row["status"] == "suggested" or row["status"] == "beyond")
    shared = {"employee_id": employee_id, "voice": voice, "risks": risks, "courses": courses, "targets": targets}
    shared["missing"] = tuple(_damage(each) for each in damages)
    if voice != "hr":
        return SharedPerson.model_validate(shared)
    newest = max([risk.as_of for risk in risks] + [row["as_of"] for row in suggestions])
    facts = facts_of(people_facts(home, newest, {employee_id}), employee_id)
    help_offered = tuple(
        OfferedHelp(kind=each.kind, offered_on=each.offered_on, status=each.status, done_on=each.done_on)
        for each in DecisionLog(home).interventions()
        if each.employee_id == employee_id and each.status is not None
    )
    return PersonForHr.model_validate({**asdict(facts), **shared, "offers": help_offered})


def _risks(home: Path, employee_id: str, *, voice: Who, as_of: dt.date | None) -> Iterator[SharedRisk]:
    for folder in _folders(home / "scores"):
        day = as_of or next(iter(dates_in(folder)), None)
        path = folder / f"{day}.parquet"
        rows = cast(list[StoredScore], rows_of(path, employee_id)) if path.is_file() else []
        if rows:
            ordered = sorted(rows, key=lambda row: row["horizon_days"])
            yield _risk(home, ordered, voice=voice, provisional=employee_id in provisional_people(path))


def _risk(home: Path, rows: list[StoredScore], *, voice: Who, provisional: bool) -> SharedRisk:
    """The rows of one model, one for each horizon; the reasons are those of the shortest that has a score."""
    first = next((row for row in rows if row["status"] == "scored"), rows[0])
    model, version, day = first["model"], first["model_version"], first["as_of"]
    record, voices = (
        read_record(home, model, version),
        Voices(voices_of(home, model, day), read_columns(home, model, version)),
    )
    leading = [reason for reason in raising(first["reasons"]) if voices.readable(reason, voice)]
    shared = SharedRisk(
        model=model,
        title=BothLanguages(zh=record.spec.zh, en=record.spec.en),
        as_of=day,
        status=first["status"],
        provisional=provisional and first["status"] == "scored",
        reasons=tuple(
            PersonReason(
                evidence=reason["evidence"],
                owner=reason["owner"],
                text=BothLanguages(zh=voices.text(reason, voice, "zh"), en=voices.text(reason, voice, "en")),
                action=_both(voices.action(reason, "zh"), voices.action(reason, "en")),
            )
            for reason in leading
        ),
    )
    if voice != "hr":
        return shared
    tested = record.backtests
    good = last_good(home, model, first["employee_id"], until=day) if first["status"] == "held" else {}
    return HrRisk(
        **dict(shared),
        setting=bool(leading) and for_others(first["reasons"], record.spec.reasons.others_share),
        horizons=tuple(
            HorizonRisk(
                horizon_days=row["horizon_days"],
                probability=row["probability"],
                rank=row["rank"],
                band=row["band"],
                why_not=_why_not(row),
                stale=LastGoodScore(**asdict(good[row["horizon_days"]])) if row["horizon_days"] in good else None,
                proven=row["horizon_days"] in tested and tested[row["horizon_days"]].proven,
            )
            for row in rows
        ),
    )


def _why_not(row: StoredScore) -> BothLanguages | None:
    """Which data are broken, where the score is held."""
    if row["why_not"] is None:
        return None
    message = stored_message(row["why_not"])
    return BothLanguages(zh=render(message, "zh"), en=render(message, "en"))


def _readable_suggestions(
    home: Path, employee_id: str, as_of: dt.date | None
) -> tuple[list[StoredTarget | StoredCourse], list[DamagedFile]]:
    """The suggestions of the policies whose file can be read, and what is wrong with the others."""
    rows: list[StoredTarget | StoredCourse] = []
    damages: list[DamagedFile] = []
    for path in _suggestion_files(home, as_of):
        try:
            rows += cast(list[StoredTarget | StoredCourse], rows_of(path, employee_id))
        except DamagedFile as error:
            damages.append(error)
    return rows, damages


def _damage(error: DamagedFile) -> BothLanguages:
    """What is wrong with a file of suggestions, by the name of its policy."""
    policy = Path(error.where).parent.name

    def worded(language: Language) -> str:
        return "; ".join(render(message, language) for message in error.messages)

    return BothLanguages(en=f"{policy}: {worded('en')}", zh=f"{policy}：{worded('zh')}")


def _suggestion_files(home: Path, as_of: dt.date | None) -> Iterator[Path]:
    """The newest file of each policy up to ``as_of``."""
    for folder in _folders(home / "suggestions"):
        day = next((day for day in dates_in(folder) if as_of is None or day <= as_of), None)
        if day is not None:
            yield folder / f"{day}.parquet"


def suggestions_of(home: Path, employee_id: str, as_of: dt.date | None) -> Iterator[StoredTarget | StoredCourse]:
    """The newest rows of a person of each policy up to ``as_of``, blank where they are held."""
    for path in _suggestion_files(home, as_of):
        yield from cast(list[StoredTarget | StoredCourse], rows_of(path, employee_id))


def _course(row: StoredCourse) -> CourseSupport:
    suggested = row if row["status"] == "suggested" else None
    return CourseSupport(
        suggestion_id=row["suggestion_id"],
        as_of=row["as_of"],
        tag=row["tag"],
        title=suggested and suggested["title"],
        order=suggested and suggested["rank"],
        hours=suggested and suggested["hours"],
        text=_both(row["zh"], row["en"])
        if row["status"] == "suggested"
        else _both(row["why_not_zh"], row["why_not_en"]),
    )


def _target(row: SuggestedTarget | BeyondTarget) -> TargetSupport:
    beyond = row.get("beyond")  # absent from files of earlier versions
    return TargetSupport(
        suggestion_id=row["suggestion_id"],
        as_of=row["as_of"],
        goal_id=row["goal_id"],
        metric=row["metric"],
        scope=row["scope"],
        status=row["status"],
        old_target=row["old_target"],
        new_target=row["new_target"],
        old_weight=row["old_weight"],
        new_weight=row["new_weight"],
        escalation_id=beyond and beyond["escalation_id"],
        text=_both(row["zh"], row["en"])
        if row["status"] == "suggested"
        else _both(row["why_not_zh"], row["why_not_en"]),
    )


def _both(zh: str | None, en: str | None) -> BothLanguages | None:
    return BothLanguages(zh=zh, en=en) if zh and en else None


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
