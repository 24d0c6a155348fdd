"""What a feature file may contain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from perfml.project.spec import Days, Direction, ForWhom, OfTeam, Owner, Relation, Spec

NOT_OFFERED: Final[Mapping[str, str]] = {
    "events": "count the log in a TOML file with [[measures]], as features/rhythm.toml does",
    "employees": "select from people, who are employed at each as_of, with hired_on and their position",
    "courses": "select from enrolments; a catalogue has no date on which it was known",
    "interventions": "leave it out: a model trained on offers of help would learn whom it had listed before",
    "programmes": "leave it out: who is offered what says nothing about how a person works",
    "absences": "leave it out: who is away says something about health and family; it only keeps alerts silent",
    "deliveries": "leave it out: it says how complete the data are, and nothing about a person",
    "facts": "leave it out: it is there to reconcile the data, and says nothing about a person",
}
"""Tables without an as-of view -> what to do instead."""


MISSING_DAYS_SHARE: Final = 0.02
"""Share of a window that may be missing from the log where a definition does not say."""


class FeatureMeta(Spec):
    """What one output column means, in Chinese and English, and who can act on it."""

    zh: str
    """The meaning in Chinese."""
    en: str
    """The meaning in English."""
    unit: str
    """The unit shown after a value: ``days``, ``times``, ``share``, ``hours`` …; ``multiple`` and ``change a day`` are put into
    words (half as many; 3 fewer a day)."""
    direction: Direction = "neither"
    """Which values are good news: ``higher`` ones, ``lower`` ones, or ``neither``."""
    owner: Owner
    """Who can act on it."""
    compare: tuple[Relation, ...] = ()
    """Add a z-score within the team (same manager) or among peers (same role family and level)."""
    change: tuple[str, str] | None = None
    """For a change: the columns that hold the earlier and the later value, so that a reason can say ``5 → 3``."""
    reason: str | None = None
    """Columns with the same reason are one line of an explanation; default: the file, or the file and the kind."""


class Measure(FeatureMeta):
    """A family of windowed columns: one for each of its kinds and windows."""

    column: str
    """Name of the column; ``{kind}``, ``{window}`` and ``{last}`` are filled in."""
    measure: Literal[
        "count",
        "sum",
        "mean",
        "lowest",
        "highest",
        "active_days",
        "active_weeks",
        "days_since_active_day",
        "days_since_last",
        "trend",
        "own_past",
        "distinct_counterparts",
        "mutual_counterparts",
        "reciprocity",
        "cross_department_share",
    ]
    """What is computed over a window; see :ref:`measure-values`."""
    kinds: Literal["each", "all"] | tuple[str, ...] = "all"
    """One column for each kind, one for all kinds, or one for the kinds listed."""
    where: str | None = None
    """SQL over the event's ``value``, ``kind``, ``counterpart_id`` and ``source``, such as ``value >= 10``: which events count.
    Default: every one. Not for measures of counterparts."""
    side: Literal["own", "received", "either"] = "own"
    """Events the person did (``own``), was the counterpart of (``received``), or both."""
    windows_days: tuple[Days, ...] = ()
    """Window lengths before the as-of date; ``trend`` and ``own_past`` take two, the recent and the longer one."""
    last_events: tuple[Annotated[int, Field(ge=1, le=1000)], ...] = ()
    """For ``mean``, ``lowest`` and ``highest``: of the events within the window only the last so many, one column for each
    number. Default: all of them. For ``days_since_active_day``, which needs them: the how-many-last day."""
    compare_windows_days: tuple[Days, ...] | None = None
    """The windows whose columns are compared; default: all."""
    team: tuple[OfTeam, ...] = ()
    """Add a column over the rest of the team (same manager at the as-of date, without the person): the ``sum`` of their values
    (``<column>_team_sum``), or, for ``count``, the ``share`` of them with any (``<column>_team_share``). For ``count`` and
    ``sum``; missing where fewer than three others have a value."""

    @model_validator(mode="after")
    def _complete(self) -> Measure:
        if self.measure != "days_since_last" and not self.windows_days:
            raise ValueError(f"measure {self.measure!r} needs windows_days")
        if self.last_events and self.measure not in {*VALUE_MEASURES, "days_since_active_day"}:
            allowed = "mean, lowest, highest and days_since_active_day"
            raise ValueError(f"last_events is for the measures {allowed}, not {self.measure!r}")
        if self.measure == "days_since_active_day" and not self.last_events:
            raise ValueError("measure 'days_since_active_day' needs last_events")
        if len(self.last_events) > 1 and "{last}" not in self.column:
            raise ValueError("a column with several last_events needs {last} in its name")
        if self.kinds == "each" and "{kind}" not in self.column:
            raise ValueError("a column for each kind needs {kind} in its name")
        if len(self.windows_days) > 1 and "{window}" not in self.column:
            raise ValueError("a column with several windows needs {window} in its name")
        if self.measure in COUNTERPART_MEASURES and self.kinds == "each":
            raise ValueError(f"measure {self.measure!r} is over all kinds or a list of them, not each")
        if self.side == "either" and self.measure not in COUNTERPART_MEASURES:
            raise ValueError("side 'either' is for measures of counterparts")
        if self.where is not None and self.measure in COUNTERPART_MEASURES:
            raise ValueError(f"measure {self.measure!r} is over people met, where chooses events: leave it out")
        if self.team and self.measure not in ("count", "sum"):
            raise ValueError(f"team is for the measures count and sum, not {self.measure!r}")
        if "share" in self.team and self.measure != "count":
            raise ValueError('the share of a team with any event needs measure = "count"')
        return self


VALUE_MEASURES = frozenset({"mean", "lowest", "highest"})
"""Measures of the values of events in the order in which they happened; an event without a value is no part of them."""
COUNTERPART_MEASURES = frozenset(
    {"distinct_counterparts", "mutual_counterparts", "reciprocity", "cross_department_share"}
)


class KindMeta(Spec):
    """What a kind of event is called, and who can act on it."""

    zh: str
    """Name of the kind in Chinese; replaces ``{kind}``."""
    en: str
    """Name of the kind in English; replaces ``{kind}``."""
    owner: Owner | None = None
    """Who can act on it, instead of the owner of the measure."""
    direction: Direction | None = None
    """Which values are good news, instead of what the measure says; turned round for the days since the last one."""
    unit: str | None = None
    """Unit of its values, instead of what the measure says of their sum."""
    rename: str | None = None
    """The kind's name in columns (several kinds may share one)."""
    done_by: Literal["employee", "counterpart"] = "employee"
    """Whose act it is: a row ``feedback_received`` names the receiver as employee; the counterpart gave the feedback."""


class WindowedSpec(Spec):
    """``features/<name>.toml``: evidence counted over windows of the behaviour log."""

    zh: str
    """The title of the evidence in Chinese."""
    en: str
    """The title of the evidence in English."""
    kinds: dict[str, KindMeta] = Field(default_factory=dict)
    """Names and owners of kinds of event; a kind without an entry is shown as a code."""
    only: tuple[str, ...] | None = None
    """The kinds to use; default: all kinds in the log."""
    max_kinds: Annotated[int, Field(ge=1, le=500)] = 40
    """At most this many kinds, the most frequent first, get columns of their own."""
    missing_days_share: Annotated[float, Field(ge=0, le=1)] = MISSING_DAYS_SHARE
    """Share of a window that may be missing from the log; its value is then estimated from the other days. Where more is missing,
    so is the value."""
    population: ForWhom = ForWhom()
    """Whose evidence it is; the values of others are missing."""
    measures: tuple[Measure, ...]
    """The columns, one ``[[measures]]`` a family."""


class RelationalSpec(Spec):
    """The header of ``features/<name>.sql``: what its columns mean."""

    zh: str
    """The title of the evidence in Chinese."""
    en: str
    """The title of the evidence in English."""
    needs: tuple[str, ...]
    """The tables it selects from; ``["evidence"]``: the columns of other files, row by row."""
    reads: tuple[str, ...] = ()
    """With ``needs = ["evidence"]``: the columns it reads."""
    population: ForWhom = ForWhom()
    """Whose evidence it is; the values of others are missing."""
    columns: dict[str, FeatureMeta]
    """Output column -> its meaning; exactly the columns selected beside ``employee_id`` and ``as_of``."""

    @model_validator(mode="after")
    def _complete(self) -> RelationalSpec:
        if bool(self.reads) != (self.needs == ("evidence",)):
            raise ValueError('needs = ["evidence"] stands alone, and reads names the columns it takes from there')
        return self
