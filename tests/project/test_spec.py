"""A key that no spec knows is refused, with file, place and the keys there are."""

from typing import Any

import pytest

from perfml.errors import DefinitionError
from perfml.project import feature_spec, model_spec, spec, table_spec
from perfml.project.feature_spec import Measure, RelationalSpec, WindowedSpec
from perfml.project.model_spec import Label, ModelSpec
from perfml.project.spec import ForWhom, ProjectSpec, Spec, parse
from perfml.project.table_spec import TableSpec

META: dict[str, Any] = {"zh": "词", "en": "word", "unit": "times", "owner": "employee"}
COUNT = META | {"column": "n", "measure": "count", "windows_days": [28]}
LOG: dict[str, Any] = {
    "zh": "",
    "en": "",
    "measures": [COUNT, COUNT],
    "kinds": {"login": {"zh": "", "en": ""}, "zh": {"zh": "", "en": ""}},
}
TABLE: dict[str, Any] = {
    "zh": "",
    "en": "",
    "key": ["id"],
    "columns": {"id": {"type": "text"}},
    "scale": {"worst": 1, "best": 5},
    "rules": {"r": {"when": "true", "en": "", "zh": ""}},
    "audits": {"a": {"query": "select 1", "en": "", "zh": ""}},
}
QUERY: dict[str, Any] = {"zh": "", "en": "", "needs": ["people"], "columns": {"x": META, "columns": META}}
MODEL: dict[str, Any] = {"zh": "", "en": "", "label": {"kind": "exit", "horizons_days": [90]}}
SEGMENT = {"zh": "", "en": "", "where": "true"}
LEVELS: list[tuple[type[Spec], dict[str, Any], list[str | int], type[Spec]]] = [
    (ProjectSpec, {}, [], ProjectSpec),
    (ProjectSpec, {}, ["data"], spec.DataSettings),
    (ProjectSpec, {}, ["engine"], spec.EngineSettings),
    (ProjectSpec, {}, ["features"], spec.LeaveOut),
    (ProjectSpec, {}, ["service"], spec.ServiceSettings),
    (ProjectSpec, {}, ["promotion"], spec.PromotionRules),
    (ProjectSpec, {}, ["service", "oidc"], spec.OidcSettings),
    (ProjectSpec, {}, ["models"], spec.LeaveOut),
    (ProjectSpec, {}, ["disputes"], spec.DisputeRules),
    (ProjectSpec, {}, ["disclosure"], spec.DisclosureRules),
    (TableSpec, TABLE, [], TableSpec),
    (TableSpec, TABLE, ["columns", "id"], table_spec.ColumnType),
    (TableSpec, TABLE, ["scale"], table_spec.Scale),
    (TableSpec, TABLE, ["rules", "r"], table_spec.QuarantineRule),
    (TableSpec, TABLE, ["audits", "a"], table_spec.Audit),
    (WindowedSpec, LOG, [], WindowedSpec),
    (WindowedSpec, LOG, ["measures", 0], Measure),
    (WindowedSpec, LOG, ["measures", 1], Measure),
    (WindowedSpec, LOG, ["kinds", "login"], feature_spec.KindMeta),
    (WindowedSpec, LOG, ["kinds", "zh"], feature_spec.KindMeta),
    (RelationalSpec, QUERY, [], RelationalSpec),
    (RelationalSpec, QUERY, ["columns", "x"], feature_spec.FeatureMeta),
    (RelationalSpec, QUERY, ["columns", "columns"], feature_spec.FeatureMeta),
    (WindowedSpec, LOG | {"population": {}}, ["population"], ForWhom),
    (RelationalSpec, QUERY | {"population": {}}, ["population"], ForWhom),
    (ModelSpec, MODEL, [], ModelSpec),
    (ModelSpec, MODEL, ["population"], model_spec.Population),
    (ModelSpec, MODEL, ["label"], Label),
    (ModelSpec, MODEL, ["evidence"], model_spec.EvidenceChoice),
    (ModelSpec, MODEL, ["sample"], model_spec.SampleSpec),
    (ModelSpec, MODEL, ["learner"], model_spec.LearnerSpec),
    (ModelSpec, MODEL, ["baseline"], model_spec.BaselineSpec),
    (ModelSpec, MODEL, ["backtest"], model_spec.BacktestSpec),
    (ModelSpec, MODEL, ["list"], model_spec.ListSpec),
    (ModelSpec, MODEL, ["reasons"], model_spec.ReasonsSpec),
    (ModelSpec, MODEL | {"segments": {"a": SEGMENT}}, ["segments", "a"], model_spec.Segment),
    (ModelSpec, MODEL, ["gates"], model_spec.GatesSpec),
    (ModelSpec, MODEL, ["fairness"], model_spec.FairnessSpec),
    (ModelSpec, MODEL, ["reasons"], model_spec.ReasonsSpec),
]


@pytest.mark.parametrize(
    ("kind", "raw", "path", "level"), LEVELS, ids=[f"{k.__name__} {'.'.join(map(str, p))}" for k, _, p, _ in LEVELS]
)
def test_an_unknown_key_is_refused_at_every_level(
    kind: type[Spec], raw: dict[str, Any], path: list[str | int], level: type[Spec]
) -> None:
    with pytest.raises(DefinitionError) as caught:
        parse(kind, planted(raw, path), file="features/x.toml")
    error = caught.value
    assert error.where == "features/x.toml" + (f" [{'.'.join(map(str, path))}]" if path else "")
    assert error.problem == "'unheard_of' is not a key"
    assert error.remedy == f"use one of: {', '.join(sorted(level.model_fields))}"


def planted(raw: Any, path: list[str | int]) -> Any:
    """``raw`` with the key ``unheard_of`` at ``path``."""
    if not path:
        return raw | {"unheard_of": 1}
    if isinstance(raw, list):
        return [planted(value, path[1:]) if i == path[0] else value for i, value in enumerate(raw)]
    return raw | {path[0]: planted(raw.get(path[0], {}), path[1:])}


@pytest.mark.parametrize("old", spec.RENAMED)
def test_a_key_that_was_renamed_is_refused_with_its_new_name(old: str) -> None:
    new = spec.RENAMED[old]
    specs = [kind for kind in every_spec() if new in kind.model_fields]
    assert specs and not any(old in kind.model_fields for kind in every_spec())
    for kind in specs:
        with pytest.raises(DefinitionError, match=rf"^f\.toml: '{old}' is now '{new}'; rename the key$"):
            parse(kind, {old: 1}, file="f.toml")
    with pytest.raises(DefinitionError, match=f"'{old}' is not a key"):
        parse(table_spec.Scale, {old: 1}, file="f.toml")


def every_spec() -> list[type[Spec]]:
    """All specs of all definitions."""

    def below(kind: type[Spec]) -> list[type[Spec]]:
        return [kind, *(spec for child in kind.__subclasses__() for spec in below(child))]

    return below(Spec)


def test_a_misspelt_key_is_reported_before_the_one_it_leaves_missing() -> None:
    with pytest.raises(
        DefinitionError,
        match=r"^f\.toml \[label\]: 'horizon_days' is not a key; did you mean 'horizons_days'\? use one of: correct_raters",
    ):
        parse(ModelSpec, MODEL | {"label": {"kind": "exit", "horizon_days": [90]}}, file="f.toml")


def test_every_spec_is_among_the_levels() -> None:
    modules = (spec, table_spec, feature_spec, model_spec)
    declared = {v for module in modules for v in vars(module).values() if isinstance(v, type) and issubclass(v, Spec)}
    specs = declared - {Spec, spec.Policy, feature_spec.FeatureMeta}
    assert specs == {level for *_, level in LEVELS} - {feature_spec.FeatureMeta}
    assert all(kind.model_config["extra"] == "forbid" and kind.model_config["frozen"] for kind in specs)


@pytest.mark.parametrize(
    ("kind", "raw", "message"),
    [
        (WindowedSpec, {"zh": "", "measures": []}, "f.toml: key 'en' is missing; add it"),
        (WindowedSpec, LOG | {"measures": [{"column": "x"}]}, r"f.toml \[measures.0\]: key 'zh' is missing"),
        (WindowedSpec, LOG | {"max_kinds": 0}, r"f.toml \[max_kinds\]: 0 cannot be used; it should be greater"),
        (
            WindowedSpec,
            LOG | {"measures": [COUNT | {"owner": "nobody"}]},
            r"f.toml \[measures.0.owner\]: 'nobody' cannot be used; it should be 'employee'",
        ),
        (WindowedSpec, LOG | {"measures": [COUNT | {"windows_days": []}]}, "'count' needs windows_days"),
        (
            TableSpec,
            TABLE | {"columns": {"a": {"type": "money"}}},
            r"f.toml \[columns.a.type\]: 'money' cannot be used",
        ),
        (TableSpec, 3, "f.toml: 3 cannot be used; write a table of keys"),
        (WindowedSpec, LOG | {"only": "login"}, r"f.toml \[only\]: 'login' cannot be used; write a list, as in"),
        (
            WindowedSpec,
            LOG | {"measures": [COUNT | {"kinds": 3}]},
            r"^f.toml \[measures.0.kinds\]: 3 cannot be used; it should be 'each' or 'all'",
        ),
        (
            WindowedSpec,
            LOG | {"measures": [COUNT | {"windows_days": []}]},
            r"\[measures.0\]: its keys do not fit together; ",
        ),
        (ModelSpec, MODEL | {"label": {"kind": "exit", "horizons_days": [180, 90]}}, "horizons_days must ascend"),
        (ModelSpec, MODEL | {"label": {"kind": "exit", "horizons_days": []}}, "horizons_days must ascend"),
        (ModelSpec, MODEL | {"label": {"kind": "low_review", "horizons_days": [1]}}, "needs low_at_most"),
    ],
)
def test_what_else_is_refused(kind: type[Spec], raw: Any, message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        parse(kind, raw, file="f.toml")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kinds": "each"}, r"needs \{kind\} in its name"),
        ({"windows_days": [1, 2]}, r"needs \{window\} in its name"),
        ({"column": "{kind}", "kinds": "each", "measure": "reciprocity"}, "over all kinds or a list of them, not each"),
        ({"side": "either"}, "side 'either' is for measures of counterparts"),
        ({"windows_days": [0]}, "greater than or equal to 1"),
    ],
)
def test_measures_that_cannot_be(change: dict[str, Any], message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        parse(Measure, COUNT | change, file="f.toml")


def test_specs_are_frozen() -> None:
    label = parse(Label, MODEL["label"], file="f.toml")
    with pytest.raises(ValueError, match="frozen"):
        label.kind = "low_review"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "event"}, "label kind 'event' needs kinds, zh and en"),
        ({"kind": "event", "kinds": ["x"], "zh": "x"}, "label kind 'event' needs kinds, zh and en"),
        ({"kind": "exit", "where": "value > 1"}, "where is for label kind 'event'"),
    ],
)
def test_labels_that_cannot_be(change: dict[str, Any], message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        parse(Label, {"horizons_days": [91]} | change, file="f.toml")
