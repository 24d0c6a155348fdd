"""The verbs of advice: targets, courses, priorities, and what people decide about them."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from perfml.errors import PerfmlError
from perfml.evidence.sources import Data
from perfml.project.course_policy import CoursePolicy, SkillExamplesSpec, SkillsSpec
from perfml.project.spec import Spec
from perfml.project.target_policy import TargetPolicy
from perfml.trust.holds import held_people
from perfml.verbs.opening import Opening, Source, date_of, end_of_record, refuse_stale, until_day

if TYPE_CHECKING:
    from perfml.advice.decision_log import Decision, DecisionVerdict, Intervention
    from perfml.advice.priorities import Priorities
    from perfml.advice.targets.backtest import TargetBacktest
    from perfml.report.advice import Advice


class Advising(Opening):
    """From what is known to what could be done. Nothing applies by itself."""

    def targets(
        self, data: Source | None = None, *, as_of: dt.date | str | None = None, policy: str | None = None
    ) -> pa.Table:
        """Each goal in force at ``as_of`` (default: the end of the record) with its forecast, and a suggestion inside the policy
        or why there is none; see ``perfml.advice.targets.suggest.SCHEMA``. Kept under ``home``, where the service reads."""
        from perfml.advice.targets.suggest import suggest

        name, spec = self.folder.policy_of(TargetPolicy, policy)
        opened = self.open(data)
        try:
            day = _day(opened, as_of)
            return self._keep(
                suggest(
                    opened,
                    spec,
                    day,
                    name=name,
                    held=held_people(opened, day),
                    refused=self._refused(),
                    progress=self.progress,
                ),
                name,
                day,
            )
        finally:
            opened.close()

    def backtest_targets(
        self, policy: str, data: Source | None = None, *, until: dt.date | str | None = None
    ) -> TargetBacktest:
        """What the forecasts and suggestions of a target policy would have been at past dates, beside seasonal-naive."""
        from perfml.advice.targets.backtest import backtest
        from perfml.advice.targets.suggest import suggest

        _, spec = self.folder.policy_of(TargetPolicy, policy)
        opened = self.open(data)
        try:
            return backtest(
                opened,
                spec,
                until=until_day(opened, until),
                suggest=lambda day: suggest(opened, spec, day),
                progress=self.progress,
            )
        finally:
            opened.close()

    def courses(
        self,
        data: Source | None = None,
        *,
        as_of: dt.date | str | None = None,
        employees: Sequence[str] | None = None,
        policy: str | None = None,
    ) -> pa.Table:
        """The courses for the gaps of ``employees`` (default: everyone) as known at ``as_of``, or why there is none; see
        ``perfml.advice.courses.match.SCHEMA``. Suggestions for everyone are kept under ``home``, where the service reads."""
        from perfml.advice.courses.match import match
        from perfml.advice.courses.taxonomy import Taxonomy

        name, spec = self.folder.policy_of(CoursePolicy, policy)
        _, skills = self.folder.policy_of(SkillsSpec)
        _, examples = self.folder.policy_of(SkillExamplesSpec)
        opened = self.open(data)
        try:
            day = _day(opened, as_of)
            found = match(
                opened,
                spec,
                Taxonomy.of(skills, examples),
                day,
                name=name,
                employees=employees,
                held=held_people(opened, day),
                refused=self._refused(),
                progress=self.progress,
            )
        finally:
            opened.close()
        return found if employees is not None else self._keep(found, name, day)

    def priorities(
        self,
        model: str,
        *,
        capacity: int | None = None,
        as_of: dt.date | str | None = None,
        horizon_days: int | None = None,
        hold_out_share: float = 0.0,
    ) -> Priorities:
        """Whom to talk to first, of the kept scores of ``model`` (default: the newest date, the shortest horizon).

        As many as there is ``capacity`` for (default: the model's own list). Raises :class:`PerfmlError` where nothing was
        scored.
        """
        from perfml.advice.decision_log import DecisionLog
        from perfml.advice.priorities import Ranking, priorities
        from perfml.learning.registry.model_store import load

        spec = self.folder.model(model)
        path = self.scored(model, as_of)
        there = sorted(set(pq.read_table(path, columns=["horizon_days"]).column(0).to_pylist()))
        days = horizon_days or there[0]
        if days not in there:
            wanted = ", ".join(str(one) for one in there)
            raise PerfmlError("was not scored", where=f"{model}, {days} days", remedy=f"use one of: {wanted}")
        ranking = Ranking.of(pq.read_table(path, filters=[("horizon_days", "=", days)]))
        return priorities(
            ranking,
            load(self.home, model, ranking.model_version).about,
            capacity=spec.list.capacity(ranking.scored) if capacity is None else capacity,
            interventions=DecisionLog(self.home).interventions(),
            hold_out_share=hold_out_share,
        )

    def decide(
        self, suggestion_id: str, verdict: DecisionVerdict, *, by: str, reason: str = "", key: str | None = None
    ) -> Decision:
        """Accept or refuse a kept suggestion; it is remembered, and applied by nobody but people.

        The same decision under the same ``key`` (default: a new one) is stored once. Raises :class:`PerfmlError` for a
        suggestion that nobody made, and for a refusal without a reason.
        """
        from perfml.advice.decision_log import Decision, DecisionLog
        from perfml.advice.suggestion_files import find_suggestion

        if find_suggestion(self.home, suggestion_id) is None:
            raise PerfmlError(
                "there is no such suggestion",
                where=repr(suggestion_id),
                remedy="take an id that `perfml targets` or `perfml courses` gave",
            )
        decision = Decision(suggestion_id=suggestion_id, verdict=verdict, decided_by=by, reason=reason)
        return DecisionLog(self.home).decide(decision, key=key or str(uuid.uuid4()))

    def log(self, interventions: Sequence[Intervention], *, key: str | None = None) -> list[Intervention]:
        """Remember whom somebody offered help, and what came of it: all of them or, where one contradicts itself, none."""
        from perfml.advice.decision_log import DecisionLog

        return DecisionLog(self.home).log(interventions, key=key or str(uuid.uuid4()))

    def advice(self, models: Sequence[str], day: dt.date) -> Advice:
        """What the report says about what to do: the lists of ``models`` at ``day``, and the newest suggestions until then."""
        from perfml.report.advice import Advice

        return Advice.of(
            self._newest(TargetPolicy, day),
            self._newest(CoursePolicy, day),
            [self.priorities(model, as_of=day) for model in models],
        )

    def _newest(self, kind: type[Spec], day: dt.date) -> pa.Table | None:
        """The kept suggestions of the policies of this kind, of the newest date that is not after ``day``."""
        from perfml.advice.suggestion_files import suggestion_dates, suggestion_file

        names = [name for name, spec in self.folder.policies.items() if isinstance(spec, kind)]
        there = [(date, name) for name in names for date in suggestion_dates(self.home, name) if date <= day]
        return pq.read_table(suggestion_file(self.home, max(there)[1], max(there)[0])[1]) if there else None

    def _refused(self) -> frozenset[str]:
        from perfml.advice.decision_log import DecisionLog

        return DecisionLog(self.home).refused()

    def _keep(self, found: pa.Table, policy: str, day: dt.date) -> pa.Table:
        from perfml.advice.suggestion_files import keep_suggestions

        keep_suggestions(found, self.home, policy=policy, as_of=day)
        return found


def _day(data: Data, as_of: dt.date | str | None) -> dt.date:
    day = date_of(as_of) if as_of else end_of_record(data)
    refuse_stale(data, day)
    return day
