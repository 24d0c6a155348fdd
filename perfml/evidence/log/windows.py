"""Windowed definitions compiled for one pass over the log: which channels, which windows, which columns.

A *channel* is what one cell counts: the events of one kind that a person did (``own``) or was the counterpart of
(``received``). Kinds are discovered from the log as it was known before the last as-of date, the most frequent first;
kinds past the limit share one channel, unless a definition names them. Events that meet the condition of a measure are counted
once more, in a channel of that condition.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product
from typing import Literal

from perfml.errors import DefinitionError
from perfml.evidence.columns import Column, require_unique_names
from perfml.evidence.tables.conditions import require_facts
from perfml.project.column_names import fill
from perfml.project.feature_spec import COUNTERPART_MEASURES, VALUE_MEASURES, KindMeta, Measure
from perfml.project.folder import WindowedFile
from perfml.project.spec import EVENT_FACTS, Direction, OfTeam, Relation

Side = Literal["own", "received", "either"]
REVERSED: Mapping[Direction, Direction] = {"higher": "lower", "lower": "higher", "neither": "neither"}
IN_UNITS = VALUE_MEASURES | {"sum"}
"""Measures whose values have the unit of the events' values."""
PAIRED_WINDOWS = ("trend", "own_past")
"""Measures that compare a recent window with the rest of a longer one."""


@dataclass(frozen=True, kw_only=True)
class WindowColumn:
    """One column to compute: a measure over some channels and one window (two for a comparison with the person's past)."""

    column: Column
    measure: str
    side: Side
    kinds: tuple[int, ...]
    """Channels of the person's own side: indexes into :attr:`Plan.kinds`, or the one of :attr:`Plan.conditions`."""
    window_days: int
    compare: tuple[Relation, ...] = ()
    team: tuple[OfTeam, ...] = ()
    past_days: int = 0
    """For ``trend`` and ``own_past``: the longer window; its part before ``window_days`` is the past."""
    last_events: int = 0
    """Of the events within the window only the last so many; 0: all. For ``days_since_active_day``: of the active days."""
    missing_days_share: float = 0.0
    """Share of the window that may be missing, and is then estimated from the rest."""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """The events in some channels that meet a condition."""

    kinds: tuple[int, ...]
    """Channels without a condition."""
    where: str
    """SQL over the facts of an event."""
    key: str = field(compare=False)
    """File and key of the first measure that asks for it."""

    @property
    def sql(self) -> str:
        """``where``, false where it gives no answer."""
        return f"coalesce(try(({self.where})::boolean), false)"


@dataclass(frozen=True)
class Plan:
    """All windowed columns of a project over one log."""

    kinds: tuple[str, ...]
    """The raw kinds that have a channel of their own, most frequent first; all others share one further channel."""
    columns: tuple[WindowColumn, ...]
    mirrored: frozenset[int] = frozenset()
    """Indexes of the kinds that the counterpart does: ``employee_id`` of their rows is the receiver."""
    conditions: tuple[Condition, ...] = ()
    """Each has a channel of its own, after that of the other kinds."""

    @cached_property
    def cell_columns(self) -> tuple[WindowColumn, ...]:
        """Columns computed from counts, sums and days."""
        return tuple(c for c in self.columns if c.measure not in COUNTERPART_MEASURES)

    @cached_property
    def pair_columns(self) -> tuple[WindowColumn, ...]:
        """Columns computed from pairs of people who met."""
        return tuple(c for c in self.columns if c.measure in COUNTERPART_MEASURES)

    @cached_property
    def windows(self) -> tuple[int, ...]:
        """All window lengths of the cells, in days, ascending."""
        return tuple(sorted({w for c in self.cell_columns for w in (c.window_days, c.past_days) if w}))

    @property
    def n_channels(self) -> int:
        """Channels of one side."""
        return len(self.kinds) + 1 + len(self.conditions)

    def condition(self, channel: int) -> Condition | None:
        """The condition that a channel of the person's own side counts; None where it counts every event of a kind."""
        return self.conditions[channel - len(self.kinds) - 1] if channel > len(self.kinds) else None

    @property
    def counts_received(self) -> bool:
        """Whether any cell column needs the counterpart's side."""
        return any(c.side == "received" for c in self.cell_columns)

    def channels(self, column: WindowColumn) -> list[int]:
        """The channels that a column counts.

        Received channels leave out mirrored kinds: their rows are the receiver's own already.
        """
        if column.side == "received":
            return [self.n_channels + kind for kind in self.unmirrored(column.kinds)]
        return list(column.kinds)

    def unmirrored(self, kinds: tuple[int, ...]) -> tuple[int, ...]:
        """Those of ``kinds`` whose rows name the one who acted as ``employee_id``."""
        return tuple(kind for kind in kinds if kind not in self.mirrored)

    def meetings(self, side: Side, kinds: tuple[int, ...]) -> list[int]:
        """The channels by which a person reached others (``own``) or was reached (``received``)."""
        return [kind + self.n_channels * ((side == "received") != (kind in self.mirrored)) for kind in kinds]


def compile_windows(files: Sequence[WindowedFile], kinds: Sequence[str], *, has_counterparts: bool) -> Plan:
    """The plan for ``kinds`` (all raw kinds of the log, most frequent first).

    Columns of counterparts are left out where the log has none. Raises :class:`DefinitionError` for a column name
    that two measures make, and for a condition that names what an event does not have.
    """
    limit = max((file.spec.max_kinds for file in files), default=0)
    named = named_kinds(files)
    channels = (*kinds[:limit], *(kind for kind in kinds[limit:] if kind in named))
    taken = {
        name
        for file in files
        for measure in file.spec.measures
        if measure.kinds != "each"
        for name in _names_by_window(measure)
    }
    mirrored = {kind for file in files for kind, meta in file.spec.kinds.items() if meta.done_by == "counterpart"}
    plan = Plan(channels, (), frozenset(i for i, kind in enumerate(channels) if kind in mirrored))
    columns: list[WindowColumn] = []
    conditions: dict[Condition, int] = {}
    for file in files:
        names = _names(file, channels, taken)
        for number, measure in enumerate(file.spec.measures):
            if (measure.measure in COUNTERPART_MEASURES or measure.side != "own") and not has_counterparts:
                continue
            expanded = _expand(file, number, names=names, kinds=channels)
            if measure.where is not None:
                key = f"{file.file} [measures.{number}].where"
                require_facts(measure.where, EVENT_FACTS, of="an event", where=key)
                for index, column in enumerate(expanded):
                    counted = column.kinds if column.side == "own" else plan.unmirrored(column.kinds)
                    condition = Condition(kinds=counted, where=measure.where, key=key)
                    channel = plan.n_channels + conditions.setdefault(condition, len(conditions))
                    expanded[index] = replace(column, kinds=(channel,))
            columns += expanded
    require_unique_names(column.column for column in columns)
    return replace(plan, columns=tuple(columns), conditions=tuple(conditions))


def named_kinds(files: Sequence[WindowedFile]) -> set[str]:
    """The kinds that have a channel of their own, however rare: those that a measure or a file asks for by name."""
    measures = [measure for file in files for measure in file.spec.measures]
    return {
        *(kind for measure in measures if not isinstance(measure.kinds, str) for kind in measure.kinds),
        *(kind for file in files for kind in file.spec.only or ()),
    }


def slug(kind: str) -> str:
    """A kind as part of a column name: word characters of any language.

    >>> slug("code review"), slug('say "hi"'), slug("代码评审")
    ('code_review', 'say_hi', '代码评审')
    """
    return re.sub(r"\W+", "_", kind).strip("_") or "kind"


def _names_by_window(measure: Measure) -> set[str]:
    """The column names of a measure, one per window and number of events, with ``{kind}`` left as it is."""
    return {
        fill(measure.column, kind="{kind}", window=window, last=last)
        for window in measure.windows_days or (0,)
        for last in measure.last_events or (0,)
    }


def _names(file: WindowedFile, kinds: Sequence[str], taken: set[str]) -> dict[str, list[int]]:
    """Name in columns → channels, for the kinds that this file uses.

    A few letters of a hash are added to a name whose columns would clash with ``taken``, or with those of another kind.
    """
    spec = file.spec
    each = [measure for measure in spec.measures if measure.kinds == "each"]
    names: dict[str, list[int]] = {}
    by_slug: dict[str, str] = {}
    used = [(index, kind) for index, kind in enumerate(kinds) if spec.only is None or kind in spec.only]
    for index, kind in used[: spec.max_kinds]:
        meta = spec.kinds.get(kind)
        wanted = meta.rename if meta and meta.rename else kind
        name = slug(wanted)
        columns = {column.replace("{kind}", name) for measure in each for column in _names_by_window(measure)}
        if by_slug.setdefault(name, wanted) != wanted or columns & taken:
            name = f"{name}_{hashlib.blake2s(wanted.encode(), digest_size=2).hexdigest()}"
        names.setdefault(name, []).append(index)
    return names


def _expand(
    file: WindowedFile, number: int, *, names: dict[str, list[int]], kinds: Sequence[str]
) -> list[WindowColumn]:
    """The columns of measure ``number`` of ``file``. Raises :class:`DefinitionError` for windows that make no pair."""
    measure = file.spec.measures[number]
    if measure.kinds == "each":
        groups = [(name, tuple(channels)) for name, channels in names.items()]
    elif measure.kinds == "all":
        everything = sorted(i for channels in names.values() for i in channels)
        groups = [("", tuple(everything) if file.spec.only else tuple(range(len(kinds) + 1)))]
    else:
        chosen = tuple(i for i, kind in enumerate(kinds) if kind in measure.kinds)
        groups = [("", chosen)] if chosen else []
    if measure.measure in PAIRED_WINDOWS:
        if len(measure.windows_days) != 2 or measure.windows_days[0] >= measure.windows_days[1]:
            raise DefinitionError(
                f"{list(measure.windows_days)} cannot be used",
                where=f"{file.file} [measures.{number}].windows_days",
                remedy=f"{measure.measure!r} takes two windows, the recent and the longer one",
            )
        spans = [(measure.windows_days[0], measure.windows_days[1])]
    else:
        spans = [(window, 0) for window in measure.windows_days] or [(0, 0)]
    columns = []
    for name, channels in groups:
        kind = kinds[channels[0]] if name else ""
        for (window, past), last in product(spans, measure.last_events or (0,)):
            only = measure.compare_windows_days
            columns.append(
                WindowColumn(
                    column=_column(file, measure, name=name, kind=kind, window=window, last=last),
                    measure=measure.measure,
                    side=measure.side,
                    kinds=channels,
                    window_days=window,
                    compare=measure.compare if only is None or window in only else (),
                    team=measure.team,
                    past_days=past,
                    last_events=last,
                    missing_days_share=file.spec.missing_days_share,
                )
            )
    return columns


def _column(file: WindowedFile, measure: Measure, *, name: str, kind: str, window: int, last: int) -> Column:
    """What the column means: ``kind`` is the raw kind, ``name`` its name in columns; both empty over several kinds."""
    meta = file.spec.kinds.get(kind) or KindMeta(zh=f"代码为“{kind}”的事件", en=f"events coded “{kind}”")
    reason = measure.reason or (f"{file.name}:{name}" if name else file.name)
    return Column(
        name=fill(measure.column, kind=name, window=window, last=last),
        evidence=file.name,
        reason=fill(reason, kind=name, window=window),
        reason_zh=meta.zh if name else file.spec.zh,
        reason_en=meta.en if name else file.spec.en,
        zh=fill(measure.zh, kind=meta.zh, window=window, last=last),
        en=fill(measure.en, kind=meta.en, window=window, last=last),
        unit=(measure.measure in IN_UNITS and meta.unit) or measure.unit,
        direction=_direction(meta, measure),
        owner=meta.owner or measure.owner,
        reach_days=max(measure.windows_days) if measure.measure in PAIRED_WINDOWS else window,
    )


def _direction(kind: KindMeta, measure: Measure) -> Direction:
    """Which values are good news: the more recently good news came, the better."""
    if kind.direction is None:
        return measure.direction
    return REVERSED[kind.direction] if measure.measure == "days_since_last" else kind.direction
