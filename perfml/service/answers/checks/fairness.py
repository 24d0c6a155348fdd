"""The fairness audit of the version in use, as its training stored it: groups that are withheld were withheld then."""

from __future__ import annotations

from perfml.disclosure.primary import Suppression
from perfml.learning.record import FairnessRecord, Figure, FindingRecord, GroupRecord, Verdict
from perfml.service.answers.shared import Answer, TextAnswer
from perfml.service.store import Store


class FindingAnswer(Answer):
    """One metric over the groups of one attribute."""

    attribute: str
    metric: str
    verdict: Verdict
    value: Figure
    limit: float
    groups: tuple[str, str]
    """The two furthest apart."""
    p_in_report: float | None
    """Probability that chance alone sets any groups of the report as far apart as these; null without a verdict."""
    text: TextAnswer

    @classmethod
    def of(cls, finding: FindingRecord) -> FindingAnswer:
        """From the record."""
        values = {name: getattr(finding, name) for name in cls.model_fields if name != "text"}
        return cls(**values, text=TextAnswer.of(finding.text))


class AuditedGroupAnswer(Answer):
    """One group; of a group that is withheld nothing is given but why."""

    attribute: str
    group: str
    people: int | None
    sufficient: bool
    flag_rate: Figure
    true_positive_rate: Figure
    expected_over_observed: Figure
    withheld: Suppression | None

    @classmethod
    def of(cls, attribute: str, group: GroupRecord) -> AuditedGroupAnswer:
        """From the record."""
        values = {name: getattr(group, name) for name in cls.model_fields if name != "attribute"}
        return cls(attribute=attribute, **values)


class HorizonFairnessAnswer(Answer):
    """The audit of one horizon."""

    horizon_days: int
    verdict: Verdict
    """``insufficient``: a whole attribute cannot be judged, or none is given."""
    findings: tuple[FindingAnswer, ...]
    groups: tuple[AuditedGroupAnswer, ...]

    @classmethod
    def of(cls, days: int, record: FairnessRecord) -> HorizonFairnessAnswer:
        """From the record."""
        return cls(
            horizon_days=days,
            verdict=record.verdict,
            findings=tuple(map(FindingAnswer.of, record.findings)),
            groups=tuple(
                AuditedGroupAnswer.of(attribute, group)
                for attribute, groups in record.groups.items()
                for group in groups
            ),
        )


class ModelFairnessAnswer(Answer):
    """Whether the lists of a model treat groups of people alike, in the back-test of its training."""

    model: str
    version: str
    horizons: tuple[HorizonFairnessAnswer, ...]


def model_fairness(store: Store, model: str) -> ModelFairnessAnswer:
    """Return the stored audit. Raises :class:`NotFound` and :class:`ModelError`."""
    version = store.version(model)
    record = store.record(model, version)
    horizons = tuple(HorizonFairnessAnswer.of(days, each) for days, each in sorted(record.fairness.items()))
    return ModelFairnessAnswer(model=model, version=version, horizons=horizons)
