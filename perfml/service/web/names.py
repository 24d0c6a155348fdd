"""What purposes, roles and actions are called on the pages."""

from __future__ import annotations

from collections.abc import Mapping

from perfml.access.actions import Action
from perfml.access.principals import Purpose, Role
from perfml.service.web.catalogues import msgid

PURPOSE_NAMES: Mapping[Purpose, str] = {
    Purpose.SUPPORT: msgid("Support people early"),
    Purpose.DEVELOPMENT: msgid("Development and courses"),
    Purpose.TARGETS: msgid("Agree on targets"),
    Purpose.DATA_QUALITY: msgid("Check the data"),
    Purpose.OWN_DATA: msgid("Look at my own data"),
    Purpose.OVERSIGHT: msgid("Oversight and audit"),
    Purpose.OPERATION: msgid("Run the service"),
}
"""Of the purposes that are served."""
ROLE_NAMES: Mapping[Role, str] = {
    Role.HR: msgid("HR"),
    Role.EMPLOYEE: msgid("Employee"),
    Role.DATA_SCIENTIST: msgid("Data scientist"),
    Role.AUDITOR: msgid("Auditor"),
    Role.ADMINISTRATOR: msgid("Administrator"),
}
"""Of the roles that are granted; a manager follows from the reporting line."""
ACTION_NAMES: Mapping[Action, str] = {
    Action.READ_HEALTH: msgid("Whether the service is sound"),
    Action.READ_METRICS: msgid("Figures for monitoring"),
    Action.READ_DELIVERIES: msgid("Which feeds delivered"),
    Action.ACKNOWLEDGE_DELIVERY: msgid("Take care of a feed"),
    Action.READ_EXPORT_LEDGER: msgid("What was sent to other systems"),
    Action.MANAGE_EXPORTS: msgid("Set up what is sent"),
    Action.STOP_EVERYTHING: msgid("Stop everything"),
    Action.MANAGE_GRANTS: msgid("Give and end roles"),
    Action.MANAGE_TOKENS: msgid("Make and end tokens"),
    Action.MANAGE_SESSIONS: msgid("End sessions"),
}
"""Of what an administrator may do, and give a token for."""
