"""As what somebody reads the rows of a person: the employee, their manager or HR, and whether with other people in them."""

from __future__ import annotations

import datetime as dt

from perfml.access.actions import Action
from perfml.access.authorize import Access
from perfml.access.principals import Principal, Role
from perfml.access.relations import PersonSubject, relation_of
from perfml.access.reporting_lines import current_lines
from perfml.scoring.personal.standing import RecordReading


def reading_of(access: Access, principal: Principal, employee_id: str, *, day: dt.date) -> RecordReading:
    """How ``principal`` reads the rows of a person whom they may read on ``day``; whoever is neither the person nor HR for them
    reads as a manager does."""
    subject = PersonSubject(employee_id=employee_id)
    relation = relation_of(principal, subject, current_lines(access.home), day)
    if relation.oneself:
        return RecordReading(reader="employee")
    if not (relation.in_unit and Role.HR in principal.roles(day)):
        return RecordReading(reader="manager")
    givers = access.authorize(principal, Action.READ_FEEDBACK_GIVERS, subject, day)
    return RecordReading(reader="hr", others=givers.allowed)
