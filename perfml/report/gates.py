"""Gates in words: what each has measured, its limit and what it means, in Chinese and English."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from perfml.evidence.columns import Column
from perfml.messages.message import Language
from perfml.report import wording

Gate = Mapping[str, str]
"""As ``perfml.learning.gates.Gate.to_json`` writes it."""
NAMES: dict[str, tuple[str, str]] = {
    "baseline": ("优于基线", "Better than the baseline"),
    "permuted labels": ("打乱结果", "Permuted labels"),
    "single column": ("单列泄露", "Single column"),
    "duplicate people": ("重复人员", "Duplicate people"),
    "future canary": ("未来信息", "Future canary"),
    "stable list": ("名单稳定", "Stable list"),
    "stable reasons": ("原因稳定", "Stable reasons"),
    "fairness": ("公平性", "Fairness"),
}
VERDICTS: dict[str, tuple[str, str]] = {
    "pass": ("通过", "passed"),
    "fail": ("未通过", "failed"),
    "insufficient": ("无法判断", "could not be judged"),
}
FIGURES: tuple[tuple[str, str], ...] = (
    (r"(.+): AUC (\S+)", r"\1：AUC \2"),
    (r"no columns", r"没有列"),
    (r"(\S+) of rows", r"占记录的 \1"),
    (r"(\d+) of (\d+) columns change at (\S+)", r"在 \3，\2 列中有 \1 列变化"),
    (r"Jaccard (\S+) over (\d+) refits", r"\2 次重训之间的重合度（Jaccard）\1"),
    (r"(\S+) of leading reasons", r"主要原因的 \1"),
    (r"(\d+) fail, (\d+) pass, (\d+) insufficient", r"\1 项未通过，\2 项通过，\3 项无法判断"),
)
"""Figures are written in English only; this is their Chinese."""
LIMITS: dict[str, tuple[str, str]] = {"[fairness]": ("模型定义中的限值", "the limits of its definition")}


def name(gate: Gate, language: Language) -> str:
    """What the gate is called."""
    return _said(NAMES, gate["name"], language)


def verdict(gate: Gate, language: Language) -> str:
    """Whether it was passed."""
    return _said(VERDICTS, gate["verdict"], language)


def limit(gate: Gate, language: Language) -> str:
    """What it takes to pass."""
    return _said(LIMITS, gate["limit"], language)


def figure(gate: Gate, baseline: Sequence[str], columns: Mapping[str, Column], language: Language) -> str:
    """What was measured.

    >>> found = {"name": "stable list", "verdict": "pass", "figure": "Jaccard 0.49 over 5 refits"}
    >>> figure(found, (), {}, "zh"), figure(found, (), {}, "en")
    ('5 次重训之间的重合度（Jaccard）0.49', 'Jaccard 0.49 over 5 refits')
    """
    said, zh = gate["figure"], language == "zh"
    if "nan" in re.findall(r"[a-z]+", said):
        return "无法估计" if zh else "not estimated"
    if gate["name"] == "baseline":
        beaten = wording.baseline(baseline, columns, language)
        measured = said.partition(" over ")[0]
        return f"{measured}（相对于{beaten}）" if zh else f"{measured} over {beaten}"
    for pattern, chinese in FIGURES if zh else ():
        if re.fullmatch(pattern, said):
            said = re.sub(pattern, chinese, said)
            break
    return _column_in_words(said, columns, language)


def meaning(gate: Gate, baseline: Sequence[str], columns: Mapping[str, Column], language: Language) -> str:
    """What the verdict means; column names are said in words."""
    if gate["name"] == "baseline":
        return wording.verdict(gate[language], baseline, columns, language)
    said = _column_in_words(gate[language], columns, language)
    return said[:1].upper() + said[1:]


def counted(gates: Sequence[Gate], language: Language) -> str:
    """How many were passed.

    >>> counted([{"verdict": "pass"}] * 7 + [{"verdict": "insufficient"}], "en")
    '7 of 8 passed, 1 could not be judged'
    """
    zh = language == "zh"
    n = {verdict: sum(gate["verdict"] == verdict for gate in gates) for verdict in VERDICTS}
    parts = [f"{len(gates)} 项中 {n['pass']} 项通过" if zh else f"{n['pass']} of {len(gates)} passed"]
    for verdict in ("fail", "insufficient"):
        if n[verdict]:
            parts.append(
                f"{n[verdict]} 项{_said(VERDICTS, verdict, language)}"
                if zh
                else f"{n[verdict]} {_said(VERDICTS, verdict, language)}"
            )
    return ("，" if zh else ", ").join(parts)


def _said(pairs: Mapping[str, tuple[str, str]], key: str, language: Language) -> str:
    zh, en = pairs.get(key, (key, key))
    return zh if language == "zh" else en


def _column_in_words(said: str, columns: Mapping[str, Column], language: Language) -> str:
    """Where a sentence begins with a column's name, what the column means; names are never looked for inside it."""
    lead = max((name for name in columns if re.match(re.escape(name) + r"(?!\w)", said)), key=len, default=None)
    if lead is None:
        return said
    column = columns[lead]
    return f"“{column.zh if language == 'zh' else column.en}”{said[len(lead) :]}"
