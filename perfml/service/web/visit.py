"""Who looks at a page, in which language, and what they may see: what every page is made with."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse

from perfml.access.actions import OF_A_GROUP, OF_A_PERSON, Action
from perfml.access.principals import EVERYTHING, Principal, Role
from perfml.access.relations import SERVICE, GroupSubject, PersonSubject, Subject
from perfml.access.reporting_lines import current_lines
from perfml.messages import Language
from perfml.scoring.personal.standing import RecordReading
from perfml.service.access.admission import PRINCIPAL, REACH, TODAY, Admission
from perfml.service.access.forgery import csrf_token
from perfml.service.access.sessions import PURPOSE_COOKIE
from perfml.service.store import Store
from perfml.service.web.catalogues import language_of
from perfml.service.web.confirmations import CONFIRMED
from perfml.service.web.menu import current_of, groups_of, menu_of
from perfml.service.web.rendering import Templates
from perfml.store.audit.acting import acting

LANGUAGE_COOKIE = "perfml-language"
AT_THIS_MACHINE = frozenset({Role.HR, Role.DATA_SCIENTIST, Role.AUDITOR})
"""The roles of whoever sits at this machine before anybody is administrator."""


class HtmlPage(HTMLResponse):
    """A page, and the people whom it shows, for the audit log."""

    people: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One request for a page."""

    request: Request
    store: Store
    templates: Templates
    principal: Principal | None
    """None before anybody is administrator: whoever sits at this machine."""
    day: dt.date
    """Today, UTC: the day of the rights."""
    language: Language

    @property
    def roles(self) -> frozenset[Role]:
        """The roles of today; a manager is one only with somebody in the line."""
        if self.principal is None:
            return AT_THIS_MACHINE
        roles = self.principal.roles(self.day)
        return roles if self.line else roles - {Role.MANAGER}

    @property
    def employee_id(self) -> str | None:
        """Which employee the visitor is."""
        return None if self.principal is None else self.principal.employee_id

    @cached_property
    def line(self) -> frozenset[str]:
        """Everyone in the visitor's reporting line today."""
        me = self.employee_id
        return frozenset() if me is None else current_lines(self.store.home).below(me, self.day)

    @property
    def units(self) -> frozenset[str]:
        """The units of the visitor's HR grants; ``everything`` at this machine."""
        return frozenset({EVERYTHING}) if self.principal is None else self.principal.units(self.day)

    @property
    def purpose(self) -> str:
        """The purpose that the session states."""
        return self.request.cookies.get(PURPOSE_COOKIE, "")

    @property
    def address(self) -> str:
        """The address of this page, to come back to, without what was confirmed on it."""
        raw: bytes = self.request.scope["raw_path"]
        path = raw.decode("latin-1")
        query = "&".join(part for part in self.request.url.query.split("&") if not part.startswith("done="))
        return path + (f"?{query}" if query else "")

    @property
    def signer(self) -> str:
        """Who signs what is written on this page: the account, or whoever sits at this machine."""
        return acting().name

    @property
    def now(self) -> dt.datetime:
        """The moment by the clock of the rights, UTC without a zone."""
        return self._admission.now()

    @property
    def reach(self) -> frozenset[str] | None:
        """About whom rows may stand on this page; None: everyone."""
        reach: frozenset[str] | None = self.request.scope.get(REACH)
        return reach

    @property
    def personas(self) -> list[str]:
        """Accounts to look at the pages as; none but for development at this machine."""
        return self._admission.accounts() if self._admission.local_login else []

    @property
    def csrf(self) -> str:
        """What a form of this session carries, so that no page of another site can send it."""
        return csrf_token(self.request)

    @property
    def _admission(self) -> Admission:
        admission: Admission = self.request.app.state.admission
        return admission

    def may(self, action: Action | str, subject: Subject | str | None = None) -> bool:
        """Whether the visitor may do ``action`` (in a template its name): about the person of an id, a group,
        or what the action is about at large."""
        asked = Action(action)
        whom = PersonSubject(employee_id=subject) if isinstance(subject, str) else subject or self._at_large(asked)
        return self._admission.may(self.request, asked, whom)

    def sees(self, employee_id: str) -> bool:
        """Whether a row about a person may stand on this page."""
        return self.reach is None or employee_id in self.reach

    def reading(self, employee_id: str) -> RecordReading:
        """As what the visitor reads the rows of a person."""
        return self._admission.reading(self.request, employee_id)

    def translate(self, text: str, **values: object) -> str:
        """A text of a module in the language of the page, with its ``values``."""
        return self.templates.translate(text, self.language) % values

    def page(self, template: str, *, people: Iterable[str] = (), status: int = 200, **facts: object) -> HtmlPage:
        """Render ``template`` with ``facts``; ``people``: everyone whom it shows, who are recorded before it is sent."""
        entries = menu_of(self.roles, self.may) if TODAY in self.request.scope else []
        html = self.templates.render(
            template,
            self.language,
            {
                "visit": self,
                "menu": entries,
                "menu_groups": groups_of(entries),
                "current": current_of(entries, self.request.url.path),
                "confirmed": CONFIRMED.get(self.request.query_params.get("done", "")),
                "own_address": self.address,
                **facts,
            },
        )
        response = HtmlPage(html, status)
        response.people = frozenset(people)
        return response

    def _at_large(self, action: Action) -> Subject:
        if action in OF_A_GROUP:
            own = self.employee_id if self.line else None
            units = self.units - {EVERYTHING}
            return GroupSubject(units=units) if self.units else GroupSubject(team_of=own)
        if action in OF_A_PERSON:
            return PersonSubject(employee_id=self.employee_id or "")
        return SERVICE


def visit_of(request: Request) -> Visit:
    """The visit of a request; nobody's before it is admitted."""
    state, scope = request.app.state, request.scope
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    return Visit(
        request=request,
        store=state.store,
        templates=state.templates,
        principal=scope.get(PRINCIPAL),
        day=scope.get(TODAY) or dt.datetime.now(dt.UTC).date(),
        language=language_of(chosen, request.headers.get("accept-language", "")),
    )


Visitor = Annotated[Visit, Depends(visit_of)]
