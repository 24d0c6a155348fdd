"""Windowed definitions compiled for one pass over the log: which channels, which windows, which columns.

A *channel* is what one cell counts: the events of one kind that a person did (``own``) or was the counterpart of
(``received``). Kinds are discovered from the log as it was known before the last as-of date, the most frequent first;
those past the limit share one channel, unless a definition names them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from perfml.errors import DefinitionError
from perfml.evidence.columns import Column, require_unique_names
from perfml.project.folder import WindowedFile
from perfml.project.spec import COUNTERPART_MEASURES, KindWords, Measure, Relation

Side = Literal["own", "received", "either"]
PAIRED_WINDOWS = ("trend", "own_past")


@dataclass(frozen=True)
class WindowColumn:
    """One column to compute: a measure over some channels and one window (two for a comparison with the own past)."""

    column: Column
    measure: str
    side: Side
    kinds: tuple[int, ...]
    """Indexes into :attr:`Plan.kinds`."""
    window_days: int
    compare: tuple[Relation, ...] = ()
    past_days: int = 0
    """For ``trend`` and ``own_past``: the longer window, of which the part before ``window_days`` is the past."""


@dataclass(frozen=True)
class Plan:
    """All windowed columns of a project over one log."""

    kinds: tuple[str, ...]
    """The raw kinds that have a channel of their own, most frequent first; all others share one more."""
    columns: tuple[WindowColumn, ...]
    mirrored: frozenset[int] = frozenset()
    """Kinds that the counterpart does: their rows stand with the one who received them."""

    @cached_property
    def cell_columns(self) -> tuple[WindowColumn, ...]:
        """Columns made from counts, sums and days."""
        return tuple(c for c in self.columns if c.measure not in COUNTERPART_MEASURES)

    @cached_property
    def pair_columns(self) -> tuple[WindowColumn, ...]:
        """Columns made from who met whom."""
        return tuple(c for c in self.columns if c.measure in COUNTERPART_MEASURES)

    @cached_property
    def windows(self) -> tuple[int, ...]:
        """All window lengths of the cells, in days, ascending."""
        return tuple(sorted({w for c in self.cell_columns for w in (c.window_days, c.past_days) if w}))

    @property
    def n_channels(self) -> int:
        """Channels of one side."""
        return len(self.kinds) + 1

    @property
    def counts_received(self) -> bool:
        """Whether any cell column needs the counterpart's side."""
        return any(c.side == "received" for c in self.cell_columns)

    def channels(self, column: WindowColumn) -> list[int]:
        """The cells' channel numbers of a column: own ones first, received ones after.

        Of what was received, mirrored kinds are left out: the other side's row says it already.
        """
        if column.side == "received":
            return [self.n_channels + kind for kind in column.kinds if kind not in self.mirrored]
        return list(column.kinds)

    def meetings(self, side: Side, kinds: tuple[int, ...]) -> list[int]:
        """The channels by which a person reached others (``own``) or was reached (``received``)."""
        return [kind + self.n_channels * ((side == "received") != (kind in self.mirrored)) for kind in kinds]


def compile_windows(files: Sequence[WindowedFile], kinds: Sequence[str], *, has_counterparts: bool) -> Plan:
    """The plan for ``kinds`` (all raw kinds of the log, most frequent first).

    Columns of counterparts are left out where the log names none. Raises :class:`DefinitionError` for a column name
    that two measures make.
    """
    most = max((file.spec.most_kinds for file in files), default=0)
    named = {
        kind
        for file in files
        for measure in file.spec.measures
        if not isinstance(measure.kinds, str)
        for kind in measure.kinds
    }
    named |= {kind for file in files for kind in file.spec.only or ()}
    kept = (*kinds[:most], *(kind for kind in kinds[most:] if kind in named))
    taken = {
        name for file in files for measure in file.spec.measures if measure.kinds != "each" for name in _plain(measure)
    }
    columns: list[WindowColumn] = []
    for file in files:
        names = _names(file, kept, taken)
        for number, measure in enumerate(file.spec.measures):
            if (measure.measure in COUNTERPART_MEASURES or measure.side != "own") and not has_counterparts:
                continue
            columns += _expand(file, number, measure, names, kept)
    require_unique_names(column.column for column in columns)
    mirrored = {kind for file in files for kind, words in file.spec.kinds.items() if words.done_by == "counterpart"}
    return Plan(kept, tuple(columns), frozenset(i for i, kind in enumerate(kept) if kind in mirrored))


def slug(kind: str) -> str:
    """A kind as part of a column name: word characters of any language.

    >>> slug("code review"), slug('say "hi"'), slug("代码评审")
    ('code_review', 'say_hi', '代码评审')
    """
    return re.sub(r"\W+", "_", kind).strip("_") or "kind"


def _plain(measure: Measure) -> set[str]:
    """The column names of a measure that is not made for each kind."""
    return {measure.column.replace("{window}", str(window)) for window in measure.windows_days or (0,)}


def _names(file: WindowedFile, kept: Sequence[str], taken: set[str]) -> dict[str, list[int]]:
    """Name in columns -> channels, for the kinds this file uses.

    A kind whose columns would bear a name that is ``taken``, or another kind's, gets a few letters more.
    """
    spec = file.spec
    each = [measure for measure in spec.measures if measure.kinds == "each"]
    names: dict[str, list[int]] = {}
    by_slug: dict[str, str] = {}
    wished = [(index, kind) for index, kind in enumerate(kept) if spec.only is None or kind in spec.only]
    for index, kind in wished[: spec.most_kinds]:
        words = spec.kinds.get(kind)
        wanted = words.rename if words and words.rename else kind
        name = slug(wanted)
        columns = {column.replace("{kind}", name) for measure in each for column in _plain(measure)}
        if by_slug.setdefault(name, wanted) != wanted or columns & taken:
            name = f"{name}_{hashlib.blake2s(wanted.encode(), digest_size=2).hexdigest()}"
        names.setdefault(name, []).append(index)
    return names


def _expand(
    file: WindowedFile, number: int, measure: Measure, names: dict[str, list[int]], kept: Sequence[str]
) -> list[WindowColumn]:
    where = f"{file.file} [measures.{number}]"
    if measure.kinds == "each":
        groups = [(name, tuple(channels)) for name, channels in names.items()]
    elif measure.kinds == "all":
        everything = sorted(i for channels in names.values() for i in channels)
        groups = [("", tuple(everything) if file.spec.only else tuple(range(len(kept) + 1)))]
    else:
        chosen = tuple(i for i, kind in enumerate(kept) if kind in measure.kinds)
        groups = [("", chosen)] if chosen else []
    if measure.measure in PAIRED_WINDOWS:
        if len(measure.windows_days) != 2 or measure.windows_days[0] >= measure.windows_days[1]:
            raise DefinitionError(
                f"{list(measure.windows_days)} cannot be used",
                where=f"{where}.windows_days",
                remedy=f"{measure.measure!r} takes two windows, the recent and the longer one",
            )
        spans = [(measure.windows_days[0], measure.windows_days[1])]
    else:
        spans = [(window, 0) for window in measure.windows_days] or [(0, 0)]
    made = []
    for name, channels in groups:
        raw = kept[channels[0]] if name else ""
        words = file.spec.kinds.get(raw)
        for window, past in spans:
            column = _column(file, measure, name, raw, words, window)
            only = measure.compare_windows_days
            compare = measure.compare if only is None or window in only else ()
            made.append(WindowColumn(column, measure.measure, measure.side, channels, window, compare, past))
    return made


def _column(file: WindowedFile, measure: Measure, name: str, raw: str, words: KindWords | None, window: int) -> Column:
    def said(text: str, kind: str) -> str:
        return text.replace("{kind}", kind).replace("{window}", str(window))

    zh, en = (words.zh, words.en) if words else (raw, raw.replace("_", " "))
    reason = measure.reason or (f"{file.name}:{name}" if name else file.name)
    return Column(
        name=said(measure.column, name),
        evidence=file.name,
        reason=said(reason, name),
        reason_zh=zh if name else file.spec.zh,
        reason_en=en if name else file.spec.en,
        zh=said(measure.zh, zh),
        en=said(measure.en, en),
        unit=measure.unit,
        better=(words.better if words and words.better else measure.better),
        owner=(words.owner if words and words.owner else measure.owner),
        reach_days=max(measure.windows_days) if measure.measure in PAIRED_WINDOWS else window,
    )
