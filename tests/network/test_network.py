"""The feedback network: what is told of people and units, what chance explains, and what is withheld."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perfml import Project
from perfml.network.chance import at_most, gravity
from perfml.network.contacts import Contacts
from perfml.network.groups import cells, level_flows
from perfml.network.outside import outside
from perfml.network.record import SCHEMA, network_file, network_people
from perfml.network.streets import one_way
from perfml.network.units import unit_gaps
from perfml.project.goals.feedback_network_spec import ContactSpec, FeedbackNetworkSpec
from perfml.project.spec import DisclosureRules
from perfml.scoring.table_files import read_rows
from tests.tables import write_tables

RULES = DisclosureRules()
SPEC = FeedbackNetworkSpec(zh="网络", en="Network", kinds={"praise": ContactSpec(contact="recognition")})
UNITS = ("a", "b", "c", "d", "e")
SIZE = 12


def people_of(units: tuple[str, ...] = UNITS, size: int = SIZE) -> pd.DataFrame:
    rows = [
        {
            "employee_id": f"{unit}{n:02}",
            "department": unit,
            "manager_id": f"boss {unit}",
            "level": n % 3 + 1,
            "days": 182,
        }
        for unit in units
        for n in range(size)
    ]
    return pd.DataFrame(rows).assign(location=None)


def contacts_of(
    people: pd.DataFrame, seed: int = 1, *, each: int = 10, silent: tuple[str, str] | None = None, outsider: str = ""
) -> Contacts:
    """Everybody gives to ``each`` others by chance, within and between units but the ``silent`` ones."""
    rng = np.random.default_rng(seed)
    unit = dict(zip(people["employee_id"], people["department"], strict=True))
    pairs: dict[tuple[str, str], int] = {}
    for giver in people["employee_id"]:
        for receiver in rng.choice(people["employee_id"], each):
            apart = silent is not None and {unit[giver], unit[receiver]} == set(silent)
            if giver != receiver and not apart and outsider not in (giver, receiver):
                pairs[giver, receiver] = pairs.get((giver, receiver), 0) + 1
    rows = [(*pair, "recognition", False, count, count) for pair, count in pairs.items()]
    return Contacts(
        people=people,
        pairs=pd.DataFrame(rows, columns=["giver", "receiver", "contact", "line", "contacts", "recent"]),
    )


def test_units_that_never_speak_are_told_and_others_are_not() -> None:
    people = people_of()
    gaps, compared = unit_gaps(contacts_of(people, silent=("a", "c")), "department", SPEC, least_people=6)
    assert [(gap.kind, gap.first, gap.second, gap.ties) for gap in gaps] == [("silent", "a", "c", 0)]
    assert gaps[0].expected > 10 and (compared.units, compared.pairs, compared.testable) == (5, 10, 10)
    for seed in range(20):
        assert unit_gaps(contacts_of(people, seed), "department", SPEC, least_people=6)[0] == []


def test_a_silence_that_chance_explains_is_not_told() -> None:
    sparse = contacts_of(people_of(), silent=("a", "c"), each=1)
    gaps, compared = unit_gaps(sparse, "department", SPEC, least_people=6)
    assert gaps == [] and compared.testable < compared.pairs


def test_departments_that_speak_less_do_not_make_their_teams_silent() -> None:
    teams = people_of(tuple("abcdefgh")).assign(
        department=lambda rows: rows["employee_id"].str[0].isin(list("abcd")).astype(str)
    )
    flagged = 0
    for seed in range(5):
        rng = np.random.default_rng(seed)
        contacts = contacts_of(teams, seed, each=20)
        unit = dict(zip(teams["employee_id"], teams["department"], strict=True))
        across = contacts.pairs["giver"].map(unit) != contacts.pairs["receiver"].map(unit)
        pairs = contacts.pairs[~across | (rng.random(len(across)) < 0.2)]
        flagged += len(unit_gaps(Contacts(people=teams, pairs=pairs), "manager_id", SPEC, least_people=6)[0])
    assert flagged == 0


def test_small_units_and_few_units_are_not_judged() -> None:
    silent = contacts_of(people_of(("a", "b", "c")), silent=("a", "c"))
    gaps, compared = unit_gaps(silent, "department", SPEC, least_people=6)
    assert gaps == [] and compared.testable == 0
    small = unit_gaps(contacts_of(people_of(), silent=("a", "c")), "department", SPEC, least_people=SIZE + 1)
    assert small[0] == [] and small[1].units == 0


def test_expected_contacts_keep_what_each_unit_has() -> None:
    ties = np.array([[0, 5, 1, 9], [5, 0, 7, 2], [1, 7, 0, 4], [9, 2, 4, 0]], dtype=float)
    assert gravity(ties, np.zeros((4, 4), dtype=bool)).sum(axis=1) == pytest.approx(ties.sum(axis=1))
    assert at_most(np.array([0.0]), np.array([9.0]), 0.5)[0] > at_most(np.array([0.0]), np.array([9.0]), 0.0)[0]


def test_a_silence_does_not_lower_what_is_expected_of_itself() -> None:
    ties = np.full((6, 6), 8.0)
    np.fill_diagonal(ties, 0)
    apart = np.zeros((6, 6), dtype=bool)
    apart[0, 1] = apart[1, 0] = True
    ties[apart] = 0
    alone = np.zeros((6, 6), dtype=bool)
    assert gravity(ties, alone)[0, 1] < 7
    np.testing.assert_allclose(gravity(ties, alone, apart)[~np.eye(6, dtype=bool)], 8.0)
    gaps, _ = unit_gaps(contacts_of(people_of(), silent=("a", "c")), "department", SPEC, least_people=6)
    assert gaps[0].expected > 24, "two units of twelve with ten contacts each a person"


def test_who_hears_from_nobody_is_outside_and_a_newcomer_is_not() -> None:
    people = people_of()
    people.loc[people["employee_id"] == "b03", "days"] = 5
    contacts = contacts_of(people, outsider="a01")
    contacts = Contacts(
        people=people, pairs=contacts.pairs[~contacts.pairs[["giver", "receiver"]].eq("b03").any(axis=1)]
    )
    result = outside(contacts, 0.05)
    assert list(people["employee_id"][result.outside]) == ["a01"] and list(people["employee_id"][result.alone]) == [
        "a01"
    ]
    line = pd.DataFrame([("boss a", "a01", "recognition", True, 9, 9)], columns=contacts.pairs.columns)
    only = outside(Contacts(people=people, pairs=pd.concat([contacts.pairs, line])), 0.05)
    assert only.outside.tolist() == result.outside.tolist() and not only.alone.any()
    assert not outside(contacts_of(people_of(), outsider="a01", each=1), 0.05).outside.any(), "little is on record"


def test_one_way_streets_are_told_where_both_give_elsewhere() -> None:
    contacts = contacts_of(people_of())
    pairs = contacts.pairs[["giver", "receiver", "contacts"]]
    pairs = pairs[~((pairs["giver"] == "b01") & (pairs["receiver"] == "a01"))]
    street = pd.DataFrame([("a01", "b01", 15)], columns=pairs.columns)
    (flagged,) = one_way(pd.concat([pairs, street]), SPEC).to_dict("records")
    assert (flagged["giver"], flagged["receiver"], flagged["given"] >= 15, flagged["returned"]) == (
        "a01",
        "b01",
        True,
        0,
    )
    back = pd.DataFrame([("b01", "a01", 9)], columns=pairs.columns)
    assert not len(one_way(pd.concat([pairs, street, back]), SPEC))
    assert not len(one_way(pairs, SPEC))


def test_cells_of_few_people_are_withheld_and_those_that_give_them_away() -> None:
    people = people_of(("a", "b"))
    rows = [(f"a{n:02}", f"b{n:02}", "recognition", False, 3, 3) for n in range(SIZE)]
    rows += [(f"b{n:02}", f"a{n:02}", "recognition", False, 2, 2) for n in range(SIZE)]
    rows += [(f"a{n:02}", f"a{n + 1:02}", "recognition", False, 1, 1) for n in range(8)]
    rows += [("b00", "b01", "recognition", False, 7, 7)]
    pairs = pd.DataFrame(rows, columns=["giver", "receiver", "contact", "line", "contacts", "recent"])
    by = {(cell.giver, cell.receiver): cell for cell in cells(people, pairs, RULES)}
    assert by["b", "b"].withheld == "few people" and by["b", "b"].contacts is None
    assert [cell.withheld for cell in by.values()].count("complementary") >= 1, "the total is no secret"
    assert by["a", "b"].contacts == 36


def test_recognition_across_levels_is_compared_with_chance() -> None:
    people = people_of()
    flows = {flow.direction: flow for flow in level_flows(people, contacts_of(people).pairs, RULES)}
    assert all(flow.contacts == pytest.approx(flow.expected, rel=0.15) for flow in flows.values())
    level = people.set_index("employee_id")["level"]
    pairs = contacts_of(people).pairs
    flat = pairs[pairs["receiver"].map(level) == pairs["giver"].map(level)]
    flows = {flow.direction: flow for flow in level_flows(people, flat, RULES)}
    assert flows["up"].withheld == flows["down"].withheld == "few people", "nobody recognises anybody of another level"
    assert (
        flows["same"].contacts == flat["contacts"].sum()
        and (flows["same"].expected or 0) < 0.5 * flat["contacts"].sum()
    )


AS_OF = dt.date(2026, 5, 20)
EMPLOYEES = """
employee_id | hired_on
boss        | 2020-01-01
安娜        | 2020-01-01
bob         | 2020-01-01
eve         | 2020-01-01
"""
POSITIONS = """
employee_id | effective_on | manager_id | department
boss        | 2020-01-01   |            | 销售
安娜        | 2020-01-01   | boss       | 销售
bob         | 2020-01-01   | boss       | 销售
eve         | 2020-01-01   | boss       | 销售
"""
EVENTS = """
employee_id | happened_at         | kind              | counterpart_id | event_id | known_at
安娜        | 2026-05-05 09:00:00 | praise            | bob            | v1       |
安娜        | 2026-05-05 11:00:00 | praise            | bob            | v2       |
bob         | 2026-05-06 09:00:00 | feedback_given    | 安娜           | v3       |
安娜        | 2026-05-06 09:00:01 | feedback_received | bob            | v4       |
boss        | 2026-05-07 09:00:00 | feedback_given    | 安娜           | v5       |
bob         | 2026-05-08 09:00:00 | praise            | eve            | v6       | 2026-05-21 08:00:00
eve         | 2026-05-09 09:00:00 | praise            | eve            | v7       |
"""


@pytest.mark.slow
def test_rows_of_the_log_become_contacts_once_and_only_what_was_known(tmp_path: Path) -> None:
    data = write_tables(tmp_path / "data", employees=EMPLOYEES, positions=POSITIONS, events=EVENTS)
    project = Project(home=tmp_path / "home")
    report = project.feedback_network(data, as_of=AS_OF)
    codes = [notice.code for notice in report.figures.notices]
    assert codes == ["network_thin", "network_no_levels", "network_few_units", "network_few_units"]
    assert {row.employee_id for row in report.people if row.outside} == set()
    assert all(cell.withheld == "few people" for cell in report.figures.cells)
    stored = network_file(project.home)
    assert stored is not None
    assert read_rows(stored[1]).column_names == SCHEMA.names, "who told whom is kept nowhere"
    assert len(network_people(stored[1])) == 4
    project.opt_out("bob", by="bob")
    assert {row.employee_id for row in network_people(stored[1])} == {"boss", "安娜", "eve"}


@pytest.mark.slow
def test_without_a_log_nothing_is_said(tmp_path: Path) -> None:
    reviews = "review_id | employee_id | period_end | reviewed_on | rating\nr1 | bob | 2025-12-31 | 2026-01-15 | 3"
    data = write_tables(tmp_path / "data", employees=EMPLOYEES, reviews=reviews)
    report = Project(home=tmp_path / "home").feedback_network(data, as_of=AS_OF)
    assert report.figures.notices[0].code == "network_no_contacts" and report.figures.gaps == ()
