"""What is held, why and since when; stopping everything, and lifting holds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

from perfml.errors import DiskFull, PerfmlError
from perfml.messages import Message
from perfml.scoring.withheld.withholding import kept_units
from perfml.service.answers.shared import Answer, RequiredText, ServiceQuery, TextAnswer
from perfml.service.answers.trust.signed import SignedByAccount
from perfml.service.problems import Invalid, key_in_use
from perfml.service.store import Store
from perfml.store.opening import StoreError
from perfml.store.record_store import KeyTaken
from perfml.trust.holds.hold import Cause, Hold
from perfml.trust.holds.hold_log import HoldLog


class HoldAnswer(Answer):
    """Scores, targets and recommendations that are withheld."""

    hold_id: str
    entity: str
    """``employee:…``, ``department:…``, ``location:…``, ``manager:…``, ``metric:…``, ``fact:…`` or ``everything``."""
    cause: Cause
    why: TextAnswer
    set_on: dt.date
    """Held since this day."""
    since: dt.date
    """The data are in doubt since this day."""
    set_by: str
    clean_days: tuple[dt.date, ...]
    """Days seen clean after the last one that was not."""
    days_missing: int
    """Clean days that are still needed before it may be lifted."""
    lifted_by: str | None
    lifted_on: dt.date | None
    lifted_because: str | None

    @classmethod
    def of(cls, hold: Hold) -> HoldAnswer:
        """From a hold."""
        lifted = hold.release
        return cls(
            hold_id=hold.hold_id,
            entity=hold.entity,
            cause=hold.cause,
            why=TextAnswer.of(hold.message),
            set_on=hold.set_on,
            since=hold.since,
            set_by=hold.set_by,
            clean_days=hold.clean_days,
            days_missing=hold.days_missing,
            lifted_by=None if lifted is None else lifted.by,
            lifted_on=None if lifted is None else lifted.on,
            lifted_because=None if lifted is None else lifted.reason,
        )


class HoldsAnswer(Answer):
    """The holds in force; holds on broken rows are told with the scores of the person."""

    holds: tuple[HoldAnswer, ...]


class SignOffBody(ServiceQuery):
    """Who signs it off, and why."""

    by: SignedByAccount = ""
    reason: RequiredText
    """A sentence."""


def all_holds(store: Store) -> HoldsAnswer:
    """Return the holds in force."""
    return HoldsAnswer(holds=tuple(map(HoldAnswer.of, HoldLog(store.home).active())))


def stop_everything(store: Store, body: SignOffBody, *, key: str | None = None) -> HoldAnswer:
    """Hold everything from the next request on. Raises :class:`Invalid` without a sentence as reason."""
    with refused("body"):
        log = HoldLog(store.home)
        return HoldAnswer.of(log.stop(by=body.by, reason=body.reason, on=today(), idempotency_key=key))


def resume_everything(store: Store, body: SignOffBody, *, key: str | None = None) -> HoldAnswer:
    """Lift the stop. Raises :class:`Invalid` where nothing is stopped."""
    with refused("body"):
        log = HoldLog(store.home)
        return HoldAnswer.of(log.resume(by=body.by, reason=body.reason, on=today(), idempotency_key=key))


def release_hold(store: Store, hold_id: str, body: SignOffBody, *, key: str | None = None) -> HoldAnswer:
    """Lift a hold and tell whom it covered. Raises :class:`Invalid` for an unknown one, and before its clean days."""
    day = today()
    units = kept_units(store.home, day)
    with refused("hold_id"):
        log = HoldLog(store.home)
        return HoldAnswer.of(
            log.release(hold_id, by=body.by, reason=body.reason, on=day, units=units, idempotency_key=key)
        )


@contextmanager
def refused(where: str) -> Iterator[None]:
    """Turn what may not be done into a refusal; a damaged store and a full disk stay what they are."""
    try:
        yield
    except (StoreError, DiskFull):
        raise
    except KeyTaken as error:
        raise key_in_use() from error
    except PerfmlError as error:
        problem, remedy = (error.notice.values[part] for part in ("problem", "remedy"))
        raise Invalid(
            Message.of("service_refused", problem=problem),
            where=error.where or where,
            remedy=Message.of("service_remedy", remedy=remedy),
        ) from error


def today() -> dt.date:
    """The clock's day, UTC."""
    return dt.datetime.now(dt.UTC).date()
