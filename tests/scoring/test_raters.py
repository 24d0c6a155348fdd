"""Reviewers kept with the scores of a date: who may be named, nobody who opted out, and the same is not computed twice."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import cast

import pytest

from perfml import Project
from perfml.messages import Message
from perfml.scoring.people.raters import FOLDER, KeptRaters, kept_raters
from perfml.scoring.people.rating import keep_raters
from perfml.scoring.run_record import RunRecord
from perfml.scoring.sealed_files import DamagedFile
from perfml.trust.holds.hold import Hold
from perfml.trust.holds.hold_log import HoldLog
from tests.tables import write_tables

DAY = dt.date(2026, 9, 1)
SEVERE, LENIENT, FEW, LATE = "boss1", "boss2", "boss8", "boss9"
SHIFTS = {SEVERE: -1.2, LENIENT: 0.9, "boss3": 0.0, "boss4": 0.1, "boss5": -0.1, "boss6": 0.05, "boss7": 0.0}
NOISE = (0.3, -0.2, 0.1, -0.4, 0.2, 0.0, -0.1, 0.4, -0.3, 0.1, 0.2, -0.3)


def reviews(*, reviewers: bool = True) -> str:
    """Twelve people rated by seven reviewers; two more by one who rates seldom; one review that is known too late."""
    rows = ["review_id | employee_id | reviewer_id | period_end | reviewed_on | rating"]
    for number, noise in enumerate(NOISE):
        for at, (boss, shift) in enumerate(SHIFTS.items()):
            rating = 3 + shift + noise * (-1) ** (number * at)
            rows.append(f"r{boss}{number} | e{number} | {boss} | 2026-0{at + 1}-28 | 2026-0{at + 2}-15 | {rating:.1f}")
    rows += [f"rf{number} | e{number} | {FEW} | 2026-04-28 | 2026-05-15 | 1.0" for number in (1, 2)]
    rows += [f"rl | e1 | {LATE} | 2026-08-28 | 2026-09-15 | 1.0"]
    return "\n".join(rows if reviewers else [row.replace("reviewer_id", "note") for row in rows])


def keep(folder: Path, text: str, home: Path, *, held: Mapping[str, Hold] | None = None, source: str = "a") -> None:
    employees = "employee_id | hired_on\n" + "\n".join(
        f"{person} | 2020-01-01" for person in [*(f"e{n}" for n in range(12)), *SHIFTS, FEW, LATE]
    )
    data = write_tables(folder, employees=employees, reviews=text)
    project = Project(home=home)
    run = cast(RunRecord, {"fingerprint": source, "definitions": "d", "holds": None})
    with project.open(data) as opened:
        keep_raters(opened, project.folder.spec.disclosure, home, as_of=DAY, run=run, held=held or {})


def verdicts(compared: KeptRaters | None, people: Iterable[str]) -> list[str]:
    assert compared is not None
    of = {each.employee_id: each.verdict for each in compared.raters}
    return [of.get(person, "") for person in people]


@pytest.mark.slow
def test_reviewers_are_kept_as_far_as_they_may_be_named(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert kept_raters(home) is None
    keep(tmp_path / "data", reviews(), home)
    compared = kept_raters(home)
    assert compared is not None and compared.as_of == DAY
    assert verdicts(compared, (SEVERE, LENIENT, FEW)) == ["severe", "lenient", ""]
    assert compared.not_shown == {FEW}, "and nothing is known of whose review is not known yet"
    first = compared.raters[0]
    assert first.employee_id == SEVERE and first.low is not None and 0 < first.low < cast(float, first.severity)
    assert (first.ratings, first.people) == (12, 12) and "more severely" in first.en and "严" in first.zh
    path = home / FOLDER / f"{DAY}.parquet"
    written = path.stat().st_mtime_ns
    keep(tmp_path / "data", reviews(), home)
    assert path.stat().st_mtime_ns == written, "made from the same"
    hold = HoldLog(home).set(
        f"employee:{SEVERE}", cause="opt_out", message=Message.of("hold_stop", by="x", reason="y"), on=DAY
    )
    keep(tmp_path / "data", reviews(), home, held={SEVERE: hold})
    assert verdicts(kept_raters(home), (SEVERE, LENIENT)) == ["", "lenient"]
    keep(tmp_path / "other", reviews(reviewers=False), home, source="b")
    assert verdicts(kept_raters(home), (LENIENT,)) == ["lenient"], "no reviewer is named in that data"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DamagedFile):
        kept_raters(home)
