"""What entries about holds add up to does not depend on the order in which they arrive."""

from __future__ import annotations

import datetime as dt
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfml.json_types import Json, JsonObject
from perfml.messages import Message
from perfml.store.record_store import StoredEntry
from perfml.trust.holds.folding import RELEASE, SEEN, SET, fold

DAY = dt.date(2025, 3, 31)


def entry(number: int, hold_id: str, what: str, **other: Json) -> StoredEntry:
    content: JsonObject = {"what": what, "hold_id": hold_id, **other}
    return StoredEntry(number=number, key=str(number), subject=hold_id, entry=content, entered_at="")


def entries(seed: int) -> list[StoredEntry]:
    """Two holds with days seen clean or not, one of them lifted, in any order of arrival but the numbers of each kind."""
    rng = Random(seed)
    out: list[tuple[str, str, JsonObject]] = []
    for name in ("a", "b"):
        message = Message.of("as_worded", text="gap").model_dump(mode="json")
        days = {"set_on": str(DAY), "since": str(DAY), "set_by": "x", "employee_id": None}
        out.append((name, SET, {"entity": f"department:{name}", "cause": "delivery", "message": message, **days}))
        for _ in range(rng.randrange(6)):
            day = DAY + dt.timedelta(days=rng.randrange(5))
            out.append((name, SEEN, {"day": str(day), "clean": rng.random() < 0.7}))
        if rng.random() < 0.5:
            out.append((name, RELEASE, {"by": "Ana", "reason": "because it is so", "on": str(DAY), "right": None}))
    rng.shuffle(out)
    return [entry(number, name, what, **content) for number, (name, what, content) in enumerate(out, 1)]


@pytest.mark.slow
@given(st.integers(0, 2**32 - 1), st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(seed: int, rng: Random) -> None:
    arrived = entries(seed)
    shuffled = rng.sample(arrived, len(arrived))
    assert fold(arrived) == fold(shuffled) == fold([*shuffled, *shuffled])
    for hold in fold(arrived):
        seen = [each.entry for each in arrived if each.entry["hold_id"] == hold.hold_id and each.entry["what"] == SEEN]
        dirty = max((str(each["day"]) for each in seen if not each["clean"]), default="")
        assert [str(day) for day in hold.clean_days] == sorted(
            {str(each["day"]) for each in seen if each["clean"] and str(each["day"]) > dirty}
        )


def test_what_was_never_set_is_no_hold() -> None:
    assert fold([entry(1, "a", SEEN, day=str(DAY), clean=True)]) == ()
