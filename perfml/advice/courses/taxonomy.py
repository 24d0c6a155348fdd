"""Skills recognised in Chinese and English text, and which skills help which: ``models/skills.toml``, ready to use.

Recognition is by dictionary: the longest phrase wins, then the text left and right of it is read. Chinese is read character by
character, Latin script word by word with light stemming (plural, -ing, -ed, -ion; in the spirit of Porter 1980), so that
``presenting`` matches "presented" and ``art`` never matches "start".

Relations are one step. With two steps everything would soon help everything, and the relation could not be explained in one
sentence; a further relation is written into the file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from perfml.messages.message import Language
from perfml.project.course_policy import SkillExamplesSpec, SkillsSpec

NAMED, HINTED, IN_PASSING = 1.0, 0.5, 0.5
"""Strength of a skill that is named and of one that is only hinted at; factor of one that only a summary mentions."""
NOTHING: Final = ""
"""The skill of phrases that mean no skill."""
BREAK: Final = "\n"
_UNIT = re.compile(
    r"[a-z0-9\u00e0-\u00f6\u00f8-\u024f]+[+#]*"  # a word of Latin script, also c++ and c#
    r"|[\u3400-\u9fff\uf900-\ufaff\u3040-\u30ff\uac00-\ud7af]"  # a character of Chinese, Japanese or Korean
    r"|[.,;:!?()\[\]\u3001\u3002\uff0c\uff1b\uff1a\uff01\uff1f\uff08\uff09\n]"  # a boundary that no phrase crosses
)
_VOWELS: Final = frozenset("aeiouy")


@dataclass(frozen=True)
class PhraseMatch:
    """One phrase of a text: its meaning, and its position in units (see :func:`units`)."""

    meaning: str
    strength: float
    start: int
    end: int


class Phrases:
    """Phrases with their meanings, matched so that the longest wins.

    >>> [(f.meaning, f.start) for f in Phrases({"项目管理": ("pm", 1.0), "管理": ("lead", 1.0)}).find("项目管理与管理")]
    [('pm', 0), ('lead', 5)]
    """

    def __init__(self, meanings: Mapping[str, tuple[str, float]], *, stemmed: bool = True) -> None:
        self._stemmed = stemmed
        self._of: dict[tuple[str, ...], tuple[str, float]] = {}
        for phrase, meaning in meanings.items():
            self._of.setdefault(tuple(units(phrase, stemmed=stemmed)), meaning)
        self._of.pop((), None)
        self._longest = max(map(len, self._of), default=0)
        self._first = {phrase[0] for phrase in self._of}
        self._size = {phrase: sum(map(len, phrase)) + len(phrase) for phrase in self._of}

    def find(self, text: str) -> list[PhraseMatch]:
        """The phrases in ``text``, in its order, without overlap."""
        pieces = units(text, stemmed=self._stemmed)
        candidates = [
            (-self._size[phrase], start, phrase)
            for start in range(len(pieces))
            if pieces[start] in self._first
            for n in range(1, min(self._longest, len(pieces) - start) + 1)
            if (phrase := tuple(pieces[start : start + n])) in self._of
        ]
        taken: set[int] = set()
        matches = []
        for _, start, phrase in sorted(candidates):
            span = range(start, start + len(phrase))
            if taken.isdisjoint(span):
                taken.update(span)
                meaning, strength = self._of[phrase]
                matches.append(PhraseMatch(meaning, strength, start, span.stop))
        return sorted(matches, key=lambda match: match.start)


@dataclass(frozen=True)
class Taxonomy:
    """The skills of a :class:`~perfml.project.course_policy.SkillsSpec`, recognised and related."""

    spec: SkillsSpec
    phrases: Phrases = field(repr=False, compare=False)
    examples: SkillExamplesSpec | None = field(default=None, repr=False, compare=False)
    _seen: dict[str, Mapping[str, float]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, spec: SkillsSpec, examples: SkillExamplesSpec | None = None) -> Taxonomy:
        """From its definition, with ``examples`` to recognise skills by likeness too. Where two skills claim a phrase, a name
        or alias takes precedence over a hint, and the earlier skill over the later."""
        meanings: dict[str, tuple[str, float]] = {}
        for strength in (NAMED, HINTED):
            for name, skill in spec.skills.items():
                named = (name.replace("_", " "), skill.zh, skill.en, *skill.aliases)
                for phrase in named if strength == NAMED else skill.hints:
                    meanings.setdefault(phrase, (name, strength))
        return cls(spec, Phrases({phrase: (NOTHING, 0.0) for phrase in spec.no_skill} | meanings), examples)

    def skills_in(self, text: str) -> dict[str, float]:
        """Skill id → strength in (0, 1] of every skill that ``text`` (a tag, a title, a summary, a list of skills) names, the
        longest phrase first: what a text is mainly about is the first key."""
        if text not in self._seen:
            matches = [match for match in self.phrases.find(text) if match.meaning != NOTHING]
            matches.sort(key=lambda match: (-match.strength, match.start - match.end, match.start))
            strongest: dict[str, float] = {}
            for match in matches:
                strongest.setdefault(match.meaning, match.strength)
            self._seen[text] = MappingProxyType(strongest)
        return dict(self._seen[text])

    def helped_by(self, skill: str) -> dict[str, float]:
        """Skill id → strength of every skill that helps ``skill``, itself 1.0; an unknown skill helps only itself."""
        known = self.spec.skills.get(skill)
        return {skill: 1.0, **(known.helped_by if known else {})}

    def taught_by(self, title: str, summary: str = "", skills: Sequence[str] = ()) -> dict[str, float]:
        """Skill id → strength of the skills that a course teaches, strongest first; a summary counts less."""
        strongest: dict[str, float] = {}
        fields = ((title, 1.0), *((skill, 1.0) for skill in skills), (summary, IN_PASSING))
        for text, weight in fields:
            for name, strength in self.skills_in(text).items():
                strongest[name] = max(strongest.get(name, 0.0), weight * strength)
        return dict(sorted(strongest.items(), key=lambda item: -item[1]))

    def name(self, skill: str, language: Language) -> str:
        """What the skill is called; its id for an unknown skill."""
        known = self.spec.skills.get(skill)
        if known is None:
            return skill
        return known.zh if language == "zh" else known.en


def units(text: str, *, stemmed: bool = True) -> list[str]:
    """``text`` in the pieces that phrases consist of: single Chinese characters, stemmed Latin words, and breaks.

    >>> units("跨部门 Cross-functional meetings, C++")
    ['跨', '部', '门', 'cros', 'functional', 'meet', '\\n', 'c++']
    """
    pieces = _UNIT.findall(text.lower().replace("’", "'").replace("'s", ""))
    return [(stem(piece) if stemmed else piece) if piece[0].isalnum() else BREAK for piece in pieces]


def stem(word: str) -> str:
    """A Latin word without its inflections; anything else unchanged.

    >>> [stem(word) for word in ("plans", "planning", "negotiation", "negotiates", "analyzing", "priorities", "business", "sql")]
    ['plan', 'plan', 'negotiat', 'negotiat', 'analys', 'priority', 'busines', 'sql']
    """
    if len(word) < 4 or not word.isascii() or not word.isalpha():
        return word
    if word.endswith("ies"):
        word = word[:-3] + "y"
    elif word.endswith("s") and not word.endswith(("us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed", "ion", "e"):
        if ending == "ion" and not word.endswith("ation"):  # production is not a form of product
            continue
        rest = word[: -len(ending)]
        if word.endswith(ending) and len(rest) >= 3 and not _VOWELS.isdisjoint(rest):
            word = rest
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeiols":
        word = word[:-1]
    return word[:-1] + "s" if word.endswith("z") else word
