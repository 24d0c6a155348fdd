"""The names that exports give columns, files and values: the file ``synonyms.toml``."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from perfml.project.spec import ExitKind


@dataclass(frozen=True, kw_only=True)
class Synonyms:
    """The file ``synonyms.toml``; words that are compared letter by letter are in their plain form (:func:`plain`)."""

    ids: tuple[str, ...]
    """What may follow a role and make it an id."""
    labels: tuple[str, ...]
    """What may follow the name of a column that holds words: 名称, description."""
    codes: tuple[str, ...]
    """The same where it holds codes instead."""
    abbreviations: Mapping[str, str]
    """Abbreviated word → the words it stands for."""
    fillers: frozenset[str]
    """Words that say nothing about a column."""
    former: tuple[str, ...]
    """What stands in front of the name of a value before a change."""
    generic: frozenset[str]
    """Names in plain form that mean a column only where they stand alone."""
    unrelated: tuple[str, ...]
    """Names of columns that are none of a table, private ones included."""
    titles: Mapping[str, tuple[str, ...]]
    """Table → what files and sheets with its rows are called."""
    columns: Mapping[str, Mapping[str, tuple[str, ...]]]
    """Table → column → names."""
    kinds: Mapping[str, tuple[str, ...]]
    """Kind of event → names of the column of a wide log that counts it."""
    units: Mapping[str, Mapping[str, float]]
    """Quantity → unit behind a number → what the number is multiplied by."""
    exit_kinds: Mapping[ExitKind, tuple[str, ...]]
    ratings: tuple[tuple[tuple[str, ...], ...], ...]
    """Sets of rating levels, best first; each level with the words for it."""


@cache
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
    raw = tomllib.loads((Path(__file__).parent.parent / "synonyms.toml").read_text(encoding="utf-8"))
    tables = {table: part for table, part in raw.items() if isinstance(part, dict) and "columns" in part}

    def resolved(names: Sequence[str]) -> list[str]:
        listed: list[str] = []
        for name in names:
            if name.startswith("="):
                table, column = name[1:].split(".")
                listed += resolved(tables[table]["columns"][column])
            else:
                listed.append(name)
        return listed

    return Synonyms(
        ids=tuple(raw["ids"]),
        labels=tuple(raw["labels"]),
        codes=tuple(raw["codes"]),
        abbreviations=raw["abbreviations"],
        fillers=frozenset(raw["fillers"]),
        former=tuple(raw["former"]),
        generic=frozenset(map(plain, raw["generic"])),
        unrelated=(*raw["private"], *raw["unrelated"]),
        titles={table: tuple(part["titles"]) for table, part in tables.items()},
        columns={
            table: {column: (column, *resolved(names)) for column, names in part["columns"].items()}
            for table, part in tables.items()
        },
        kinds={kind: (kind, *names) for kind, names in raw["kinds"].items()},
        units=raw["units"],
        exit_kinds={kind: tuple(map(plain, names)) for kind, names in raw["exit_kinds"].items()},
        ratings=tuple(tuple(tuple(map(plain, level)) for level in ladder["levels"]) for ladder in raw["ratings"]),
    )
