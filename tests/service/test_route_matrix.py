"""Ten accounts × ten subjects × every declared address, around a transfer, against the tables of the access matrix."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest

from perfml.access.accounts import AccountLog
from perfml.access.credentials import CredentialLog
from perfml.access.principals import Role, RoleGrant
from perfml.project.folder import ProjectFolder
from perfml.project.spec import ServiceSettings
from perfml.project.starter import STARTER
from perfml.service.access.admission import Admission
from perfml.service.access.caller_limits import CallerLimits
from perfml.service.access.rules import RouteRule
from perfml.service.app import create_app
from perfml.store.standing import StoreVersions
from tests.access.company import ACCOUNTS, TRANSFER, keep
from tests.access.test_matrix import LISTS, OF_SERVICE, SUBJECTS, allowed_of_person
from tests.service.accounts import Clock
from tests.service.one_thread import Asker, asker

NOON = dt.time(12)
DAYS = (TRANSFER - dt.timedelta(days=1), TRANSFER, TRANSFER - dt.timedelta(days=1))
"""Before and on the day of the transfer, and before it again with whatever is kept by then."""
OPENED = ("everyone", "South", "North")
FILTERS = {
    "everyone": {},
    "South": {"department": "South"},
    "North": {"department": "North"},
    "South in Oslo": {"department": "South", "location": "Oslo"},
    "team of lead": {"manager_id": "lead"},
    "team of other lead": {"manager_id": "other_lead"},
    "team of nobody": {"manager_id": "unknown"},
}
NAMED = {
    "model": "attrition",
    "name": "at_risk",
    "suggestion_id": "x",
    "dispute_id": "x",
    "hold_id": "x",
    "alert_id": "x",
    "version": "x",
    "request_id": "x",
    "credential_id": "x",
}
OUT = ("is unknown, or not for you", "不存在，或您无权查看")


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, clock: Clock) -> Iterator[Asker]:
    home = tmp_path_factory.mktemp("home")
    keep(home)
    app = create_app(home)
    rules, many = app.state.admission.rules, ServiceSettings(reads_a_minute=10**9, writes_a_minute=10**9)
    app.state.admission = Admission(
        home, ProjectFolder(STARTER), StoreVersions(home), rules=rules, now=clock, required=True
    )
    app.state.admission.limits = CallerLimits(many)
    with asker(app) as client:
        yield client


@pytest.fixture(scope="module")
def askers(service: Asker) -> dict[str, dict[str, str]]:
    home, issued = service.app.state.store.home, dt.datetime.combine(TRANSFER, NOON) - dt.timedelta(days=5)
    headers = {}
    for name, principal in ACCOUNTS.items():
        grants = [grant for grant in principal.grants if grant.role not in (Role.EMPLOYEE, Role.MANAGER)]
        if principal.employee_id is not None:
            grants.append(RoleGrant(role=Role.EMPLOYEE))
        for grant in grants:
            AccountLog(home).grant(principal.id, grant, by="setup", employee_id=principal.employee_id)
        token = CredentialLog(home).token(principal.id, by="setup", now=issued, lasts=dt.timedelta(days=30))
        headers[name] = {"Authorization": f"Bearer {token.secret}", "X-Purpose": "support"}
    return headers


def admitted(service: Asker, address: str, headers: dict[str, str], **more) -> bool:
    """Whether a request is let in; what it finds then is another question. Nothing is written: the bodies are not whole."""
    method, path = address.split(" ")
    answer = service.request(method, path, headers={**headers, "Idempotency-Key": "k"}, **more)
    assert answer.status_code < 500, (address, answer.text)
    assert answer.status_code not in (401, 403), address
    if answer.status_code != 404:
        return True
    return not any(text in answer.text for text in OUT)


def addresses_of(kind: str, service: Asker) -> Iterator[tuple[str, RouteRule]]:
    for address, rule in service.app.state.admission.rules.items():
        if rule.about_whom in kind.split(",") and rule.action is not None:
            for name, value in NAMED.items():
                address = address.replace(f"{{{name}}}", value)
            yield address, rule


def test_every_kind_of_address_is_in_the_matrix(service: Asker) -> None:
    kinds = {rule.about_whom for rule in service.app.state.admission.rules.values()}
    known = {"service", "person", "voiced person", "group", "suggestion", "dispute", "hold", "alert", "body"}
    assert kinds - known <= {"worded group", "own group", "oneself"}, (
        "whose group follows from the asker: tested with their answers"
    )
    assert len(list(addresses_of("person,voiced person", service))) > 5, "so that the test can fail"


@pytest.mark.slow
def test_addresses_of_a_person(service: Asker, askers: dict[str, dict[str, str]], clock: Clock) -> None:
    for day in DAYS:
        clock.now = dt.datetime.combine(day, NOON)
        for address, rule in addresses_of("person,voiced person", service):
            for name, headers in askers.items():
                seen = {
                    subject
                    for subject in SUBJECTS
                    if admitted(service, address.replace("{employee_id}", subject), headers)
                }
                expected = {s for s in SUBJECTS if rule.action.value in allowed_of_person(name, s, day)}
                assert seen == expected, (day, address, name)


@pytest.mark.slow
def test_addresses_whose_body_names_a_person(service: Asker, askers: dict[str, dict[str, str]], clock: Clock) -> None:
    clock.now = dt.datetime.combine(TRANSFER, NOON)
    for address, rule in addresses_of("body", service):
        for name, headers in askers.items():
            seen = {s for s in SUBJECTS if admitted(service, address, headers, json={"employee_id": s, "not": "whole"})}
            assert seen == {s for s in SUBJECTS if rule.action.value in allowed_of_person(name, s, TRANSFER)}, name
            assert not admitted(service, address, headers, json=[]), "about nobody"


@pytest.mark.slow
def test_addresses_of_a_group(service: Asker, askers: dict[str, dict[str, str]], clock: Clock) -> None:
    clock.now = dt.datetime.combine(TRANSFER, NOON)
    for address, rule in addresses_of("group", service):
        for name, headers in askers.items():
            seen = {group for group, query in FILTERS.items() if admitted(service, address, headers, params=query)}
            expected = {group for group in FILTERS if rule.action.value in LISTS.get((name, group), "").split()}
            assert seen == expected, (address, name)


@pytest.mark.slow
def test_a_page_of_a_group_is_opened_without_a_choice_by_whoever_has_units(
    service: Asker, askers: dict[str, dict[str, str]], clock: Clock
) -> None:
    clock.now = dt.datetime.combine(TRANSFER, NOON)
    for address, rule in (each for each in addresses_of("own group", service) if "/hr" in each[0]):
        for name, headers in askers.items():
            allowed = {group for group in FILTERS if rule.action.value in LISTS.get((name, group), "").split()}
            own = name == "hr of South" and "South" in allowed
            seen = {group for group in OPENED if admitted(service, address, headers, params=FILTERS[group])}
            assert seen == allowed.intersection(OPENED) | ({"everyone"} if own else set()), (address, name)


@pytest.mark.slow
def test_addresses_of_the_service_and_of_what_nobody_knows(
    service: Asker, askers: dict[str, dict[str, str]], clock: Clock
) -> None:
    clock.now = dt.datetime.combine(TRANSFER, NOON)
    for address, rule in addresses_of("service", service):
        seen = {name for name, headers in askers.items() if admitted(service, address, headers)}
        assert seen == {name for name in askers if rule.action.value in OF_SERVICE[name].split()}, address
    for address, _ in addresses_of("suggestion,dispute,hold,alert", service):
        assert not any(admitted(service, address, headers) for headers in askers.values()), address
