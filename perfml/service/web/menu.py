"""The ways from the head of every page: to each visitor those that lead somewhere for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
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
    action: Action
    roles: frozenset[Role]
    subject: Subject | None = None
    """About whom; what the action is about at large when absent."""


def _entry(address: str, title: str, action: Action, *roles: Role, subject: Subject | None = None) -> MenuEntry:
    return MenuEntry(address=address, title=title, action=action, roles=frozenset(roles), subject=subject)


EVERYONE = GroupSubject()
MENU = (
    _entry("/hr", msgid("Conversations"), Action.LIST_PRIORITIES, Role.HR),
    _entry("/hr/work", msgid("To do"), Action.LIST_DISPUTES, Role.HR),
    _entry("/hr/trends", msgid("Trends"), Action.READ_TRENDS, Role.HR, subject=EVERYONE),
    _entry("/hr/raters", msgid("Rating standards"), Action.READ_RATERS, Role.HR),
    _entry("/hr/adoption", msgid("Results"), Action.READ_ADOPTION, Role.HR, subject=EVERYONE),
    _entry("/hr/policies", msgid("What would change"), Action.READ_TRENDS, Role.HR, subject=EVERYONE),
    _entry("/models", msgid("Models"), Action.READ_MODELS, Role.HR, Role.DATA_SCIENTIST, Role.AUDITOR),
    _entry("/runs", msgid("Runs"), Action.READ_RUNS, Role.DATA_SCIENTIST, Role.AUDITOR),
    _entry("/indicators", msgid("Indicators"), Action.READ_INDICATORS, Role.HR, Role.DATA_SCIENTIST, Role.AUDITOR),
    _entry("/governance", msgid("Checklist"), Action.READ_GOVERNANCE, Role.HR, Role.DATA_SCIENTIST, Role.AUDITOR),
    _entry("/audit", msgid("Audit log"), Action.READ_AUDIT, Role.AUDITOR),
    _entry("/access", msgid("Accounts"), Action.MANAGE_GRANTS, Role.ADMINISTRATOR),
    _entry("/access/tokens", msgid("Tokens"), Action.MANAGE_TOKENS, Role.ADMINISTRATOR),
    _entry("/exports", msgid("What was sent"), Action.READ_EXPORT_LEDGER, Role.AUDITOR, Role.ADMINISTRATOR),
    _entry("/team", msgid("My team"), Action.LIST_TEAM, Role.MANAGER),
    _entry("/process-debt", msgid("What is owed"), Action.LIST_PROCESS_DEBT, Role.HR, Role.MANAGER),
    _entry("/ahead", msgid("Milestones"), Action.LIST_TARGETS, Role.HR, Role.MANAGER),
    _entry("/feedback-network", msgid("Feedback"), Action.LIST_FEEDBACK_NETWORK, Role.HR, Role.MANAGER),
    _entry("/targets", msgid("Targets"), Action.LIST_TARGETS, Role.HR, Role.MANAGER),
    _entry("/me", msgid("About me"), Action.READ_DEVELOPMENT_CARD, Role.EMPLOYEE),
    _entry("/me/ahead", msgid("My goals ahead"), Action.READ_TARGETS, Role.EMPLOYEE),
)


def menu_of(roles: Set[Role], may: Callable[[Action, Subject | None], bool]) -> list[MenuEntry]:
    """The entries for a visitor, in order."""
    return [entry for entry in MENU if entry.roles & roles and may(entry.action, entry.subject)]


def current_of(entries: Iterable[MenuEntry], path: str) -> MenuEntry | None:
    """The entry that a page belongs to: the one with the longest address that its own begins with."""
    leading = [entry for entry in entries if f"{path}/".startswith(f"{entry.address}/")]
    return max(leading, key=lambda entry: len(entry.address), default=None)
