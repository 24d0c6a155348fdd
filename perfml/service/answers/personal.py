"""What can be said about a person beside the score, for the reader that the asker is to them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from perfml.advice.talks.brief import OneToOneBrief, one_to_one_brief
from perfml.advice.talks.card import DevelopmentCard, development_card
from perfml.errors import DiskFull, ModelError, PerfmlError
from perfml.messages import Message
from perfml.outgoing.facts.own import OwnEligibility, own_eligibility
from perfml.outgoing.facts.rows import NothingPrepared
from perfml.project.trust.talks_spec import TalksSpec
from perfml.project.voices import Who
from perfml.scoring.personal.behind import RowsBehind, rows_behind_kept
from perfml.scoring.personal.peers import PeerFigures, peer_figures
from perfml.scoring.personal.record import PersonalRecord, personal_record
from perfml.scoring.personal.standing import RecordReading
from perfml.scoring.sealed_files import DamagedFile
from perfml.service.answers.shared import IsoDate, ServiceQuery
from perfml.service.answers.trust.holds import today
from perfml.service.problems import NotFound, no_person
from perfml.service.store import Store
from perfml.store.opening import StoreError


class DateQuery(ServiceQuery):
    """Of which date."""

    as_of: IsoDate | None = None
    """YYYY-MM-DD; the newest date that was scored when absent."""


class PreparedQuery(ServiceQuery):
    """Of which date."""

    as_of: IsoDate | None = None
    """YYYY-MM-DD; the newest date that was prepared when absent."""


class ReaderQuery(DateQuery):
    """For whom, and of which date."""

    voice: Who | None = None
    """The reader, where the asker is HR: as whom to read. Employee and manager read as what they are."""

    def narrowed(self, reading: RecordReading) -> RecordReading:
        """``reading``, or that of the reader whom HR wants to read as."""
        if reading.reader != "hr" or self.voice in (None, "hr"):
            return reading
        return RecordReading(reader=self.voice)


class BehindQuery(ReaderQuery):
    """Which reason of which model."""

    model: str
    evidence: str
    """As reasons name it."""


def record_of(store: Store, employee_id: str, query: ReaderQuery, *, reading: RecordReading) -> PersonalRecord:
    """Return a person's rows. Raises :class:`NotFound` with the same text for somebody unknown and for a date without rows."""
    with _refused_alike():
        return personal_record(store.home, employee_id, reading=query.narrowed(reading), as_of=query.as_of)


def behind_of(store: Store, employee_id: str, query: BehindQuery, *, reading: RecordReading) -> RowsBehind:
    """Return the rows behind a reason. Raises :class:`NotFound`, also for a reason that no score of the person lists."""
    store.version(query.model)
    with _refused_alike():
        return rows_behind_kept(
            store.home,
            employee_id,
            query.evidence,
            model=query.model,
            reading=query.narrowed(reading),
            as_of=query.as_of,
        )


def peers_of(store: Store, employee_id: str, query: ReaderQuery, *, reading: RecordReading) -> PeerFigures:
    """Return a person beside others. Raises :class:`NotFound` with the same text for somebody unknown."""
    with _refused_alike():
        return peer_figures(store.home, employee_id, reading=query.narrowed(reading), as_of=query.as_of)


def brief_of(store: Store, employee_id: str, query: DateQuery) -> OneToOneBrief:
    """Return the brief of a one-to-one. Raises :class:`NotFound` with the same text for somebody unknown."""
    with _refused_alike():
        spec = store.folder.policy_of(TalksSpec)[1]
        return one_to_one_brief(store.home, employee_id, spec=spec, as_of=query.as_of)


def card_of(store: Store, employee_id: str, query: DateQuery) -> DevelopmentCard:
    """Return the development card of a person. Raises :class:`NotFound` with the same text for somebody unknown."""
    with _refused_alike():
        spec = store.folder.policy_of(TalksSpec)[1]
        return development_card(store.home, employee_id, spec=spec, as_of=query.as_of)


def eligibility_of(store: Store, employee_id: str, query: PreparedQuery) -> OwnEligibility:
    """Return the internal openings of a person. Raises :class:`NotFound`, with a remedy of its own where nothing was prepared."""
    answer = prepared_eligibility(store, employee_id, query)
    if answer is None:
        code = "service_nothing_prepared" if query.as_of is None else "service_nothing_prepared_then"
        raise NotFound(Message.of(code), where="as_of", remedy=Message.of("service_prepare"))
    return answer


def prepared_eligibility(store: Store, employee_id: str, query: PreparedQuery) -> OwnEligibility | None:
    """Return the internal openings of a person; None where nothing was prepared.

    Raises :class:`NotFound` for somebody unknown.
    """
    with _refused_alike():
        try:
            return own_eligibility(store.home, employee_id, today=today(), as_of=query.as_of)
        except NothingPrepared:
            return None


@contextmanager
def _refused_alike() -> Iterator[None]:
    try:
        yield
    except (DamagedFile, DiskFull, ModelError, NotFound, StoreError):
        raise
    except PerfmlError as error:
        raise no_person() from error
