"""What to call the entity that a gap, a clash or a hold concerns. Light: the service reads it."""

from __future__ import annotations

from collections.abc import Mapping

from perfml.messages import Message

ENTITIES: Mapping[str, str] = {
    "employee": "entity_employee",
    "department": "entity_department",
    "location": "entity_location",
    "metric": "entity_metric",
}
"""Kind of entity -> the code of what to call one."""


def entity_message(entity: str) -> Message:
    """What to call an entity such as ``location:South``; one of another kind is called by its text."""
    kind, _, name = entity.partition(":")
    return Message.of(ENTITIES[kind], name=name) if kind in ENTITIES else Message.of("as_worded", text=entity)
