"""Facts for other systems: eligibility with reasons, ratings with their state, a feed with retractions; nothing of a model."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from pathlib import Path

import pytest

from perfml import Project
from perfml.errors import PerfmlError
from perfml.messages import Message
from perfml.outgoing.content import ExportRequest, make_export
from perfml.outgoing.facts.own import OpeningAnswer, OwnEligibility
from perfml.outgoing.facts.rows import FACTS
from perfml.outgoing.kinds import KINDS, PERSON
from perfml.project.folder import ProjectFolder
from perfml.project.starter import STARTER
from perfml.scoring.batches.rows import SCHEMA as SCORES
from perfml.trust.audit.history import history_of
from perfml.trust.holds.hold_log import HoldLog
from tests.outgoing.home import spec
from tests.tables import write_tables

AS_OF, TODAY = dt.date(2026, 5, 20), dt.date(2026, 5, 21)
DERIVED = re.compile(
    r"probab|predict|risk|band|rank|score|margin|hazard|percentile|contribution|evidence|reasons|forecast|horizon|model"
)
"""Words of columns that a model or the evidence of one could stand behind."""
EMPLOYEES = "employee_id | hired_on\nboss | 2020-01-01\n安娜 | 2020-01-01\nbob | 2026-01-01\neve | 2020-01-01"
POSITIONS = """
employee_id | effective_on | manager_id | department | level
安娜        | 2020-01-01   | boss       | 销售       | 4
bob         | 2026-01-01   | boss       | 销售       | 2
bob         | 2026-05-01   | eve        | 销售       | 2
eve         | 2020-01-01   | boss       | 销售       | 4
"""
EVENTS = """
employee_id | happened_at         | kind           | counterpart_id | event_id | known_at
安娜        | 2026-05-05 09:00:00 | praise         | bob            | v1       |
bob         | 2026-05-06 09:00:00 | milestone_done |                | v2       |
bob         | 2026-05-07 09:00:00 | course_done    |                |          |
安娜        | 2026-05-08 09:00:00 | praise         | bob            | v3       | 2026-05-08 10:00:00
安娜        | 2026-05-08 09:00:00 | praise         | eve            | v3       | 2026-05-12 10:00:00
eve         | 2026-05-09 09:00:00 | praise         | bob            | v9       | 2026-05-25 10:00:00
"""
OPENINGS = """
opening_id | opened_on  | closes_on  | title   | least_level | least_months | skills | courses
p1         | 2026-05-01 |            | =1+1    | 3           | 12           | sql    | c1
p2         | 2026-04-01 | 2026-05-01 | closed  |             |              |        |
"""
INTEREST = """
employee_id | opening_id | stated_on  | interested
安娜        | p1         | 2026-05-02 | true
bob         | *          | 2026-05-02 | true
eve         | *          | 2026-05-02 | true
eve         | *          | 2026-05-10 | false
"""
COURSES = "course_id | title | skills\nc1 | SQL | sql"
ENROLMENTS = "employee_id | course_id | enrolled_on | completed_on\n安娜 | c1 | 2026-01-05 | 2026-02-05"
REVIEWS = """
review_id | employee_id | reviewer_id | period_end | reviewed_on | rating
r1        | 安娜        | boss        | 2025-12-31 | 2026-01-15  | 4
r2        | eve         | boss        | 2025-12-31 | 2026-01-15  | 2
"""


def company(folder: Path, **other: str) -> Path:
    tables = {"employees": EMPLOYEES, "positions": POSITIONS, "events": EVENTS, "reviews": REVIEWS, "courses": COURSES}
    return write_tables(
        folder, **tables | {"openings": OPENINGS, "opening_interest": INTEREST, "enrolments": ENROLMENTS} | other
    )


@pytest.fixture
def project(tmp_path: Path) -> Project:
    own = Project(home=tmp_path / "home")
    own.prepare_exports(company(tmp_path / "data"), AS_OF)
    return own


def rows(project: Project, what: str, as_of: dt.date | None = None) -> list[dict[str, str]]:
    exported = make_export(project.home, "list", spec(what), ExportRequest(as_of=as_of), today=TODAY)
    return list(csv.DictReader(io.StringIO(exported.body.decode("utf-8-sig"))))


@pytest.mark.parametrize("what", FACTS)
def test_no_column_of_a_model_can_come_in(what: str) -> None:
    columns, kind = KINDS[what].columns, KINDS[what]
    assert kind.of_facts and not [name for name in columns if DERIVED.search(name)]
    shared = columns.keys() & set(SCORES.names) - PERSON.keys() - {"as_of"}
    definitions = ProjectFolder(STARTER).definitions
    assert not shared and not [name for name in columns if definitions.makes(name)]
    for name in ("probability", "band", "rank", "reasons", "margin"):
        assert DERIVED.search(name), "the test would not see it"
    assert definitions.makes("feedback_givers_28d")


@pytest.mark.slow
def test_not_yet_because(project: Project) -> None:
    own = {row["employee_id"]: row for row in rows(project, "eligibility")}
    assert set(own) == {"安娜", "bob"}, "nobody who did not ask, or no longer does"
    assert (own["安娜"]["state"], own["安娜"]["missing"]) == ("eligible", "")
    assert (own["bob"]["state"], own["bob"]["missing"]) == ("not_yet", "months;level;skill;course")
    assert "in the position for 4 months where 12 are asked for" in own["bob"]["because_en"], (
        "another manager is no other position"
    )
    assert "尚未完成教授“sql”的课程" in own["bob"]["because_zh"]
    assert own["bob"]["title"] == "'=1+1" or not own["bob"]["title"].startswith("=")
    why = Message.of("as_worded", text="a gap")
    HoldLog(project.home).set("employee:安娜", cause="quarantine", message=why, on=AS_OF, by="Ana")
    held = {row["employee_id"]: row for row in rows(project, "eligibility")}["安娜"]
    assert (held["state"], held["missing"]) == ("not_yet", "held")


def test_what_people_read_of_themselves_has_no_field_of_a_model() -> None:
    fields = {*OwnEligibility.model_fields, *OpeningAnswer.model_fields}
    assert not [name for name in fields if DERIVED.search(name)]
    assert fields - set(KINDS["eligibility"].columns) == {"openings", "withheld", "text"}, (
        "what the export has, in sentences"
    )


@pytest.mark.slow
def test_people_read_their_own_and_no_opening_that_they_did_not_ask_for(project: Project) -> None:
    (ready,) = project.eligibility("安娜").openings
    assert (ready.opening_id, ready.title, ready.state, ready.missing) == ("p1", "=1+1", "eligible", ())
    (later,) = project.eligibility("bob", as_of=AS_OF).openings
    assert (later.state, later.missing) == ("not_yet", ("months", "level", "skill", "course"))
    assert later.text.en.startswith("not yet, because in the position for 4 months where 12 are asked for; level 3")
    assert "尚未完成教授“sql”的课程" in later.text.zh
    for person in ("eve", "boss"):
        assert project.eligibility(person).openings == (), "withdrawn, or never asked"
    assert history_of(project.home, "bob")[-1].action == f"see eligibility {AS_OF}"
    project.opt_out("安娜", by="安娜", on=AS_OF)
    assert project.eligibility("安娜").openings == (ready,), "opting out of scores costs nobody an opening"
    why = Message.of("as_worded", text="a gap")
    HoldLog(project.home).set("employee:安娜", cause="quarantine", message=why, on=AS_OF, by="Ana")
    (held,) = project.eligibility("安娜").openings
    assert (held.state, held.missing) == ("not_yet", ("held",)) and "being checked" in held.text.en
    project.stop(by="Ana", reason="everything is looked at")
    stopped = project.eligibility("bob")
    assert stopped.openings == () and stopped.withheld is not None


@pytest.mark.slow
def test_what_was_not_prepared_and_who_is_unknown_are_said(project: Project, tmp_path: Path) -> None:
    with pytest.raises(PerfmlError, match=r"nothing has been prepared yet.*perfml export prepare"):
        Project(home=tmp_path / "empty").eligibility("bob")
    with pytest.raises(PerfmlError, match="nothing has been prepared of that date"):
        project.eligibility("bob", as_of="2020-01-01")
    with pytest.raises(PerfmlError, match="is unknown"):
        project.eligibility("nobody")


@pytest.mark.slow
def test_ratings_say_whether_they_are_settled(project: Project) -> None:
    own = {row["review_id"]: row for row in rows(project, "ratings")}
    assert {row["state"] for row in own.values()} == {"settled"} and own["r1"]["rating"] == "4.0"
    assert (own["r1"]["scale_best"], own["r1"]["definition_version"], own["r1"]["row_version"]) == ("5.0", "1", "1")
    why = Message.of("as_worded", text="a gap")
    project.opt_out("eve", by="eve", on=AS_OF)
    assert {row["review_id"]: row["state"] for row in rows(project, "ratings")} == {"r1": "settled", "r2": "settled"}
    HoldLog(project.home).set("employee:安娜", cause="quarantine", message=why, on=AS_OF, by="Ana")
    assert {row["review_id"]: row["state"] for row in rows(project, "ratings")} == {"r1": "on_hold", "r2": "settled"}
    HoldLog(project.home).set("metric:rating", cause="definition", message=why, on=AS_OF, by="Ana")
    assert {row["state"] for row in rows(project, "ratings")} == {"on_hold"}


@pytest.mark.slow
def test_a_disputed_rating_is_sent_as_such_before_and_after_the_facts_are_read_again(
    project: Project, tmp_path: Path
) -> None:
    data, right = tmp_path / "data", {"rating": "5"}
    project.dispute("安娜", table="reviews", key="r1", right=right, by="安娜", data=data, today=AS_OF)
    states = {"r1": "disputed", "r2": "settled"}
    assert {row["review_id"]: row["state"] for row in rows(project, "ratings")} == states
    project.prepare_exports(data, AS_OF)
    again = rows(project, "ratings")
    assert {row["review_id"]: row["state"] for row in again} == states and again[0]["rating"] == "4.0"


@pytest.mark.slow
def test_the_feed_names_each_fact_once_and_retracts(project: Project, tmp_path: Path) -> None:
    feed = rows(project, "events")
    added = {row["fact_id"]: row for row in feed if row["action"] == "added"}
    assert len(added) == 5 and len({row["fact_id"] for row in feed}) == len(feed)
    assert not [row for row in feed if row["reference"] == "v9"], "known later"
    (retracted,) = [row for row in feed if row["action"] == "retracted"]
    assert added[retracted["retracts"]]["employee_id"] == "bob" and retracted["reference"] == "v3"
    data = company(tmp_path / "data", events="\n".join(line for line in EVENTS.splitlines() if "| v2" not in line))
    project.prepare_exports(data, AS_OF + dt.timedelta(days=1))
    later = {row["fact_id"]: row for row in rows(project, "events")}
    assert added.keys() <= later.keys(), "ids are stable"
    (withdrawn,) = [row for row in later.values() if row["action"] == "retracted" and row["reference"] == "v2"]
    assert withdrawn["retracts"] in added
    project.prepare_exports(data, AS_OF + dt.timedelta(days=2))
    assert {row["fact_id"] for row in rows(project, "events")} == later.keys(), "a retraction is told once"


@pytest.mark.slow
def test_the_same_content_has_the_same_id_and_nothing_is_made_of_nothing(project: Project, tmp_path: Path) -> None:
    ids = {
        make_export(project.home, "list", spec("events"), ExportRequest(), today=TODAY).manifest.delivery_id
        for _ in "ab"
    }
    assert len(ids) == 1
    data = write_tables(tmp_path / "few", employees=EMPLOYEES, reviews=REVIEWS)
    assert Project(home=tmp_path / "other").prepare_exports(data, AS_OF) == {
        "eligibility": 0,
        "ratings": 2,
        "events": 0,
    }
