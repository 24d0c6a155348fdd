"""What metrics mean: versions, sign-offs, clashes, whom they affect, and what nobody has defined."""

from __future__ import annotations

import datetime as dt
import itertools
from pathlib import Path

import pytest

from perfml import Project
from perfml.errors import DefinitionError, PerfmlError
from perfml.messages import render
from perfml.project.folder import ProjectFolder
from perfml.project.spec import parse
from perfml.project.trust.metrics import MetricsSpec
from perfml.store.record_store import StoredEntry
from perfml.trust.definitions.clashes import clashes
from perfml.trust.definitions.versions import VersionHistory, fold_versions, history, remember, sign_off
from perfml.trust.holds.hold_log import HoldLog
from tests.tables import write_tables

DAY = dt.date(2025, 3, 20)
REASON = "agreed with the sales board"


def metric(**changed: object) -> dict[str, object]:
    spec: dict[str, object] = {
        "zh": "销售额",
        "en": "sales",
        "unit": "CNY",
        "owner": "Head of sales",
        "version": 1,
        "basis": "net",
        "attribution": "registration",
        "reference": "bi",
        "actuals": "settled",
        "sources": {
            "bi": {"basis": "gross", "attribution": "delivery"},
            "settled": {"basis": "net", "attribution": "registration"},
        },
        "bridge": {"returns": "returned", "attribution": "moved"},
    }
    return spec | changed


def metrics(**changed: object) -> MetricsSpec:
    return parse(MetricsSpec, {"metrics": {"sales": metric(**changed)}}, file="features/definitions.toml")


def stopping(spec: MetricsSpec, known: VersionHistory | None = None) -> list[tuple[str, str]]:
    every = clashes(spec, known or VersionHistory({}), None, DAY)
    return [(clash.message.code, clash.aspect) for clash in every if clash.stops]


@pytest.mark.parametrize(
    ("changed", "clash"),
    [
        ({}, []),
        ({"attribution": "delivery"}, [("definition_clash", "attribution")]),
        ({"basis": "gross"}, [("definition_clash", "basis")]),
        ({"bridge": {"attribution": "moved"}}, [("definition_clash", "basis")]),
        ({"bridge": {"returns": "returned"}}, [("definition_clash", "attribution")]),
        ({"bridge": {}}, [("definition_clash", "basis"), ("definition_clash", "attribution")]),
        ({"reference": None, "bridge": {}}, []),  # nothing is compared with a source that is no reference
    ],
)
def test_sources_that_mean_something_else_clash(changed: dict[str, object], clash: list[tuple[str, str]]) -> None:
    assert stopping(metrics(**changed)) == clash


def test_another_unit_always_stops() -> None:
    source = {"basis": "gross", "attribution": "delivery", "unit": "USD"}
    settled = {"basis": "net", "attribution": "registration"}
    assert ("definition_clash", "unit") in stopping(metrics(sources={"bi": source, "settled": settled}))


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"referense": "bi"}, "did you mean 'reference'"),
        ({"reference": "crm"}, "reference names 'crm', which stands under no sources"),
        ({"actuals": "bi"}, "reference and actuals are one source"),
        ({"sources": {"bi/North": {"basis": "a", "attribution": "b"}}}, "names a packet"),
        ({"version": 0}, "greater than or equal to 1"),
        ({"limit_percent": 101}, "less than or equal to 100"),
    ],
)
def test_a_definition_that_cannot_be_used_says_why(changed: dict[str, object], problem: str) -> None:
    with pytest.raises(DefinitionError, match=problem):
        metrics(**changed)


def test_a_changed_meaning_is_a_new_version(tmp_path: Path) -> None:
    remember(tmp_path, metrics())
    other = metrics(attribution="delivery")
    codes = stopping(other, remember(tmp_path, other))
    assert ("definition_changed", "attribution") in codes
    with pytest.raises(PerfmlError, match=r"version 1 was used with attribution = 'registration' .* write version = 2"):
        sign_off(tmp_path, other, "sales", version=1, by="Li Na", reason=REASON)


def test_a_new_version_stops_until_it_is_signed_off(tmp_path: Path) -> None:
    remember(tmp_path, metrics(basis="gross"))
    second = metrics(version=2)
    assert stopping(second, remember(tmp_path, second)) == [("definition_unsigned", "basis")]
    signed = sign_off(tmp_path, second, "sales", version=2, by=" Li Na ", reason=REASON)
    assert signed.sign_off is not None and signed.sign_off.by == "Li Na"
    assert stopping(second, history(tmp_path)) == []
    again = sign_off(tmp_path, second, "sales", version=2, by="Wang Qiang", reason="another reason")
    assert again == signed


@pytest.mark.parametrize(
    ("metric", "version", "by", "reason", "problem"),
    [
        ("sale", 1, "Li Na", REASON, "is no defined metric; did you mean 'sales'"),
        ("sales", 2, "Li Na", REASON, "stands at version 1, not 2"),
        ("sales", 1, " ", REASON, "names nobody"),
        ("sales", 1, "Li Na", "ok", "gives no reason"),
    ],
)
def test_a_sign_off_needs_a_version_a_name_and_a_sentence(
    *, metric: str, version: int, by: str, reason: str, problem: str, tmp_path: Path
) -> None:
    with pytest.raises(PerfmlError, match=problem):
        sign_off(tmp_path, metrics(), metric, version=version, by=by, reason=reason)
    assert history(tmp_path).of("sales", 2) is None


def entry(number: int, event: str, version: int, **more: str) -> StoredEntry:
    meaning = {"unit": "CNY", "basis": "net", "attribution": "registration"}
    return StoredEntry(
        key=str(number),
        subject="sales",
        entry={"event": event, "version": version, **meaning, **more},
        number=number,
        entered_at="2025-03-01",
    )


def test_the_state_does_not_depend_on_the_order_of_arrival() -> None:
    entries = [
        entry(1, "seen", 1),
        entry(2, "seen", 2),
        entry(3, "signed off", 2, by="a", reason="b"),
        entry(4, "signed off", 2, by="c", reason="d"),
    ]
    states = [fold_versions(order).versions for order in itertools.permutations(entries)]
    assert all(state == states[0] for state in states)
    signed = states[0][("sales", 2)].sign_off
    assert signed is not None and signed.by == "a"


# ---- with tables ----------------------------------------------------------------------------------------------------

EMPLOYEES = "employee_id | hired_on\n" + "\n".join(f"e{n} | 2020-01-01" for n in range(1, 5))
REVIEWS = "review_id | employee_id | period_end | reviewed_on | rating\nr1 | e1 | 2025-01-31 | 2025-03-15 | 3"
POSITIONS = """employee_id | effective_on | location
e1 | 2020-01-01 | North
e2 | 2020-01-01 | South
e3 | 2020-01-01 | West"""
GOALS = """goal_id | employee_id | metric | core | weight | target | period_start | period_end | effective_on | definition
g1 | e1 | sales | true | 100 | 10 | 2025-03-01 | 2025-03-31 | 2025-02-20 | v1
g4 | e4 | visits | true | 100 | 10 | 2025-03-01 | 2025-03-31 | 2025-02-20 |"""
FACTS = """source | metric | entity | business_date | value | basis | attribution
bi | sales | e1 | 2025-03-01 | 10 | gross | delivery
bi | moved | e1 | 2025-03-01 | 0 | net |
bi | moved | e2 | 2025-03-01 | -2 | net |
bi | moved | e3 | 2025-03-01 | 2 | net |"""
TOML = """{required}
[metrics.sales]
zh = "销售额"
en = "sales"
unit = "CNY"
owner = "Head of sales"
version = {version}
basis = "net"
attribution = "{attribution}"
level = "location"
reference = "bi"
actuals = "settled"
[metrics.sales.sources.bi]
basis = "gross"
attribution = "delivery"
[metrics.sales.sources.settled]
basis = "net"
attribution = "registration"
[metrics.sales.bridge]
returns = "returned"
attribution = "moved"
"""


def project(
    folder: Path, *, required: str = "", version: int = 1, attribution: str = "delivery", **tables: str
) -> Project:
    root = folder / "project"
    (root / "features").mkdir(parents=True, exist_ok=True)
    (root / "perfml.toml").write_text('name = "mine"\n', encoding="utf-8")
    text = TOML.format(required=required, version=version, attribution=attribution)
    (root / "features" / "definitions.toml").write_text(text, encoding="utf-8")
    frames = {"employees": EMPLOYEES, "reviews": REVIEWS, "positions": POSITIONS, "goals": GOALS, "facts": FACTS}
    write_tables(folder / "data", **(frames | tables))
    return Project(root, home=folder / "home")


@pytest.mark.slow
def test_a_clash_affects_those_whose_amounts_differ(tmp_path: Path) -> None:
    mine = project(tmp_path)
    (defined,) = mine.definitions(tmp_path / "data", as_of=DAY).metrics
    affects = {(clash.aspect, clash.stops): entities for clash, entities in defined.clashes}
    assert affects[("attribution", True)] == ("location:South", "location:West")
    mine.reconcile(tmp_path / "data", as_of=DAY)
    assert {hold.entity for hold in HoldLog(mine.home).active()} == {"location:South", "location:West"}


@pytest.mark.slow
def test_where_no_row_says_whom_it_is_everyone_with_the_metric(tmp_path: Path) -> None:
    facts = "\n".join(line for line in FACTS.splitlines() if "moved" not in line)
    mine = project(tmp_path, facts=facts)
    mine.reconcile(tmp_path / "data", as_of=DAY)
    assert {hold.entity for hold in HoldLog(mine.home).active()} == {"location:North"}


@pytest.mark.slow
def test_a_sign_off_lifts_what_a_clash_held_and_nothing_else(tmp_path: Path) -> None:
    project(tmp_path).reconcile(tmp_path / "data", as_of=DAY)
    second = project(tmp_path, version=2, attribution="registration")
    HoldLog(second.home).stop(by="Li Na", reason="the works council asked", on=DAY)
    second.sign_off("sales", 2, by="Li Na", reason=REASON, on=DAY)
    assert [hold.cause for hold in HoldLog(second.home).active()] == ["stop"]


@pytest.mark.slow
def test_rows_that_say_another_meaning_than_their_source_clash(tmp_path: Path) -> None:
    mine = project(tmp_path, version=1, attribution="registration", facts=FACTS.replace("10 | gross", "10 | net"))
    (clash,) = (c for c in mine.reconcile(tmp_path / "data", as_of=DAY).clashes if c.stops)
    assert render(clash.message, "en") == (
        "`sales`: rows of `bi` say that their basis is `net`, the definition of this source says `gross`"
    )


@pytest.mark.slow
def test_undefined_metrics_are_listed_and_stay_in_use(tmp_path: Path) -> None:
    mine = project(tmp_path)
    notices = [render(notice, "en") for notice in mine.check(tmp_path / "data").notices]
    assert any("`visits` is used in goals (1 rows)" in notice for notice in notices)
    with mine.open(tmp_path / "data") as opened:
        assert opened.connection.execute("select count(*) from goals").fetchall() == [(2,)]


@pytest.mark.slow
def test_where_definitions_are_required_rows_without_one_are_set_aside(tmp_path: Path) -> None:
    mine = project(tmp_path, required="required = true")
    with mine.open(tmp_path / "data") as opened:
        assert opened.connection.execute("select metric from goals").fetchall() == [("sales",)]
        broken = opened.connection.execute("select table_name, rule, employee_id, value from quarantine").fetchall()
    assert broken == [("goals", "undefined_metric", "e4", "visits")]
    (goals,) = (table for table in mine.check(tmp_path / "data").tables if table.name == "goals")
    assert [finding.rule for finding in goals.findings] == ["undefined_metric"]


@pytest.mark.slow
def test_goals_of_another_version_are_reported(tmp_path: Path) -> None:
    mine = project(tmp_path, version=2, attribution="registration")
    (other,) = mine.definitions(tmp_path / "data", as_of=DAY).other_versions
    assert (other.stated, other.current, other.goals) == ("v1", "v2", 1)


@pytest.mark.slow
def test_a_project_without_definitions_works_as_before(tmp_path: Path) -> None:
    mine = project(tmp_path)
    (mine.folder.root / "features" / "definitions.toml").unlink()
    plain = Project(mine.folder.root, home=mine.home)
    assert plain.check(tmp_path / "data").notices == ()
    plain.targets(tmp_path / "data", as_of=DAY)
    assert HoldLog(mine.home).active() == ()
    assert ProjectFolder(mine.folder.root).metrics == MetricsSpec()
