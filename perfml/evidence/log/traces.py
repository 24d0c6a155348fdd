"""From which rows a column is computed: kinds of the log in a window, and tables.

Without DuckDB and pandas: traces are kept with the rows of people, and read by the service.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict

from perfml.evidence.log.windows import Plan, Side, WindowColumn
from perfml.project.feature_spec import COUNTERPART_MEASURES, VALUE_MEASURES
from perfml.project.folder import Definitions


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class KindSet(_Frozen):
    """Kinds of events: those listed or, with ``others``, all that are not."""

    kinds: tuple[str, ...]
    others: bool = False

    def has(self, kind: str) -> bool:
        """Whether ``kind`` belongs to it.

        >>> KindSet(kinds=("login",)).has("login"), KindSet(kinds=("login",), others=True).has("login")
        (True, False)
        """
        return (kind in self.kinds) != self.others


class EventTrace(_Frozen):
    """Which events of the log a column counts."""

    own: KindSet | None = None
    """Of those that the person did; None: none of them."""
    received: KindSet | None = None
    """Of those whose counterpart the person was."""
    days: int = 0
    """Length of the window before the as-of date; 0: without one."""
    met: bool = False
    """Whether only events with a counterpart count."""
    where: str | None = None
    """SQL over the facts of an event that it must meet as well."""
    last: int = 0
    """Only the last so many of them; 0: all."""
    last_days: int = 0
    """Only those of the last so many days that have any; 0: of all."""
    valued: bool = False
    """Whether only events with a value count."""


class ColumnTrace(_Frozen):
    """Which rows a column is computed from; nothing for what the rest of a team has together."""

    events: tuple[EventTrace, ...] = ()
    tables: tuple[str, ...] = ()
    """Tables whose rows of the person it is computed from."""

    @property
    def by_condition(self) -> bool:
        """Whether it counts events by a condition, which only the data tell."""
        return any(events.where is not None for events in self.events)


def trace_of(definitions: Definitions, plan: Plan, name: str) -> ColumnTrace | None:
    """The trace of a column that is no comparison; None where no definition makes it."""
    for column in plan.columns:
        if name in [column.column.of_team(summary).name for summary in column.team]:
            return ColumnTrace()
        if column.column.name == name:
            return ColumnTrace(events=(_events(plan, column),))
    for file in definitions.relational:
        if name in file.spec.columns and file.spec.reads:
            parts = [part for read in file.spec.reads if (part := trace_of(definitions, plan, read)) is not None]
            return ColumnTrace(
                events=tuple(dict.fromkeys(event for part in parts for event in part.events)),
                tables=tuple(dict.fromkeys(table for part in parts for table in part.tables)),
            )
        if name in file.spec.columns:
            return ColumnTrace(tables=tuple(file.spec.needs))
    return None


def traces(definitions: Definitions, plan: Plan) -> Iterator[tuple[str, ColumnTrace]]:
    """Every column that is no comparison, with its trace."""
    names = [name for column in plan.columns for name in (column.column.name, *_of_team(column))]
    for name in (*names, *(name for file in definitions.relational for name in file.spec.columns)):
        trace = trace_of(definitions, plan, name)
        if trace is not None:
            yield name, trace


def _of_team(column: WindowColumn) -> list[str]:
    return [column.column.of_team(summary).name for summary in column.team]


def _events(plan: Plan, column: WindowColumn) -> EventTrace:
    """The channels that a column counts, as the person who acted and as the counterpart."""
    met, valued = column.measure in COUNTERPART_MEASURES, column.measure in VALUE_MEASURES
    if met:
        sides: tuple[Side, ...] = ("own", "received") if column.side == "either" else (column.side,)
        channels = [channel for side in sides for channel in plan.meetings(side, column.kinds)]
    else:
        channels = plan.channels(column)
    n = plan.n_channels
    own, received = [c for c in channels if c < n], [c - n for c in channels if c >= n]
    condition = plan.condition((own or received)[0]) if channels else None
    if condition is not None:
        own, received = (list(condition.kinds) if side else [] for side in (own, received))
    return EventTrace(
        own=_kinds(plan, own),
        received=_kinds(plan, received),
        days=column.past_days or column.window_days,
        met=met,
        where=None if condition is None else condition.sql,
        last=column.last_events if valued else 0,
        last_days=0 if valued else column.last_events,
        valued=valued,
    )


def _kinds(plan: Plan, channels: list[int]) -> KindSet | None:
    """The kinds of channels without a condition; the last of them is that of all other kinds."""
    if not channels:
        return None
    if len(plan.kinds) in channels:
        return KindSet(kinds=tuple(kind for i, kind in enumerate(plan.kinds) if i not in channels), others=True)
    return KindSet(kinds=tuple(plan.kinds[channel] for channel in channels))
