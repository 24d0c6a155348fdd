"""The words of a name: without case and punctuation, abbreviations written out, in each language it is given in."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from perfml.mapping.naming.synonyms import plain, synonyms

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+|\+")
_CHINESE = re.compile(r"[\u4e00-\u9fff][\u4e00-\u9fff\d]*")
_SEGMENTS = re.compile(r"\s*[:|>→».]\s*|\s+/\s+")
_ENDINGS = ("ations", "ation", "ions", "ion", "ings", "ing", "ed", "es", "e", "s")
STEM = 3
"""Letters that remain at least of a word without its ending."""
BILINGUAL = 4
"""Letters from which the English part of a name is the name in English, and no abbreviation within a Chinese one (KPI得分)."""


def outside_brackets(name: str) -> str:
    """``name`` in the form of compatible characters, without what stands in brackets."""
    return re.sub(r"\(.*?\)|\[.*?\]", " ", unicodedata.normalize("NFKC", name))


@cache
def tokens(name: str) -> tuple[str, ...]:
    """The words of ``name`` in lower case, abbreviations written out; Chinese characters in a row are one word.

    >>> tokens("EmpNo"), tokens("DEPT_DESC"), tokens("Hire date (UTC)")
    (('employee', 'number'), ('department', 'description'), ('hire', 'date'))
    """
    listed = [word.lower() for word in _WORD.findall(outside_brackets(name))]
    return tuple(part for word in listed for part in synonyms().abbreviations.get(word, word).split())


@cache
def stems(name: str) -> tuple[str, ...]:
    """What the words of ``name`` have in common whatever their order and endings, without words that say nothing.

    >>> stems("Date of Hire") == stems("Employee Hired Date"), stems("Leaving date") == stems("Date of Birth")
    (True, False)
    """
    return tuple(sorted(_stem(word) for word in tokens(name) if word not in synonyms().fillers))


def _stem(word: str) -> str:
    ending = next((end for end in _ENDINGS if word.endswith(end) and len(word) - len(end) >= STEM), "")
    return word.removesuffix(ending) if word.isascii() else word


@cache
def last_segment(name: str) -> str:
    """What a name ends with behind the group it stands in; empty without a group.

    >>> last_segment("Worker: Hire Date"), last_segment("Hire Date")
    ('Hire Date', '')
    """
    parts = _SEGMENTS.split(name.strip())
    return parts[-1] if len(parts) > 1 else ""


@cache
def before_change(name: str) -> tuple[str, ...]:
    """What a name says without a word for "before the change" in front; nothing of other names.

    >>> before_change("原部门"), before_change("Previous Manager"), before_change("Manager")
    (('部门',), ('manager',), ())
    """
    text, listed = plain(name), tokens(name)
    return tuple(
        text.removeprefix(word) if not word.isascii() else " ".join(listed[1:])
        for word in synonyms().former
        if (listed[:1] == (word,) if word.isascii() else text.startswith(word))
    )


@cache
def languages(name: str) -> tuple[str, str] | None:
    """The Chinese and the English part of a name that is given in both; None of others.

    >>> languages("工号 Employee ID"), languages("KPI得分")
    (('工号', 'Employee ID'), None)
    """
    text = outside_brackets(name)
    chinese, english = "".join(_CHINESE.findall(text)), _CHINESE.sub(" ", text).strip(" /\\-_|·\n")
    letters = sum(character.isalpha() for character in english)
    return (chinese, english) if chinese and letters >= BILINGUAL else None
