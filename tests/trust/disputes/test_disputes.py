"""A disputed fact is said nowhere from the moment on, somebody outside the line decides, and nobody else is affected."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from perfml.errors import DataError, PerfmlError
from perfml.evidence.withheld.disputable import check_right
from perfml.evidence.withheld.stored_fact import stored_fact
from perfml.scoring.people.files import people_facts
from perfml.scoring.score_files import person_rows
from perfml.scoring.withheld.superseded import superseded_rows
from perfml.scoring.withheld.withholding import is_behind, kept_units
from perfml.trust.disputes.agreement import agreement
from perfml.trust.disputes.dispute import Dispute, DisputeVerdict
from perfml.trust.holds.hold_log import HoldLog
from perfml.trust.outbox import posts
from tests.tables import shipped
from tests.trust.disputes.case import DAY, EARLIER_DAY, FACTS, MODEL, Company, chance
from tests.trust.disputes.reading import export, outputs, outputs_of

WHY = "the letter of June shows it"


@pytest.fixture
def company(tmp_path: Path) -> Company:
    recorded = Company.of(tmp_path)
    recorded.score(EARLIER_DAY, DAY)
    return recorded


def decide(company: Company, dispute: Dispute, verdict: DisputeVerdict, *, by: str = "e5") -> Dispute:
    lines = [kept_units(company.home, DAY)]
    return company.log.decide(dispute.dispute_id, verdict, by=by, reason=WHY, on=DAY, lines=lines)


def status(company: Company, person: str, day: dt.date = DAY) -> str:
    return person_rows(company.home, MODEL, person, as_of=day)[0]["status"]


def everywhere(company: Company, tmp_path: Path, person: str, day: dt.date = DAY) -> dict[str, str]:
    return {
        **outputs(company, day),
        **outputs_of(company, day, person),
        "csv": export(company, day, tmp_path / "out.csv"),
    }


@pytest.mark.slow
def test_a_disputed_fact_is_said_nowhere_and_others_stay(company: Company, tmp_path: Path) -> None:
    before = everywhere(company, tmp_path, "e1")
    shown = [name for name, text in before.items() if "mark4x" in text]
    assert {"scores", "targets", "list", "priorities", "rows", "risk", "hr"} <= set(shown)
    probability = repr(chance("mark0x mark4x"))
    assert probability in before["csv"]
    company.dispute("r4")
    for name, text in everywhere(company, tmp_path, "e1").items():
        assert "mark4x" not in text and probability not in text, name
    assert "mark5x" in outputs(company, DAY)["list"] and status(company, "e2") == "scored"
    assert status(company, "e1") == "held" and status(company, "e1", EARLIER_DAY) == "scored"
    assert '"as_of":"2026-05-01"' in outputs_of(company, DAY, "e1")["hr"]  # the last good score
    with company.open() as data:
        assert data.connection.execute("select count(*) from reviews where review_id = 'r4'").fetchall() == [(0,)]
        assert data.connection.execute("select count(*) from quarantine").fetchall() == [(0,)]


@pytest.mark.slow
def test_a_fact_that_was_not_looked_up_doubts_every_score_of_the_person(company: Company) -> None:
    company.dispute("r4", known=False)
    assert status(company, "e1", EARLIER_DAY) == status(company, "e1") == "held"


@pytest.mark.slow
def test_computed_again_the_person_is_scored_without_it(company: Company, tmp_path: Path) -> None:
    company.dispute("r4")
    company.score(DAY)
    assert status(company, "e1") == "scored"
    text = outputs_of(company, DAY, "e1")["rows"]
    assert "mark0x" in text and "mark4x" not in text
    assert superseded_rows(company.home, MODEL, "e1", as_of=DAY) == []  # as long as it is disputed


@pytest.mark.slow
def test_upheld_corrects_and_rejected_restores(company: Company, tmp_path: Path) -> None:
    first, second = company.dispute("r4"), company.dispute("r5")
    decide(company, first, "upheld")
    decide(company, second, "rejected")
    assert status(company, "e1") == status(company, "e2") == "held"
    folder = company.home / "scores" / MODEL
    assert is_behind(folder / f"{DAY}.parquet") and not is_behind(folder / f"{EARLIER_DAY}.parquet")
    company.score(DAY)
    assert not is_behind(folder / f"{DAY}.parquet")
    assert (
        "rightr4x" in outputs_of(company, DAY, "e1")["rows"] and "mark4x" not in outputs_of(company, DAY, "e1")["rows"]
    )
    assert "mark5x" in outputs_of(company, DAY, "e2")["rows"]
    (old,) = superseded_rows(company.home, MODEL, "e1", as_of=DAY)
    assert "mark4x" in str(old["reasons"])
    informed = {(post.recipient, post.message.code) for post in posts(company.home)}
    assert {("e1", "dispute_received"), ("hr", "dispute_to_decide"), ("e1", "dispute_upheld")} <= informed
    assert ("e2", "dispute_rejected") in informed


@pytest.mark.slow
def test_a_correction_of_the_company_comes_before_ours(company: Company) -> None:
    decide(company, company.dispute("r4"), "upheld")
    reviews = company.data / "reviews.csv"
    lines = reviews.read_text().splitlines()
    lines = [f"{lines[0]},known_at"] + [f"{line}," for line in lines[1:]]
    lines.append("r4,e1,e0,2026-06-30,2026-06-30,4,theirs,2026-09-05 00:00:00")
    reviews.write_text("\n".join(lines) + "\n")
    with company.open() as data:
        rows = data.connection.execute(
            "select comment from reviews where review_id = 'r4' order by known_moment"
        ).fetchall()
    assert rows == [("rightr4x",), ("theirs",)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("by", "problem"),
    [
        ("e2", "may not decide"),  # the person
        ("e1", "may not decide"),  # the manager
        ("e3", "may not decide"),  # below the manager
        ("e0", "may not decide"),  # the reviewer
        ("Li Wei", "reporting line is known"),
    ],
)
def test_nobody_in_the_line_decides(company: Company, by: str, problem: str) -> None:
    dispute = company.dispute("r5")
    with pytest.raises(PerfmlError, match=problem):
        decide(company, dispute, "rejected", by=by)
    assert company.log.dispute(dispute.dispute_id).state == "open"


@pytest.mark.slow
def test_a_manager_who_is_the_manager_no_more_does_not_decide_either(company: Company) -> None:
    dispute = company.dispute("r5")
    then, now = kept_units(company.home, DAY), dict(kept_units(company.home, DAY))
    now["e2"] = now["e2"]._replace(manager_id="e4")
    for by in ("e1", "e4"):
        with pytest.raises(PerfmlError, match="may not decide"):
            company.log.decide(dispute.dispute_id, "rejected", by=by, reason=WHY, on=DAY, lines=[then, now])


@pytest.mark.slow
def test_a_dispute_is_decided_once_with_a_reason(company: Company) -> None:
    dispute = company.dispute("r5")
    with pytest.raises(PerfmlError, match="gives no reason"):
        company.log.decide(
            dispute.dispute_id, "upheld", by="e5", reason="ok", on=DAY, lines=[kept_units(company.home, DAY)]
        )
    assert decide(company, dispute, "upheld") == decide(company, dispute, "upheld")
    with pytest.raises(PerfmlError, match="was upheld by e5"):
        decide(company, dispute, "rejected")
    with pytest.raises(PerfmlError, match="ends with its dispute"):
        HoldLog(company.home).release(company.dispute("r1").hold_id, by="Ana", reason=WHY, on=DAY)


@pytest.mark.slow
def test_somebody_may_dispute_their_own_facts_only(company: Company) -> None:
    with company.open() as data:
        with pytest.raises(DataError, match=r"no row 'r4' of 'e2'; name one of theirs, such as 'r5', 'r1'") as error:
            stored_fact(data, "e2", table="reviews", key="r4")
        assert "mark" not in str(error.value)
        with pytest.raises(DataError, match="no table with rows about people"):
            stored_fact(data, "e2", table="courses", key="c1")
    company.log.file("e2", table="reviews", key="r4", right={}, by="e2", on=DAY, idempotency_key="k")
    with company.open() as data:  # even where nobody looked it up, it withholds nothing of another person
        assert data.connection.execute("select count(*) from reviews where review_id = 'r4'").fetchall() == [(1,)]
    assert status(company, "e1") == "scored"


@pytest.mark.parametrize(
    "right", [{"rating": "9"}, {"rating": "good"}, {"review_id": "r9"}, {"employee_id": "e3"}, {"x": "1"}]
)
def test_what_is_right_fits_the_table(right: dict[str, str]) -> None:
    with pytest.raises(DataError):
        check_right(shipped().tables["reviews"], "reviews", right)
    check_right(shipped().tables["reviews"], "reviews", {"rating": "4", "comment": ""})


@pytest.mark.slow
def test_a_flood_ends_at_the_quota_and_blinds_nobody(company: Company) -> None:
    for number in range(3):
        company.log.file(
            "e1", table="reviews", key=f"x{number}", right={}, by="e1", on=DAY, idempotency_key=f"k{number}"
        )
    with pytest.raises(PerfmlError, match="has 3 disputes open"):
        company.dispute("r4")
    company.dispute("r5")
    for dispute in company.log.disputes("e1"):
        decide(company, dispute, "rejected")
    for number in range(3, 6):
        dispute = company.log.file(
            "e1", table="reviews", key=f"x{number}", right={}, by="e1", on=DAY, idempotency_key=f"k{number}"
        )
        decide(company, dispute, "rejected")
    with pytest.raises(PerfmlError, match="has 6 disputes filed within 90 days"):
        company.dispute("r4")
    assert company.dispute("r4", on=DAY + dt.timedelta(days=91)).state == "open"
    assert status(company, "e3") == status(company, "e4") == "scored"


@pytest.mark.slow
def test_the_same_fact_is_disputed_once_and_again_with_another_proof_only(company: Company) -> None:
    first = company.dispute("r5")
    assert company.dispute("r5", number=1) == first
    decide(company, first, "rejected")
    with pytest.raises(PerfmlError, match="was rejected before"):
        company.dispute("r5", number=2)


@pytest.mark.slow
def test_overdue_disputes_are_escalated_once(company: Company) -> None:
    dispute = company.dispute("r5")  # 1 September 2026 is a Tuesday
    assert dispute.due_on == dt.date(2026, 9, 15)
    assert company.log.escalate(dispute.due_on) == ()
    (escalated,) = company.log.escalate(dispute.due_on + dt.timedelta(days=1))
    assert (escalated.dispute_id, escalated.escalated_on) == (dispute.dispute_id, dt.date(2026, 9, 16))
    assert company.log.escalate(dt.date(2026, 12, 1)) == ()
    assert [post.recipient for post in posts(company.home) if post.message.code == "dispute_overdue"] == ["head of hr"]


@pytest.mark.slow
def test_second_reviews_are_measured_where_there_are_enough(company: Company) -> None:
    lines = [kept_units(company.home, DAY)]
    verdicts: dict[str, DisputeVerdict] = {"r5": "upheld", "r6": "rejected"}
    for key, verdict in verdicts.items():
        assert agreement(company.log.disputes(), least=2).verdict == "insufficient"
        dispute = company.dispute(key)
        with pytest.raises(PerfmlError, match="is not decided yet"):
            company.log.review(dispute.dispute_id, "upheld", by="e5", reason=WHY, on=DAY, lines=lines)
        decide(company, dispute, verdict)
        with pytest.raises(PerfmlError, match="by the same person"):
            company.log.review(dispute.dispute_id, "upheld", by="e5", reason=WHY, on=DAY, lines=lines)
        others = [{**lines[0], "e9": lines[0]["e5"]}]
        company.log.review(dispute.dispute_id, "upheld", by="e9", reason=WHY, on=DAY, lines=others)
    measured = agreement(company.log.disputes(), least=2)
    assert (measured.verdict, measured.reviewed, measured.share, measured.kappa) == ("measured", 2, 0.5, 0.0)


@pytest.mark.slow
def test_a_disputed_position_is_not_shown_beside_the_id(company: Company) -> None:
    assert people_facts(company.home, DAY)["e2"].department == "South"
    company.log.file(
        "e2",
        table="positions",
        key="e2 2020-01-01",
        right={"department": "North"},
        by="e2",
        on=DAY,
        idempotency_key="k",
    )
    assert "e2" not in people_facts(company.home, DAY) and people_facts(company.home, DAY)["e1"].department == "South"
    company.score(DAY)
    assert people_facts(company.home, DAY)["e2"].department is None


def test_every_fact_has_a_mark() -> None:
    """So that the tests above can fail."""
    assert len({mark for _, mark in FACTS.values()}) == len(FACTS)
