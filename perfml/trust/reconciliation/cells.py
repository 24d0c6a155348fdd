"""The comparison of two sources in SQL: one cell for each packet, entity and business day, in exact decimals.

A packet is what follows the ``/`` in a source's name (``perf_settled/South``); a cell whose packet was not delivered is missing,
not zero. Everything is read as it was known before the as-of date.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import NamedTuple

from perfml.evidence.record_end import end_of_record
from perfml.evidence.snapshots import visible
from perfml.evidence.sources import Data
from perfml.messages import Message
from perfml.project.trust.metrics import MetricSpec
from perfml.trust.deliveries.packets import Packet
from perfml.trust.entities import judged_at
from perfml.trust.reconciliation.bridge import GapBridge, Matched, Reconciled

PACKET = "case when contains(source, '/') then substr(source, strpos(source, '/') + 1) else '' end"
"""SQL: the packet of a row, '' where the source is not split into packets."""
FINER = 1e-6
"""Relative difference beyond which a value has more decimal places than its metric."""


class MeaningTotals(NamedTuple):
    """What the reference amounts to on closed days: in its own meaning, then in the basis and attribution of the actuals."""

    days: int
    own: Decimal
    in_basis: Decimal
    in_attribution: Decimal


def _of(source: str) -> str:
    """SQL condition: the row is of the source whose name is the value of ``source``."""
    return f"(source = ${source} or starts_with(source, ${source} || '/'))"


def _amount(decimals: int) -> str:
    """SQL: the value of the row ``t`` as an exact amount; null where it is none. Python's decimals hold 28 digits."""
    return f"try_cast(t.value as decimal(24, {decimals}))"


def _cells(decimals: int) -> str:
    return f"""
with a as (select $as_of::date as as_of),
known as (
  select t.metric, t.source, t.entity, t.business_date as day, {_amount(decimals)} as value
  from main.facts t, a where {visible("t")} and t.metric in ($metric, $returns, $attribution)
    and {_amount(decimals)} is not null
),
amounts as (
  select {PACKET} as packet, entity, day,
    case when metric = $metric and {_of("reference")} then value else 0 end as reference,
    case when metric = $metric and {_of("actuals")} then value else 0 end as actuals,
    case when metric = $returns then value else 0 end as returned,
    case when metric = $attribution then value else 0 end as moved,
    metric = $metric and {_of("reference")} as of_reference,
    metric = $metric and {_of("actuals")} as of_actuals
  from known where metric <> $metric or {_of("reference")} or {_of("actuals")}
),
split as (
  select coalesce(bool_or(of_reference and packet <> ''), false) and coalesce(bool_or(of_actuals and packet <> ''), false)
    as by_packet
  from amounts
),
due as (
  select case when by_packet then {PACKET} else '' end as packet, business_date as day,
    bool_or({_of("reference")}) as of_reference, bool_or({_of("actuals")}) as of_actuals
  from temp.undelivered, split group by all having of_reference or of_actuals
),
cells as (
  select case when by_packet then packet else '' end as packet, entity, day, sum(reference) as reference,
    sum(actuals) as actuals, sum(returned) as returned, sum(moved) as moved, bool_or(of_reference) as of_reference,
    bool_or(of_actuals) as of_actuals, bool_and(a.as_of > day + $closing_days::int) as closed
  from amounts, split, a group by all
),
judged as (
  select c.*, c.reference - c.returned + c.moved as restated,
    c.closed and not c.of_actuals and coalesce(due.of_actuals, false) as missing,
    c.closed and not c.of_reference and coalesce(due.of_reference, false) as unreported
  from cells c left join due on due.packet = c.packet and due.day = c.day
)"""


def _bridges(decimals: int) -> str:
    compared = "closed and not missing and not unreported"
    return f"""{_cells(decimals)}
select date_trunc('month', day)::date as month, entity,
  sum(reference), sum(actuals),
  coalesce(sum(actuals - reference) filter (not closed), 0) as timing,
  coalesce(sum(actuals - reference) filter (missing or unreported), 0) as missing,
  coalesce(sum(-returned) filter ({compared}), 0) as returns,
  coalesce(sum(moved) filter ({compared}), 0) as attribution,
  coalesce(sum(actuals - restated) filter ({compared}), 0) as unexplained,
  coalesce(sum(restated) filter (closed and not unreported), 0) as matched_reference,
  coalesce(sum(actuals) filter (closed and not unreported), 0) as matched_actuals,
  coalesce(sum(actuals - restated) filter (missing and not unreported), 0) as matched_missing,
  count(distinct day), count(distinct day) filter (closed), count(distinct day) filter (missing),
  count(distinct day) filter (unreported), min(day) filter (closed and not unreported and actuals <> restated)
from judged where day < $as_of::date group by all order by all"""


def note_undelivered(data: Data, packets: Iterable[Packet]) -> None:
    """Make the temp table ``undelivered``: the packets that did not come, by source and business day."""
    rows = [(packet.source, packet.business_date) for packet in packets if packet.received_at is None]
    data.connection.execute(
        "create or replace temp table undelivered as"
        " select unnest(?::text[]) as source, unnest(?::date[]) as business_date",
        [[source for source, _ in rows], [day for _, day in rows]],
    )


def reconciled_entities(data: Data, name: str, spec: MetricSpec, as_of: dt.date) -> Iterator[Reconciled]:
    """Each entity and month of a metric that has a reference and actuals, by month and entity; amounts are exact."""
    belongs = judged_at(data, spec, as_of)
    rows = data.connection.execute(_bridges(spec.decimals), _values(name, spec, as_of)).fetchall()
    for month, entity, *numbers in rows:
        amounts = [_exact(number, spec.decimals) for number in numbers[:10]]
        days, closed, missing, unreported, first_gap_day = numbers[10:]
        yield Reconciled(
            metric=name,
            month=month,
            entity=f"{spec.entity}:{entity}",
            belongs_to=belongs.get(entity, f"{spec.entity}:{entity}"),
            bridge=GapBridge(
                **dict(
                    zip(
                        ("reference", "actuals", "timing", "missing", "returns", "attribution", "unexplained"),
                        amounts[:7],
                        strict=True,
                    )
                )
            ),
            matched=Matched(**dict(zip(("reference", "actuals", "missing"), amounts[7:], strict=True))),
            days=days,
            closed_days=closed,
            missing_days=missing,
            unreported_days=unreported,
            first_gap_day=first_gap_day,
            limit_percent=spec.limit_percent,
        )


def end_of_facts(data: Data) -> dt.date:
    """The first as-of date that can use every row of ``facts``; without rows the end of the record."""
    query = f"select max(usable_day) from facts where usable_day <= date '{data.today}'"
    last: dt.date | None = data.connection.execute(query).fetchall()[0][0]
    return end_of_record(data) if last is None else last + dt.timedelta(days=1)


def remarks(data: Data, name: str, spec: MetricSpec, as_of: dt.date) -> Iterator[Message]:
    """What is to be said of the values themselves: those that are rounded or left out, and moves that lead nowhere."""
    metrics = [name, *(metric for metric in (spec.bridge.returns, spec.bridge.attribution) if metric)]
    exact = _amount(spec.decimals)
    finer, unusable, moved = data.connection.execute(
        f"select count(*) filter (abs(t.value - {exact}::double) > {FINER} * greatest(1, abs(t.value))),"
        f" count(*) filter ({exact} is null),"
        f" coalesce(sum({exact}) filter (t.metric = ? and a.as_of > t.business_date + ?::int), 0)"
        f" from main.facts t, (select ?::date as as_of) a where {visible('t')} and t.metric in (select unnest(?::text[]))",
        [spec.bridge.attribution or "", spec.closing_days, as_of, metrics],
    ).fetchall()[0]
    if finer:
        yield Message.of("reconcile_finer", metric=name, count=finer, decimals=spec.decimals)
    if unusable:
        yield Message.of("reconcile_unusable", metric=name, count=unusable)
    if moved:
        amount = f"{_exact(moved, spec.decimals):,} {spec.unit}"
        yield Message.of("reconcile_moves", metric=name, moves=str(spec.bridge.attribution), amount=amount)


def _values(name: str, spec: MetricSpec, as_of: dt.date) -> dict[str, object]:
    return {
        "as_of": as_of,
        "metric": name,
        "reference": spec.reference,
        "actuals": spec.actuals,
        "returns": spec.bridge.returns or "",
        "attribution": spec.bridge.attribution or "",
        "closing_days": spec.closing_days,
    }


def _exact(number: Decimal | int, decimals: int) -> Decimal:
    return Decimal(number).quantize(Decimal(1).scaleb(-decimals))


def totals_by_meaning(data: Data, name: str, spec: MetricSpec, as_of: dt.date) -> dict[str, MeaningTotals]:
    """Entity → what the reference amounts to on closed days, in each meaning that the bridge leads through."""
    note_undelivered(data, ())  # what the actuals lack does not matter to the reference
    rows = data.connection.execute(
        f"{_cells(spec.decimals)}\nselect entity, count(distinct day), sum(reference), sum(reference - returned), sum(restated)"
        " from judged where closed and not unreported group by entity",
        _values(name, spec, as_of),
    ).fetchall()
    return {
        entity: MeaningTotals(days, *(_exact(number, spec.decimals) for number in numbers))
        for entity, days, *numbers in rows
    }
