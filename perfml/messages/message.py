"""The message type, and its words in English and Chinese."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache, reduce
from pathlib import Path
from typing import Literal, TypeAlias, overload

from pydantic import BaseModel, ConfigDict

Language = Literal["en", "zh"]
Value: TypeAlias = "int | float | str | tuple[str, ...] | Bilingual | Message"
"""A number, a text that is the same in every language, names of columns, a text of a definition in both languages, or another
message within this one."""
JOINED: Mapping[Language, str] = {"en": " + ", "zh": " + "}


class Bilingual(BaseModel):
    """A text that a definition gives in English and Chinese."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    en: str
    zh: str


class Message(BaseModel):
    """What is to be said: a ``code`` that has a template in each language, and the ``values`` of its fields.

    >>> render(Message.of("gate_duplicates", share=0.25), "en")
    '25.0% of rows'
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    values: Mapping[str, Value] = {}

    @classmethod
    def of(cls, code: str, /, **values: Value) -> Message:
        """Make a message of ``code``. Raises :class:`KeyError` for a code without a template."""
        if code not in templates():
            raise KeyError(f"message {code!r} has no template in perfml/messages/*.toml")
        return cls(code=code, values=values)


@cache
def templates() -> Mapping[str, Mapping[Language, str]]:
    """Code → language → template, read from the TOML files beside this module."""
    merged: dict[str, Mapping[Language, str]] = {}
    for path in sorted(Path(__file__).parent.glob("*.toml")):
        for code, texts in tomllib.loads(path.read_text(encoding="utf-8")).items():
            if code in merged:
                raise ValueError(f"{path.name}: message {code!r} is declared twice")
            merged[code] = texts
    return merged


def coded(message: Message) -> dict[str, object]:
    """A JSON object for programs and people: the code, its values, and the text in both languages."""
    return {**message.model_dump(mode="json"), **both(message)}


def stored_message(text: str) -> Message:
    """The message that was kept as JSON; a text that an earlier version kept instead is its own words.

    >>> render(stored_message("reviews: off_the_scale"), "zh")
    'reviews: off_the_scale'
    """
    return Message.model_validate_json(text) if text.startswith("{") else Message.of("as_worded", text=text)


def fill(code: str, language: Language, /, **fields: object) -> str:
    """The template of ``code`` with its ``fields``, for texts that are written at once and not kept as a :class:`Message`."""
    return templates()[code][language].format(**fields)


def render(message: Message, language: Language, *, names: Mapping[str, str] | None = None) -> str:
    """Put ``message`` into words. ``names``: what to call columns, by column, in that language (default: their own name)."""
    known = names or {}

    def worded(value: Value) -> int | float | str:
        if isinstance(value, Message):
            return render(value, language, names=names)
        if isinstance(value, Bilingual):
            return value.zh if language == "zh" else value.en
        if isinstance(value, tuple | list):
            return JOINED[language].join(known.get(name, name) for name in value)
        return value

    fields = {field: worded(value) for field, value in message.values.items()}
    return fill(message.code, language, **fields)


def both(message: Message) -> dict[str, str]:
    """``message`` in English and Chinese."""
    return {"en": render(message, "en"), "zh": render(message, "zh")}


@overload
def chain(code: str, values: Iterable[Message]) -> Message: ...
@overload
def chain(code: str, values: Iterable[str]) -> Message | str: ...
def chain(code: str, values: Iterable[Message | str]) -> Message | str:
    """Join ``values``, at least one, two at a time: ``code`` has the fields ``first`` and ``other``."""
    first, *others = values
    return reduce(lambda joined, other: Message.of(code, first=joined, other=other), others, first)
