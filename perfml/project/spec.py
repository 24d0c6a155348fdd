"""What a definition file may contain. Every key is declared here; an unknown one is refused with the allowed keys."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from typing import Annotated, Literal, TypeVar, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from perfml.errors import DefinitionError, choose_from

Every = Literal["week", "month", "quarter"]
Owner = Literal["employee", "manager", "company", "data"]
Direction = Literal["higher", "lower", "neither"]
Relation = Literal["team", "peers"]
EngineName = Literal["duckdb", "spark"]
OfTeam = Literal["sum", "share"]
ExitKind = Literal["voluntary", "involuntary", "other"]
Days = Annotated[int, Field(ge=1, le=3660)]
THIS_MACHINE = ("127.0.0.1", "localhost", "::1")
RENAMED: Mapping[str, str] = {"better": "direction", "most_kinds": "max_kinds", "elsewhere": "unrelated"}
"""Keys by their earlier name; the earlier name is refused with the new one."""

FORMS: Mapping[str, str] = {
    "tuple_type": 'write a list, as in ["a", "b"]',
    "string_type": "write a text, in quotes",
    "dict_type": "write a table of keys",
    "model_type": "write a table of keys",
    "bool_type": "write true or false",
    "bool_parsing": "write true or false",
    "int_type": "write a whole number",
    "int_parsing": "write a whole number",
    "int_from_float": "write a whole number",
    "float_type": "write a number",
    "float_parsing": "write a number",
}
"""What to write, by pydantic's type of error; other errors keep pydantic's words."""


class Spec(BaseModel):
    """Base of all definitions: frozen, and strict about keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


POSITION = ("department", "role_family", "level", "location", "manager_id")
"""The facts of a position that the condition of a population may name."""

EVENT_FACTS = ("kind", "value", "counterpart_id", "source")
"""The columns of an event that a condition may name."""


class ForWhom(Spec):
    """The people for whom a definition holds, by their position as known at the as-of date."""

    where: str | None = None
    """SQL over ``department``, ``role_family``, ``level``, ``location`` and ``manager_id``, such as ``role_family = 'sales'``.
    Default: everyone."""


class Policy(Spec):
    """Base of the rules that suggestions are made under."""

    @property
    def version(self) -> str:
        """Changes with any rule, and with nothing else: twelve hexadecimal digits."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:12]


S = TypeVar("S", bound=Spec)


def parse(kind: type[S], raw: Mapping[str, object], *, file: str) -> S:
    """Validate ``raw`` as a ``kind``; a mistake becomes a :class:`DefinitionError` with file, key and remedy.

    An unknown key is reported before a missing one: it often is the missing one, misspelt.
    """
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        errors = error.errors()
        unknown = next((item for item in errors if item["type"] == "extra_forbidden"), None)
        if unknown is not None:
            *table, key = (str(part) for part in unknown["loc"])
            raise _unknown_key(key, _allowed_keys(kind, table), where=_where(file, table)) from None
        first = errors[0]
        path = [str(part) for part in first["loc"] if "[" not in str(part)]  # without pydantic's names of alternatives
        if first["type"] == "missing":
            raise DefinitionError(
                f"key {path[-1]!r} is missing", where=_where(file, path[:-1]), remedy="add it"
            ) from None
        value = first["input"]
        problem = "its keys do not fit together" if isinstance(value, Mapping) else f"{value!r:.80} cannot be used"
        message = first["msg"].removeprefix("Value error, ").replace("Input should", "it should")
        raise DefinitionError(problem, where=_where(file, path), remedy=FORMS.get(first["type"], message)) from None


def _unknown_key(key: str, allowed: list[str], *, where: str) -> DefinitionError:
    renamed = RENAMED.get(key)
    if renamed in allowed:
        return DefinitionError(f"{key!r} is now {renamed!r}", where=where, remedy="rename the key")
    return DefinitionError(f"{key!r} is not a key", where=where, remedy=choose_from(sorted(allowed), instead_of=key))


def _where(file: str, path: list[str]) -> str:
    return f"{file} [{'.'.join(path)}]" if path else file


def _allowed_keys(kind: type[Spec], path: list[str]) -> list[str]:
    """The keys of the spec that ``path`` leads to; below a field its parts are numbers of a list or names of a table."""
    spec = kind
    for part in path:
        if part in spec.model_fields:
            spec = _inner_spec(spec.model_fields[part].annotation) or spec
    return list(spec.model_fields)


def _inner_spec(annotation: object) -> type[Spec] | None:
    if isinstance(annotation, type) and issubclass(annotation, Spec):
        return annotation
    return next((spec for part in get_args(annotation) if (spec := _inner_spec(part))), None)


class DataSettings(Spec):
    """Where the tables come from, when no ``--data`` is given."""

    source: str | None = None
    """Folder, workbook, DuckDB file, ``s3://`` or PostgreSQL address to read."""


class EngineSettings(Spec):
    """What computes evidence."""

    name: EngineName = "duckdb"
    """DuckDB on this machine, or a cluster of Spark (``perfml[spark]``): the same numbers."""
    master: str = "local[*]"
    """For Spark: the cluster, such as ``yarn`` or ``spark://HOST:7077``; ``sc://HOST`` for Spark Connect."""
    folder: str | None = None
    """For Spark: a folder that this machine and every executor can read and write, for rows between the steps; by default one of
    this machine, which is right for ``local``."""
    settings: Mapping[str, str] = {}
    """For Spark: its own settings, by their names."""


class LeaveOut(Spec):
    """Inherited definition files that this project does not want."""

    leave_out: tuple[str, ...] = ()
    """File names without their ending."""


class DisputeRules(Spec):
    """How disputes of facts are decided."""

    working_days: Days = 10
    """Working days within which a dispute is to be decided."""
    holidays: tuple[dt.date, ...] = ()
    """Days that are no working days, beside Saturdays and Sundays."""
    decided_by: str = "hr"
    """Who is told of a new dispute."""
    escalate_to: str = "head of hr"
    """Who is told of a dispute that is not decided in time."""
    max_open: Annotated[int, Field(ge=1)] = 5
    """Open disputes of one person."""
    max_in_90_days: Annotated[int, Field(ge=1)] = 20
    """Disputes that one person may file within 90 days."""
    max_proof_bytes: Annotated[int, Field(ge=1)] = 5_000_000
    """Size of a proof."""
    least_reviews: Annotated[int, Field(ge=2)] = 20
    """Second reviews below which their agreement is insufficient."""


class DisclosureRules(Spec):
    """Which figures of groups may be shown, so that nobody's own value can be worked out from them.

    A figure that breaks a rule is withheld with the reason; others are withheld with it where it could be worked out from them
    (Hundepool et al. 2012).
    """

    min_others: Annotated[int, Field(ge=2)] = 5
    """People beside any one of a group, and with the same outcome beside any one who had it."""
    dominant_people: Annotated[int, Field(ge=1)] = 2
    """People that together may not make up more than ``dominant_share`` of a sum: n of the (n, k) rule."""
    dominant_share: Annotated[float, Field(gt=0, le=1)] = 0.85
    """Largest share of a sum that those people may make up: k of the (n, k) rule."""
    p_percent: Annotated[float, Field(gt=0, le=100)] = 10
    """Per cent of the largest value to within which the person with the second largest must not be able to work it out; also
    the width, in per cent, of the range to which a withheld figure may be narrowed."""
    queries_a_day: Annotated[int, Field(ge=1)] = 500
    """Requests for group figures that the service answers to one client a day."""


def refuse_plain(address: str) -> str:
    """Return ``address`` where nobody between can read or change what it answers: HTTPS, or HTTP on this machine. Raises
    :class:`ValueError`."""
    parts = urlsplit(address)
    usable = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in THIS_MACHINE)
    if not usable or not parts.hostname or "@" in parts.netloc or not address.isprintable():
        raise ValueError("write an address that begins with https://")
    return address


class OidcSettings(Spec):
    """The provider that people sign in with by OpenID Connect."""

    issuer: Annotated[str, AfterValidator(refuse_plain)]
    """Its address, under which ``/.well-known/openid-configuration`` stands."""
    client_id: Annotated[str, Field(min_length=1)]
    """What the provider calls perfml. The secret, if it gave one, stands in the environment alone: ``PERFML_OIDC_SECRET``, or
    its file in ``PERFML_OIDC_SECRET_FILE``."""
    claim: Annotated[str, Field(min_length=1)] = "sub"
    """Which claim names the account: one that people cannot change themselves. ``email`` counts where it is verified."""


class ServiceSettings(Spec):
    """How the service is run."""

    reads_a_minute: Annotated[int, Field(ge=1)] = 600
    """Requests that read, of one account, or of one client that is not signed in."""
    writes_a_minute: Annotated[int, Field(ge=1)] = 60
    """Requests that write, counted alike."""
    oidc: OidcSettings | None = None
    """Sign-in with a provider; without it by set-up link and tokens alone."""


class PromotionRules(Spec):
    """How a version of a model is put in force on a page."""

    two_accounts: bool = True
    """Whether one account asks for it and another approves it. ``perfml promote``, at the machine itself, names who approves."""


class ProjectSpec(Spec):
    """``perfml.toml``."""

    name: str = "perfml"
    """The name of the project."""
    data: DataSettings = DataSettings()
    """The data read by default."""
    engine: EngineSettings = EngineSettings()
    """What computes evidence."""
    features: LeaveOut = LeaveOut()
    """Inherited files of ``features/`` to leave out."""
    models: LeaveOut = LeaveOut()
    """Inherited files of ``models/`` to leave out."""
    disputes: DisputeRules = DisputeRules()
    """How disputes of facts are decided."""
    disclosure: DisclosureRules = DisclosureRules()
    """Which figures of groups may be shown."""
    service: ServiceSettings = ServiceSettings()
    """How the service is run."""
    promotion: PromotionRules = PromotionRules()
    """How a version of a model is put in force on a page."""
