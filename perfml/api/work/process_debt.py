"""The verb of what processes owe."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from perfml.api.shared import GivenData, held_at, keep_who_is_who, people_of, seen
from perfml.dates import DateLike
from perfml.evidence.record_end import as_of_day
from perfml.json_types import JsonObject
from perfml.project.goals.process_debt_spec import ProcessDebtSpec

if TYPE_CHECKING:
    from perfml.api import Project
    from perfml.goals.process_debt.ledger import ProcessDebtReport


def process_debt(
    project: Project, data: GivenData | None = None, *, as_of: DateLike | None = None, policy: str | None = None
) -> ProcessDebtReport:
    """What processes owe to people at ``as_of`` (default: the end of the record), by ``models/process_debt.toml``: feedback, a
    word about a core goal, rest after overtime, a review. Kept under ``home`` for the service.

    Where the models were scored at that date, each row says how much of the predicted risk its reasons carry; that is a statement
    about the prediction, not about an effect. People who are held or opted out are not in it.
    """
    from perfml.goals.process_debt.ledger import process_debt_at
    from perfml.goals.process_debt.rows import keep_debts
    from perfml.scoring.replay import recorder

    _, spec = project.folder.policy_of(ProcessDebtSpec, policy)
    with project.open(data) as opened:
        day = as_of_day(opened, as_of)
        held = held_at(project, opened, day)
        report = process_debt_at(opened, spec, day, home=project.home, held=held)
        keep_who_is_who(project, opened, day)
        record = recorder(project.home, data=opened, folder=project.folder, held={day: held})(day)
    keep_debts(report, project.home, record=cast(JsonObject, record))
    seen(project, f"process debt {day}", people_of(report.table))
    return report
