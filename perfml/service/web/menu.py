"""The ways from the head of every page: to each visitor those that lead somewhere for them, in groups where these are many."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass

from perfml.access.actions import Action
from perfml.access.principals import Role
from perfml.access.relations import GroupSubject, Subject
from perfml.service.web.catalogues import msgid


@dataclass(frozen=True, kw_only=True)
class MenuEntry:
    """A page with its title, for whoever may do ``action`` and has one of ``roles``."""

    address: str
    title: str
    group: str
    action: Action
    roles: frozenset[Role]
    subject: Subject | None = None
    """About whom; what the action is about at large when absent."""


@dataclass(frozen=True, kw_only=True)
class MenuGroup:
    """Pages that belong together; its own way is that of the first."""

    title: str
    entries: tuple[MenuEntry, ...]


def _entry(
    address: str, title: str, group: str, action: Action, *roles: Role, subject: Subject | None = None
) -> MenuEntry:
    return MenuEntry(address=address, title=title, group=group, action=action, roles=frozenset(roles), subject=subject)


MOST_IN_ROW = 7
"""Pages that stand beside each other in one row; of more, only groups do."""
EVERYONE = GroupSubject()
GROUPS = SUPPORT, WORK, OVERVIEW, SYSTEM = msgid("Support"), msgid("Work"), msgid("Overview"), msgid("Models")
MENU = (
    _entry("/hr", msgid("Conversations"), SUPPORT, Action.LIST_PRIORITIES, Role.HR),
    _entry("/hr/work", msgid("To do"), SUPPORT, Action.LIST_DISPUTES, Role.HR),
    _entry("/hr/trends", msgid("Trends"), OVERVIEW, Action.READ_TRENDS, Role.HR, subject=EVERYONE),
    _entry("/hr/raters", msgid("Rating standards"), OVERVIEW, Action.READ_RATERS, Role.HR),
    _entry("/hr/adoption", msgid("Results"), OVERVIEW, Action.READ_ADOPTION, Role.HR, subject=EVERYONE),
    _entry("/hr/policies", msgid("What would change"), OVERVIEW, Action.READ_TRENDS, Role.HR),
    _entry("/models", msgid("Models"), SYSTEM, Action.READ_MODELS, Role.HR, Role.DATA_SCIENTIST, Role.AUDITOR),
    _entry("/runs", msgid("Runs"), SYSTEM, Action.READ_RUNS, Role.DATA_SCIENTIST, Role.AUDITOR),
    _entry(
        "/indicators", msgid("Indicators"), WORK, Action.READ_INDICATORS, Role.HR, Role.DATA_SCIENTIST, Role.AUDITOR
    ),
    _entry(
        "/governance", msgid("Checklist"), SYSTEM, Action.READ_GOVERNANCE, Role.HR, Role.DATA_SCIENTIST, Role.AUDITOR
    ),
    _entry("/audit", msgid("Audit log"), SYSTEM, Action.READ_AUDIT, Role.AUDITOR),
    _entry("/access", msgid("Accounts"), SYSTEM, Action.MANAGE_GRANTS, Role.ADMINISTRATOR),
    _entry("/access/tokens", msgid("Tokens"), SYSTEM, Action.MANAGE_TOKENS, Role.ADMINISTRATOR),
    _entry("/exports", msgid("What was sent"), SYSTEM, Action.READ_EXPORT_LEDGER, Role.AUDITOR, Role.ADMINISTRATOR),
    _entry("/team", msgid("My team"), SUPPORT, Action.LIST_TEAM, Role.MANAGER),
    _entry("/process-debt", msgid("What is owed"), WORK, Action.LIST_PROCESS_DEBT, Role.HR, Role.MANAGER),
    _entry("/ahead", msgid("Milestones"), WORK, Action.LIST_TARGETS, Role.HR, Role.MANAGER),
    _entry("/feedback-network", msgid("Feedback"), WORK, Action.LIST_FEEDBACK_NETWORK, Role.HR, Role.MANAGER),
    _entry("/targets", msgid("Targets"), WORK, Action.LIST_TARGETS, Role.HR, Role.MANAGER),
    _entry("/me", msgid("About me"), SUPPORT, Action.READ_DEVELOPMENT_CARD, Role.EMPLOYEE),
    _entry("/me/ahead", msgid("My goals ahead"), SUPPORT, Action.READ_TARGETS, Role.EMPLOYEE),
)


def menu_of(roles: Set[Role], may: Callable[[Action, Subject | None], bool]) -> list[MenuEntry]:
    """The entries for a visitor, in order."""
    return [entry for entry in MENU if entry.roles & roles and may(entry.action, entry.subject)]


def groups_of(entries: Sequence[MenuEntry]) -> list[MenuGroup]:
    """The groups of ``entries``; none where all fit into one row."""
    if len(entries) <= MOST_IN_ROW:
        return []
    groups = [MenuGroup(title=title, entries=tuple(e for e in entries if e.group == title)) for title in GROUPS]
    return [group for group in groups if group.entries]


def current_of(entries: Iterable[MenuEntry], path: str) -> MenuEntry | None:
    """The entry that a page belongs to: the one with the longest address that its own begins with."""
    leading = [entry for entry in entries if f"{path}/".startswith(f"{entry.address}/")]
    return max(leading, key=lambda entry: len(entry.address), default=None)
