"""What a column, a file or a value is called in the exports of companies: the synonyms, and how well a name fits one."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from perfml.project.spec import ExitKind

EXACT, AS_ID, CONTAINED = 1.0, 0.95, 0.85
"""How surely a name means a column: it is a synonym; a role and a word for ids; it begins or ends with a synonym."""
LOOSE = 0.7
"""A name that contains a synonym which is short or far from the whole of it."""
INSIDE = 0.5
"""A title that contains a synonym in its middle."""
COVERED = 0.4
"""Share of a name that a synonym at its beginning or end has to make up."""


@dataclass(frozen=True, kw_only=True)
class Synonyms:
    """The file ``synonyms.toml``, every name in its plain form (:func:`plain`)."""

    ids: tuple[str, ...]
    generic: frozenset[str]
    """Names that mean a column only where they stand alone."""
    unrelated: tuple[str, ...]
    """Names of columns that are none of a table, private ones included."""
    titles: Mapping[str, tuple[str, ...]]
    """Table → what files and sheets with its rows are called."""
    columns: Mapping[str, Mapping[str, tuple[str, ...]]]
    """Table → column → names."""
    kinds: Mapping[str, tuple[str, ...]]
    """Kind of event → names of the column of a wide log that counts it."""
    exit_kinds: Mapping[ExitKind, tuple[str, ...]]
    ratings: tuple[tuple[tuple[str, ...], ...], ...]
    """Sets of rating levels, best first; each level with the words for it."""


def plain(name: str) -> str:
    """``name`` without case, spaces, punctuation, and what stands in brackets.

    >>> plain("Hire_Date (UTC)"), plain("hireDate"), plain("时长（小时）")
    ('hiredate', 'hiredate', '时长')
    """
    text = unicodedata.normalize("NFKC", name).lower()
    outside = re.sub(r"\(.*?\)|\[.*?\]", "", text)
    return "".join(c for c in outside if c.isalnum() or c == "+") or "".join(c for c in text if c.isalnum())


@cache
def synonyms() -> Synonyms:
    """Read ``synonyms.toml``; a name ``=table.column`` stands for the names of that column."""
    raw = tomllib.loads((Path(__file__).parent / "synonyms.toml").read_text(encoding="utf-8"))
    tables = {table: part for table, part in raw.items() if isinstance(part, dict) and "columns" in part}

    def resolved(names: Sequence[str]) -> list[str]:
        listed: list[str] = []
        for name in names:
            if name.startswith("="):
                table, column = name[1:].split(".")
                listed += resolved(tables[table]["columns"][column])
            else:
                listed.append(plain(name))
        return listed

    return Synonyms(
        ids=tuple(sorted(map(plain, raw["ids"]), key=len, reverse=True)),
        generic=frozenset(map(plain, raw["generic"])),
        unrelated=tuple(map(plain, (*raw["private"], *raw["unrelated"]))),
        titles={table: tuple(map(plain, part["titles"])) for table, part in tables.items()},
        columns={
            table: {column: (plain(column), *resolved(names)) for column, names in part["columns"].items()}
            for table, part in tables.items()
        },
        kinds={kind: (plain(kind), *map(plain, names)) for kind, names in raw["kinds"].items()},
        exit_kinds={kind: tuple(map(plain, names)) for kind, names in raw["exit_kinds"].items()},
        ratings=tuple(tuple(tuple(map(plain, level)) for level in ladder["levels"]) for ladder in raw["ratings"]),
    )


@dataclass(frozen=True, kw_only=True)
class Fit:
    """How well a name fits a set of synonyms: the synonym it fits best, and how surely, 0 to 1."""

    synonym: str
    score: float


NO_FIT = Fit(synonym="", score=0.0)


def fit(name: str, options: Sequence[str], *, is_id: bool = False, anywhere: bool = False) -> Fit:
    """How well ``name`` fits the best of ``options``; ``is_id``: words for ids at its end may be left out.

    A synonym inside a name, at neither end, counts only with ``anywhere``: for titles.

    >>> fit("员工入职日期", ["入职日期"]).score, fit("上级人员编码", ["上级"], is_id=True).score
    (0.85, 0.95)
    """
    text = plain(name)
    best = _fit(text, options, anywhere)
    if is_id and best.score < EXACT:
        for ending in synonyms().ids:
            if text.endswith(ending) and len(text) > len(ending):
                role = _fit(text.removesuffix(ending), options, anywhere)
                best = max(best, Fit(synonym=role.synonym, score=role.score * AS_ID), key=lambda each: each.score)
    return best


def _fit(text: str, options: Sequence[str], anywhere: bool) -> Fit:
    best = NO_FIT
    for option in options:
        if text == option:
            return Fit(synonym=option, score=EXACT)
        if len(option) < _shortest(option) or option not in text:
            continue
        at_end = text.endswith(option) or text.startswith(option)
        if not at_end and not anywhere:
            continue
        # A name ends with what it is (员工入职日期, employee hire date); what it begins with says less (入职日期来源).
        score = CONTAINED if _says_what(text, option) else LOOSE if at_end else INSIDE
        best = max(best, Fit(synonym=option, score=score + len(option) / len(text) / 1000), key=lambda each: each.score)
    return Fit(synonym=best.synonym, score=round(best.score, 2))


def _says_what(text: str, option: str) -> bool:
    """Whether ``text`` ends with ``option``, which makes up enough of it and means something by itself."""
    return text.endswith(option) and len(option) >= COVERED * len(text) and option not in synonyms().generic


def _shortest(option: str) -> int:
    """Letters from which a synonym is looked for within a name: words of two Chinese characters, or four letters."""
    return 4 if option.isascii() else 2
