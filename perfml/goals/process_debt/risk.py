"""How much of a stored prediction the reasons of a process carry: a statement about the prediction, not about an effect."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
from scipy.special import expit, logit

from perfml.scoring.score_files import NoScore, read_scores, score_file


def carried(home: Path, model: str, evidence: Collection[str], *, as_of: dt.date) -> Mapping[str, tuple[float, float]]:
    """Employee -> the predicted probability within the shortest horizon, and how much less it would be without the reasons
    ``evidence`` where these raise it. Nobody, where ``model`` has no scores of ``as_of``."""
    try:
        rows = read_scores(score_file(home, model, as_of))
    except NoScore:
        return {}
    rows = rows.filter(pc.equal(rows["status"], "scored"))
    if not len(rows):
        return {}
    rows = rows.filter(pc.equal(rows["horizon_days"], pc.min(rows["horizon_days"])))
    people, reasons = rows["employee_id"].to_pylist(), rows["reasons"].to_pylist()
    probability = np.array(rows["probability"].to_pylist(), dtype=np.float64)
    raised = np.array(
        [max(0.0, sum(each["contribution"] for each in own if each["evidence"] in evidence)) for own in reasons]
    )
    without = expit(logit(np.clip(probability, 1e-9, 1 - 1e-9)) - raised)
    return {person: (float(p), float(p - w)) for person, p, w in zip(people, probability, without, strict=True)}
