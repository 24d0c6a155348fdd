"""Reconciliation: every metric with a reference and actuals, on the same basis, the same attribution and closed days only."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from perfml.evidence.sources import Data
from perfml.json_types import JsonObject
from perfml.messages import Message, both
from perfml.project.trust.metrics import MetricsSpec
from perfml.trust.definitions.clashes import Clash, clashes
from perfml.trust.definitions.versions import VersionHistory
from perfml.trust.deliveries.packets import Packet
from perfml.trust.reconciliation.bridge import Reconciled, added_up
from perfml.trust.reconciliation.cells import note_undelivered, reconciled_entities, remarks

MONTHS = 2
"""The month of the newest closed day and the one before it are reconciled: a gap is not over because a month is."""


@dataclass(frozen=True, kw_only=True)
class Reconciliation:
    """What two systems say of each metric, and what explains the difference."""

    as_of: dt.date
    rows: tuple[Reconciled, ...]
    """One for each metric, month and entity at which gaps are judged."""
    entities: tuple[Reconciled, ...]
    """One for each metric, month and entity of ``facts``."""
    clashes: tuple[Clash, ...]
    """A metric with one that stops is compared in no row."""
    notices: tuple[Message, ...]
    """Why metrics are not compared, and values that had to be rounded."""

    def of(self, entity: str) -> tuple[Reconciled, ...]:
        """The rows of ``location:South``, ``employee:South-01`` or just ``South-01``, newest month last."""
        return tuple(
            row for row in (*self.rows, *self.entities) if entity in (row.entity, row.entity.partition(":")[2])
        )

    @property
    def over_limit(self) -> tuple[Reconciled, ...]:
        """What is to be held: judged entities over the limit, and others over it by themselves though their level is not."""
        levels = {(row.metric, row.month, row.entity) for row in self.rows if row.over_limit}
        single = (
            row for row in self.entities if row.over_limit and (row.metric, row.month, row.belongs_to) not in levels
        )
        return tuple(dict.fromkeys((*(row for row in self.rows if row.over_limit), *single)))

    def to_json(self) -> JsonObject:
        """The reconciliation as JSON; amounts are texts."""
        return {
            "as_of": str(self.as_of),
            "rows": [row.to_json() for row in self.rows],
            "entities": [row.to_json() for row in self.entities],
            "clashes": [clash.to_json() for clash in self.clashes],
            "notices": list(map(both, self.notices)),
        }


def reconcile(
    data: Data,
    metrics: MetricsSpec,
    history: VersionHistory,
    as_of: dt.date,
    *,
    packets: Iterable[Packet] = (),
    since: dt.date | None = None,
) -> Reconciliation:
    """Compare every metric as it was known before ``as_of``. Clashes are looked for first; one that stops compares nothing.

    ``packets``: what was due by then and what came; a day whose packet did not come is missing, not zero.
    ``since``: the day of a gap that somebody is held for, whose month is compared until the gap is closed.
    """
    note_undelivered(data, packets)
    every_clash = clashes(metrics, history, data, as_of)
    stopped = {clash.metric for clash in every_clash if clash.stops}
    entities: list[Reconciled] = []
    notices: list[Message] = []
    if not metrics.metrics:
        notices.append(Message.of("reconcile_nothing_defined"))
    for name, spec in metrics.metrics.items():
        if name in stopped:
            notices.append(Message.of("reconcile_stopped", metric=name))
        elif spec.reference is None or spec.actuals is None:
            notices.append(Message.of("reconcile_one_source", metric=name))
        elif not data.has("facts"):
            notices.append(Message.of("reconcile_no_facts", metric=name))
        else:
            rows = _months(reconciled_entities(data, name, spec, as_of), since)
            if not rows:
                notices.append(Message.of("reconcile_nothing_closed", metric=name))
            entities += rows
            notices += remarks(data, name, spec, as_of)
    return Reconciliation(
        as_of=as_of,
        rows=_judged(entities),
        entities=tuple(entities),
        clashes=every_clash,
        notices=tuple(notices),
    )


def _months(rows: Iterable[Reconciled], since: dt.date | None) -> list[Reconciled]:
    every = list(rows)
    closed = sorted({row.month for row in every if row.closed_days})
    first = min([*closed[-MONTHS:], *([since.replace(day=1)] if since else [])], default=dt.date.max)
    return [row for row in every if row.month in closed and row.month >= first]


def _judged(entities: Iterable[Reconciled]) -> tuple[Reconciled, ...]:
    groups: dict[tuple[str, dt.date, str], list[Reconciled]] = {}
    for row in entities:
        groups.setdefault((row.metric, row.month, row.belongs_to), []).append(row)
    return tuple(added_up(groups[key]) for key in sorted(groups))
