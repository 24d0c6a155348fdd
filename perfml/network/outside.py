"""Who is outside: no feedback or recognition but with their own manager, for longer than chance explains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from perfml.arrays import Bools, Floats
from perfml.network.chance import at_most, significant
from perfml.network.contacts import Contacts


@dataclass(frozen=True, kw_only=True)
class Outside:
    """People, in the order of :attr:`Contacts.people`."""

    outside: Bools
    """(people,): without a contact beside those with who leads them, where chance does not explain it."""
    alone: Bools
    """(people,): of those who are outside, without any contact at all."""
    judged: Bools
    """(people,): with so much time at work that a silence would be told."""


def outside(contacts: Contacts, false_share: float) -> Outside:
    """Compare everybody without a contact with how likely that is for somebody who was at work as long.

    Contacts across lines count, and for those who lead somebody their contacts with whom they lead as well.
    """
    people = contacts.people
    leader = dict(zip(people["employee_id"], people["manager_id"], strict=True))
    recent = contacts.pairs[contacts.pairs["recent"] > 0]
    upwards = recent["giver"].map(leader) == recent["receiver"]
    downwards = recent["receiver"].map(leader) == recent["giver"]
    across = _of_people(people, recent[~recent["line"]], "giver", "receiver")
    with_reports = _of_people(people, recent[downwards], "giver") + _of_people(people, recent[upwards], "receiver")
    p = chance_of_none(across, people["days"].to_numpy(dtype=np.float64))
    silent = across + with_reports == 0
    chosen = silent & significant(np.where(silent, p, 1.0), false_share)
    alone = chosen & (_of_people(people, recent, "giver", "receiver") == 0)
    return Outside(outside=chosen, alone=alone, judged=p <= false_share)


def _of_people(people: pd.DataFrame, pairs: pd.DataFrame, *sides: str) -> Floats:
    """(people,): contacts of each on these sides."""
    sums = [pairs.groupby(side)["recent"].sum().reindex(people["employee_id"], fill_value=0) for side in sides]
    return np.asarray(sum(sums), dtype=np.float64)


def chance_of_none(counts: Floats, days: Floats) -> Floats:
    """(people,): probability of no contact within ``days`` at work for somebody with the usual rate of contacts (the median of
    those who have any; Poisson); 1 where nobody has any."""
    some = (counts > 0) & (days > 0)
    if not some.any():
        return np.ones(len(counts))
    typical = float(np.median(counts[some] / days[some]))
    return at_most(np.zeros(len(counts)), typical * np.maximum(days, 0.0), 0.0)
