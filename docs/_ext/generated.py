"""Directives whose text is generated from the code, so that the reference cannot fall behind it.

``definition-keys``  every key of a definition file, from its pydantic spec
``input-tables``     the input contract, from ``features/sources.toml``
``floors``           the packages of perfml by floor, from ``tests/test_floors.py`` and their docstrings
``commands``         the command line, from typer
``routes``           the HTTP API, from the service's OpenAPI document
"""

from __future__ import annotations

import ast
import datetime as dt
import importlib
import inspect
import re
import textwrap
import tomllib
import types
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from docutils import nodes
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from perfml.project.spec import Spec, parse
from perfml.project.table_spec import TableSpec

ROOT = Path(__file__).resolve().parents[2]
NAMES = {
    **{str: "text", int: "whole number", float: "number", bool: "true or false", Decimal: "number"},
    **{dt.date: "date", dt.time: "time of day"},
}
BOUNDS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(re.sub(r"(?<!\\)\|", r"\\|", cell) for cell in line) + " |" for line in lines)


def markdown(docstring: str) -> str:
    """Turn the reST of a docstring into Markdown, on one line."""
    text = re.sub(
        r":ref:`([^`]+)`", lambda match: f"[{match[1].replace('-', ' ')}](#{match[1]})", " ".join(docstring.split())
    )
    return re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text).replace(" -> ", " → ")


# ---- definition keys ----------------------------------------------------------------------------------------------


def field_docstrings(spec: type[Spec]) -> dict[str, str]:
    """The docstring that stands under each field, those of base classes included."""
    texts: dict[str, str] = {}
    for base in reversed([kind for kind in spec.__mro__ if issubclass(kind, Spec)]):
        tree = ast.parse(textwrap.dedent(inspect.getsource(base))).body[0]
        assert isinstance(tree, ast.ClassDef)
        for statement, below in zip(tree.body, tree.body[1:], strict=False):
            match statement, below:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    texts[name] = text
    return texts


def inner_specs(annotation: object) -> Iterator[type[Spec]]:
    """The specs within a type."""
    if isinstance(annotation, type) and issubclass(annotation, Spec):
        yield annotation
    for part in get_args(annotation):
        yield from inner_specs(part)


def specs_of(root: type[Spec]) -> dict[type[Spec], str]:
    """``root`` and every spec that its fields lead to, each once, with its place in the file: ``segments.<name>``."""
    places: dict[type[Spec], str] = {root: ""}
    waiting = [root]
    for spec in waiting:
        for name, field in spec.model_fields.items():
            for inner in inner_specs(field.annotation):
                if inner not in places:
                    many = get_origin(field.annotation)
                    below = "<name>" if many in (dict, Mapping) else "" if many is not tuple else "[]"
                    places[inner] = ".".join(filter(None, (places[spec], name, below)))
                    waiting.append(inner)
    return places


def bounds(metadata: Sequence[object]) -> list[str]:
    """Limits in words: ``≥ 0``, ``at least 1 entry``."""
    limits = []
    for part in metadata:
        if isinstance(part, FieldInfo):
            limits += bounds(part.metadata)
            continue
        limits += [f"{sign} {getattr(part, name)}" for name, sign in BOUNDS.items() if hasattr(part, name)]
        if hasattr(part, "min_length"):
            limits.append(f"at least {part.min_length} entry")
        if pattern := getattr(part, "pattern", None):
            limits.append(f"matches `{pattern}`")
    return limits


def described(annotation: Any) -> tuple[str, list[str]]:
    """A type in words, and the values it allows."""
    origin, args = get_origin(annotation), get_args(annotation)
    if hasattr(annotation, "__metadata__"):
        name, values = described(args[0])
        return name, values + bounds(annotation.__metadata__)
    if annotation in NAMES:
        return NAMES[annotation], []
    if isinstance(annotation, type) and issubclass(annotation, Spec):
        return f"[table](#key-{annotation.__name__.lower()})", []
    if origin is Literal:
        return NAMES[type(args[0])], [f"`{value!r}`".replace("'", '"') for value in args]
    if origin in (Union, types.UnionType):
        parts = [described(part) for part in args if part is not type(None)]
        names = list(dict.fromkeys(name for name, _ in parts))
        return " or ".join(names), [value for _, values in parts for value in values]
    if origin is tuple:
        of = [described(part) for part in args if part is not Ellipsis]
        count = "" if Ellipsis in args else f"{len(of)} × "
        return f"list of {count}{of[0][0]}", of[0][1]
    if origin in (dict, Mapping) or (isinstance(origin, type) and issubclass(origin, Mapping)):
        keys, values = described(args[0]), described(args[1])
        return f"table of {keys[0]} → {values[0]}", keys[1] + values[1]
    raise TypeError(f"the reference has no words for {annotation!r}")


def default_of(field: FieldInfo) -> str:
    """The default as one writes it in TOML; empty where there is none."""
    value = field.default
    if value is PydanticUndefined:
        return "**needed**"
    if value is None or isinstance(value, Spec):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    text = str(list(value)) if isinstance(value, tuple) else str(value) if value else repr(value)
    quoted = f'"{value}"' if isinstance(value, str) else text.replace("'", '"')
    return f"`{quoted}`"


def key_rows(spec: type[Spec]) -> list[tuple[str, str, str, str, str]]:
    """One row a key: name, type, default, allowed values, meaning. Raises :class:`KeyError` for a key without a meaning."""
    texts, rows = field_docstrings(spec), []
    for name, field in spec.model_fields.items():
        kind, allowed = described(field.annotation)
        values = ", ".join(allowed + bounds(field.metadata))
        rows.append((f"`{name}`", kind, default_of(field), values, markdown(texts[name])))
    return rows


def keys_text(root: type[Spec]) -> str:
    """The section of one definition file: a table for the file and one for each table within it."""
    parts = []
    label = f"key-{root.__name__.lower()}-"  # a spec that several files contain has a section in each
    for spec, place in specs_of(root).items():
        written = f"[[{place.removesuffix('.[]')}]]" if place.endswith("[]") else f"[{place}]"
        # the file itself has a heading too: text above the first heading would be dropped
        title = f"`{written}`" if place else "Top-level keys"
        parts += [f"({label}{spec.__name__.lower()})=", f"## {title}", ""]
        about = inspect.getdoc(spec) or ""
        parts += [markdown(about.split("\n\n")[0]), ""]
        rows = table(("key", "type", "default", "allowed", "meaning"), key_rows(spec))
        parts += [rows.replace("(#key-", f"(#{label}"), ""]
    return "\n".join(parts)


# ---- input tables --------------------------------------------------------------------------------------------------


def input_specs() -> dict[str, TableSpec]:
    """The tables of the input contract, by name."""
    raw = tomllib.loads((ROOT / "features" / "sources.toml").read_text(encoding="utf-8"))
    return {name: parse(TableSpec, table, file="features/sources.toml") for name, table in raw.items()}


def input_text() -> str:
    """One section a table: its columns, its rules, its audits."""
    parts = []
    for name, spec in input_specs().items():
        key = ", ".join(f"`{column}`" for column in spec.key)
        parts += [f"## {name}", "", f"{spec.en.capitalize()} · {spec.zh}. A row is identified by {key}."]
        if spec.happened:
            parts.append(f"The fact happened on `{spec.happened}`{', which may lie ahead' if spec.planned else ''}.")
        rows = []
        for column, kind in spec.columns.items():
            notes = [("for audits only, never a feature", kind.protected), ("not seen before its day", kind.later)]
            needed = "yes" if kind.required else ""
            rows.append(
                (f"`{column}`", kind.type, needed, "; ".join([kind.en, *(note for note, holds in notes if holds)]))
            )
        parts += ["", table(("column", "type", "needed", "meaning"), rows), ""]
        checks = [(f"`{rule}`", "set aside", text.en) for rule, text in spec.rules.items()]
        checks += [(f"`{audit}`", "reported", text.en) for audit, text in spec.audits.items()]
        if spec.scale:
            scale = f"the rating lies outside {spec.scale.worst:g} to {spec.scale.best:g}"
            checks.append(("`off_the_scale`", "set aside", scale))
        if checks:
            parts += [table(("check", "row is", "because"), checks), ""]
    return "\n".join(parts)


def recognised_text() -> str:
    """The names that are recognised: of tables, columns, causes of leaving and ratings."""
    raw = tomllib.loads((ROOT / "perfml" / "mapping" / "synonyms.toml").read_text(encoding="utf-8"))
    parts = []
    for name, part in raw.items():
        if not isinstance(part, dict) or "columns" not in part:
            continue
        rows = [(f"`{column}`", _names(names)) for column, names in part["columns"].items()]
        parts += [
            f"## {name}",
            "",
            f"Files and sheets: {_names(part['titles'])}",
            "",
            table(("column", "names"), rows),
            "",
        ]
    for title, key in (("Causes of leaving", "exit_kinds"), ("Measures of wide logs", "kinds")):
        rows = [(f"`{value}`", _names(names)) for value, names in raw[key].items()]
        parts += [f"## {title}", "", table(("value", "names"), rows), ""]
    short = [(f"`{word}`", meaning) for word, meaning in raw["abbreviations"].items()]
    parts += ["## Abbreviations", "", table(("word", "read as"), short), ""]
    units = [(", ".join(f"`{unit}`" for unit in known), quantity) for quantity, known in raw["units"].items()]
    parts += ["## Units behind numbers", "", table(("units", "of"), units), ""]
    ladders = [(" > ".join("/".join(level) for level in ladder["levels"]),) for ladder in raw["ratings"]]
    parts += ["## Ratings, best first", "", table(("levels",), ladders), ""]
    parts += ["## Never read", "", _names(raw["private"]), ""]
    return "\n".join(parts)


def _names(names: list[str]) -> str:
    """Names in a line; those of another column as a reference to it."""
    return ", ".join(f"those of `{name[1:]}`" if name.startswith("=") else name for name in names)


# ---- floors, commands, routes --------------------------------------------------------------------------------------


def floors_text() -> str:
    """The packages and modules of perfml, the highest floor first."""
    from tests.test_floors import FLOORS

    rows = []
    for floor, rooms in sorted(FLOORS.items(), reverse=True):
        for room in dict.fromkeys(rooms):
            module = importlib.import_module("perfml" if room == "__init__" else f"perfml.{room}")
            first = markdown((inspect.getdoc(module) or "").split("\n\n")[0])
            rows.append((str(floor), "`perfml`" if room == "__init__" else f"`{room}`", first))
    return table(("floor", "package", "what it holds"), rows)


def commands_text() -> str:
    """Every command with its arguments and options."""
    from typer.main import get_command

    from perfml.cli import app

    parts = []
    group: Any = get_command(app)
    commands = {
        f"{name} {verb}".strip(): each
        for name, command in group.commands.items()
        for verb, each in getattr(command, "commands", {"": command}).items()
    }
    for name, command in commands.items():
        parts += [f"## perfml {name}", "", " ".join((command.help or "").split()).replace("*", r"\*"), ""]
        rows = []
        for option in command.params:
            spelled = " ".join(f"`{word}`" for word in (*option.opts, *option.secondary_opts) if word.startswith("-"))
            text = getattr(option, "help", None) or ""
            rows.append(
                (spelled or f"`{option.name.upper()}`", "yes" if option.required else "", " ".join(text.split()))
            )
        parts += [table(("argument or option", "needed", "meaning"), rows), ""]
    return "\n".join(parts)


def routes_text() -> str:
    """Every route of the service."""
    from perfml.service.app import create_app

    document = create_app(ROOT / "var").openapi()
    rows = [
        (f"`{method.upper()} {path}`", " ".join((answer.get("description") or answer["summary"]).split()))
        for path, methods in document["paths"].items()
        for method, answer in methods.items()
    ]
    return table(("route", "answer"), rows)


# ---- directives ----------------------------------------------------------------------------------------------------


class Generated(SphinxDirective):
    """Base: the Markdown that :meth:`text` returns, in the place of the directive."""

    def text(self) -> str:
        """The Markdown."""
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        """Parse the text where the directive stands."""
        return self.parse_text_to_nodes(self.text(), allow_section_headings=True)


class DefinitionKeys(Generated):
    """``{definition-keys} perfml.project.model_spec.ModelSpec``."""

    required_arguments = 1

    def text(self) -> str:
        """The tables of the spec named."""
        module, name = self.arguments[0].rsplit(".", 1)
        return keys_text(getattr(importlib.import_module(module), name))


def directive(name: str, function: Any) -> type[Generated]:
    """A directive without arguments."""
    return type(name, (Generated,), {"text": lambda self: function()})


def setup(app: Sphinx) -> dict[str, object]:
    """Register the directives."""
    app.add_directive("definition-keys", DefinitionKeys)
    for name, function in (
        ("input-tables", input_text),
        ("recognised", recognised_text),
        ("floors", floors_text),
        ("commands", commands_text),
        ("routes", routes_text),
    ):
        app.add_directive(name, directive(name, function))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
