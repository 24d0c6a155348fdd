"""The OpenAPI document shows an example of every answer, which the answer's own schema accepts."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from perfml.service import document as of_document
from perfml.service.app import create_app

EXAMPLES = Path(of_document.__file__).with_name("examples.toml")


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return create_app(tmp_path_factory.mktemp("home")).openapi()


def answers(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every JSON answer that is no refusal."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for status, answer in operation["responses"].items():
                if status.startswith("2") and "application/json" in answer.get("content", {}):
                    yield f"{method} {path}", answer["content"]["application/json"]


def leaves(value: object, field: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from leaves(each, name)
    elif isinstance(value, list):
        for each in value:
            yield from leaves(each, field)
    else:
        yield field, value


@pytest.mark.slow
def test_every_answer_has_an_example_that_its_schema_accepts(document: dict[str, Any]) -> None:
    shown = list(answers(document))
    assert len(shown) > 40
    for address, content in shown:
        validator = Draft202012Validator(
            {**content["schema"], "components": document["components"]},
            format_checker=Draft202012Validator.FORMAT_CHECKER,
        )
        assert len(content["examples"]) == len(content["schema"].get("anyOf", [0])), address
        for name, example in content["examples"].items():
            errors = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(example["value"])]
            assert not errors, (address, name)
    assert list(validator.iter_errors({"ready": "yes"})), "so that the test can fail"


MOST_UNNAMED = 10
"""Texts of new answers for which nobody has written a value yet; an example then shows the name of the field."""


@pytest.mark.slow
def test_hardly_any_text_of_an_example_is_the_name_of_its_field(document: dict[str, Any]) -> None:
    examples = [each["value"] for _, content in answers(document) for each in content["examples"].values()]
    unnamed = {field for value in examples for field, each in leaves(value) if each in (field, "") or field == "any"}
    assert len(unnamed) <= MOST_UNNAMED, "give them values in perfml/service/examples.toml"


@pytest.mark.slow
def test_no_value_is_given_for_a_field_that_no_answer_has(document: dict[str, Any]) -> None:
    values = tomllib.loads(EXAMPLES.read_text(encoding="utf-8"))
    schemas = document["components"]["schemas"]
    fields = {name for schema in schemas.values() for name in schema.get("properties", {})}
    assert {*values.pop("absent"), *values.pop("fields")} <= fields
    for record, given in values.items():
        assert given.keys() <= schemas[record]["properties"].keys(), record
