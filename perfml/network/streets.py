"""One-way streets: two people, or two units, of whom one gives and the other never returns, where chance does not explain it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import binom

from perfml.arrays import Floats
from perfml.network.chance import significant
from perfml.project.goals.feedback_network_spec import FeedbackNetworkSpec

COLUMNS = ["giver", "receiver", "given", "returned", "expected"]


def one_way(pairs: pd.DataFrame, spec: FeedbackNetworkSpec) -> pd.DataFrame:
    """The one-way streets among ``pairs`` (giver, receiver, contacts), with what was given, returned and expected in return: the
    busiest first.

    Compared with how much of what they exchange would go each way by what both give to and receive from everybody else
    (one more of each, so that somebody who gives nothing else is no proof).
    """
    counts = pairs.groupby(["giver", "receiver"], as_index=False)["contacts"].sum()
    counts = counts[counts["contacts"] > 0]
    both = counts.merge(
        counts.rename(columns={"giver": "receiver", "receiver": "giver", "contacts": "back"}), how="left"
    ).fillna({"back": 0})
    both = both[(both["contacts"] > both["back"]) & (both["contacts"] + both["back"] >= spec.least_contacts)]
    given, received = (counts.groupby(side)["contacts"].sum() for side in ("giver", "receiver"))

    def besides(sums: pd.Series, side: str, own: str) -> Floats:
        whole = np.asarray(both[side].map(sums).fillna(0), dtype=np.float64)
        return np.asarray(whole - np.asarray(both[own], dtype=np.float64) + 1)

    onward = besides(given, "giver", "contacts") * besides(received, "receiver", "contacts")
    back = besides(given, "receiver", "back") * besides(received, "giver", "back")
    total = (both["contacts"] + both["back"]).to_numpy(dtype=np.float64)
    share = back / (onward + back)
    p = np.asarray(binom.cdf(both["back"].to_numpy(dtype=np.float64), total, share))
    chosen = significant(p, spec.false_share) & (both["back"].to_numpy() <= spec.returned_share * total)
    named = {"contacts": "given", "back": "returned"}
    street: pd.DataFrame = both.assign(expected=share * total)[chosen].rename(columns=named)[COLUMNS]
    street = street.astype({"given": "int64", "returned": "int64"})
    return street.sort_values(["given", "giver", "receiver"], ascending=[False, True, True])
