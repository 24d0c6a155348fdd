"""The policies that people read, ``serve/policies/*.cedar``: parsed and checked once, decided in this process.

A decision depends on nothing but the facts that it is given, so equal facts are decided once: of a company of 40,000 people
a few hundred different ones arise.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cedarpy

from perfml.access.actions import OF_A_GROUP, OF_A_PERSON, OF_THE_SERVICE, Action
from perfml.access.principals import REFUSED, Purpose, Role
from perfml.access.relations import SubjectRelation
from perfml.errors import DefinitionError

FOLDER, SUFFIX = "serve/policies", ".cedar"
NO_POLICY = "none"
"""The policy of a decision that no policy permits."""
REFUSED_PURPOSE = "purposes."
"""How the policies begin that refuse a purpose, whoever asks about whomever; only these may be told apart from *unknown*."""
_RESOURCES = {"Person": OF_A_PERSON, "Group": OF_A_GROUP, "Service": OF_THE_SERVICE}
_ID = re.compile(r'@id\(\s*"([^"]*)"\s*\)')
MOST_DECIDED = 65_536
"""Different facts whose decision is remembered."""


@dataclass(frozen=True, kw_only=True)
class AccessDecision:
    """Whether an action is allowed, and by which policy (its ``@id``); :data:`NO_POLICY` where none permits it."""

    allowed: bool
    policy: str


@dataclass(frozen=True, kw_only=True)
class AccessFacts:
    """All that a decision depends on."""

    action: Action
    roles: frozenset[Role]
    relation: SubjectRelation
    purpose: Purpose | None
    in_token: bool
    """Whether the asker's token allows the action; true without a token."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Policies:
    """Checked policies, with what they decided before."""

    parsed: cedarpy.PolicySet
    decided: dict[AccessFacts, AccessDecision] = field(default_factory=dict)

    def decide(self, facts: AccessFacts) -> AccessDecision:
        """Decide. A policy that cannot be evaluated permits nothing, and whatever goes wrong is a refusal."""
        known = self.decided.get(facts)
        if known is None:
            known = _decide(self.parsed, facts)
            if len(self.decided) >= MOST_DECIDED:
                self.decided.clear()
            self.decided[facts] = known
        return known


def schema() -> str:
    """The schema of the policies in Cedar's own syntax: what they may name."""
    actions = "\n".join(
        f"action {', '.join(json.dumps(action.value) for action in sorted(actions))} appliesTo"
        f" {{ principal: Asker, resource: {resource}, context: {{ purpose?: String, in_token: Bool }} }};"
        for resource, actions in _RESOURCES.items()
    )
    return (
        "entity Asker = { roles: Set<String> };\n"
        "entity Person = { oneself: Bool, levels: Long, in_unit: Bool };\n"
        "entity Group = { levels: Long, in_unit: Bool };\n"
        f"entity Service = {{ whole_company: Bool }};\n{actions}\n"
    )


def load_policies(paths: Sequence[Path]) -> Policies:
    """Read and check policy files. Raises :class:`DefinitionError` with file and line."""
    texts = {path: _text(path) for path in paths}
    for path, text in texts.items():
        _check(path, text)
    ids = [(name, path) for path, text in texts.items() for name in _ID.findall(text)]
    _require_different(ids)
    policies = Policies(parsed=cedarpy.PolicySet.from_str("\n".join(texts.values())))
    _require_refusals(policies, where=str(paths[0].parent))
    return policies


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DefinitionError(f"cannot be read ({error})", where=str(path), remedy="correct the file") from error


def _check(path: Path, text: str) -> None:
    """Refuse a file that does not parse, names what there is not, or has a policy without an ``@id``."""
    try:
        policies = json.loads(cedarpy.policies_to_json_str(text))["staticPolicies"]
    except ValueError as error:
        line = _line_of_error(text)
        raise DefinitionError(
            f"is not Cedar: {error}", where=f"{path}:{line}", remedy="correct that policy; see docs.cedarpolicy.com"
        ) from None
    names = [policy.get("annotations", {}).get("id") for policy in policies.values()]
    if None in names or "" in names:
        raise DefinitionError("a policy has no @id", where=str(path), remedy='begin it with @id("NAME")')
    result = cedarpy.validate_policies(text, schema())
    if not result.validation_passed:
        first = result.errors[0]
        name = result.id_annotations_by_policy_id.get(first.policy_id, first.policy_id)
        raise DefinitionError(
            f"policy {name!r}: {first.error.split('`, ', 1)[-1]}",
            where=f"{path}:{_line_of(text, str(name))}",
            remedy="use the actions of perfml/access/actions.py and the attributes of its schema",
        )


def _line_of_error(text: str) -> int:
    """The line on which the first policy that does not parse begins: policies end with a semicolon at the end of a line."""
    start, lines = 1, text.split("\n")
    for number, line in enumerate(lines, start=1):
        if line.rstrip().endswith(";"):
            try:
                cedarpy.PolicySet.from_str("\n".join(lines[start - 1 : number]))
            except ValueError:
                break
            start = number + 1
    while start < len(lines) and (not lines[start - 1].strip() or lines[start - 1].lstrip().startswith("//")):
        start += 1
    return start


def _line_of(text: str, name: str) -> int:
    return text[: max(0, text.find(f'"{name}"'))].count("\n") + 1


def _require_different(ids: Sequence[tuple[str, Path]]) -> None:
    first: dict[str, Path] = {}
    for name, path in ids:
        if name in first:
            raise DefinitionError(
                f"policy {name!r} stands in {first[name].name} as well", where=str(path), remedy="give each its own @id"
            )
        first[name] = path


def _require_refusals(policies: Policies, *, where: str) -> None:
    """Refuse policies under which somebody may ask for the sake of pay or dismissal, or without a purpose."""
    roles = frozenset(Role) - {Role.ADMINISTRATOR}
    for purpose in (None, *sorted(REFUSED)):
        for action in Action:
            for oneself in (False, True):
                relation = SubjectRelation(oneself=oneself, levels=1, in_unit=True, whole_company=True)
                facts = AccessFacts(action=action, roles=roles, relation=relation, purpose=purpose, in_token=True)
                if policies.decide(facts).allowed:
                    raise DefinitionError(
                        f"{action.value} is permitted for the purpose {purpose and purpose.value!r}",
                        where=where,
                        remedy="restore purposes.cedar: nothing serves pay or dismissal, and whoever asks states a purpose",
                    )


def _decide(policies: cedarpy.PolicySet, facts: AccessFacts) -> AccessDecision:
    resource = next(kind for kind, actions in _RESOURCES.items() if facts.action in actions)
    context: dict[str, object] = {"in_token": facts.in_token}
    if facts.purpose is not None:
        context["purpose"] = facts.purpose.value
    asker, subject = {"type": "Asker", "id": "asker"}, {"type": resource, "id": "subject"}
    entities: list[dict[str, object]] = [
        {"uid": asker, "attrs": {"roles": sorted(facts.roles)}, "parents": []},
        {"uid": subject, "attrs": _attributes(resource, facts.relation), "parents": []},
    ]
    request = {
        "principal": asker,
        "action": {"type": "Action", "id": facts.action.value},
        "resource": subject,
        "context": context,
    }
    result = cedarpy.is_authorized(request, policies, entities)
    names = result.diagnostics.id_annotations_by_reason
    deciding = sorted(names.get(reason, reason) for reason in result.diagnostics.reasons)
    # what is refused for its purpose is so whoever asks, and is told first
    chosen = next((name for name in deciding if name.startswith(REFUSED_PURPOSE)), next(iter(deciding), NO_POLICY))
    return AccessDecision(allowed=result.allowed and not result.diagnostics.errors, policy=chosen)


def _attributes(resource: str, relation: SubjectRelation) -> Mapping[str, object]:
    match resource:
        case "Person":
            return {"oneself": relation.oneself, "levels": relation.levels, "in_unit": relation.in_unit}
        case "Group":
            return {"levels": relation.levels, "in_unit": relation.in_unit}
        case _:
            return {"whole_company": relation.whole_company}
