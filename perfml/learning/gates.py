"""Gates: what a model has to pass before anybody is listed by it, each with its figure, its limit and a sentence.

A model that fails one is kept as a candidate with the reason; it can be studied, gives no list and cannot be promoted.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from perfml.arrays import Floats
from perfml.evidence.features import build
from perfml.evidence.sources import Data, open_data
from perfml.learning.dataset.table import Table
from perfml.learning.fairness.findings import FairnessReport
from perfml.learning.validation.backtest import Backtest, backtest_horizon
from perfml.learning.validation.metrics import auc_within, estimate
from perfml.learning.validation.stability import Stability
from perfml.progress import SILENT, Progress
from perfml.project.folder import Definitions
from perfml.project.spec import ModelSpec

Verdict = Literal["pass", "fail", "insufficient"]
STANDARD_ERRORS = 3.0
"""How far permuted labels may lie from AUC .5."""
FEWEST_DISTINCT = 5
"""Distinct known values that make two equal rows of evidence more than chance."""


@dataclass(frozen=True)
class Gate:
    """One test of one horizon. ``figure`` and ``limit`` in words; ``en`` and ``zh`` say what it means."""

    name: str
    verdict: Verdict
    figure: str
    limit: str
    en: str
    zh: str

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def baseline_gate(tested: Backtest) -> Gate:
    """Better than chance, and than the baseline by two standard errors."""
    auc = tested.difference["auc"]
    beaten = " + ".join(tested.baseline_columns) or "chance"
    verdict: Verdict = "pass" if tested.proven else "fail"
    return Gate(
        "baseline", verdict, f"AUC {auc.value:+.3f} ± {auc.se:.3f} over {beaten}", "> 2 SE", tested.en, tested.zh
    )


def permuted_gate(
    data: Data, table: Table, spec: ModelSpec, tested: Backtest, *, until: dt.date, progress: Progress = SILENT
) -> Gate:
    """Each person is given the future of another and the whole back-test is run again: nothing may be learnt.

    Evidence that knows the outcome by another way than the label (a leak in time or identity) shows here. Pairs of one date
    are compared: that some months have more cases than others is for everyone to know.
    """
    people = np.unique(table.frame["employee_id"].to_numpy(dtype=object))
    other = dict(zip(people, np.random.default_rng(5).permutation(people), strict=True))
    few = spec.backtest.model_copy(update={"folds": min(2, spec.backtest.folds)})
    settings = spec.model_copy(update={"backtest": few})
    days, what = tested.horizon_days, "permuted labels"
    said = backtest_horizon(
        data, table, settings, horizon_days=days, until=until, progress=progress, outcome_of=other, what=what
    ).predictions
    found = estimate({"auc": auc_within(said.when)}, said.outcome, said.model, person=said.person)["auc"]
    figure, limit = f"AUC {found.value:.3f} ± {found.se:.3f}", f".5 ± {STANDARD_ERRORS:.0f} SE"
    if not np.isfinite(found.se):
        return Gate("permuted labels", "insufficient", figure, limit, "too few cases to tell", "样本太少，无法判断")
    if abs(found.value - 0.5) <= STANDARD_ERRORS * found.se:
        return Gate("permuted labels", "pass", figure, limit, "shuffled outcomes teach nothing", "打乱结果后学不到东西")
    return Gate(
        "permuted labels",
        "fail",
        figure,
        limit,
        "shuffled outcomes are still predicted: something knows the answer",
        "打乱结果后仍可预测：存在泄漏",
    )


def single_column_gate(features: Floats, label: Floats, names: list[str], spec: ModelSpec) -> Gate:
    """No column alone ranks the outcome so well that it is more likely a leak than evidence."""
    most = spec.gates.max_single_auc
    alone = column_auc(features, label)
    worst = int(np.nanargmax(np.abs(alone - 0.5))) if np.isfinite(alone).any() else 0
    value = max(alone[worst], 1 - alone[worst]) if len(alone) else 0.5
    figure, limit = f"{names[worst]}: AUC {value:.3f}" if names else "no columns", f"≤ {most}"
    if value <= most:
        return Gate("single column", "pass", figure, limit, "no column gives the outcome away", "没有单独泄露结果的列")
    said = f"{names[worst]} alone gives the outcome away; find out when it is known"
    return Gate("single column", "fail", figure, limit, said, f"{names[worst]} 单独即可泄露结果，请核实其知悉时间")


def column_auc(features: Floats, label: Floats) -> Floats:
    """The AUC of each column by itself, missing values in the middle: (n, columns), (n,) -> (columns,)."""
    from scipy.stats import rankdata

    positives, n = label.sum(), len(label)
    out = np.full(features.shape[1], np.nan)
    for place in range(features.shape[1]):
        x = features[:, place]
        absent = np.isnan(x)
        if absent.all() or positives in (0, n):
            continue
        ranks = rankdata(np.where(absent, np.median(x[~absent]), x))
        out[place] = (ranks[label == 1].sum() - positives * (positives + 1) / 2) / (positives * (n - positives))
    return out


def duplicates_gate(table: Table, spec: ModelSpec) -> Gate:
    """Rows of two people that are equal in all evidence on one date: one person under two ids, learnt and tested twice."""
    features = table.matrix()[table.usable]
    rows = table.frame.loc[table.usable, ["employee_id", "as_of"]].reset_index(drop=True)
    telling = np.array([len(set(row[~np.isnan(row)].tolist())) >= FEWEST_DISTINCT for row in features])
    digest = pd.util.hash_pandas_object(pd.DataFrame(features), index=False).to_numpy()
    found = (
        rows[telling].assign(digest=digest[telling]).groupby(["as_of", "digest"])["employee_id"].transform("nunique")
    )
    share = float((found > 1).sum() / max(len(rows), 1))
    most = spec.gates.max_duplicate_share
    figure, limit = f"{share:.1%} of rows", f"≤ {most:.0%}"
    if share <= most:
        return Gate("duplicate people", "pass", figure, limit, "no people stand in the data twice", "没有重复人员")
    example = rows[telling][(found > 1).to_numpy()]["employee_id"].iloc[0]
    said = f"people stand in the data under two ids, e.g. {example!r}: merge them"
    return Gate("duplicate people", "fail", figure, limit, said, f"同一人以不同编号重复出现，例如 {example!r}，请合并")


def canary_gate(data: Data, definitions: Definitions, table: Table, kinds: tuple[str, ...]) -> Gate:
    """The export is opened again as it stood on the morning of an as-of date: the evidence may not change by a digit."""
    dates = sorted(table.record_begins)
    day = dates[len(dates) // 2]
    with open_data(data.origin, definitions.tables, today=day - dt.timedelta(days=1), strict=False) as then:
        before = build(then, definitions, [day], kinds=kinds).frame
    names = [column.name for column in table.columns]
    after = table.frame[table.frame["as_of"] == pd.Timestamp(day)]
    both = [f.set_index("employee_id").reindex(columns=names).sort_index() for f in (before, after)]
    same_people = both[0].index.equals(both[1].index)
    left, right = (frame.to_numpy(dtype=np.float64) for frame in both)
    moved = [] if not same_people else [n for n, a, b in zip(names, left.T, right.T, strict=True) if not _equal(a, b)]
    figure, limit = f"{len(moved)} of {len(names)} columns change at {day}", "0"
    if same_people and not moved:
        said = "evidence is the same when all that came later is taken away"
        return Gate("future canary", "pass", figure, limit, said, "去掉之后发生的一切，证据不变")
    what = moved[0] if moved else "who was employed"
    return Gate(
        "future canary",
        "fail",
        figure,
        limit,
        f"{what} knows the future; find its definition",
        f"{what} 用到了未来信息",
    )


def _equal(a: Floats, b: Floats) -> bool:
    return bool(np.array_equal(a, b, equal_nan=True))


def stability_gates(found: Stability, spec: ModelSpec) -> list[Gate]:
    """The top decile, and the leading reasons in it, are much the same when the model is learnt from people drawn anew."""
    jaccard, kept = found.jaccard, found.reasons_kept
    top: Verdict = (
        "insufficient" if not np.isfinite(jaccard) else "pass" if jaccard >= spec.gates.min_jaccard else "fail"
    )
    why: Verdict = (
        "insufficient" if not np.isfinite(kept) else "pass" if kept >= spec.gates.min_reasons_kept else "fail"
    )
    says = {
        "pass": ("much the same people", "名单基本一致"),
        "fail": ("other people at every refit: the list is chance", "每次重训名单都变：名单近于随机"),
        "insufficient": ("too few people to tell", "人数太少，无法判断"),
    }
    reasons = {
        "pass": ("much the same reasons", "原因基本一致"),
        "fail": ("other reasons at every refit: do not act on them", "每次重训原因都变：不可据此行动"),
        "insufficient": ("too few people to tell", "人数太少，无法判断"),
    }
    limits = f"≥ {spec.gates.min_jaccard}", f"≥ {spec.gates.min_reasons_kept}"
    return [
        Gate("stable list", top, f"Jaccard {jaccard:.2f} over {found.refits} refits", limits[0], *says[top]),
        Gate("stable reasons", why, f"{kept:.0%} of leading reasons", limits[1], *reasons[why]),
    ]


def fairness_gate(report: FairnessReport) -> Gate:
    """The spec's fairness limits; groups too small to judge make it *insufficient*, not passed."""
    count = {
        verdict: sum(f.verdict == verdict for f in report.findings) for verdict in ("fail", "pass", "insufficient")
    }
    figure = ", ".join(f"{number} {verdict}" for verdict, number in count.items())
    failed = next((f for f in report.findings if f.verdict == "fail"), None)
    said = {
        "pass": ("no group is shown to be treated otherwise", "未显示任何群体受到不同对待"),
        "insufficient": ("some or all groups are too small to judge", "部分或全部群体人数不足，无法判断"),
        "fail": (failed.en, failed.zh) if failed else ("", ""),
    }
    return Gate("fairness", report.verdict, figure, "[fairness]", *said[report.verdict])
