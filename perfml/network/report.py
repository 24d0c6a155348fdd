"""The network at a date: who is outside, one-way streets, units that never speak, and figures of groups."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from perfml.arrays import Bools
from perfml.evidence.snapshots import make_snapshots
from perfml.evidence.sources import Data
from perfml.messages import Message
from perfml.network.contacts import Contacts, read_contacts
from perfml.network.groups import cells, departments, level_flows, streets_shown, teams
from perfml.network.outside import outside
from perfml.network.record import SCHEMA, NetworkFigures, NetworkRow, network_rows
from perfml.network.streets import one_way
from perfml.network.units import LEAST_UNITS, unit_gaps
from perfml.project.goals.feedback_network_spec import FeedbackNetworkSpec
from perfml.project.spec import DisclosureRules


@dataclass(frozen=True, kw_only=True)
class NetworkReport:
    """The network at ``as_of``, as known before it."""

    as_of: dt.date
    table: pa.Table
    """See :data:`~perfml.network.record.SCHEMA`."""
    streets: pd.DataFrame
    """One-way streets of people: giver, receiver, given, returned, expected. Kept nowhere: it says who told whom."""
    figures: NetworkFigures

    @property
    def people(self) -> list[NetworkRow]:
        """Everyone employed."""
        return network_rows(self.table)


def network_at(
    data: Data, spec: FeedbackNetworkSpec, as_of: dt.date, *, rules: DisclosureRules, held: Collection[str] = ()
) -> NetworkReport:
    """Look at the network at ``as_of``; nobody who is ``held`` is in it. Without contacts on record it says so, and no more."""
    make_snapshots(data, [as_of])
    contacts = read_contacts(data, spec, as_of, held=held)
    people, pairs = contacts.people, contacts.pairs
    silent = outside(contacts, spec.false_share)
    rows = people[["employee_id", "department", "manager_id"]].assign(
        outside=np.select([silent.alone, silent.outside], ["nobody", "manager only"], "").astype(object),
        beyond_team=_beyond_team(contacts),
    )
    rows["outside"] = rows["outside"].replace("", None)
    streets = one_way(pairs[~pairs["line"]].drop(columns="contacts").rename(columns={"recent": "contacts"}), spec)
    looked = [unit_gaps(contacts, by, spec, least_people=rules.min_others + 1) for by in spec.units]
    levels = level_flows(people, pairs, rules)
    figures = NetworkFigures(
        days=spec.days,
        unit_days=spec.unit_days,
        judged=int(silent.judged.sum()),
        cells=cells(people, pairs[~pairs["line"]], rules),
        gaps=tuple(gap for gaps, _ in looked for gap in gaps),
        compared=tuple(compared for _, compared in looked),
        levels=levels,
        departments=departments(rows, rules),
        teams=teams(rows, rules),
        streets=streets_shown(streets, rules),
        notices=tuple(_notices(contacts, int(silent.judged.sum()), has_levels=bool(levels)))
        + tuple(
            Message.of("network_few_units", by=compared.by, units=compared.units, least=LEAST_UNITS)
            for _, compared in looked
            if compared.units < LEAST_UNITS
        ),
    )
    return NetworkReport(as_of=as_of, table=_table(rows), streets=streets, figures=figures)


def _beyond_team(contacts: Contacts) -> Bools:
    """(people,): whether each had contact with somebody of another team, lines left out."""
    team = contacts.people.set_index("employee_id")["manager_id"].fillna("")
    recent = contacts.pairs[(contacts.pairs["recent"] > 0) & ~contacts.pairs["line"]]
    giving, receiving = recent["giver"].map(team), recent["receiver"].map(team)
    across = recent[giving.notna() & receiving.notna() & (giving != receiving)]
    return np.asarray(contacts.people["employee_id"].isin({*across["giver"], *across["receiver"]}), dtype=bool)


def _notices(contacts: Contacts, judged: int, *, has_levels: bool) -> list[Message]:
    if not len(contacts.pairs):
        return [Message.of("network_no_contacts")]
    notices = [] if judged else [Message.of("network_thin")]
    return notices if has_levels else [*notices, Message.of("network_no_levels")]


def _table(rows: pd.DataFrame) -> pa.Table:
    plain = rows.astype(object).where(rows.notna(), None)
    return pa.Table.from_pylist(plain.to_dict("records"), schema=SCHEMA)
