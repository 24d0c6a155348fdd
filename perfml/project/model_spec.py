"""What a model definition may contain."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from perfml.project.spec import Days, Every, ExitKind, Spec


class Population(Spec):
    """Who is trained on and scored, and how often a row is taken for training."""

    every: Every = "month"
    """The interval between as-of dates used for training."""
    warm_up_days: int = 91
    """Days between the beginning of the record and the first as-of date."""
    most_dates: Annotated[int, Field(ge=1)] = 120
    """As-of dates used for training, at most: the latest ones."""
    where: str | None = None
    """SQL over the person's position as known at the as-of date (``department``, ``role_family``, ``level``, ``location``,
    ``manager_id``): for whom the model holds, such as ``role_family = 'sales'``. Nobody else is trained on or scored."""
    eligible: str = "true"
    """SQL over evidence columns: who is scored at all."""
    thin: str = "false"
    """SQL over evidence columns: whose record is too thin to be scored."""

    @property
    def rule(self) -> str:
        """Who is scored at all, as one condition.

        >>> Population(where="role_family = 'sales'", eligible="tenure_days >= 28").rule
        "role_family = 'sales' and tenure_days >= 28"
        """
        return self.eligible if self.where is None else f"{self.where} and {self.eligible}"


class Label(Spec):
    """What is predicted, within each of ``horizons_days`` after the as-of date."""

    kind: Literal["exit", "low_review", "event"]
    """``exit``: leaves the company; ``low_review``: the next review falls in the low band; ``event``: the behaviour log gets an
    event of one of ``kinds``."""
    horizons_days: tuple[Days, ...]
    """Horizons in ascending order; one model each."""
    exit_kinds: tuple[ExitKind, ...] = ("voluntary", "involuntary", "other")
    """For ``exit``, the kinds of exit that count."""
    kinds: tuple[str, ...] = ()
    """For ``event``, the kinds of event that count, as the log writes them."""
    where: str | None = None
    """For ``event``, SQL over its ``kind``, ``value``, ``counterpart_id`` and ``source``, such as ``value >= 10``. Default: every
    event of ``kinds``."""
    occasions: tuple[str, ...] = ()
    """For ``event``, kinds of event without which it cannot occur: a row in whose horizon none of them falls has no label.
    Default: it may occur on any day."""
    zh: str | None = None
    """For ``event``, what people then have, in Chinese, as after “出现”."""
    en: str | None = None
    """For ``event``, what people then have, in English, as after "have": ``a sick leave of ten days or more``."""
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
        needed = {"kinds": self.kinds, "zh": self.zh, "en": self.en}
        event = {**needed, "where": self.where, "occasions": self.occasions}
        if self.kind == "event" and not all(needed.values()):
            raise ValueError("label kind 'event' needs kinds, zh and en")
        if self.kind != "event" and any(event.values()):
            given = next(key for key, given in event.items() if given)
            raise ValueError(f"{given} is for label kind 'event'")
        if list(self.horizons_days) != sorted(set(self.horizons_days)) or not self.horizons_days:
            raise ValueError("horizons_days must ascend")
        return self


class SampleSpec(Spec):
    """Which rows are learnt from where there are more than one machine holds or needs."""

    people_share: Annotated[float, Field(gt=0, le=1)] = 1
    """Share of the people whose rows are held in memory, learnt from and judged on: drawn by id, whatever becomes of them, so
    that every figure is what it would be of all but for chance. Scoring is of everyone all the same."""
    rows_a_date: Annotated[int, Field(ge=1)] | None = None
    """Rows of either outcome that are learnt from, of each as-of date, at most; default: all. Each stands for as many as there
    were of its date and outcome, so that probabilities and base value keep their level. The back-test judges on all rows."""
    seed: Annotated[int, Field(ge=0, lt=10**16)] = 0
    """Another number draws other rows; the same number draws the same."""


class EvidenceChoice(Spec):
    """The feature files that the model may use, by their names without ending."""

    only: tuple[str, ...] | None = None
    """The feature files to use; default: all."""
    leave_out: tuple[str, ...] = ()
    """Feature files not to use."""
    without: tuple[str, ...] = ()
    """Columns of the files used that are not learnt from; ``*`` stands for any part of a name, ``[0-9]`` for a digit. For values
    whose scale has changed over the years, where only the comparison with others counts."""


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
    """How many people there is time to talk to, and how many settings to see to."""

    capacity_share: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Length of the list as a share of the people scored."""
    capacity_people: Annotated[int, Field(ge=1)] | None = None
    """Length of the list in people; takes precedence over the share."""
    setting_people: Annotated[int, Field(ge=1)] | None = None
    """People under "support the setting", at most; default: as many as the list has."""

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


class ReasonsSpec(Spec):
    """When a value says something, and when others have to act."""

    middle_share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Share of the people scored, around the median, whose values are ordinary: such a value alone is no reason."""
    others_share: Annotated[float, Field(gt=0, le=1)] = 2 / 3
    """Share of a raised risk that manager, company and data own, from which on it is the setting that needs support."""


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
    sample: SampleSpec = SampleSpec()
    """Which rows are learnt from."""
    evidence: EvidenceChoice = EvidenceChoice()
    """Which feature files are used."""
    monotone: dict[str, Literal[-1, 1]] = Field(default_factory=dict)
    """Column -> 1 where the risk may only rise with it, -1 where it may only fall."""
    learner: LearnerSpec = LearnerSpec()
    """Settings of the learner."""
    baseline: BaselineSpec = BaselineSpec()
    """What the model must beat."""
    backtest: BacktestSpec = BacktestSpec()
    """Settings of the back-test."""
    list: ListSpec = ListSpec()
    """Length of the list."""
    reasons: ReasonsSpec = ReasonsSpec()
    """When a value is a reason, and when others have to act."""
    segments: dict[str, Segment] = Field(default_factory=dict)
    """Parts of the list that are evaluated on their own, by name."""
    gates: GatesSpec = GatesSpec()
    """Limits of the gates."""
    fairness: FairnessSpec = FairnessSpec()
    """Limits of the fairness audit."""

    @model_validator(mode="after")
    def _list_of_a_share(self) -> ModelSpec:
        if self.sample.people_share < 1 and self.list.capacity_people is not None:
            raise ValueError(
                "with people_share name capacity_share: a list of a share of the people has no fixed length"
            )
        return self
