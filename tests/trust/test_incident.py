"""The incident, sentence by sentence and to the yuan, through the verbs that people use; and other incidents than this one."""

from __future__ import annotations

import datetime as dt
import random
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perfml import Project
from perfml.demo.incident import (
    RISK,
    Incident,
    Lost,
    RegisteredElsewhere,
    tables,
    write,
    write_backfill,
    write_earlier,
    write_project,
)
from perfml.errors import PerfmlError
from perfml.evidence.fingerprint import fingerprint
from perfml.messages import render
from perfml.scoring.score_files import read_scores
from perfml.trust.carriers import CarryingError, Letter
from perfml.trust.outbox import deliver, posts
from perfml.trust.reconciliation.reconcile import Reconciliation

pytestmark = pytest.mark.slow

OFFICES = ("North", "East", "South", "West")
INCIDENT = Incident(backfilled_at=None)
MARCH = dt.date(2025, 3, 1)
MONTH_END = "2025-04-01"
"""What was known on 31 March: an as-of date is the midnight at which it begins."""
GOOD = dt.date(2025, 3, 10)
"""The day before the first packet that is lost."""
SETTLED = "2025-04-03"
"""What was known on 2 April."""
WHO = {"by": "Li Na", "reason": "settled net sales by customer registration"}


def offices(reconciliation: Reconciliation, month: dt.date = MARCH) -> dict[str, str]:
    """Office -> gap in percent and standing."""
    rows = [row for row in reconciliation.rows if row.month == month]
    assert all(row.matched.percent is not None for row in rows)
    return {row.entity.removeprefix("location:"): f"{row.matched.percent:.2f} {row.standing}" for row in rows}


def held(project: Project, cause: str) -> set[str]:
    return {hold.entity.removeprefix("location:") for hold in project.holds() if hold.cause == cause}


def by_office(rows: list[dict[str, Any]], column: str) -> dict[str, set[Any]]:
    values: dict[str, set[Any]] = {}
    for row in rows:
        values.setdefault(office_of(row["employee_id"]), set()).add(row[column])
    return values


def office_of(employee_id: str) -> str:
    return employee_id.rsplit("-", 1)[0]


def percent(share: Decimal) -> str:
    return f"{100 * share:.1f} %"


# ---- without the guard ----------------------------------------------------------------------------------------------


def test_without_the_guard_one_person_has_two_results() -> None:
    rows = tables(INCIDENT)
    (read,) = (
        Decimal(row["actual"])
        for row in rows["progress"]
        if row["goal_id"] == "G-South-01" and row["measured_at"].startswith("2025-03-31")
    )
    orders = sum(
        Decimal(row["value"])
        for row in rows["facts"]
        if (row["source"], row["entity"]) == ("bi_orders/South", "South-01") and row["business_date"] >= "2025-03-01"
        if row["business_date"] <= "2025-03-31"
    )
    assert (read, percent(read / INCIDENT.target)) == (Decimal("19968.00"), "70.1 %")
    assert (orders, percent(orders / INCIDENT.target)) == (Decimal("31000.00"), "108.8 %")


# ---- with it, in the order in which it happens ----------------------------------------------------------------------


@dataclass
class Story:
    """One home through the incident, and what each step of it answered."""

    folder: Path
    seen: dict[str, Any]

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def project(self, version: int = 2) -> Project:
        return Project(write_project(INCIDENT, self.folder / "project", version=version), home=self.folder / "home")


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    walked = Story(tmp_path_factory.mktemp("incident"), {})
    write(INCIDENT, walked.data)
    steps = (
        _model,
        _day_zero,
        _version_2,
        _proposals,
        _targets_anew,
        _scored,
        _lost_packets,
        _month_end,
        _dispute,
        _backfill,
        _settled,
        _signed_off,
    )
    for step in steps:
        step(walked)
    yield walked


def _model(story: Story) -> None:
    mine = story.project(version=1)
    story.seen["model"] = mine.train(RISK, write_earlier(INCIDENT, story.folder / "earlier"), until=MARCH)


def _day_zero(story: Story) -> None:
    mine = story.project(version=1)
    story.seen["day 0"] = mine.reconcile(story.data, as_of="2025-03-01")
    story.seen["day 0 targets"] = mine.targets(story.data, as_of="2025-03-05").to_pylist()
    story.seen["day 0 posts"] = posts(mine.home)


def test_on_day_0_the_two_meanings_of_region_clash_before_any_number_is_compared(story: Story) -> None:
    reconciliation: Reconciliation = story.seen["day 0"]
    (clash,) = (clash for clash in reconciliation.clashes if clash.stops)
    assert (clash.metric, clash.aspect) == ("sales", "attribution")
    assert (
        render(clash.message, "en")
        == "`sales`: the attribution of `perf_settled` is `registration`, the definition says `delivery`"
    )
    assert reconciliation.rows == reconciliation.entities == ()


def test_scoring_of_south_and_west_does_not_start(story: Story) -> None:
    statuses = by_office(story.seen["day 0 targets"], "status")
    assert statuses["South"] == statuses["West"] == {"held"}
    assert "held" not in statuses["North"] | statuses["East"]


def test_the_owner_is_told_once(story: Story) -> None:
    (post,) = story.seen["day 0 posts"]
    assert post.recipient == "Head of sales operations"
    assert "location South, location West" in render(post.message, "en").replace(" and ", ", ")


def _version_2(story: Story) -> None:
    mine = story.project(version=2)
    story.seen["unsigned"] = [clash for clash in mine.reconcile(story.data, as_of="2025-03-05").clashes if clash.stops]
    story.seen["held unsigned"] = held(mine, "definition")
    with pytest.raises(PerfmlError, match="stands at version 2, not 3"):
        mine.sign_off("sales", 3, **WHO)
    with pytest.raises(PerfmlError, match="names nobody"):
        mine.sign_off("sales", 2, by=" ", reason=WHO["reason"])
    mine.sign_off("sales", 2, **WHO, on="2025-03-05")
    story.seen["held signed"] = held(mine, "definition")


def test_only_a_named_sign_off_of_version_2_lifts_it(story: Story) -> None:
    assert [clash.message.code for clash in story.seen["unsigned"]] == ["definition_unsigned"]
    assert story.seen["held unsigned"] == {"South", "West"}
    assert story.seen["held signed"] == set()


def _proposals(story: Story) -> None:
    mine = story.project()
    proposals = mine.rebase(story.data, as_of="2025-03-06").to_pylist()
    story.seen["proposals"] = proposals
    for row in proposals:
        if row["employee_id"] in ("South-01", "West-01"):
            mine.decide(row["suggestion_id"], "accept", by="Wang Qiang")
    story.seen["after accepting"] = mine.targets(story.data, as_of="2025-03-07").to_pylist()


def test_proposals_re_base_the_targets_and_nothing_applies_without_a_person(story: Story) -> None:
    targets = by_office(story.seen["proposals"], "new_target")
    assert targets == {"North": {28_500}, "East": {28_500}, "South": {22_800}, "West": {34_200}}
    assert by_office(story.seen["after accepting"], "old_target") == {office: {28_500} for office in OFFICES}


def _targets_anew(story: Story) -> None:
    """A person enters the targets as a new version of each goal; the performance system says that it measures version 2."""
    mixed = replace(INCIDENT, version_2_on=dt.date(2025, 3, 7))
    write(mixed, story.data)
    story.seen["mixed"] = story.project().targets(story.data, as_of="2025-03-09").to_pylist()
    targets = {row["employee_id"]: Decimal(str(row["new_target"])) for row in story.seen["proposals"]}
    write(replace(mixed, rebased=targets), story.data)
    story.seen["matching"] = story.project().targets(story.data, as_of="2025-03-09").to_pylist()


def test_a_target_of_version_1_is_never_compared_with_actuals_of_version_2(story: Story) -> None:
    assert {row["status"] for row in story.seen["mixed"]} == {"error"}
    assert "error" not in {row["status"] for row in story.seen["matching"]}
    assert by_office(story.seen["matching"], "old_target")["South"] == {22_800}


def _scored(story: Story) -> None:
    """Before the first lost packet: the last good scores."""
    story.seen["scores before"] = staff(story.project().score(RISK, story.data, as_of=GOOD))


def staff(scores: pa.Table) -> list[dict[str, Any]]:
    """The rows of the offices' people; their leaders have no reviews."""
    return [row for row in scores.to_pylist() if row["employee_id"][-3] == "-"]


def test_everybody_is_scored_before_a_packet_is_lost(story: Story) -> None:
    rows = story.seen["scores before"]
    assert by_office(rows, "status") == {office: {"scored"} for office in OFFICES}
    assert story.seen["model"].record.backtests[91].proven
    assert {row["rank"] for row in rows} == set(range(1, 41))


def _lost_packets(story: Story) -> None:
    mine = story.project()
    for now in ("2025-03-13T05:59", "2025-03-13T06:01", "2025-03-14T06:02"):
        story.seen[now] = mine.deliveries(story.data, now=now)


def test_on_13_march_the_first_overdue_packet_raises_the_alarm(story: Story) -> None:
    assert story.seen["2025-03-13T05:59"].watch.raised == ()
    raised = {(alarm.source, str(alarm.business_date)) for alarm in story.seen["2025-03-13T06:01"].watch.raised}
    assert raised == {("perf_settled/East", "2025-03-11"), ("perf_settled/South", "2025-03-11")}


def test_it_escalates_when_nobody_acknowledges(story: Story) -> None:
    escalated = {(alarm.source, str(alarm.business_date)) for alarm in story.seen["2025-03-14T06:02"].watch.escalated}
    assert escalated == {("perf_settled/East", "2025-03-11"), ("perf_settled/South", "2025-03-11")}
    assert any("data@example.com" in post.recipient for post in posts(story.folder / "home"))


def test_a_message_is_retried(story: Story, tmp_path: Path) -> None:
    mine = Project(story.folder / "project", home=tmp_path)
    mine.reconcile(story.data, as_of=MONTH_END)

    class Flaky:
        attempts = 0

        def carry(self, letter: Letter) -> None:
            self.attempts += 1
            if self.attempts < 3:
                raise CarryingError("no answer")

    carrier = Flaky()
    carried = deliver(tmp_path, carrier=carrier, pause_seconds=0)
    assert carrier.attempts > len(carried.delivered) > 0 and not carried.waiting


def _month_end(story: Story) -> None:
    mine = story.project()
    story.seen["month end"] = mine.reconcile(story.data, as_of=MONTH_END)
    story.seen["held at month end"] = held(mine, "reconciliation")
    story.seen["month end targets"] = mine.targets(story.data, as_of="2025-03-31").to_pylist()
    story.seen["scores held"] = staff(mine.score(RISK, story.data, as_of=MONTH_END))
    story.seen["people held"] = {office: mine.person(f"{office}-01", as_of=MONTH_END).risks[0] for office in OFFICES}
    story.seen["list held"] = mine.priorities(RISK, as_of=MONTH_END, capacity=40)


def test_the_bridge_of_a_south_person_to_the_yuan(story: Story) -> None:
    (row,) = (row for row in story.seen["month end"].of("South-01") if row.month == MARCH)
    assert (row.bridge.reference, row.bridge.actuals) == (31_000, 19_968)
    assert row.bridge.parts == {
        "timing": -2_000,
        "missing": -3_000,
        "returns": -1_040,
        "attribution": -4_992,
        "unexplained": 0,
    }


def test_daily_reconciliation_on_closed_days_at_month_end(story: Story) -> None:
    assert offices(story.seen["month end"]) == {
        "North": "0.00 provisional",
        "West": "1.72 provisional",
        "East": "10.34 held",
        "South": "10.34 held",
    }


def test_east_and_south_are_held_and_nobody_else(story: Story) -> None:
    assert story.seen["held at month end"] == {"East", "South"}
    statuses = by_office(story.seen["month end targets"], "status")
    assert statuses["East"] == statuses["South"] == {"held"}
    assert "held" not in statuses["North"] | statuses["West"]


def test_scores_of_held_offices_are_stale_and_in_no_ranking(story: Story) -> None:
    rows = story.seen["scores held"]
    assert by_office(rows, "status") == {
        **{"North": {"scored"}, "West": {"scored"}},
        **{"East": {"held"}, "South": {"held"}},
    }
    assert sorted(row["rank"] for row in rows if row["status"] == "scored") == list(range(1, 21))
    assert {row["rank"] for row in rows if row["status"] == "held"} == {None}
    (horizon,) = story.seen["people held"]["South"].horizons
    (good,) = (row["probability"] for row in story.seen["scores before"] if row["employee_id"] == "South-01")
    assert (horizon.probability, horizon.rank) == (None, None) and "10.34 %" in horizon.why_not.en
    assert (horizon.stale.as_of, horizon.stale.probability) == (GOOD, good)
    provisional = {office for office, risk in story.seen["people held"].items() if risk.provisional}
    assert provisional == {"North", "West"}
    listed = story.seen["list held"]
    assert {office_of(person.employee_id) for person in listed.people} <= {"North", "West"}
    assert {office_of(person.employee_id) for person in listed.held} == {"East", "South"}


def _dispute(story: Story) -> None:
    mine, key = story.project(), "G-South-01 2025-03-31 22:00:00"
    proof = story.folder / "orders.txt"
    proof.write_text("29 closed days at 768.00\n", encoding="utf-8")
    filed = mine.dispute(
        "South-01",
        table="progress",
        key=key,
        right={"actual": "22272.00"},
        by="South-01",
        proof=proof,
        data=story.data,
        today="2025-04-01",
    )
    story.seen["while disputed"] = read_progress(mine, story.data)
    for barred in ("South-manager", "South-02", "South-01"):
        with pytest.raises(PerfmlError, match="may not decide it"):
            mine.resolve(
                filed.dispute_id,
                "rejected",
                by=barred,
                reason="the figure is the figure",
                data=story.data,
                today="2025-04-01",
            )
    decided = mine.resolve(
        filed.dispute_id,
        "upheld",
        by="North-manager",
        reason="three packets are missing",
        data=story.data,
        today="2025-04-01",
    )
    story.seen["dispute"] = filed, decided
    story.seen["after the decision"] = read_progress(mine, story.data)


def read_progress(project: Project, data: Path) -> dict[str, float]:
    """What the record says of South-01 on the last evenings of March."""
    with project.open(data) as opened:
        rows = opened.connection.execute(
            "select measured_at::date::text, actual from progress where goal_id = 'G-South-01' and superseded_day is null"
            " and measured_at >= '2025-03-30' and measured_at < '2025-04-01'"
        ).fetchall()
    return dict(rows)


def test_a_south_employee_disputes_with_proof_and_their_manager_cannot_close_it(story: Story) -> None:
    filed, decided = story.seen["dispute"]
    assert (filed.state, decided.state, filed.proof is not None) == ("open", "upheld", True)
    assert story.seen["while disputed"] == {"2025-03-30": 19_200}
    assert story.seen["after the decision"] == {"2025-03-30": 19_200, "2025-03-31": 22_272}
    codes = [post.message.code for post in posts(story.folder / "home") if post.recipient == "South-01"]
    assert codes[:2] == ["dispute_received", "dispute_upheld"]


KILLED = """
import os, signal, sys
from pathlib import Path
from perfml import Project
from perfml.trust.deliveries import inbox

inbox.add_entries = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
Project(sys.argv[1], home=sys.argv[2]).receive(sys.argv[3], Path(sys.argv[4]), now="2025-04-01T12:00")
"""
"""Receives a packet and is killed when its file is written and nothing is acknowledged."""


def _backfill(story: Story) -> None:
    mine = story.project()
    before = fingerprint_of(mine, story.data)
    files = write_backfill(INCIDENT, story.folder / "packets")
    (source, file), *_ = files.items()
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(mine.folder.root), str(mine.home), source, str(file)], check=False
    )
    story.seen["killed"] = killed.returncode, fingerprint_of(mine, story.data) == before
    rng = random.Random(3)
    arrivals = []
    for attempt in range(2):
        for source, file in write_backfill(INCIDENT, story.folder / f"packets {attempt}", shuffled=rng).items():
            arrivals.append(mine.receive(source, file, now=f"2025-04-01T1{2 + attempt}:00").is_new)
    story.seen["arrivals"] = arrivals
    progress = tables(replace(INCIDENT, backfilled_at=dt.datetime(2025, 4, 1, 12), version_2_on=dt.date(2025, 3, 7)))
    pd.DataFrame(progress["progress"]).to_csv(story.data / "progress.csv", index=False)


def test_the_backfill_arrives_twice_shuffled_and_killed_half_way_and_is_applied_once(story: Story) -> None:
    assert story.seen["killed"] == (-signal.SIGKILL, True)
    assert story.seen["arrivals"] == [True, True, False, False]


def _settled(story: Story) -> None:
    mine = story.project()
    story.seen["settled"] = mine.reconcile(story.data, as_of=SETTLED)
    (hold, *_) = (hold for hold in mine.holds() if hold.cause == "reconciliation")
    with pytest.raises(PerfmlError, match="needs 2 clean days"):
        mine.release(hold.hold_id, by="Li Na", reason="the packets came", today="2025-04-03")
    story.seen["held after one clean day"] = held(mine, "reconciliation")
    story.seen["scores unsigned"] = staff(mine.score(RISK, story.data, as_of=SETTLED))


def test_on_2_april_all_days_are_settled_and_every_office_stands_at_104_4_percent(story: Story) -> None:
    targets = {row["employee_id"]: Decimal(str(row["new_target"])) for row in story.seen["proposals"]}
    march = [row for row in story.seen["settled"].entities if row.month == MARCH]
    actuals = {row.entity.removeprefix("employee:"): row.bridge.actuals for row in march}
    assert len(actuals) == 40
    amounts = {office: {actuals[person] for person in INCIDENT.staff(office)} for office in OFFICES}
    assert amounts == {"North": {29_760}, "East": {29_760}, "South": {23_808}, "West": {35_712}}
    assert {percent(actual / targets[person]) for person, actual in actuals.items()} == {"104.4 %"}
    assert set(offices(story.seen["settled"]).values()) == {"0.00 final"}


def _signed_off(story: Story) -> None:
    mine = story.project()
    mine.reconcile(story.data, as_of="2025-04-04")
    for hold in mine.holds():
        with pytest.raises(PerfmlError, match="names nobody"):
            mine.release(hold.hold_id, by="", reason="all packets came, two clean days", today="2025-04-04")
        mine.release(hold.hold_id, by="Li Na", reason="all packets came, two clean days", today="2025-04-04")
    story.seen["held at the end"] = {hold.entity for hold in mine.holds()}
    story.seen["recomputed"] = {path.relative_to(mine.home).as_posix() for path in mine.recompute(story.data)}
    story.seen["scores at the end"] = {
        day: staff(read_scores(mine.home / "scores" / RISK / f"{day}.parquet")) for day in (MONTH_END, SETTLED)
    }
    story.seen["superseded"] = mine.superseded(RISK, "South-01", as_of=SETTLED)


def test_after_two_clean_days_and_a_sign_off_the_holds_lift(story: Story) -> None:
    assert story.seen["held after one clean day"] == {"East", "South"}
    assert story.seen["held at the end"] == set()


def test_affected_scores_are_computed_again_and_supersede_the_old_ones(story: Story) -> None:
    assert by_office(story.seen["scores unsigned"], "status")["South"] == {"held"}
    assert f"scores/{RISK}/{SETTLED}.parquet" in story.seen["recomputed"]
    assert f"scores/{RISK}/{GOOD}.parquet" not in story.seen["recomputed"], "it never stood on data in doubt"
    rows = story.seen["scores at the end"][SETTLED]
    assert by_office(rows, "status") == {office: {"scored"} for office in OFFICES}
    assert {row["rank"] for row in rows} == set(range(1, 41))
    assert [row["status"] for row in story.seen["superseded"]] == ["held"]
    assert list((story.folder / "home" / "scores" / RISK / "superseded").glob(f"{SETTLED}.*.parquet"))


def test_a_date_before_the_packets_came_stays_held(story: Story) -> None:
    """What was known on 31 March is as wrong as it was, whoever lifts the hold."""
    statuses = by_office(story.seen["scores at the end"][MONTH_END], "status")
    assert statuses == {"North": {"scored"}, "West": {"scored"}, "East": {"held"}, "South": {"held"}}


def test_people_are_told(story: Story) -> None:
    lifted = {post.recipient for post in posts(story.folder / "home") if post.message.code == "hold_lifted"}
    assert lifted == {*INCIDENT.staff("East"), *INCIDENT.staff("South"), "Head of sales operations"}


def test_an_in_order_run_and_a_shuffled_run_end_in_one_state(tmp_path: Path) -> None:
    states = set()
    for seed in (None, 1):
        rng = None if seed is None else random.Random(seed)
        folder = tmp_path / str(seed)
        mine = Project(write_project(INCIDENT, folder / "project", version=2), home=folder / "home")
        write(INCIDENT, folder / "data", shuffled=rng)
        files = list(write_backfill(INCIDENT, folder / "packets", shuffled=rng).items())
        if rng is not None:
            files = [*files, *files]
            rng.shuffle(files)
        for source, file in files:
            mine.receive(source, file, now="2025-04-01T12:00")
        states.add(fingerprint_of(mine, folder / "data"))
    assert len(states) == 1


def fingerprint_of(project: Project, data: Path) -> str:
    with project.open(data) as opened:
        return fingerprint(opened, until=dt.date(2025, 5, 1))


# ---- what other parts of perfml add ---------------------------------------------------------------------------------


def test_the_audit_chain_verifies(story: Story) -> None:
    mine = Project(story.folder / "project", home=story.folder / "home")
    mine.checkpoint_audit()
    verification = mine.verify_audit()
    assert verification.whole, verification.findings
    assert verification.rows > 20


# ---- nothing is tied to these numbers -------------------------------------------------------------------------------


incidents = st.builds(
    Incident,
    people=st.integers(1, 3),
    daily=st.decimals("1.00", "5000.00", places=2),
    spread=st.sampled_from([Decimal(0), Decimal("0.5")]),
    returned_percent=st.integers(0, 30).map(Decimal),
    settlement_days=st.integers(1, 4),
    lost=st.lists(st.builds(Lost, st.sampled_from(OFFICES), st.integers(1, 20), st.integers(1, 3)), max_size=2).map(
        tuple
    ),
    moves=st.integers(0, 60).map(lambda share: (RegisteredElsewhere("South", "West", Decimal(share)),)),
    seed=st.integers(0, 999),
    days_before=st.just(1),
    days_after=st.just(0),
    backfilled_at=st.just(dt.datetime(2025, 4, 10, 12)),
)


@settings(deadline=None, max_examples=4, suppress_health_check=list(HealthCheck))
@given(incident=incidents)
def test_other_incidents_hold_whom_they_concern(incident: Incident) -> None:
    """Held is exactly who misses more than 5 % of what was settled by the end of the month; afterwards nobody is."""
    due: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    for sale in incident.sales:
        if sale.day < incident.month or sale.day + dt.timedelta(days=incident.settlement_days) >= incident.end:
            continue
        for office, amount in ((sale.office, sale.settled), (sale.counted_for.rsplit("-", 1)[0], sale.moved)):
            due[office] += amount
            lost[office] += amount if incident.is_lost(sale.office, sale.day) else 0
    concerned = {office for office in OFFICES if 20 * lost[office] > due[office]}
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        mine = Project(write_project(incident, folder / "project", version=2), home=folder / "home")
        mine.sign_off("sales", 2, **WHO)
        write(incident, folder / "data")
        month_end = mine.reconcile(folder / "data", as_of=incident.end)
        assert {
            row.entity.removeprefix("location:") for row in month_end.over_limit if row in month_end.rows
        } == concerned
        assert all(row.bridge.unexplained == 0 for row in month_end.entities)
        settled = mine.reconcile(folder / "data", as_of="2025-04-15")
        assert {row.standing for row in settled.rows if row.month == MARCH} == {"final"}
