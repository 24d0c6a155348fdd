"""An incident that was real: offices a third behind their target in one system and ahead of it in the other.

One system counts the day's orders, gross, by the region of delivery; the other settles them days later, net of returns, by the
region where the customer is registered. Packets are lost on the way, and nobody is told.
"""

from perfml.demo.incident.earlier import write_earlier
from perfml.demo.incident.parameters import Incident, Lost, RegisteredElsewhere
from perfml.demo.incident.project import RISK, write_project
from perfml.demo.incident.tables import tables, write, write_backfill

__all__ = [
    "RISK",
    "Incident",
    "Lost",
    "RegisteredElsewhere",
    "tables",
    "write",
    "write_backfill",
    "write_earlier",
    "write_project",
]
