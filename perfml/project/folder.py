"""A project: the folder that says what counts as evidence and what is learnt.

A definition that a project leaves unsaid is inherited from the starter project that perfml ships: a file of the same
name is merged over the inherited one, key by key (arrays and SQL are replaced whole).
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from perfml.errors import DefinitionError
from perfml.project.policies import parse_policy
from perfml.project.spec import ModelSpec, ProjectSpec, RelationalSpec, S, Spec, TableSpec, WindowedSpec, parse
from perfml.project.starter import STARTER


@dataclass(frozen=True)
class WindowedFile:
    """``features/<name>.toml``."""

    name: str
    file: str
    spec: WindowedSpec


@dataclass(frozen=True)
class RelationalFile:
    """``features/<name>.sql``: its header and its one SELECT."""

    name: str
    file: str
    spec: RelationalSpec
    sql: str


@dataclass(frozen=True)
class Definitions:
    """Everything ``features/`` says, in name order."""

    tables: Mapping[str, TableSpec]
    windowed: tuple[WindowedFile, ...]
    relational: tuple[RelationalFile, ...]

    def makes(self, column: str) -> bool:
        """Whether some file makes such a column, for some kind, window or comparison."""
        base = re.sub(r"_(team|peers)_z$", "", column)
        if any(base in file.spec.columns for file in self.relational):
            return True
        templates = [measure.column for file in self.windowed for measure in file.spec.measures]
        patterns = [re.escape(t).replace(r"\{kind\}", r"\w+").replace(r"\{window\}", r"\d+") for t in templates]
        return any(re.fullmatch(pattern, base) for pattern in patterns)

    def require_tables(self, file: RelationalFile) -> None:
        """Raise :class:`DefinitionError` where ``file`` needs what is no table."""
        offered = ("people", "evidence", *self.tables)
        for table in file.spec.needs:
            if table not in offered:
                raise DefinitionError(
                    f"needs {table!r}, which is no table", where=file.file, remedy=f"use one of: {', '.join(offered)}"
                )

    def require_columns(self, file: RelationalFile) -> None:
        """Raise :class:`DefinitionError` where ``file`` reads a column that no file makes from tables or the log."""
        last = {column for one in self.relational if one.spec.reads for column in one.spec.columns}
        for column in file.spec.reads:
            if column in last or not self.makes(column) or column.endswith(("_team_z", "_peers_z")):
                raise DefinitionError(
                    f"reads {column!r}, which no file makes from tables or the log",
                    where=file.file,
                    remedy="name columns of other files, without their comparisons",
                )


class ProjectFolder:
    """The definitions in ``root``, over those of the starter project.

    >>> ProjectFolder(STARTER).spec.name
    'perfml'
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        if not (self.root / "perfml.toml").is_file():
            raise DefinitionError(
                "is not a perfml project: perfml.toml is missing",
                where=str(root),
                remedy="name another with --project DIR, or make one with `perfml init DIR`",
            )
        self._layers = [STARTER] if self.root == STARTER else [STARTER, self.root]
        self.spec = parse(ProjectSpec, _toml(self.root / "perfml.toml"), file="perfml.toml")

    @cached_property
    def definitions(self) -> Definitions:
        """What counts as evidence. Raises :class:`DefinitionError` with file and key."""
        sources = self._merged("features/sources.toml")
        tables = {name: parse(TableSpec, raw, file=f"features/sources.toml {name}") for name, raw in sources.items()}
        left_out = self._left_out("features", self.spec.features.leave_out)
        windowed = [
            WindowedFile(
                name,
                f"features/{name}.toml",
                parse(WindowedSpec, self._merged(f"features/{name}.toml"), file=f"features/{name}.toml"),
            )
            for name in self._stems("features", ".toml")
            if name != "sources" and name not in left_out
        ]
        relational = [self._relational(name) for name in self._stems("features", ".sql") if name not in left_out]
        twice = {f.name for f in windowed} & {f.name for f in relational}
        if twice:
            raise DefinitionError(
                "stands as .toml and as .sql", where=f"features/{min(twice)}", remedy="rename one of the two"
            )
        made = Definitions(tables, tuple(windowed), tuple(relational))
        for file in relational:
            made.require_tables(file)
            # A column may be one of those that are left out; evidence says then that its reader is left out too.
            if not left_out:
                made.require_columns(file)
        return made

    @cached_property
    def models(self) -> Mapping[str, ModelSpec]:
        """What is learnt, by name."""
        return {
            name: parse(ModelSpec, raw, file=f"models/{name}.toml")
            for name, raw in self._advice.items()
            if "kind" not in raw
        }

    @cached_property
    def policies(self) -> Mapping[str, Spec]:
        """What is advised and within which limits, by name: the files of ``models/`` that name a ``kind``."""
        return {
            name: parse_policy(raw, file=f"models/{name}.toml") for name, raw in self._advice.items() if "kind" in raw
        }

    def model(self, name: str) -> ModelSpec:
        """One model's definition. Raises :class:`DefinitionError` naming those there are."""
        if name not in self.models:
            raise DefinitionError(
                f"no model is called {name!r}", where="models/", remedy=f"use one of: {', '.join(self.models)}"
            )
        return self.models[name]

    def policy(self, name: str) -> Spec:
        """One policy. Raises :class:`DefinitionError` naming those there are."""
        if name not in self.policies:
            raise DefinitionError(
                f"no policy is called {name!r}", where="models/", remedy=f"use one of: {', '.join(self.policies)}"
            )
        return self.policies[name]

    def policy_of(self, kind: type[S], name: str | None = None) -> tuple[str, S]:
        """The name and the policy of this kind: the one called ``name``, or the only one.

        Raises :class:`DefinitionError` naming those there are.
        """
        there = {key: spec for key, spec in self.policies.items() if isinstance(spec, kind)}
        chosen = next(iter(there)) if name is None and len(there) == 1 else name
        if chosen is None or chosen not in there:
            what = "none is named" if chosen is None else f"no policy of this kind is called {chosen!r}"
            kinds = kind.model_fields["kind"].default
            remedy = f"use one of: {', '.join(there)}" if there else f"write one of kind {kinds!r}"
            raise DefinitionError(what, where="models/", remedy=remedy)
        return chosen, there[chosen]

    def model_card(self, name: str) -> str:
        """The text beside the model's definition; empty where nobody wrote one."""
        path = self._path(f"models/{name}.md")
        return path.read_text(encoding="utf-8") if path else ""

    def home(self, home: Path | None = None) -> Path:
        """Where models, scores and runs live: ``home``, else ``PERFML_HOME``, else ``<project>/var``.

        For the starter, which may lie among the installed packages, that is ``./var``.
        """
        base = Path.cwd() if self.root == STARTER else self.root
        return Path(home or os.environ.get("PERFML_HOME") or base / "var")

    @cached_property
    def _advice(self) -> Mapping[str, dict[str, Any]]:
        left_out = self._left_out("models", self.spec.models.leave_out)
        return {
            name: self._merged(f"models/{name}.toml") for name in self._stems("models", ".toml") if name not in left_out
        }

    def _stems(self, folder: str, suffix: str) -> list[str]:
        found = {path.stem for layer in self._layers for path in (layer / folder).glob(f"*{suffix}")}
        return sorted(found)

    def _path(self, relative: str) -> Path | None:
        return next((layer / relative for layer in reversed(self._layers) if (layer / relative).is_file()), None)

    def _merged(self, relative: str) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        for layer in self._layers:
            if (layer / relative).is_file():
                merged = _merge(merged, _toml(layer / relative))
        return merged

    def _left_out(self, folder: str, names: tuple[str, ...]) -> set[str]:
        there = {path.stem for layer in self._layers for path in (layer / folder).glob("*.*")} - {"sources"}
        unknown = sorted(set(names) - there)
        if unknown:
            raise DefinitionError(
                f"{unknown[0]!r} is not there to leave out",
                where=f"perfml.toml [{folder}.leave_out]",
                remedy=f"use one of: {', '.join(sorted(there))}",
            )
        return set(names)

    def _relational(self, name: str) -> RelationalFile:
        file = f"features/{name}.sql"
        path = self._path(file)
        assert path is not None
        text = _text(path)
        start, end = text.find("/*"), text.find("*/")
        if text[:start].strip() or start < 0 or end < start:
            raise DefinitionError(
                "does not begin with its header",
                where=file,
                remedy="open with /* and TOML: zh, en, needs, [columns.…] */",
            )
        header = _parse_toml(text[start + 2 : end], file)
        return RelationalFile(name, file, parse(RelationalSpec, header, file=file), text[end + 2 :].strip().rstrip(";"))


def _merge(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _merge(merged[key], value) if both else value
    return merged


def _toml(path: Path) -> dict[str, Any]:
    return _parse_toml(_text(path), f"{path.parent.name}/{path.name}")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DefinitionError(f"is not UTF-8 ({error.reason})", where=str(path), remedy="save it as UTF-8") from None


def _parse_toml(text: str, file: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DefinitionError(f"is not TOML: {error}", where=file, remedy="mend that line") from None
