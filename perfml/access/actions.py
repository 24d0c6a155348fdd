"""What anybody can ask perfml to do: one closed list, which policies, routes and tokens name."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from perfml.errors import PerfmlError, choose_from


class Action(StrEnum):
    """An operation. What it is about decides which kind of subject it takes, see :data:`OF_A_PERSON`, :data:`OF_A_GROUP`."""

    # of a person
    READ_PERSON = "read_person"
    READ_RISK = "read_risk"
    """With figures: probability, rank and band."""
    READ_REASONS = "read_reasons"
    """In sentences, without figures."""
    READ_ROWS_BEHIND = "read_rows_behind"
    READ_FEEDBACK_GIVERS = "read_feedback_givers"
    READ_WHAT_IF = "read_what_if"
    READ_PEERS = "read_peers"
    READ_COURSES = "read_courses"
    DECIDE_COURSE = "decide_course"
    READ_TARGETS = "read_targets"
    DECIDE_TARGET = "decide_target"
    LOG_INTERVENTION = "log_intervention"
    READ_BRIEF = "read_brief"
    """What a one-to-one is prepared with."""
    READ_DEVELOPMENT_CARD = "read_development_card"
    READ_ELIGIBILITY = "read_eligibility"
    """For internal openings that the person asked to be considered for: not for managers, who might hold it against them."""
    READ_ALERTS = "read_alerts"
    ACKNOWLEDGE_ALERT = "acknowledge_alert"
    READ_HOLDS = "read_holds"
    RELEASE_HOLD = "release_hold"
    READ_DISPUTES = "read_disputes"
    FILE_DISPUTE = "file_dispute"
    DECIDE_DISPUTE = "decide_dispute"
    REVIEW_DISPUTE = "review_dispute"
    READ_NOTICES = "read_notices"
    GIVE_NOTICE = "give_notice"
    OPT_OUT = "opt_out"

    # of a group
    LIST_AT_RISK = "list_at_risk"
    LIST_PRIORITIES = "list_priorities"
    LIST_TEAM = "list_team"
    LIST_TARGETS = "list_targets"
    LIST_ESCALATIONS = "list_escalations"
    LIST_ALERTS = "list_alerts"
    LIST_PROCESS_DEBT = "list_process_debt"
    LIST_FEEDBACK_NETWORK = "list_feedback_network"
    LIST_HOLDS = "list_holds"
    LIST_DISPUTES = "list_disputes"
    LIST_NOTICES = "list_notices"
    READ_TRENDS = "read_trends"
    READ_RATERS = "read_raters"
    READ_ADOPTION = "read_adoption"
    EXPORT_LISTS = "export_lists"

    # of the service
    READ_HEALTH = "read_health"
    READ_MODELS = "read_models"
    READ_RUNS = "read_runs"
    READ_PSEUDONYMOUS_SCORES = "read_pseudonymous_scores"
    READ_FAIRNESS = "read_fairness"
    READ_DRIFT = "read_drift"
    PROMOTE_MODEL = "promote_model"
    APPROVE_PROMOTION = "approve_promotion"
    READ_GOVERNANCE = "read_governance"
    SIGN_DEFINITION = "sign_definition"
    READ_INDICATORS = "read_indicators"
    READ_DELIVERIES = "read_deliveries"
    ACKNOWLEDGE_DELIVERY = "acknowledge_delivery"
    STOP_EVERYTHING = "stop_everything"
    RESUME_EVERYTHING = "resume_everything"
    READ_AUDIT = "read_audit"
    VERIFY_AUDIT = "verify_audit"
    ERASE_PERSON = "erase_person"
    READ_METRICS = "read_metrics"
    MANAGE_GRANTS = "manage_grants"
    MANAGE_TOKENS = "manage_tokens"
    MANAGE_SESSIONS = "manage_sessions"
    MANAGE_EXPORTS = "manage_exports"
    READ_EXPORT_LEDGER = "read_export_ledger"


_ALL = tuple(Action)
OF_A_PERSON = frozenset(_ALL[: _ALL.index(Action.LIST_AT_RISK)])
OF_A_GROUP = frozenset(_ALL[_ALL.index(Action.LIST_AT_RISK) : _ALL.index(Action.READ_HEALTH)])
OF_THE_SERVICE = frozenset(_ALL[_ALL.index(Action.READ_HEALTH) :])


def actions_of(names: Iterable[str]) -> frozenset[Action]:
    """The actions of these names. Raises :class:`PerfmlError` for another."""
    actions = {action.value: action for action in Action}
    wanted = list(names)
    for name in wanted:
        if name not in actions:
            raise PerfmlError(
                f"{name!r} is not an action", where="action", remedy=choose_from(actions, instead_of=name)
            )
    return frozenset(actions[name] for name in wanted)
