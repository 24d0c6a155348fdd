"""A key that no spec knows is refused, with file, place and the keys there are."""

from typing import Any

import pytest

from perfml.errors import DefinitionError
from perfml.project import spec
from perfml.project.spec import (
    Label,
    Measure,
    ModelSpec,
    ProjectSpec,
    RelationalSpec,
    Spec,
    TableSpec,
    WindowedSpec,
    parse,
)

WORDS: dict[str, Any] = {"zh": "词", "en": "word", "unit": "times", "owner": "employee"}
COUNT = WORDS | {"column": "n", "measure": "count", "windows_days": [28]}
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
QUERY: dict[str, Any] = {"zh": "", "en": "", "needs": ["people"], "columns": {"x": WORDS, "columns": WORDS}}
MODEL: dict[str, Any] = {"zh": "", "en": "", "label": {"kind": "exit", "horizons_days": [90]}}
SEGMENT = {"zh": "", "en": "", "where": "true"}
LEVELS: list[tuple[type[Spec], dict[str, Any], list[str | int], type[Spec]]] = [
    (ProjectSpec, {}, [], ProjectSpec),
    (ProjectSpec, {}, ["data"], spec.DataSettings),
    (ProjectSpec, {}, ["features"], spec.LeaveOut),
    (ProjectSpec, {}, ["models"], spec.LeaveOut),
    (TableSpec, TABLE, [], TableSpec),
    (TableSpec, TABLE, ["columns", "id"], spec.ColumnType),
    (TableSpec, TABLE, ["scale"], spec.Scale),
    (TableSpec, TABLE, ["rules", "r"], spec.Rule),
    (TableSpec, TABLE, ["audits", "a"], spec.Audit),
    (WindowedSpec, LOG, [], WindowedSpec),
    (WindowedSpec, LOG, ["measures", 0], Measure),
    (WindowedSpec, LOG, ["measures", 1], Measure),
    (WindowedSpec, LOG, ["kinds", "login"], spec.KindWords),
    (WindowedSpec, LOG, ["kinds", "zh"], spec.KindWords),
    (RelationalSpec, QUERY, [], RelationalSpec),
    (RelationalSpec, QUERY, ["columns", "x"], spec.Words),
    (RelationalSpec, QUERY, ["columns", "columns"], spec.Words),
    (ModelSpec, MODEL, [], ModelSpec),
    (ModelSpec, MODEL, ["population"], spec.Population),
    (ModelSpec, MODEL, ["label"], Label),
    (ModelSpec, MODEL, ["evidence"], spec.EvidenceChoice),
    (ModelSpec, MODEL, ["learner"], spec.LearnerSpec),
    (ModelSpec, MODEL, ["baseline"], spec.BaselineSpec),
    (ModelSpec, MODEL, ["backtest"], spec.BacktestSpec),
    (ModelSpec, MODEL, ["list"], spec.ListSpec),
    (ModelSpec, MODEL | {"segments": {"a": SEGMENT}}, ["segments", "a"], spec.Segment),
    (ModelSpec, MODEL, ["gates"], spec.GatesSpec),
    (ModelSpec, MODEL, ["fairness"], spec.FairnessSpec),
]


@pytest.mark.parametrize(
    ("kind", "raw", "path", "found"), LEVELS, ids=[f"{k.__name__} {'.'.join(map(str, p))}" for k, _, p, _ in LEVELS]
)
def test_an_unknown_key_is_refused_at_every_level(
    kind: type[Spec], raw: dict[str, Any], path: list[str | int], found: type[Spec]
) -> None:
    with pytest.raises(DefinitionError) as caught:
        parse(kind, planted(raw, path), file="features/x.toml")
    error = caught.value
    assert error.where == "features/x.toml" + (f" [{'.'.join(map(str, path))}]" if path else "")
    assert error.problem == "'tyop' is not a key"
    assert error.remedy == f"use one of: {', '.join(sorted(found.model_fields))}"


def planted(raw: Any, path: list[str | int]) -> Any:
    """``raw`` with the key ``tyop`` at ``path``."""
    if not path:
        return raw | {"tyop": 1}
    if isinstance(raw, list):
        return [planted(value, path[1:]) if i == path[0] else value for i, value in enumerate(raw)]
    return raw | {path[0]: planted(raw.get(path[0], {}), path[1:])}


def test_every_spec_is_among_the_levels() -> None:
    made = {v for v in vars(spec).values() if isinstance(v, type) and issubclass(v, Spec)} - {Spec, spec.Words}
    assert made == {found for *_, found in LEVELS} - {spec.Words}
    assert all(kind.model_config["extra"] == "forbid" and kind.model_config["frozen"] for kind in made)


@pytest.mark.parametrize(
    ("kind", "raw", "said"),
    [
        (WindowedSpec, {"zh": "", "measures": []}, "f.toml: key 'en' is missing; add it"),
        (WindowedSpec, LOG | {"measures": [{"column": "x"}]}, r"f.toml \[measures.0\]: key 'zh' is missing"),
        (WindowedSpec, LOG | {"most_kinds": 0}, r"f.toml \[most_kinds\]: 0 cannot be used; Input should be greater"),
        (
            WindowedSpec,
            LOG | {"measures": [COUNT | {"owner": "nobody"}]},
            r"f.toml \[measures.0.owner\]: 'nobody' cannot be used; Input",
        ),
        (WindowedSpec, LOG | {"measures": [COUNT | {"windows_days": []}]}, "'count' needs windows_days"),
        (
            TableSpec,
            TABLE | {"columns": {"a": {"type": "money"}}},
            r"f.toml \[columns.a.type\]: 'money' cannot be used",
        ),
        (TableSpec, 3, "f.toml: 3 cannot be used"),
        (ModelSpec, MODEL | {"label": {"kind": "exit", "horizons_days": [180, 90]}}, "horizons_days must ascend"),
        (ModelSpec, MODEL | {"label": {"kind": "exit", "horizons_days": []}}, "horizons_days must ascend"),
        (ModelSpec, MODEL | {"label": {"kind": "low_review", "horizons_days": [1]}}, "needs low_at_most"),
    ],
)
def test_what_else_is_refused(kind: type[Spec], raw: Any, said: str) -> None:
    with pytest.raises(DefinitionError, match=said):
        parse(kind, raw, file="f.toml")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kinds": "each"}, r"needs \{kind\} in its name"),
        ({"windows_days": [1, 2]}, r"needs \{window\} in its name"),
        ({"column": "{kind}", "kinds": "each", "measure": "reciprocity"}, "over all kinds or a list of them, not each"),
        ({"side": "either"}, "side 'either' is for measures of counterparts"),
        ({"windows_days": [0]}, "greater than or equal to 1"),
    ],
)
def test_measures_that_cannot_be(change: dict[str, Any], said: str) -> None:
    with pytest.raises(DefinitionError, match=said):
        parse(Measure, COUNT | change, file="f.toml")


def test_specs_are_frozen() -> None:
    label = parse(Label, MODEL["label"], file="f.toml")
    with pytest.raises(ValueError, match="frozen"):
        label.kind = "low_review"
