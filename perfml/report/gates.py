"""Gates in words: what each measured, its limit and its meaning, in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from perfml.evidence.columns import Column
from perfml.learning.record import GateRecord, Verdict
from perfml.messages import Language, Message
from perfml.report import wording

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
VERDICTS: dict[Verdict, tuple[str, str]] = {
    "pass": ("通过", "passed"),
    "fail": ("未通过", "failed"),
    "insufficient": ("无法判断", "could not be judged"),
}


def name(gate: GateRecord, language: Language) -> str:
    """Return the gate's name."""
    zh, en = NAMES[gate.name]
    return zh if language == "zh" else en


def verdict(gate: GateRecord, language: Language) -> str:
    """Return the verdict in words."""
    return _verdict(gate.verdict, language)


def text(message: Message, columns: Mapping[str, Column], language: Language) -> str:
    """Render a gate's figure, limit or meaning; columns appear by their meaning.

    >>> text(Message.of("gate_jaccard", jaccard=0.49, refits=5), {}, "en")
    'Jaccard 0.49 over 5 refits'
    """
    return wording.sentence(message, columns, language)


def counted(gates: Sequence[GateRecord], language: Language) -> str:
    """Count the passed gates: ``7 of 8 passed, 1 could not be judged``."""
    zh = language == "zh"
    n = {verdict: sum(gate.verdict == verdict for gate in gates) for verdict in VERDICTS}
    parts = [f"{len(gates)} 项中 {n['pass']} 项通过" if zh else f"{n['pass']} of {len(gates)} passed"]
    others: tuple[Verdict, ...] = ("fail", "insufficient")
    for other in others:
        if n[other]:
            parts.append(
                f"{n[other]} 项{_verdict(other, language)}" if zh else f"{n[other]} {_verdict(other, language)}"
            )
    return ("，" if zh else ", ").join(parts)


def _verdict(verdict: Verdict, language: Language) -> str:
    zh, en = VERDICTS[verdict]
    return zh if language == "zh" else en
