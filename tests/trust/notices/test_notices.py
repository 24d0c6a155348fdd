"""Who was told, who opted out, what is due, what is erased, and what may be no evidence."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sql

from perfml import Project
from perfml.api.shared import open_to_learn
from perfml.errors import DataError, DefinitionError, PerfmlError
from perfml.evidence.sources import Data
from perfml.messages import render
from perfml.project.folder import ProjectFolder
from perfml.scoring.sealed_files import DamagedFile
from perfml.store.opening import session
from perfml.store.record_store import RecordStore
from perfml.store.tables import DECISIONS, DELIVERIES, NOTICES, OUTBOX
from perfml.trust.audit.history import history_of
from perfml.trust.holds.hold_log import HoldLog
from perfml.trust.notices.notice_log import Notice, NoticeLog
from perfml.trust.notices.withheld import withheld_people
from tests.simulated import END, Simulated
from tests.tables import write_tables
from tests.trust.deliveries.project import EMPLOYEES, EVENTS

DAY = dt.date(2026, 2, 1)


def project(folder: Path, notices: str = "", **features: str) -> Project:
    for name in ("features", "models"):
        (folder / "project" / name).mkdir(parents=True, exist_ok=True)
    (folder / "project" / "perfml.toml").write_text('name = "mine"\n', encoding="utf-8")
    if notices:
        (folder / "project" / "models" / "notices.toml").write_text(notices, encoding="utf-8")
    for name, text in features.items():
        (folder / "project" / "features" / f"{name}.toml").write_text(text, encoding="utf-8")
    return Project(folder / "project", home=folder / "home")


def company(folder: Path, events: str = EVENTS) -> Path:
    return write_tables(folder / "data", employees=EMPLOYEES, events=events)


def given(person: str, on: dt.date = DAY, **keys: str) -> Notice:
    return Notice(**({"employee_id": person, "version": "v1", "how": "e-mail", "by": "李娜"} | keys), given_on=on)


def test_a_notice_is_recorded_once_with_its_version(tmp_path: Path) -> None:
    mine = project(tmp_path)
    mine.give_notice([given("e1"), given("e2")])
    mine.give_notice([given("e1")])
    assert {person: len(state.notices) for person, state in mine.notices().items()} == {"e1": 1, "e2": 1}
    assert len(RecordStore(mine.home).read(NOTICES)) == 2
    for wrong, problem in (
        (given("e1", version="v9"), "'v9' is not defined"),
        (given("e1", dt.date(2020, 1, 1)), "before version v1"),
        (given("e1", how=" "), "how is empty"),
        (given(""), "employee_id is empty"),
    ):
        with pytest.raises(PerfmlError, match=problem):
            mine.give_notice([given("e3"), wrong])
    assert "e3" not in mine.notices()


@pytest.mark.slow
def test_without_a_notice_nobody_is_scored_only_where_it_is_required(tmp_path: Path) -> None:
    data = company(tmp_path)
    for required in (False, True):
        mine = project(tmp_path / str(required), f"required = {str(required).lower()}\n")
        mine.give_notice([given("e1")])
        with mine.open(data) as tables:
            held = withheld_people(tables, mine.folder, dt.date(2026, 3, 1), mine.home)
            before = withheld_people(tables, mine.folder, DAY - dt.timedelta(days=1), mine.home)
        assert set(held) == ({"e2"} if required else set())
        assert set(before) == ({"e1", "e2"} if required else set())
        assert all("告知" in render(hold.message, "zh") for hold in held.values())


def people_of(tables: Data) -> list[str]:
    rows = tables.connection.execute("select employee_id from employees order by all").fetchall()
    return [person for (person,) in rows]


@pytest.mark.slow
def test_opting_out_leaves_no_score_and_trains_nothing_until_it_is_withdrawn(tmp_path: Path) -> None:
    mine, data = project(tmp_path), company(tmp_path)
    for _ in range(2):
        assert mine.opt_out("e1", by="e1", on=DAY).opted_out_on == DAY
    with mine.open(data) as tables:
        (hold,) = withheld_people(tables, mine.folder, dt.date(2025, 1, 1), mine.home).values()
        assert (hold.cause, hold.entity) == ("opt_out", "employee:e1")
        assert people_of(tables) == ["e1", "e2"]
        for given in (data, tables):
            with open_to_learn(mine, given) as learnt_from:
                assert people_of(learnt_from) == ["e2"]
        assert people_of(tables) == ["e1", "e2"]
    (entered,) = HoldLog(mine.home).active()
    with pytest.raises(PerfmlError, match="the person's own choice"):
        HoldLog(mine.home).release(entered.hold_id, by="李娜", reason="we want a score of everyone", on=DAY)
    assert mine.opt_out("e1", by="e1", on=DAY, withdraw=True).opted_out_on is None
    assert HoldLog(mine.home).active() == ()
    assert mine.opt_out("e1", by="e1", on=DAY).opted_out_on == DAY
    lenient = project(tmp_path / "lenient", "opted_out_in_training = true\n")
    lenient.opt_out("e1", by="e1", on=DAY)
    with open_to_learn(lenient, data) as tables:
        assert people_of(tables) == ["e1", "e2"]


@pytest.mark.slow
def test_a_package_says_everything_in_both_languages_and_closes_what_was_due(tmp_path: Path) -> None:
    mine, data = project(tmp_path), company(tmp_path)
    mine.give_notice([given("e1")])
    with pytest.raises(PerfmlError, match="does not say what was decided"):
        mine.outcome("e1", what="no", by="李娜", on=DAY)
    state = mine.outcome("e1", what="not promoted <script>alert(1)</script> *", by="李娜", on=DAY)
    assert state.outcomes[0].due_on(30) == dt.date(2026, 3, 3)
    for name in ("p.html", "p.md"):
        written = mine.package("e1", tmp_path / name, data, as_of="2026-02-02", now="2026-02-20")
        text = written.read_text(encoding="utf-8")
        for part in (
            "perfml 是一个统计系统",
            "statistical system",
            "更正",
            "human review",
            "行为日志",
            "behaviour log",
            "v1",
        ):
            assert part in text
        assert "<script" not in text
    assert "not promoted" in (tmp_path / "p.html").read_text(encoding="utf-8")
    assert mine.notices()["e1"].outcomes[0].package_on == dt.date(2026, 2, 20)


def test_a_package_leaves_no_damaged_score_out(tmp_path: Path) -> None:
    mine, data = project(tmp_path), company(tmp_path)
    damaged = mine.home / "scores" / "attrition" / "2026-02-02.parquet"
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"PAR1")
    with pytest.raises(DamagedFile, match="score that date again"):
        mine.package("e1", tmp_path / "p.html", data, now="2026-02-20")
    assert not (tmp_path / "p.html").exists()


@pytest.mark.slow
def test_records_are_kept_three_years_and_what_is_in_force_for_longer(tmp_path: Path) -> None:
    mine = project(tmp_path)
    mine.give_notice([given("e1"), given("e1", DAY + dt.timedelta(days=9))])
    mine.opt_out("e2", by="e2", on=DAY)
    mine.outcome("e1", what="was not promoted this year", by="李娜", on=DAY)
    with session(mine.home, writing=True) as connection:
        for table in (NOTICES, DECISIONS, OUTBOX, DELIVERIES):
            connection.execute(sql.update(table).values(entered_at="2026-02-01T00:00:00+00:00"))
    scores = mine.home / "scores" / "attrition"
    scores.mkdir(parents=True)
    for name in ("2026-01-31.parquet", "2026-02-02.parquet"):
        (scores / name).touch()
    lists = mine.home / "exports" / "at_risk"
    lists.mkdir(parents=True)
    for name in (
        "at_risk-2026-01-31-0a1b2c3d.csv",
        "at_risk-2026-01-31-0a1b2c3d.csv.json",
        "at_risk-2026-02-02-0a1b2c3d.csv",
    ):
        (lists / name).touch()
    assert not mine.retention(now="2029-01-31").is_due
    due = mine.retention(now="2029-02-02")
    assert [path.name for path in due.files if path.parent == scores] == ["2026-01-31.parquet"]
    assert len([path for path in due.files if path.parent == lists]) == 2 and len(due.files) == 3
    assert due.entries["notices"] == 1 and not due.erased
    assert mine.retention(now="2029-02-02", apply=True).erased
    assert [path.name for path in lists.iterdir()] == ["at_risk-2026-02-02-0a1b2c3d.csv"]
    assert not mine.retention(now="2029-02-02").is_due
    states = mine.notices()
    assert len(states["e1"].notices) == 1 and states["e1"].outcomes and states["e2"].opted_out_on == DAY
    with pytest.raises(DefinitionError, match="retention_years"):
        project(tmp_path / "hasty", "retention_years = 1\n").retention(now="2029-01-01")


MEASURE = """zh = "x"
en = "x"
[[measures]]
column = "{column}"
measure = "count"
kinds = ["{kind}"]
windows_days = [28]
zh = "x"
en = "x"
unit = "times"
owner = "employee"
"""


@pytest.mark.parametrize(
    ("column", "kind", "forbidden"),
    [
        ("a", "Private_Messages", "private messages"),
        ("mood_28d", "a", "emotions"),
        ("a", "gps_ping", "where a person is"),
        ("a", "off_duty_activity", "activity off duty"),
        ("a", "heat", "heating"),
    ],
)
def test_forbidden_evidence_is_refused_where_it_is_defined(
    tmp_path: Path, column: str, kind: str, forbidden: str
) -> None:
    extra = '[heat]\nzh = "暖气"\nen = "heating"\nnames = ["heat*"]\n[emotion]\nnames = ["aura"]\n'
    mine = project(tmp_path, log=MEASURE.format(column=column, kind=kind), forbidden=extra)
    with pytest.raises(DefinitionError, match=f"forbidden as evidence: {forbidden}") as refused:
        _ = mine.folder.definitions
    assert "features/log.toml" in str(refused.value)


@pytest.mark.slow
def test_forbidden_kinds_in_a_log_are_refused(tmp_path: Path) -> None:
    mine, data = project(tmp_path), company(tmp_path, EVENTS + "\nv9 | e1 | 2025-03-10 09:00:00 | private_message | x")
    with pytest.raises(DataError, match="1 rows of kind 'private_message'"):
        mine.open(data)
    assert any("private messages" in str(problem) for problem in mine.open(data, strict=False).problems)


def test_what_perfml_ships_is_not_forbidden() -> None:
    folder = ProjectFolder(Path(__file__).parents[3])
    assert folder.definitions.windowed and {"private_messages", "off_duty", "location", "emotion"} <= set(
        folder.forbidden
    )


def test_a_person_who_opted_out_has_no_score_no_rank_and_no_suggestion(
    company_of_500: Simulated, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    company_of_500.copy_home(home)
    mine = Project(company_of_500.project, home=home)
    first = next(row for row in company_of_500.rows["attrition"] if row["rank"] == 1)
    NoticeLog(home).opt_out(first["employee_id"], by="self", on=END)
    before = mine.explain(first["employee_id"], model="attrition")  # of what was computed before, nothing is shown
    assert {row["status"] for row in before} == {"opted_out"} and before[0]["probability"] is None
    rows = mine.score("attrition", company_of_500.data, as_of=END).to_pylist()
    own = [row for row in rows if row["employee_id"] == first["employee_id"]]
    assert {row["status"] for row in own} == {"opted_out"}
    assert all(row["probability"] is None and row["rank"] is None for row in own)
    assert "hold_opt_out" in own[0]["why_not"]
    listed = mine.priorities("attrition", capacity=20)
    assert first["employee_id"] not in {person.employee_id for person in (*listed.people, *listed.held)}
    courses = mine.courses(company_of_500.data, as_of=END, employees=[first["employee_id"]]).to_pylist()
    assert {row["status"] for row in courses} <= {"held", "none"}
    assert mine.replay("attrition", END).matches
    assert history_of(home, first["employee_id"])[-1].action == f"see replay attrition/{END}"
