"""The incident told by perfml's own verbs: what would have gone wrong, and what stops it, step by step."""

from __future__ import annotations

import datetime as dt
import random
import shutil
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
from rich.markup import escape

from perfml import terminal
from perfml.api import Project
from perfml.demo.incident.earlier import write_earlier
from perfml.demo.incident.parameters import Incident
from perfml.demo.incident.project import RISK, write_project
from perfml.demo.incident.tables import METRIC, tables, write, write_backfill, write_csv
from perfml.errors import PerfmlError
from perfml.messages import render
from perfml.scoring.score_files import read_scores, score_file
from perfml.scoring.withheld.provisional import provisional_people
from perfml.terminal.trust.reconciliation import bridge_table, reconciliation_table
from perfml.trust.outbox import posts
from perfml.trust.reconciliation.reconcile import Reconciliation

SIGNER, WHY = "Li Na", "settled net sales, by customer registration"
NEW_VERSION_DAY, REBASED_DAY = 5, 7
"""Days of the month on which version 2 is signed off, and on which a person enters the new targets."""


def play(out: Path, incident: Incident | None = None) -> Path:
    """Play the incident under ``out``, after removing an earlier one, and print each step; return the page of the bridges."""
    played = replace(incident or Incident(), backfilled_at=None)
    for name in ("data", "earlier", "project", "home", "packets"):
        shutil.rmtree(out / name, ignore_errors=True)
    return _Play(out, played).run()


class _Play:
    """One home through the incident."""

    def __init__(self, out: Path, incident: Incident) -> None:
        self.out, self.incident, self.data = out, incident, write(incident, out / "data")
        self.project = self._version(1)
        self.person = incident.staff(incident.moves[0].delivered if incident.moves else incident.offices[0])[0]

    def run(self) -> Path:
        """Every step in its order."""
        month = self.incident.month
        self._chapter(
            "A model", "Who may get a low rating at the next review, learnt from a simulated record of the offices."
        )
        model = self.project.train(RISK, write_earlier(self.incident, self.out / "earlier"), until=month)
        for tested in model.record.backtests.values():
            self._line(f"  {render(tested.text, 'en')}")
        self._chapter("Without perfml", "One person, one month, two systems.")
        self._two_results()
        self._chapter(f"{month}: the definitions", "Before any number is compared, the meanings are.")
        self._show(self.project.reconcile(self.data, as_of=month))
        self._holds()
        self._statuses(self.project.targets(self.data, as_of=self._day(NEW_VERSION_DAY)))
        self._chapter(f"{self._day(NEW_VERSION_DAY)}: version 2", "A named person signs the new meaning off.")
        self.project = self._version(2)
        self.project.sign_off(METRIC, 2, by=SIGNER, reason=WHY, on=self._day(NEW_VERSION_DAY))
        self._holds()
        targets = self._rebase()
        self.data = write(replace(self.incident, version_2_on=self._day(REBASED_DAY), rebased=targets), self.data)
        lost = [day for day in self.incident.days if self._is_lost(day)]
        self._scores(min(lost, default=self._day(REBASED_DAY + 2)))
        self._packets(lost)
        self._chapter("The end of the month", "Closed days only, one basis, one attribution.")
        reconciliation = self.project.reconcile(self.data, as_of=self.incident.end)
        self._show(reconciliation)
        bridge_table(reconciliation.of(self.person)[-1], self.project.folder.metrics, "en")
        self._holds()
        self._scores(self.incident.end)
        page = self.project.write_reconciliation(reconciliation, self.out / "reconciliation.html")
        self._dispute()
        self._backfill()
        self._line(f"The bridges as pictures: {page}")
        return page

    def _two_results(self) -> None:
        evening = str(self.incident.end - dt.timedelta(days=1))
        rows = tables(self.incident)
        (read,) = (
            Decimal(row["actual"])
            for row in rows["progress"]
            if row["goal_id"] == f"G-{self.person}" and row["measured_at"].startswith(evening)
        )
        ordered = sum(
            Decimal(sale.gross) / 100
            for sale in self.incident.sales
            if sale.person == self.person and self.incident.month <= sale.day < self.incident.end
        )
        for system, amount in (("the performance system", read), ("the system of orders", ordered)):
            self._line(
                f"  {self.person} in {system}: {amount:,} of {self.incident.target:,}, {amount / self.incident.target:.1%}"
            )

    def _rebase(self) -> dict[str, Decimal]:
        proposals = self.project.rebase(self.data, as_of=self._day(NEW_VERSION_DAY + 1)).to_pylist()
        groups = Counter(
            (row["employee_id"].rsplit("-", 1)[0], row["old_target"], row["new_target"]) for row in proposals
        )
        for (office, old, new), count in groups.items():
            if new is not None:
                self._line(f"  proposed for {count} people of {office}: target {old:,.2f} becomes {new:,.2f}")
        self._line(
            "  Nothing applies by itself: a person accepts, and enters the targets as a new version of the goals."
        )
        for row in proposals:
            self.project.decide(row["suggestion_id"], "accept", by=SIGNER)
        return {
            row["employee_id"]: Decimal(str(row["new_target"])) for row in proposals if row["new_target"] is not None
        }

    def _packets(self, lost: list[dt.date]) -> None:
        if not lost:
            return
        due = [self.incident.due_at(day) for day in lost]
        self._chapter(f"{min(due):%Y-%m-%d}: a packet does not come", "The first missed deadline raises the alarm.")
        for now in (min(due) + dt.timedelta(minutes=1), min(due) + dt.timedelta(hours=25)):
            report = self.project.deliveries(self.data, now=now)
            for post in report.carried.delivered:
                self._line(f"  {now}, to {post.recipient}: {render(post.message, 'en')}")

    def _dispute(self) -> None:
        today = self.incident.end
        self._chapter(f"{today}: {self.person} disputes the figure", "Their manager cannot close it.")
        evening = dt.datetime.combine(today - dt.timedelta(days=1), dt.time(22))
        proof = self.out / "orders.txt"
        proof.write_text("the orders of the days whose packets are missing", encoding="utf-8")
        filed = self.project.dispute(
            self.person,
            table="progress",
            key=f"G-{self.person} {evening}",
            right={"actual": str(self._settled_by(evening))},
            by=self.person,
            proof=proof,
            data=self.data,
            today=today,
        )
        self._line(f"  {filed.fact} is withheld; to be decided by {filed.due_on}")
        office = self.person.rsplit("-", 1)[0]
        others = [f"{each}-manager" for each in (office, next(o for o in self.incident.offices if o != office))]
        for resolver in others:
            try:
                decided = self.project.resolve(
                    filed.dispute_id, "upheld", by=resolver, reason="packets are missing", data=self.data, today=today
                )
                self._line(f"  {resolver}: {decided.state}")
            except PerfmlError as error:
                self._line(f"  {resolver}: {error.problem}")

    def _settled_by(self, moment: dt.datetime) -> Decimal:
        """What the person's closed days come to, lost packets included."""
        sales = [sale for sale in self.incident.sales if sale.person == self.person and sale.day >= self.incident.month]
        return sum(
            (Decimal(sale.settled) / 100 for sale in sales if self.incident.due_at(sale.day) <= moment), Decimal(0)
        )

    def _backfill(self) -> None:
        arrived = dt.datetime.combine(self.incident.end, dt.time(12))
        self._chapter(f"{arrived}: the packets come after all", "Twice, and shuffled; they are applied once.")
        for attempt in range(2):
            files = write_backfill(self.incident, self.out / "packets", shuffled=random.Random(attempt))
            for source, file in files.items():
                receipt = self.project.receive(source, file, now=arrived + dt.timedelta(hours=attempt))
                self._line(f"  {source}: {receipt.rows} rows, {'applied' if receipt.is_new else 'had come before'}")
        credited = replace(self.incident, backfilled_at=arrived, version_2_on=self._day(REBASED_DAY))
        write_csv(self.data / "progress.csv", tables(credited)["progress"])
        settled = self.incident.end + dt.timedelta(days=self.incident.settlement_days)
        self.project.reconcile(self.data, as_of=settled)
        self._scores(settled)
        signed_on = settled + dt.timedelta(days=1)
        self._show(self.project.reconcile(self.data, as_of=signed_on))
        for hold in self.project.holds():
            self.project.release(hold.hold_id, by=SIGNER, reason="all packets came, two clean days", today=signed_on)
        self._holds()
        for path in self.project.recompute(self.data):
            self._line(
                f"  computed again: {path.relative_to(self.project.home)}; the earlier file is kept as superseded"
            )
        self._office_scores(settled)
        lifted = [post for post in posts(self.project.home) if post.message.code == "hold_lifted"]
        for post in lifted[:1]:
            self._line(f"  to {len(lifted)} people: {render(post.message, 'en')}")

    def _is_lost(self, day: dt.date) -> bool:
        return any(self.incident.is_lost(office, day) for office in self.incident.offices)

    def _version(self, version: int) -> Project:
        return Project(write_project(self.incident, self.out / "project", version=version), home=self.out / "home")

    def _day(self, number: int) -> dt.date:
        return self.incident.month + dt.timedelta(days=number - 1)

    def _show(self, reconciliation: Reconciliation) -> None:
        reconciliation_table(reconciliation, self.project.folder.metrics, "en")

    def _holds(self) -> None:
        held = [f"{hold.entity} ({hold.cause})" for hold in self.project.holds()]
        self._line(f"  held: {', '.join(held) or 'nobody'}")

    def _scores(self, day: dt.date) -> None:
        self.project.write_scores(RISK, self.data, as_of=day)
        self._office_scores(day)
        for risk in self.project.person(self.person, as_of=day).risks:
            for stale in (each.stale for each in risk.horizons if each.stale is not None):
                self._line(f"  {self.person} is in no ranking; the last good score is that of {stale.as_of}")

    def _office_scores(self, day: dt.date) -> None:
        path = score_file(self.project.home, RISK, day)
        rows, provisional = read_scores(path).to_pylist(), provisional_people(path)
        for office in self.incident.offices:
            people = self.incident.staff(office)
            counted = Counter(row["status"] for row in rows if row["employee_id"] in people)
            standing = " (provisional)" if counted["scored"] and provisional & set(people) else ""
            self._line(
                f"  scores of {office}, {day}: {', '.join(f'{n} {status}' for status, n in counted.items())}{standing}"
            )

    def _statuses(self, suggestions: pa.Table) -> None:
        rows = suggestions.to_pylist()
        for office in self.incident.offices:
            counted = Counter(row["status"] for row in rows if row["employee_id"] in self.incident.staff(office))
            self._line(f"  targets of {office}: {', '.join(f'{n} {status}' for status, n in counted.items())}")

    def _chapter(self, title: str, sentence: str) -> None:
        terminal.out.print(f"\n[bold]{escape(title)}[/]\n{escape(sentence)}", highlight=False)

    def _line(self, text: str) -> None:
        terminal.out.print(escape(text), highlight=False, soft_wrap=True)
