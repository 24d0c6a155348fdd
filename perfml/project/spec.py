"""What a definition file may say. Every key is declared here; an unknown one is refused with the allowed keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from perfml.errors import DefinitionError

Every = Literal["week", "month", "quarter"]
Owner = Literal["employee", "manager", "company", "data"]
Better = Literal["higher", "lower", "neither"]
Relation = Literal["team", "peers"]
ExitKind = Literal["voluntary", "involuntary", "other"]
Days = Annotated[int, Field(ge=1, le=3660)]


class Spec(BaseModel):
    """Base of all definitions: frozen, and strict about keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


S = TypeVar("S", bound=Spec)


def parse(kind: type[S], raw: Mapping[str, Any], *, file: str) -> S:
    """``raw`` as a ``kind``; a mistake becomes a :class:`DefinitionError` with file, key and remedy."""
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        path = [str(part) for part in first["loc"]]
        if first["type"] == "extra_forbidden":
            allowed = ", ".join(sorted(_allowed_keys(kind, path[:-1])))
            raise DefinitionError(
                f"{path[-1]!r} is not a key", where=_place(file, path[:-1]), remedy=f"use one of: {allowed}"
            ) from None
        if first["type"] == "missing":
            raise DefinitionError(
                f"key {path[-1]!r} is missing", where=_place(file, path[:-1]), remedy="add it"
            ) from None
        given = repr(first["input"])[:80]
        raise DefinitionError(
            f"{given} cannot be used", where=_place(file, path), remedy=first["msg"].removeprefix("Value error, ")
        ) from None


def _place(file: str, path: list[str]) -> str:
    return f"{file} [{'.'.join(path)}]" if path else file


def _allowed_keys(kind: type[Spec], path: list[str]) -> list[str]:
    """The keys of the spec that ``path`` leads to; below a field its parts are numbers of a list or names of a table."""
    here = kind
    for part in path:
        if part in here.model_fields:
            here = _inner_spec(here.model_fields[part].annotation) or here
    return list(here.model_fields)


def _inner_spec(annotation: object) -> type[Spec] | None:
    if isinstance(annotation, type) and issubclass(annotation, Spec):
        return annotation
    return next((found for part in get_args(annotation) if (found := _inner_spec(part))), None)


# ---- perfml.toml ------------------------------------------------------------------------------------------------


class DataSettings(Spec):
    """Where the tables come from, when no ``--data`` is given."""

    source: str | None = None


class LeaveOut(Spec):
    """Inherited definition files that this project does not want."""

    leave_out: tuple[str, ...] = ()


class ProjectSpec(Spec):
    """``perfml.toml``."""

    name: str = "perfml"
    data: DataSettings = DataSettings()
    features: LeaveOut = LeaveOut()
    models: LeaveOut = LeaveOut()


# ---- features/sources.toml --------------------------------------------------------------------------------------


class ColumnType(Spec):
    """One input column. ``protected`` ones are used for audits and never as a feature."""

    type: Literal["text", "date", "timestamp", "double", "int", "bool", "list"]
    required: bool = False
    protected: bool = False
    later: bool = False
    """A second date of the row, which may lie after the first: it is not seen before it has come."""


class Rule(Spec):
    """A row is quarantined ``when`` this SQL is true of it (the row is ``t``; earlier tables may be looked up)."""

    when: str
    en: str
    zh: str


class Audit(Spec):
    """A query over the clean tables that should return no rows; what it returns is reported, never dropped."""

    query: str
    """Its first column is the key that is shown."""
    en: str
    zh: str


class Scale(Spec):
    """The rating scale; a rating outside it is quarantined."""

    worst: float
    best: float


class TableSpec(Spec):
    """One table of the input contract."""

    en: str
    zh: str
    key: tuple[str, ...]
    columns: dict[str, ColumnType]
    happened: str | None = None
    planned: bool = False
    """Rows may lie in the future (a position, an exit or a goal that is already agreed)."""
    scale: Scale | None = None
    value_decimals: Annotated[int, Field(ge=0, le=9)] | None = None
    rules: dict[str, Rule] = {}
    audits: dict[str, Audit] = {}


# ---- features/*.toml and the header of features/*.sql ------------------------------------------------------------


class Words(Spec):
    """The meaning of one output column, in Chinese and English, and who can act on it."""

    zh: str
    en: str
    unit: str
    better: Better = "neither"
    owner: Owner
    compare: tuple[Relation, ...] = ()
    reason: str | None = None
    """Columns with the same reason are one line of an explanation; default: the file, or the file and the kind."""


class Measure(Words):
    """A family of windowed columns: one for each of its kinds and windows."""

    column: str
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
    kinds: Literal["each", "all"] | tuple[str, ...] = "all"
    side: Literal["own", "received", "either"] = "own"
    windows_days: tuple[Days, ...] = ()
    compare_windows_days: tuple[Days, ...] | None = None

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


class KindWords(Spec):
    """What a kind of event is called, and who can act on it."""

    zh: str
    en: str
    owner: Owner | None = None
    better: Better | None = None
    rename: str | None = None
    """The kind's name in columns (several kinds may share one)."""
    done_by: Literal["employee", "counterpart"] = "employee"
    """Whose act it is: a row ``feedback_received`` stands with the one who received what the counterpart did."""


class WindowedSpec(Spec):
    """``features/<name>.toml``: evidence counted over windows of the behaviour log."""

    zh: str
    en: str
    kinds: dict[str, KindWords] = {}
    only: tuple[str, ...] | None = None
    """The kinds to use; default: all that the log holds."""
    most_kinds: Annotated[int, Field(ge=1, le=500)] = 40
    measures: tuple[Measure, ...]


class RelationalSpec(Spec):
    """The header of ``features/<name>.sql``: what its columns mean."""

    zh: str
    en: str
    needs: tuple[str, ...]
    """The tables it selects from; ``["evidence"]``: what other files have made, row by row."""
    reads: tuple[str, ...] = ()
    """With ``needs = ["evidence"]``, the columns of it."""
    columns: dict[str, Words]

    @model_validator(mode="after")
    def _complete(self) -> RelationalSpec:
        if bool(self.reads) != (self.needs == ("evidence",)):
            raise ValueError('needs = ["evidence"] stands alone, and reads names the columns it takes from there')
        return self


# ---- models/*.toml ----------------------------------------------------------------------------------------------


class Population(Spec):
    """Whose risk is learnt and scored, and how often a row is taken for learning."""

    every: Every = "month"
    warm_up_days: int = 91
    eligible: str = "true"
    thin: str = "false"


class Label(Spec):
    """What is predicted, within each of ``horizons_days`` after the as-of date."""

    kind: Literal["exit", "low_review"]
    horizons_days: tuple[Days, ...]
    exit_kinds: tuple[ExitKind, ...] = ("voluntary", "involuntary", "other")
    low_at_most: float | None = None
    correct_raters: bool = False
    """Take the reviewer's severity off the rating, where reviewers can be compared (:mod:`perfml.learning.dataset.raters`)."""
    reporting_delay_days: Annotated[int, Field(ge=0)] = 0

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
    """Feature files (by stem) that the model may use."""

    only: tuple[str, ...] | None = None
    leave_out: tuple[str, ...] = ()


class LearnerSpec(Spec):
    """Regularised LightGBM, blended with spline logistic regression; names are LightGBM's own."""

    learning_rate: float = 0.04
    num_leaves: int = 8
    min_child_samples: int = 30
    feature_fraction: float = 0.5
    bagging_fraction: float = 0.8
    lambda_l2: float = 5.0
    max_rounds: int = 1500
    early_stopping_rounds: int = 60
    seeds: tuple[int, ...] = (11, 23, 47)
    blend: Literal["learnt", "trees", "curves"] = "learnt"
    """How much of trees and how much of curves: what the folds say, or one of them alone."""


class BaselineSpec(Spec):
    """The columns a model must beat; ``without_reviews`` where the data has no ratings."""

    columns: tuple[str, ...] = ("tenure_days", "last_rating")
    without_reviews: tuple[str, ...] = ("tenure_days", "days_since_last_event")


class BacktestSpec(Spec):
    """Rolling-origin folds, the last one ending where the labels do."""

    folds: Annotated[int, Field(ge=1, le=20)] = 4
    min_positives: Annotated[int, Field(ge=2)] = 20
    """Fewer rows with the outcome in learning, or people with it in testing, and nothing is claimed."""


class ListSpec(Spec):
    """How many people HR can really talk to."""

    capacity_share: Annotated[float, Field(gt=0, lt=1)] = 0.1
    capacity_people: Annotated[int, Field(ge=1)] | None = None

    def capacity(self, n: int) -> int:
        """How many of ``n`` people can be listed.

        >>> ListSpec(capacity_share=0.1).capacity(60), ListSpec(capacity_people=20).capacity(15), ListSpec().capacity(3)
        (6, 15, 1)
        """
        wanted = self.capacity_people if self.capacity_people is not None else max(1, round(n * self.capacity_share))
        return min(n, wanted)


class Segment(Spec):
    """People whose risk matters for a reason of its own; ``where`` is SQL over the evidence."""

    zh: str
    en: str
    where: str


LEADING_REASONS = 3
"""Reasons that raise a risk and are looked at first."""


class GatesSpec(Spec):
    """What a model has to pass before it can be promoted, beside beating the baseline."""

    max_single_auc: Annotated[float, Field(gt=0.5, le=1)] = 0.9
    """A single column that ranks the outcome this well is taken for a leak."""
    max_duplicate_share: Annotated[float, Field(ge=0, le=1)] = 0.01
    """Rows whose evidence equals another person's at the same date."""
    refits: Annotated[int, Field(ge=2, le=50)] = 5
    leading_reasons: Annotated[int, Field(ge=1, le=20)] = LEADING_REASONS
    """Reasons of a person that are compared between refits."""
    min_jaccard: Annotated[float, Field(ge=0, le=1)] = 0.3
    """Agreement of the top decile between refits on halves of the people."""
    min_reasons_kept: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Of the leading reasons of a person in the top decile, the share that a refit gives too."""


class FairnessSpec(Spec):
    """Limits of the fairness audit; a group below the minimum sizes is *insufficient*, never passed in silence."""

    min_flag_rate_ratio: Annotated[float, Field(gt=0, le=1)] = 0.8
    min_non_flag_rate_ratio: Annotated[float, Field(gt=0, le=1)] = 0.8
    max_true_positive_gap: Annotated[float, Field(gt=0, le=1)] = 0.1
    max_calibration_gap: Annotated[float, Field(gt=0)] = 0.2
    min_people: Annotated[int, Field(ge=2)] = 30
    min_positives: Annotated[int, Field(ge=1)] = 10
    min_negatives: Annotated[int, Field(ge=1)] = 10


class ModelSpec(Spec):
    """``models/<name>.toml``."""

    zh: str
    en: str
    population: Population = Population()
    label: Label
    evidence: EvidenceChoice = EvidenceChoice()
    monotone: dict[str, Literal[-1, 1]] = {}
    learner: LearnerSpec = LearnerSpec()
    baseline: BaselineSpec = BaselineSpec()
    backtest: BacktestSpec = BacktestSpec()
    list: ListSpec = ListSpec()
    segments: dict[str, Segment] = {}
    gates: GatesSpec = GatesSpec()
    fairness: FairnessSpec = FairnessSpec()
