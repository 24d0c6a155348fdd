"""What is held, and the stop of everything."""

from __future__ import annotations

from perfml.service.answers.trust.holds import (
    HoldAnswer,
    HoldsAnswer,
    SignOffBody,
    all_holds,
    release_hold,
    resume_everything,
    stop_everything,
)
from perfml.service.problems import Invalid, KeyInUse, NoSpace, refusals
from perfml.service.routes.shared import AppStore, HoldId, OptionalKey, subject_router

router = subject_router("holds")


@router.get("/holds", summary="What is held, why and since when", responses=refusals())
def get_holds(store: AppStore) -> HoldsAnswer:
    """The holds in force. Whoever is held is in no ranking; the last good score is shown as stale."""
    return all_holds(store)


@router.post("/holds/{hold_id}/release", summary="Lift a hold", responses=refusals(KeyInUse, Invalid, NoSpace))
def post_release(*, hold_id: HoldId, body: SignOffBody, key: OptionalKey = None, store: AppStore) -> HoldAnswer:
    """Lift a hold, signed off by a person. Refused before two clean days, with the days seen."""
    return release_hold(store, hold_id, body, key=key)


@router.post("/stop", summary="Hold everything at once", responses=refusals(KeyInUse, Invalid, NoSpace))
def post_stop(*, body: SignOffBody, key: OptionalKey = None, store: AppStore) -> HoldAnswer:
    """From the next request on no score, list, target or course is shown, until somebody resumes."""
    return stop_everything(store, body, key=key)


@router.post("/resume", summary="Lift the stop", responses=refusals(KeyInUse, Invalid, NoSpace))
def post_resume(*, body: SignOffBody, key: OptionalKey = None, store: AppStore) -> HoldAnswer:
    """Lift the stop, signed off by a person."""
    return resume_everything(store, body, key=key)
