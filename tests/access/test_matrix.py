"""Ten accounts × ten subjects × every action, before, on and after a transfer, against tables written by hand."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from perfml.access.actions import OF_A_GROUP, OF_A_PERSON, OF_THE_SERVICE, Action
from perfml.access.authorize import Access
from perfml.access.principals import Purpose
from perfml.access.relations import SERVICE, GroupSubject, PersonSubject
from tests.access.company import ACCOUNTS, DAYS, TRANSFER, access_of, keep

SUBJECTS = ("director", "lead", "worker", "peer", "mover", "other_lead", "other", "partner", "leaver", "unknown")

# account → subjects in its line, in its units, itself; mover is added by day
LINE = {
    "director": {"lead", "worker", "peer"},
    "lead": {"worker", "peer"},
    "other lead": {"other"},
}
LINE_BEFORE, LINE_FROM = {"director": {"mover"}, "lead": {"mover"}}, {"other lead": {"mover"}}
UNIT = {
    "hr of South": {"director", "lead", "worker", "peer"},
    "hr of all": {"director", "lead", "worker", "peer", "mover", "other_lead", "other", "partner"},
}
UNIT_BEFORE = {"hr of South": {"mover"}}
ONESELF = {
    "hr of South": "partner",
    "director": "director",
    "lead": "lead",
    "worker": "worker",
    "other lead": "other_lead",
    "administrator": "other",
}

BY_UNIT = """
read_person read_risk read_reasons read_rows_behind read_feedback_givers read_what_if read_peers read_courses decide_course
read_targets decide_target log_intervention read_brief read_development_card read_eligibility read_alerts acknowledge_alert
read_holds release_hold read_disputes file_dispute decide_dispute review_dispute read_notices give_notice
"""
BY_LINE = """
read_person read_reasons read_rows_behind read_peers read_courses decide_course read_targets decide_target log_intervention
read_brief read_development_card read_alerts acknowledge_alert
"""
BY_ONESELF = """
read_person read_reasons read_rows_behind read_peers read_courses decide_course read_targets read_brief read_development_card
read_eligibility read_alerts acknowledge_alert read_holds read_disputes file_dispute read_notices opt_out
"""
OF_SERVICE = {
    "hr of South": "read_health read_models read_fairness read_drift read_governance read_indicators read_deliveries"
    " acknowledge_delivery",
    "hr of all": "read_health read_models read_fairness read_drift read_governance read_indicators read_deliveries"
    " acknowledge_delivery"
    " approve_promotion sign_definition stop_everything resume_everything erase_person",
    "director": "read_health",
    "lead": "read_health",
    "worker": "read_health",
    "other lead": "read_health",
    "data scientist": "read_health read_models read_runs read_pseudonymous_scores read_fairness read_drift promote_model"
    " read_governance read_indicators read_deliveries",
    "auditor": "read_health read_models read_runs read_fairness read_drift read_governance read_indicators read_deliveries"
    " read_audit verify_audit read_export_ledger",
    "administrator": "read_health read_metrics read_deliveries acknowledge_delivery stop_everything manage_grants"
    " manage_tokens manage_sessions manage_exports read_export_ledger"
    # the same person is granted HR over everyone, which here means no person and no list
    " read_models read_fairness read_drift read_governance read_indicators approve_promotion sign_definition"
    " resume_everything erase_person",
    "leaver": "",
}
HR_LISTS = """
list_at_risk list_priorities list_team list_targets list_escalations list_alerts list_process_debt
list_feedback_network list_holds list_disputes list_notices
read_trends read_raters read_adoption export_lists
"""
TEAM_LISTS = "list_team list_targets list_escalations list_alerts list_process_debt list_feedback_network"
GROUPS = {
    "everyone": GroupSubject(),
    "South": GroupSubject(units=frozenset({"department:South"})),
    "North": GroupSubject(units=frozenset({"department:North"})),
    "South in Oslo": GroupSubject(units=frozenset({"department:South", "location:Oslo"})),
    "team of lead": GroupSubject(team_of="lead"),
    "team of other lead": GroupSubject(team_of="other_lead"),
    "team of nobody": GroupSubject(team_of="unknown"),
}
LISTS = {
    ("hr of South", "South"): HR_LISTS,
    ("hr of South", "South in Oslo"): HR_LISTS,
    **{("hr of all", group): HR_LISTS for group in GROUPS},
    ("director", "team of lead"): TEAM_LISTS,
    ("lead", "team of lead"): TEAM_LISTS,
    ("other lead", "team of other lead"): TEAM_LISTS,
}


@pytest.fixture(scope="module")
def access(tmp_path_factory: pytest.TempPathFactory) -> Access:
    home = tmp_path_factory.mktemp("home")
    keep(home)
    return access_of(home)


def allowed_of_person(account: str, subject: str, day: dt.date) -> set[str]:
    line = LINE.get(account, set()) | (LINE_BEFORE if day < TRANSFER else LINE_FROM).get(account, set())
    unit = UNIT.get(account, set()) | (UNIT_BEFORE.get(account, set()) if day < TRANSFER else set())
    if ONESELF.get(account) == subject:
        return set(BY_ONESELF.split())
    actions = set(BY_LINE.split()) if subject in line else set()
    return actions | (set(BY_UNIT.split()) if subject in unit else set())


@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
@pytest.mark.parametrize("day", DAYS, ids=["before", "on", "after"])
def test_of_a_person(access: Access, day: dt.date, warm: bool) -> None:
    if not warm:
        access.policies.decided.clear()
    for name, principal in ACCOUNTS.items():
        for subject in SUBJECTS:
            decided = {
                action.value
                for action in OF_A_PERSON
                if access.authorize(principal, action, PersonSubject(employee_id=subject), day).allowed
            }
            assert decided == allowed_of_person(name, subject, day), (name, subject)


@pytest.mark.parametrize("day", DAYS, ids=["before", "on", "after"])
def test_of_a_group(access: Access, day: dt.date) -> None:
    for name, principal in ACCOUNTS.items():
        for group, subject in GROUPS.items():
            decided = {a.value for a in OF_A_GROUP if access.authorize(principal, a, subject, day).allowed}
            assert decided == set(LISTS.get((name, group), "").split()), (name, group)


def test_of_the_service(access: Access) -> None:
    for name, principal in ACCOUNTS.items():
        decided = {a.value for a in OF_THE_SERVICE if access.authorize(principal, a, SERVICE, TRANSFER).allowed}
        assert decided == set(OF_SERVICE[name].split()), name


def test_the_tables_name_every_action() -> None:
    """So that an action is never left out of the matrix."""
    named = {*BY_UNIT.split(), *BY_ONESELF.split(), *HR_LISTS.split(), *" ".join(OF_SERVICE.values()).split()}
    assert named == {action.value for action in Action}


@pytest.mark.parametrize("day", DAYS, ids=["before", "on", "after"])
def test_lists_reach_whom_single_questions_reach(access: Access, day: dt.date) -> None:
    for name, principal in ACCOUNTS.items():
        for action in (Action.READ_RISK, Action.READ_REASONS, Action.OPT_OUT):
            reach = access.reach(principal, action, day)
            expected = {s for s in SUBJECTS if action.value in allowed_of_person(name, s, day)}
            assert reach & set(SUBJECTS) == expected, (name, action)


@pytest.mark.parametrize("purpose", [None, Purpose.PAY, Purpose.DISMISSAL])
def test_without_a_purpose_and_for_pay_or_dismissal_nothing_is_allowed(access: Access, purpose: Purpose | None) -> None:
    for principal in ACCOUNTS.values():
        asking = replace(principal, purpose=purpose)
        questions = [
            *((action, PersonSubject(employee_id=subject)) for action in OF_A_PERSON for subject in SUBJECTS),
            *((action, GroupSubject()) for action in OF_A_GROUP),
            *((action, SERVICE) for action in OF_THE_SERVICE),
        ]
        for action, subject in questions:
            decision = access.authorize(asking, action, subject, TRANSFER)
            assert not decision.allowed
            if principal is not ACCOUNTS["leaver"]:
                assert decision.policy.startswith("purposes."), (principal.id, action)


def test_unknown_and_forbidden_look_the_same(access: Access) -> None:
    for name in ("hr of South", "lead", "worker", "data scientist", "auditor", "administrator"):
        for action in OF_A_PERSON:
            answers = {
                access.authorize(ACCOUNTS[name], action, PersonSubject(employee_id=subject), TRANSFER)
                for subject in ("other_lead", "top", "leaver", "unknown", "", "\ud800")
            }
            assert len(answers) == 1, (name, action)
            assert not answers.pop().allowed


def test_a_purpose_limits_what_may_be_asked(access: Access) -> None:
    lead, hr = ACCOUNTS["lead"], ACCOUNTS["hr of all"]
    own, worker = PersonSubject(employee_id="lead"), PersonSubject(employee_id="worker")
    for_own = replace(lead, purpose=Purpose.OWN_DATA)
    assert access.authorize(for_own, Action.READ_REASONS, own, TRANSFER).allowed
    assert not access.authorize(for_own, Action.READ_REASONS, worker, TRANSFER).allowed
    for purpose in (Purpose.OVERSIGHT, Purpose.OPERATION):
        asking = replace(hr, purpose=purpose)
        assert not access.authorize(asking, Action.READ_REASONS, worker, TRANSFER).allowed
        assert not access.authorize(asking, Action.LIST_AT_RISK, GroupSubject(), TRANSFER).allowed
        assert access.authorize(asking, Action.READ_FAIRNESS, SERVICE, TRANSFER).allowed


def test_a_token_allows_what_it_names_and_no_more_than_its_owner(access: Access) -> None:
    token = replace(ACCOUNTS["lead"], token_actions=frozenset({Action.READ_REASONS, Action.READ_RISK}))
    worker = PersonSubject(employee_id="worker")
    decided = {a for a in OF_A_PERSON if access.authorize(token, a, worker, TRANSFER).allowed}
    assert decided == {Action.READ_REASONS}
