"""One look of the rules: what is new, what is still open, what could not be told, and what was carried to people."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from perfml.evidence.sources import Data
from perfml.messages import Bilingual, Message, both
from perfml.progress import SILENT, Progress
from perfml.project.folder import Definitions
from perfml.project.trust.alert_spec import AlertsSpec
from perfml.trust.alerts.alert import Alert
from perfml.trust.alerts.alert_log import enter, looked
from perfml.trust.alerts.looking import WithheldAt, completed, looks, see
from perfml.trust.outbox import Carried, deliver


@dataclass(frozen=True, kw_only=True)
class AlertReport:
    """The alerts as they are after a look at ``day``."""

    day: dt.date
    alerts: tuple[Alert, ...]
    """Those raised until ``day`` and not resolved before it, newest first; none of people of whom nothing is said now."""
    titles: Mapping[str, Bilingual]
    """Rule → its title."""
    severities: Mapping[str, str]
    insufficient: Mapping[str, Message]
    """Rule → why this record cannot tell."""
    leave_known: bool
    """Whether the record says who is away."""
    carried: Carried

    @property
    def raised(self) -> tuple[Alert, ...]:
        """Those raised on ``day``."""
        return tuple(alert for alert in self.alerts if alert.first.day == self.day)

    @property
    def people(self) -> frozenset[str]:
        """Everyone whom the alerts name."""
        return frozenset(person for alert in self.alerts for person in (alert.first.employee_id, *alert.first.people))

    def to_json(self) -> dict[str, object]:
        """As JSON, with the texts in both languages."""
        return {
            "as_of": str(self.day),
            "alerts": [
                alert.to_json()
                | {
                    "severity": self.severities.get(alert.first.rule),
                    "title": self.titles[alert.first.rule].model_dump() if alert.first.rule in self.titles else None,
                }
                for alert in self.alerts
            ],
            "raised": len(self.raised),
            "insufficient": {rule: both(message) for rule, message in self.insufficient.items()},
            "leave_known": self.leave_known,
            "messages": {"carried": len(self.carried.delivered), "waiting": len(self.carried.waiting)},
            "problem": self.carried.problem,
        }


def report_alerts(
    data: Data,
    definitions: Definitions,
    spec: AlertsSpec,
    day: dt.date,
    *,
    policy: str,
    home: Path,
    held: WithheldAt,
    progress: Progress = SILENT,
) -> AlertReport:
    """Look at ``day``, enter what is seen, carry the messages."""
    seen = see(data, definitions, spec, [day], policy=policy, progress=progress)
    done, withheld = looked(home), held(day)
    new = [
        completed(data, definitions, spec, seen, look)
        for look in looks(data, spec, seen, [day], held=lambda _: withheld)
        if (look.rule, day) not in done
    ]
    current = [
        alert
        for alert in reversed(enter(home, spec, new, day=day))
        if alert.first.day <= day
        and (alert.resolved_on is None or alert.resolved_on >= day)
        and alert.first.employee_id not in withheld
    ]
    return AlertReport(
        day=day,
        alerts=tuple(current),
        titles={name: Bilingual(en=rule.en, zh=rule.zh) for name, rule in spec.rules.items()},
        severities={name: rule.severity for name, rule in spec.rules.items()},
        insufficient=seen.insufficient,
        leave_known=data.has("absences"),
        carried=deliver(home),
    )
