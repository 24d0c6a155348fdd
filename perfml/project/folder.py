"""A project: the folder that says what counts as evidence and what is learnt.

Definitions are inherited from the starter project that perfml ships: a project's own file is merged over the inherited one of
the same name, key by key (arrays and SQL are replaced whole).
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from perfml.errors import DefinitionError, choose_from
from perfml.project.column_names import compared_column, matches
from perfml.project.feature_spec import NOT_OFFERED, RelationalSpec, WindowedSpec
from perfml.project.mapping_spec import MappingSpec
from perfml.project.model_spec import ModelSpec
from perfml.project.policies import parse_policy, refuse_policy_without_kind
from perfml.project.spec import Policy, ProjectSpec, S, Spec, parse
from perfml.project.starter import STARTER
from perfml.project.table_spec import TableSpec
from perfml.project.trust.delivery_spec import DeliveriesSpec
from perfml.project.trust.export_spec import ExportsSpec
from perfml.project.trust.forbidden_spec import ForbiddenEvidence, refuse_forbidden
from perfml.project.trust.holes_spec import HolesSpec
from perfml.project.trust.metrics import MetricsSpec

NOT_EVIDENCE = ("sources", "deliveries", "definitions", "forbidden", "holes")
"""Files of ``features/`` that say something else than what is evidence."""
_WORD = re.compile(r"\w+")


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
    """All definitions of ``features/``, in name order."""

    tables: Mapping[str, TableSpec]
    windowed: tuple[WindowedFile, ...]
    relational: tuple[RelationalFile, ...]
    holes: HolesSpec = field(default_factory=HolesSpec)

    def names(self) -> Iterator[tuple[str, list[str]]]:
        """Each file with the names of the columns and kinds of event that it declares or makes."""
        for table, spec in self.tables.items():
            yield f"features/sources.toml [{table}]", list(spec.columns)
        for windowed in self.windowed:
            kinds = [
                kind for measure in windowed.spec.measures if isinstance(measure.kinds, tuple) for kind in measure.kinds
            ]
            columns = [measure.column for measure in windowed.spec.measures]
            yield windowed.file, [windowed.name, *windowed.spec.kinds, *(windowed.spec.only or ()), *kinds, *columns]
        for relational in self.relational:
            yield relational.file, [relational.name, *relational.spec.columns, *_WORD.findall(relational.sql)]

    def makes(self, column: str) -> bool:
        """Whether a file can make ``column``, for some kind and window; a comparison counts as the column it compares."""
        base = compared_column(column)
        return any(base in file.spec.columns for file in self.relational) or any(
            matches(measure.column, base) for file in self.windowed for measure in file.spec.measures
        )

    def making(self, columns: Set[str]) -> Definitions:
        """Only the files, and the measures in them, that make ``columns`` and the columns that these are made from."""
        bases = {compared_column(column) for column in columns}
        derived = [file for file in self.relational if file.spec.reads and bases & file.spec.columns.keys()]
        bases |= {column for file in derived for column in file.spec.reads}
        windowed = []
        for file in self.windowed:
            making = tuple(m for m in file.spec.measures if any(matches(m.column, base) for base in bases))
            if making:
                windowed.append(replace(file, spec=file.spec.model_copy(update={"measures": making})))
        relational = tuple(file for file in self.relational if bases & file.spec.columns.keys())
        return replace(self, windowed=tuple(windowed), relational=relational)

    def require_tables(self, file: RelationalFile) -> None:
        """Raise :class:`DefinitionError` where ``file`` needs a table that is not declared, or not offered to SQL."""
        offered = ("people", "evidence", *(table for table in self.tables if table not in NOT_OFFERED))
        for table in file.spec.needs:
            if table in NOT_OFFERED:
                raise DefinitionError(
                    f"needs {table!r}, which SQL cannot select from", where=file.file, remedy=NOT_OFFERED[table]
                )
            if table not in offered:
                raise DefinitionError(
                    f"needs {table!r}, which is no table",
                    where=file.file,
                    remedy=choose_from(offered, instead_of=table),
                )

    def require_columns(self, file: RelationalFile) -> None:
        """Raise :class:`DefinitionError` where ``file`` reads a column that no file makes from tables or the log."""
        derived = {column for other in self.relational if other.spec.reads for column in other.spec.columns}
        for column in file.spec.reads:
            if column in derived or not self.makes(column) or compared_column(column) != column:
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
        """The definitions of evidence. Raises :class:`DefinitionError` with file and key."""
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
            if name not in (*NOT_EVIDENCE, *left_out)
        ]
        relational = [self._relational(name) for name in self._stems("features", ".sql") if name not in left_out]
        twice = {f.name for f in windowed} & {f.name for f in relational}
        if twice:
            raise DefinitionError(
                "exists as .toml and as .sql", where=f"features/{min(twice)}", remedy="rename one of the two"
            )
        holes = parse(HolesSpec, self._merged("features/holes.toml"), file="features/holes.toml")
        definitions = Definitions(tables, tuple(windowed), tuple(relational), holes)
        for source, names in definitions.names():
            refuse_forbidden(names, self.forbidden, where=source)
        for file in relational:
            definitions.require_tables(file)
            # The column may come from a file that is left out; the evidence then reports that its reader is left out too.
            if not left_out:
                definitions.require_columns(file)
        return definitions

    @cached_property
    def metrics(self) -> MetricsSpec:
        """What each metric means. Raises :class:`DefinitionError` with file and key."""
        return parse(MetricsSpec, self._merged("features/definitions.toml"), file="features/definitions.toml")

    @cached_property
    def sources(self) -> Mapping[str, MappingSpec]:
        """How tables are read from an export, by the file of ``sources/`` that says so; none: under their own names.

        Raises :class:`DefinitionError` with file and key.
        """
        sources = {}
        for name in self._stems("sources", ".toml"):
            file = f"sources/{name}.toml"
            sources[name] = parse(MappingSpec, {"table": name, **self._merged(file)}, file=file)
            sources[name].require_columns(self.definitions.tables, file=file)
        return sources

    @cached_property
    def forbidden(self) -> Mapping[str, ForbiddenEvidence]:
        """What nobody may define as evidence: what perfml forbids, and what the project adds."""
        file = "features/forbidden.toml"
        kinds: dict[str, ForbiddenEvidence] = {}
        for layer in self._layers:
            for name, raw in (_toml(layer / file) if (layer / file).is_file() else {}).items():
                below = kinds[name].model_dump() if name in kinds else {}
                names = (*below.get("names", ()), *raw.get("names", ()))
                kinds[name] = parse(ForbiddenEvidence, below | raw | {"names": names}, file=f"{file} [{name}]")
        return kinds

    @cached_property
    def deliveries(self) -> DeliveriesSpec:
        """The feeds that are expected. Raises :class:`DefinitionError` with key, also for a feed of an unknown table."""
        file = "features/deliveries.toml"
        spec = parse(DeliveriesSpec, self._merged(file), file=file)
        for name, feed in spec.feeds.items():
            if feed.table is not None and feed.table not in self.definitions.tables:
                raise DefinitionError(
                    f"{feed.table!r} is no table",
                    where=f"{file} [feeds.{name}.table]",
                    remedy=choose_from(self.definitions.tables, instead_of=feed.table),
                )
        return spec

    @cached_property
    def exports(self) -> ExportsSpec:
        """What is sent to other systems. Raises :class:`DefinitionError` with key."""
        file = "serve/exports.toml"
        return parse(ExportsSpec, self._merged(file), file=file)

    @cached_property
    def models(self) -> Mapping[str, ModelSpec]:
        """The models to train, by name: the files of ``models/`` that name no ``kind``."""
        models = {name: raw for name, raw in self._advice.items() if "kind" not in raw}
        for name, raw in models.items():
            refuse_policy_without_kind(raw, file=f"models/{name}.toml")
        return {name: parse(ModelSpec, raw, file=f"models/{name}.toml") for name, raw in models.items()}

    @cached_property
    def policies(self) -> Mapping[str, Spec]:
        """The definitions of advice, by name: the files of ``models/`` that name a ``kind``."""
        return {
            name: parse_policy(raw, file=f"models/{name}.toml") for name, raw in self._advice.items() if "kind" in raw
        }

    def model(self, name: str) -> ModelSpec:
        """One model's definition. Raises :class:`DefinitionError`, naming the models of the project."""
        if name not in self.models:
            raise DefinitionError(
                f"no model is called {name!r}", where="models/", remedy=choose_from(self.models, instead_of=name)
            )
        return self.models[name]

    def require(self, name: str) -> None:
        """Raise :class:`DefinitionError`, naming all of them, where neither a model nor a policy is called ``name``."""
        names = [*self.models, *self.policies]
        if name not in names:
            raise DefinitionError(
                f"no model or policy is called {name!r}", where="models/", remedy=choose_from(names, instead_of=name)
            )

    def policy(self, name: str) -> Spec:
        """One policy. Raises :class:`DefinitionError`, naming the policies of the project."""
        if name not in self.policies:
            raise DefinitionError(
                f"no policy is called {name!r}", where="models/", remedy=choose_from(self.policies, instead_of=name)
            )
        return self.policies[name]

    def policy_of(self, kind: type[S], name: str | None = None) -> tuple[str, S]:
        """The name and the policy of this kind: the one called ``name``, or the only one.

        Where a project has several of a kind, every command names one (``--policy``); their suggestions are stored by name,
        and the service answers for ``target_adjustment`` and ``course_match`` unless a request names another.
        Raises :class:`DefinitionError`, naming the policies of this kind, and for a policy that makes suggestions without a
        card.
        """
        policies = {key: spec for key, spec in self.policies.items() if isinstance(spec, kind)}
        if name is None and len(policies) == 1:
            (name,) = policies
        if name is None or name not in policies:
            value = kind.model_fields["kind"].default
            count = f"{len(policies) or 'no'} policies are of kind {value!r}"
            problem = count if name is None else f"no policy of kind {value!r} is called {name!r}"
            remedy = choose_from(policies, instead_of=name or "") if policies else f"write one of kind {value!r}"
            raise DefinitionError(problem, where="models/", remedy=remedy)
        if issubclass(kind, Policy):
            self.card(name)
        return name, policies[name]

    def card(self, name: str) -> str:
        """The card of a model or policy. Raises :class:`DefinitionError` where nobody has written one."""
        if name not in self.policies:
            self.model(name)
        file = f"models/{name}.md"
        path = self._path(file)
        if path is None:
            raise DefinitionError(
                "is missing", where=file, remedy="write the card: for whom, for what never, on which data, how fair"
            )
        return _text(path)

    def has_card(self, name: str) -> bool:
        """Whether the model or policy has a card."""
        return self._path(f"models/{name}.md") is not None

    def home(self, home: Path | None = None) -> Path:
        """The folder of models, scores and runs: ``home``, else ``PERFML_HOME``, else ``<project>/var``.

        For the starter, which may be among the installed packages, it is ``./var``.
        """
        base = Path.cwd() if self.root == STARTER else self.root
        return Path(home or os.environ.get("PERFML_HOME") or base / "var")

    def files(self, folder: str, suffix: str) -> list[Path]:
        """The files of ``folder`` that end in ``suffix``, by name; the project's in place of the starter's."""
        paths = [self._path(f"{folder}/{stem}{suffix}") for stem in self._stems(folder, suffix)]
        return [path for path in paths if path is not None]

    @cached_property
    def _advice(self) -> Mapping[str, dict[str, Any]]:
        left_out = self._left_out("models", self.spec.models.leave_out)
        return {
            name: self._merged(f"models/{name}.toml") for name in self._stems("models", ".toml") if name not in left_out
        }

    def _stems(self, folder: str, suffix: str) -> list[str]:
        return sorted({path.stem for layer in self._layers for path in (layer / folder).glob(f"*{suffix}")})

    def _path(self, relative: str) -> Path | None:
        return next((layer / relative for layer in reversed(self._layers) if (layer / relative).is_file()), None)

    def _merged(self, relative: str) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        for layer in self._layers:
            if (layer / relative).is_file():
                merged = _merge(merged, _toml(layer / relative))
        return merged

    def _left_out(self, folder: str, names: tuple[str, ...]) -> set[str]:
        inherited = {path.stem for layer in self._layers for path in (layer / folder).glob("*.*")} - {*NOT_EVIDENCE}
        unknown = sorted(set(names) - inherited)
        if unknown:
            raise DefinitionError(
                f"no file is called {unknown[0]!r}",
                where=f"perfml.toml [{folder}.leave_out]",
                remedy=choose_from(sorted(inherited), instead_of=unknown[0]),
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
                remedy="begin with a comment of TOML: /* zh, en, needs, [columns.…] */",
            )
        header = _parse_toml(text[start + 2 : end], file)
        return RelationalFile(name, file, parse(RelationalSpec, header, file=file), text[end + 2 :].strip().rstrip(";"))


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        if isinstance(value, Mapping):
            under = merged.get(key)
            value = _merge(under if isinstance(under, Mapping) else {}, value)
        merged[key] = value
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
        return _merge({}, _loaded(text))
    except tomllib.TOMLDecodeError as error:
        raise DefinitionError(f"is not TOML: {error}", where=file, remedy="correct that line") from None


@lru_cache(maxsize=256)
def _loaded(text: str) -> Mapping[str, Any]:
    """The tables of a file; many projects of one process read the same definitions."""
    return tomllib.loads(text)
