"""``/docs``: every address of the API with its parameters and answers.

It is made from the OpenAPI document and needs neither script nor another server.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader

from perfml.json_types import Json
from perfml.service.document import JSON
from perfml.service.problems import Refusal

pages = APIRouter(include_in_schema=False)
_TEMPLATES = Environment(loader=PackageLoader("perfml.service", "."), autoescape=True)
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
code, pre { font-family: ui-monospace, monospace; font-size: .9em; }
section { border-top: 1px solid #ccc; margin-top: 1.5rem; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .2rem .6rem .2rem 0; vertical-align: top; }
.quiet { color: #555; }
pre { overflow-x: auto; background: #f6f6f6; padding: .6rem; }
"""
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


@dataclass(frozen=True, kw_only=True)
class Field:
    """One parameter, key of a body or field of an answer."""

    name: str
    kind: str
    required: bool
    description: str


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One address with what it takes and answers."""

    method: str
    path: str
    summary: str
    description: str
    parameters: tuple[Field, ...]
    body: tuple[Field, ...]
    answer: tuple[Field, ...]
    examples: tuple[str, ...]
    """Answers in JSON, one for each form."""
    refusals: tuple[tuple[str, str], ...]

    @property
    def link(self) -> bool:
        """Whether a browser can follow the address as it is."""
        return self.method == "GET" and "{" not in self.path


@pages.get("/docs")
def docs_page(request: Request) -> HTMLResponse:
    """Every address with its parameters, body, answer and refusals."""
    document = request.app.openapi()
    html = _TEMPLATES.get_template("docs.html.j2").render(
        info=document["info"],
        operations=tuple(_operations(document)),
        records=_records(document),
        problems=_problems(Refusal),
        style=STYLE,
    )
    return HTMLResponse(html, headers={"Content-Security-Policy": POLICY})


def _operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    """The operations of an OpenAPI document, in its order."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            given = operation.get("parameters", [])
            body = operation.get("requestBody", {}).get("content", {}).get(JSON, {}).get("schema", {})
            answers = operation["responses"]
            answer = answers.get("200", {}).get("content", {}).get(JSON, {})
            yield Operation(
                method=method.upper(),
                path=path,
                summary=operation["summary"],
                description=operation.get("description", ""),
                parameters=tuple(
                    Field(
                        name=each["name"],
                        kind=f"{each['in']}: {_kind(each['schema'])}",
                        required=each.get("required", False),
                        description=each.get("description", ""),
                    )
                    for each in given
                ),
                body=tuple(_fields(document, body)),
                answer=tuple(_fields(document, answer.get("schema", {}))),
                examples=tuple(_written(each["value"]) for each in answer.get("examples", {}).values()),
                refusals=tuple((status, each["description"]) for status, each in answers.items() if status != "200"),
            )


def _written(example: Json) -> str:
    return json.dumps(example, ensure_ascii=False, indent=2)


def _records(document: Mapping[str, Any]) -> dict[str, tuple[Field, ...]]:
    """Every record that answers are made of, by name, with its fields."""
    schemas = document["components"]["schemas"]
    return {
        name.removesuffix("Answer"): tuple(_fields(document, {"$ref": name}))
        for name in sorted(schemas)
        if schemas[name].get("properties")
    }


def _problems(kind: type[Refusal]) -> dict[str, type[Refusal]]:
    """Every kind of problem below ``kind``, by its name, which is its anchor on the page."""
    kinds: dict[str, type[Refusal]] = {}
    for each in kind.__subclasses__():
        kinds |= {each.kind(): each} | _problems(each)
    return dict(sorted(kinds.items()))


def _fields(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[Field]:
    """The fields of an object schema, those of alternatives once."""
    seen: set[str] = set()
    for option in schema.get("oneOf") or schema.get("anyOf") or [schema]:
        declared = document["components"]["schemas"].get(option.get("$ref", "").rsplit("/", 1)[-1], {})
        for name, field in declared.get("properties", {}).items():
            if name not in seen:
                seen.add(name)
                required = name in declared.get("required", ())
                yield Field(name=name, kind=_kind(field), required=required, description=field.get("description", ""))


def _kind(schema: Mapping[str, Any]) -> str:
    """The type of a value, as a reader writes it.

    >>> _kind({"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}), _kind({"enum": ["a", "b"]})
    ('date or null', 'a, b')
    """
    if "enum" in schema:
        return ", ".join(str(value) for value in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    options = schema.get("anyOf") or schema.get("oneOf")
    if options:
        return " or ".join(dict.fromkeys(_kind(option) for option in options))
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1].removesuffix("Answer")
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or "any value")
