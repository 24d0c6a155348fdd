"""The OpenAPI document, with an example of every answer: made from the schemas when somebody asks for the document.

A value is the one that ``examples.toml`` gives for its field, else what its schema says: so an example cannot fall behind the
answers, and a start of the service reads nothing of it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from fastapi import FastAPI

from perfml._version import __version__
from perfml.json_types import Json, JsonObject
from perfml.service.routes import TAGS

JSON = "application/json"
_FORMATS: Mapping[str, str] = {"date": "2026-11-01", "date-time": "2026-11-01T03:00:00Z"}
_PLAIN: Mapping[str, Json] = {"integer": 3, "number": 0.5, "boolean": False, "null": None}
_TYPES: Mapping[type, tuple[str, ...]] = {
    bool: ("boolean",),
    int: ("integer", "number"),
    float: ("number",),
    str: ("string",),
    list: ("array",),
    dict: ("object",),
}


def documented_app() -> FastAPI:
    """An application without addresses, whose document shows what those that it is given answer.

    ``/docs`` is a page of its own: FastAPI's loads its script from another server, and would run it beside people's scores. Its
    telemetry is off: it would tell every span the address, which holds ids.
    """
    return _Documented(
        title="perfml",
        version=__version__,
        description="Early, explained, fair support: scores for help, never for decisions about pay or dismissal.",
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
        openapi_tags=[{"name": name, "description": text} for name, text in TAGS.items()],
    )


class _Documented(FastAPI):
    def openapi(self) -> dict[str, Any]:
        """The document, made once."""
        if self.openapi_schema is None:
            _add_examples(super().openapi())
        return super().openapi()


def _add_examples(document: Mapping[str, Any]) -> None:
    """Add an example to every JSON answer of ``document`` that is no refusal; one for each form that an answer may have."""
    values = tomllib.loads(files("perfml.service").joinpath("examples.toml").read_text(encoding="utf-8"))
    examples = _Examples(schemas=document["components"]["schemas"], values=values)
    for operation in (each for methods in document["paths"].values() for each in methods.values()):
        for status, answer in operation["responses"].items():
            content = answer.get("content", {}).get(JSON)
            if content is not None and status.startswith("2"):
                forms = content["schema"].get("anyOf", [content["schema"]])
                content["examples"] = {_name(form): {"value": examples.of(form)} for form in forms}


@dataclass(frozen=True, kw_only=True)
class _Examples:
    """Example values by schema."""

    schemas: Mapping[str, Any]
    values: Mapping[str, Any]
    """As in ``examples.toml``: of ``fields``, and of those of single records; the names of fields that are ``absent``."""

    def of(self, schema: Mapping[str, Any], field: str = "", record: str = "", inside: tuple[str, ...] = ()) -> Json:
        """A value of ``schema``, of a ``field`` of a ``record`` that lies ``inside`` others; a list of such records is empty."""
        options = schema.get("anyOf", [schema])
        if field in self.values["absent"] and {"type": "null"} in options:
            return None
        for known in (self.values.get(record, {}).get(field), self.values["fields"].get(field)):
            for option in options:
                if known is not None and self._fits(known, option):
                    return self._completed(known, option)
        return self._by_schema(options[0], field, record, inside)

    def _fits(self, known: Json, schema: Mapping[str, Any]) -> bool:
        """Whether a known value is of this kind; the name of a key stands for a mapping."""
        if "$ref" in schema:
            return isinstance(known, dict)
        if "enum" in schema or "const" in schema:
            return known in schema.get("enum", [schema.get("const")])
        items = schema.get("items", {})
        if isinstance(known, list) and ("$ref" in items or items.get("type") == "object") != isinstance(known[0], dict):
            return False
        return schema.get("type") in _TYPES[type(known)] or (schema.get("type") == "object" and isinstance(known, str))

    def _completed(self, known: Json, schema: Mapping[str, Any]) -> Json:
        if schema.get("type") == "object" and isinstance(known, str):
            return {known: self.of(schema["additionalProperties"])}
        return known

    def _by_schema(self, schema: Mapping[str, Any], field: str, record: str, inside: tuple[str, ...]) -> Json:
        if "$ref" in schema:
            return self._record(_name(schema), inside)
        if "enum" in schema or "const" in schema:
            chosen: Json = schema.get("const", schema.get("enum", [None])[0])
            return chosen
        match schema.get("type"):
            case "array" if "prefixItems" in schema:
                return [self.of(each, field, record, inside) for each in schema["prefixItems"]]
            case "array":
                items = schema["items"]
                if "$ref" in items:
                    return [] if _name(items) in inside else [self._record(_name(items), inside)]
                return [self.of(items, field, record, inside)]
            case "object":
                return {"any": self.of(schema.get("additionalProperties", {}), "", "", inside)}
            case "string":
                return _FORMATS.get(schema.get("format", ""), field)
            case other:
                return _PLAIN[str(other)]

    def _record(self, name: str, inside: tuple[str, ...]) -> Json:
        schema = self.schemas[name]
        if "properties" not in schema:
            return self._by_schema(schema, "", name, inside)
        example: JsonObject = {
            field: self.of(each, field, name, (*inside, name)) for field, each in schema["properties"].items()
        }
        return example


def _name(schema: Mapping[str, Any]) -> str:
    """The name of the record that a schema refers to."""
    return str(schema.get("$ref", schema.get("title", ""))).rsplit("/", 1)[-1]
