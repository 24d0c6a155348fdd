"""What a definition file may contain. Every key is declared here; an unknown one is refused with the allowed keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from perfml.errors import DefinitionError, choose_from

Every = Literal["week", "month", "quarter"]
Owner = Literal["employee", "manager", "company", "data"]
Direction = Literal["higher", "lower", "neither"]
Relation = Literal["team", "peers"]
ExitKind = Literal["voluntary", "involuntary", "other"]
Days = Annotated[int, Field(ge=1, le=3660)]
RENAMED: Mapping[str, str] = {"better": "direction", "most_kinds": "max_kinds", "elsewhere": "unrelated"}
"""Keys by their earlier name; the earlier name is refused with the new one."""


class Spec(BaseModel):
    """Base of all definitions: frozen, and strict about keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


S = TypeVar("S", bound=Spec)


def parse(kind: type[S], raw: Mapping[str, Any], *, file: str) -> S:
    """Validate ``raw`` as a ``kind``; a mistake becomes a :class:`DefinitionError` with file, key and remedy.

    An unknown key is reported before a missing one: it often is the missing one, misspelt.
    """
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        errors = error.errors()
        unknown = next((item for item in errors if item["type"] == "extra_forbidden"), None)
        if unknown is not None:
            *table, key = (str(part) for part in unknown["loc"])
            raise _unknown_key(key, _allowed_keys(kind, table), where=_where(file, table)) from None
        first = errors[0]
        path = [str(part) for part in first["loc"]]
        if first["type"] == "missing":
            raise DefinitionError(
                f"key {path[-1]!r} is missing", where=_where(file, path[:-1]), remedy="add it"
            ) from None
        value = repr(first["input"])[:80]
        raise DefinitionError(
            f"{value} cannot be used", where=_where(file, path), remedy=first["msg"].removeprefix("Value error, ")
        ) from None


def _unknown_key(key: str, allowed: list[str], *, where: str) -> DefinitionError:
    renamed = RENAMED.get(key)
    if renamed in allowed:
        return DefinitionError(f"{key!r} is now {renamed!r}", where=where, remedy="rename the key")
    return DefinitionError(f"{key!r} is not a key", where=where, remedy=choose_from(sorted(allowed), instead_of=key))


def _where(file: str, path: list[str]) -> str:
    return f"{file} [{'.'.join(path)}]" if path else file


def _allowed_keys(kind: type[Spec], path: list[str]) -> list[str]:
    """The keys of the spec that ``path`` leads to; below a field its parts are numbers of a list or names of a table."""
    spec = kind
    for part in path:
        if part in spec.model_fields:
            spec = _inner_spec(spec.model_fields[part].annotation) or spec
    return list(spec.model_fields)


def _inner_spec(annotation: object) -> type[Spec] | None:
    if isinstance(annotation, type) and issubclass(annotation, Spec):
        return annotation
    return next((spec for part in get_args(annotation) if (spec := _inner_spec(part))), None)


# ---- perfml.toml ------------------------------------------------------------------------------------------------


class DataSettings(Spec):
    """Where the tables come from, when no ``--data`` is given."""

    source: str | None = None
    """Folder, DuckDB file or PostgreSQL address to read."""


class LeaveOut(Spec):
    """Inherited definition files that this project does not want."""

    leave_out: tuple[str, ...] = ()
    """File names without their ending."""


class ProjectSpec(Spec):
    """``perfml.toml``."""

    name: str = "perfml"
    """The name of the project."""
    data: DataSettings = DataSettings()
    """The data read by default."""
    features: LeaveOut = LeaveOut()
    """Inherited files of ``features/`` to leave out."""
    models: LeaveOut = LeaveOut()
    """Inherited files of ``models/`` to leave out."""


# ---- features/sources.toml --------------------------------------------------------------------------------------


class ColumnType(Spec):
    """One input column."""

    type: Literal["text", "date", "timestamp", "double", "int", "bool", "list"]
    """The type that every value must have; ``list`` is an array, or text separated by ``;``."""
    required: bool = False
    """The column must exist, and a row without a value in it is quarantined."""
    protected: bool = False
    """For audits only; never a feature."""
    later: bool = False
    """A second date of the row, which may lie after the first; it is hidden until that day has passed."""


class QuarantineRule(Spec):
    """A condition that puts a row into quarantine."""

    when: str
    """SQL condition on the row ``t``; it may look up tables that are declared above its own."""
    en: str
    """The reason shown in English."""
    zh: str
    """The reason shown in Chinese."""


class Audit(Spec):
    """A query over the clean tables that should return no rows; the rows it returns are reported, never dropped."""

    query: str
    """Its first column is the key that is shown."""
    en: str
    """What the audit finds, in English."""
    zh: str
    """What the audit finds, in Chinese."""


class Scale(Spec):
    """The rating scale; a rating outside it is quarantined."""

    worst: float
    """The lowest rating."""
    best: float
    """The highest rating."""


class TableSpec(Spec):
    """One table of the input contract."""

    en: str
    """The name of the table in English."""
    zh: str
    """The name of the table in Chinese."""
    key: tuple[str, ...]
    """The columns that identify a row; a later ``known_at`` with the same key is a correction."""
    columns: dict[str, ColumnType]
    """Column name -> type. Columns not listed are ignored."""
    happened: str | None = None
    """The column with the date of the fact."""
    planned: bool = False
    """Rows may lie in the future (a position, an exit or a goal that is already agreed)."""
    scale: Scale | None = None
    """For reviews, the range of ratings."""
    value_decimals: Annotated[int, Field(ge=0, le=9)] | None = None
    """Decimal places of ``value`` kept in sums, which are of integers."""
    rules: dict[str, QuarantineRule] = {}
    """Conditions that quarantine a row, by name."""
    audits: dict[str, Audit] = {}
    """Checks that report rows and keep them, by name."""


# ---- features/*.toml and the header of features/*.sql ------------------------------------------------------------


class FeatureMeta(Spec):
    """What one output column means, in Chinese and English, and who can act on it."""

    zh: str
    """The meaning in Chinese."""
    en: str
    """The meaning in English."""
    unit: str
    """The unit shown after a value: ``days``, ``times``, ``ratio``, ``%`` …"""
    direction: Direction = "neither"
    """Which values are good news: ``higher`` ones, ``lower`` ones, or ``neither``."""
    owner: Owner
    """Who can act on it."""
    compare: tuple[Relation, ...] = ()
    """Add a z-score within the team (same manager) or among peers (same role family and level)."""
    reason: str | None = None
    """Columns with the same reason are one line of an explanation; default: the file, or the file and the kind."""


class Measure(FeatureMeta):
    """A family of windowed columns: one for each of its kinds and windows."""

    column: str
    """Name of the column; ``{kind}`` and ``{window}`` are filled in."""
    measure: Literal[
        "count",
        "sum",
        "active_days",
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
    side: Literal["own", "received", "either"] = "own"
    """Events the person did (``own``), was the counterpart of (``received``), or both."""
    windows_days: tuple[Days, ...] = ()
    """Window lengths before the as-of date; ``trend`` and ``own_past`` take two, the recent and the longer one."""
    compare_windows_days: tuple[Days, ...] | None = None
    """The windows whose columns are compared; default: all."""

    @model_validator(mode="after")
    def _complete(self) -> Measure:
        if self.measure != "days_since_last" and not self.windows_days:
            raise ValueError(f"measure {self.measure!r} needs windows_days")
        if self.kinds == "each" and "{kind}" not in self.column:
            raise ValueError("a column for each kind needs {kind} in its name")
        if len(self.windows_days) > 1 and "{window}" not in self.column:
            raise ValueError("a column with several windows needs {window} in its name")
        if self.measure in COUNTERPART_MEASURES and self.kinds == "each":
            raise ValueError(f"measure {self.measure!r} is over all kinds or a list of them, not each")
        if self.side == "either" and self.measure not in COUNTERPART_MEASURES:
            raise ValueError("side 'either' is for measures of counterparts")
        return self


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
    """Which values are good news, instead of what the measure says."""
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
    kinds: dict[str, KindMeta] = {}
    """Names and owners of kinds of event; a kind without an entry is shown under its own name."""
    only: tuple[str, ...] | None = None
    """The kinds to use; default: all kinds in the log."""
    max_kinds: Annotated[int, Field(ge=1, le=500)] = 40
    """At most this many kinds, the most frequent first, get columns of their own."""
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
    columns: dict[str, FeatureMeta]
    """Output column -> its meaning; exactly the columns selected beside ``employee_id`` and ``as_of``."""

    @model_validator(mode="after")
    def _complete(self) -> RelationalSpec:
        if bool(self.reads) != (self.needs == ("evidence",)):
            raise ValueError('needs = ["evidence"] stands alone, and reads names the columns it takes from there')
        return self


# ---- models/*.toml ----------------------------------------------------------------------------------------------


class Population(Spec):
    """Who is trained on and scored, and how often a row is taken for training."""

    every: Every = "month"
    """The interval between as-of dates used for training."""
    warm_up_days: int = 91
    """Days between the beginning of the record and the first as-of date."""
    eligible: str = "true"
    """SQL over evidence columns: who is scored at all."""
    thin: str = "false"
    """SQL over evidence columns: whose record is too thin to be scored."""


class Label(Spec):
    """What is predicted, within each of ``horizons_days`` after the as-of date."""

    kind: Literal["exit", "low_review"]
    """``exit``: leaves the company; ``low_review``: the next review falls in the low band."""
    horizons_days: tuple[Days, ...]
    """Horizons in ascending order; one model each."""
    exit_kinds: tuple[ExitKind, ...] = ("voluntary", "involuntary", "other")
    """For ``exit``, the kinds of exit that count."""
    low_at_most: float | None = None
    """For ``low_review``, the highest rating of the low band."""
    correct_raters: bool = False
    """Subtract the reviewer's severity from the rating, where reviewers can be compared
    (:mod:`perfml.learning.dataset.raters`)."""
    reporting_delay_days: Annotated[int, Field(ge=0)] = 0
    """Days until an outcome is reported; labels mature this much later."""

    @model_validator(mode="after")
    def _complete(self) -> Label:
        if self.kind == "low_review" and self.low_at_most is None:
            raise ValueError("label kind 'low_review' needs low_at_most, the highest rating of the low band")
        if self.correct_raters and self.kind != "low_review":
            raise ValueError("correct_raters is for label kind 'low_review'")
        if list(self.horizons_days) != sorted(set(self.horizons_days)) or not self.horizons_days:
            raise ValueError("horizons_days must ascend")
        return self


class EvidenceChoice(Spec):
    """The feature files that the model may use, by their names without ending."""

    only: tuple[str, ...] | None = None
    """The feature files to use; default: all."""
    leave_out: tuple[str, ...] = ()
    """Feature files not to use."""


class LearnerSpec(Spec):
    """Regularised LightGBM, blended with spline logistic regression; names are LightGBM's own.

    ``RiskClassifier`` and ``HazardModel`` have the same defaults.
    """

    learning_rate: float = 0.04
    """Shrinkage of each tree."""
    num_leaves: int = 8
    """Most leaves of a tree."""
    min_child_samples: int = 30
    """Fewest rows in a leaf."""
    feature_fraction: float = 0.5
    """Share of the columns a tree may use."""
    bagging_fraction: float = 0.8
    """Share of the rows a tree is fitted on."""
    lambda_l2: float = 5.0
    """L2 penalty on leaf values."""
    max_rounds: int = 1500
    """Most trees."""
    early_stopping_rounds: int = 60
    """Stop when this many rounds bring no improvement on the held-out period."""
    seeds: tuple[int, ...] = (11, 23, 47)
    """One set of trees for each seed; their margins are averaged."""
    blend: Literal["learnt", "trees", "curves"] = "learnt"
    """The weights of trees and curves: fitted on the folds, or one of the two alone."""


class BaselineSpec(Spec):
    """The columns a model must beat; ``without_reviews`` where the data has no ratings."""

    columns: tuple[str, ...] = ("tenure_days", "last_rating")
    """Columns of the baseline."""
    without_reviews: tuple[str, ...] = ("tenure_days", "days_since_last_event")
    """Columns of the baseline where the evidence lacks one of ``columns``."""


class BacktestSpec(Spec):
    """Rolling-origin folds, the last one ending where the labels do."""

    folds: Annotated[int, Field(ge=1, le=20)] = 4
    """Number of folds."""
    min_positives: Annotated[int, Field(ge=2)] = 20
    """Training rows with the outcome, and test people with it, below which the result is insufficient."""


class ListSpec(Spec):
    """How many people there is time to talk to."""

    capacity_share: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Length of the list as a share of the people scored."""
    capacity_people: Annotated[int, Field(ge=1)] | None = None
    """Length of the list in people; takes precedence over the share."""

    def capacity(self, n: int) -> int:
        """How many of ``n`` people can be listed.

        >>> ListSpec(capacity_share=0.1).capacity(60), ListSpec(capacity_people=20).capacity(15), ListSpec().capacity(3)
        (6, 15, 1)
        """
        wanted = self.capacity_people if self.capacity_people is not None else max(1, round(n * self.capacity_share))
        return min(n, wanted)


class Segment(Spec):
    """A group of people whose risk matters for a special reason."""

    zh: str
    """The name of the segment in Chinese."""
    en: str
    """The name of the segment in English."""
    where: str
    """SQL over evidence columns: who belongs to it."""


LEADING_REASONS = 3
"""Reasons that raise a risk and are looked at first."""


class GatesSpec(Spec):
    """Limits that a model must keep before it can be promoted, beside beating the baseline."""

    max_single_auc: Annotated[float, Field(gt=0.5, le=1)] = 0.9
    """A single column that ranks the outcome this well is treated as a leak."""
    max_duplicate_share: Annotated[float, Field(ge=0, le=1)] = 0.01
    """Rows whose evidence equals another person's at the same date."""
    refits: Annotated[int, Field(ge=2, le=50)] = 5
    """Refits on halves of the people, for the stability of lists and reasons."""
    leading_reasons: Annotated[int, Field(ge=1, le=20)] = LEADING_REASONS
    """Reasons of a person that are compared between refits."""
    min_jaccard: Annotated[float, Field(ge=0, le=1)] = 0.3
    """Agreement of the top decile between refits on halves of the people."""
    min_reasons_kept: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Of the leading reasons of a person in the top decile, the share that a refit gives too."""


class FairnessSpec(Spec):
    """Limits of the fairness audit; a group below the minimum sizes is reported as *insufficient*, never as a pass.

    The ratios are the four-fifths rule (29 CFR 1607.4 D), asked of those who are flagged and of those who are not.
    """

    min_flag_rate_ratio: Annotated[float, Field(gt=0, le=1)] = 0.8
    """Lowest ratio between groups of the share that is listed (four-fifths rule)."""
    min_non_flag_rate_ratio: Annotated[float, Field(gt=0, le=1)] = 0.8
    """Lowest ratio between groups of the share that is not listed."""
    max_true_positive_gap: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Largest difference between groups in the share of cases that are listed."""
    max_calibration_gap: Annotated[float, Field(gt=0)] = 0.2
    """Largest relative difference between expected and observed cases of a group."""
    min_people: Annotated[int, Field(ge=2)] = 30
    """Fewest people of a group."""
    min_positives: Annotated[int, Field(ge=1)] = 10
    """Fewest people with the outcome in a group; the many rows of a person are one case."""
    min_negatives: Annotated[int, Field(ge=1)] = 10
    """Fewest people without the outcome in a group."""

    def of(self, metric: str) -> float:
        """The limit of a metric of :data:`perfml.learning.fairness.findings.METRICS`."""
        return float(getattr(self, ("min_" if metric.endswith("ratio") else "max_") + metric))

    def violated(self, metric: str, value: float) -> bool:
        """Whether a value lies beyond the metric's limit."""
        return value < self.of(metric) if metric.endswith("ratio") else value > self.of(metric)


class ModelSpec(Spec):
    """``models/<name>.toml`` without a ``kind``: a model to train. Its card is ``models/<name>.md``."""

    zh: str
    """The name of the risk in Chinese."""
    en: str
    """The name of the risk in English."""
    population: Population = Population()
    """Who is trained on and scored."""
    label: Label
    """What is predicted."""
    evidence: EvidenceChoice = EvidenceChoice()
    """Which feature files are used."""
    monotone: dict[str, Literal[-1, 1]] = {}
    """Column -> 1 where the risk may only rise with it, -1 where it may only fall."""
    learner: LearnerSpec = LearnerSpec()
    """Settings of the learner."""
    baseline: BaselineSpec = BaselineSpec()
    """What the model must beat."""
    backtest: BacktestSpec = BacktestSpec()
    """Settings of the back-test."""
    list: ListSpec = ListSpec()
    """Length of the list."""
    segments: dict[str, Segment] = {}
    """Parts of the list that are evaluated on their own, by name."""
    gates: GatesSpec = GatesSpec()
    """Limits of the gates."""
    fairness: FairnessSpec = FairnessSpec()
    """Limits of the fairness audit."""
