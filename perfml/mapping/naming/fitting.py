"""How well the name of a column or a sheet fits a set of synonyms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from perfml.mapping.naming.synonyms import plain, synonyms
from perfml.mapping.naming.tokens import languages, last_segment, stems, tokens

EXACT, CONTAINED = 1.0, 0.85
"""How surely a name means a column: it is a synonym; it ends with one."""
WRITTEN_OUT, AS_ID, SAME_WORDS = 0.97, 0.95, 0.93
"""The same where it is one with its abbreviations written out; a role and a word for ids; the same words in another order."""
AS_CODE = 0.85
"""A synonym of a column of words, and a word for codes."""
LOOSE = 0.7
"""A name that contains a synonym which is short or far from the whole of it."""
INSIDE = 0.5
"""A title that contains a synonym in its middle."""
COVERED = 0.4
"""Share of a name that a synonym at its beginning or end has to make up."""
SEGMENT, TWICE, ONE_LANGUAGE = 0.95, 0.98, 0.7
"""What a name is worth behind the group it stands in; of which both languages say it; of which only one does."""
SHORTEST, SHORTEST_CHINESE, UNBROKEN = 4, 2, 6
"""Letters from which a synonym is looked for within a name; Chinese characters; letters within a word."""
Ending = Literal["id", "label"]


@dataclass(frozen=True, kw_only=True)
class Fit:
    """How well a name fits a set of synonyms: the synonym it fits best, and how surely, 0 to 1."""

    synonym: str
    score: float

    def times(self, share: float) -> Fit:
        """The same synonym, less surely."""
        return Fit(synonym=self.synonym, score=round(self.score * share, 2))


NO_FIT = Fit(synonym="", score=0.0)


def fit(name: str, options: Sequence[str], *, ending: Ending | None = None, anywhere: bool = False) -> Fit:
    """How well ``name`` fits the best of ``options``.

    ``ending``: what may be left out at its end, words for ids, or words for names and codes. A synonym inside a name, at neither
    end, counts only with ``anywhere``: for titles.

    >>> fit("员工入职日期", ["入职日期"]).score, fit("上级人员编码", ["上级"], ending="id").score
    (0.85, 0.95)
    >>> fit("DEPT_DESC", ["department"], ending="label").score, fit("Joined date", ["date of joining"]).score
    (0.93, 0.93)
    """
    return _best(name, tuple(options), ending, anywhere)


@cache
def _best(name: str, options: tuple[str, ...], ending: Ending | None, anywhere: bool) -> Fit:
    fits = [_role(name, options, ending, anywhere)]
    if segment := last_segment(name):
        fits.append(_role(segment, options, ending, False).times(SEGMENT))
    if pair := languages(name):
        chinese, english = (_role(part, options, ending, anywhere) for part in pair)
        both = chinese.score > 0 and english.score > 0
        fits.append(_surer(chinese, english).times(TWICE if both else ONE_LANGUAGE))
    return max(fits, key=lambda each: each.score)


def _surer(first: Fit, other: Fit) -> Fit:
    return max(first, other, key=lambda each: each.score)


def _role(name: str, options: tuple[str, ...], ending: Ending | None, anywhere: bool) -> Fit:
    """The fit of a name as it is, or without an ending that may be left out."""
    best = _fit(name, options, anywhere)
    if best.score == EXACT or ending is None:
        return best
    for endings, share in _endings(ending):
        for each in endings:
            role = _without(name, each)
            if not role or (ending == "label" and plain(role) in synonyms().generic):
                continue
            if (bare := _fit(role, options, anywhere)).score > 0:
                best = _surer(best, bare.times(share))
    return best


def _endings(ending: Ending) -> tuple[tuple[tuple[str, ...], float], ...]:
    known = synonyms()
    return ((known.ids, AS_ID),) if ending == "id" else ((known.labels, SAME_WORDS), (known.codes, AS_CODE))


@cache
def _without(name: str, ending: str) -> str:
    """The name without the ending; empty where it has another or is nothing else."""
    listed, last = tokens(name), tokens(ending)
    if ending.isascii() and len(listed) > len(last) and listed[-len(last) :] == last:
        return " ".join(listed[: -len(last)])
    if ending.isascii() and len(listed) > 1:
        return ""
    text = plain(name)  # 部门名称, deptid
    return text.removesuffix(ending) if text.endswith(ending) else ""


@dataclass(frozen=True, kw_only=True)
class _Index:
    """Synonyms by their forms; those that mean a column only where they stand alone are in ``exact`` alone."""

    exact: Mapping[str, str]
    written_out: Mapping[str, str] = field(default_factory=dict)
    stems: Mapping[tuple[str, ...], str] = field(default_factory=dict)


@cache
def _index(options: tuple[str, ...]) -> _Index:
    exact, written_out, in_any_order = {}, {}, {}
    for option in reversed(options):
        exact[plain(option)] = option
        if plain(option) in synonyms().generic:
            continue
        written_out["".join(tokens(option))] = option
        if len(stems(option)) > 1:
            in_any_order[stems(option)] = option
    return _Index(exact=exact, written_out=written_out, stems=in_any_order)


def _fit(name: str, options: tuple[str, ...], anywhere: bool) -> Fit:
    index = _index(options)
    same = (
        (index.exact.get(plain(name)), EXACT),
        (index.written_out.get("".join(tokens(name))), WRITTEN_OUT),
        (index.stems.get(stems(name)), SAME_WORDS),
    )
    for option, score in same:
        if option is not None:
            return Fit(synonym=option, score=score)
    best = NO_FIT
    length = len(plain(name))
    for option in options:
        at_end, at_start, inside = _position(name, option)
        if not (at_end or at_start or (inside and anywhere)):
            continue
        # A name ends with what it is (员工入职日期, employee hire date); what it begins with says less (入职日期来源).
        covered = len(plain(option)) / length
        means = at_end and covered >= COVERED and plain(option) not in synonyms().generic
        score = CONTAINED if means else LOOSE if at_end or at_start else INSIDE
        best = _surer(best, Fit(synonym=option, score=score + covered / 1000))
    return best.times(1)


def _position(name: str, option: str) -> tuple[bool, bool, bool]:
    """Whether ``option`` stands at the end, at the beginning or anywhere within ``name``, as whole words where it has words."""
    text, part = plain(name), plain(option)
    if not part.isascii():
        known = len(part) >= SHORTEST_CHINESE
        return known and text.endswith(part), known and text.startswith(part), known and part in text
    listed, wanted = tokens(name), tokens(option)
    if len(part) < SHORTEST or not wanted:
        return False, False, False
    if len(listed) == 1 and len(part) >= UNBROKEN:  # hiredate
        return text.endswith(part), text.startswith(part), part in text
    size = len(wanted)
    starts = [i for i in range(len(listed) - size + 1) if listed[i : i + size] == wanted]
    return len(listed) - size in starts, 0 in starts, bool(starts)
