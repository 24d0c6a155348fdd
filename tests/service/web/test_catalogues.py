"""Every text of the pages has its Chinese, and the catalogue holds nothing that no page says."""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from perfml.project.starter import STARTER
from perfml.service.web.catalogues import WordCatalogue

LOCALE = STARTER / "serve" / "web" / "locale"
PACKAGE = Path(__file__).parents[3] / "perfml" / "service" / "web"
OPTIONS = {
    "**.html": {
        "extensions": "jinja2.ext.do",
        "trim_blocks": "true",
        "lstrip_blocks": "true",
        "newstyle_gettext": "true",
    }
}


def texts() -> Iterator[tuple[str, str, str | None]]:
    """File, text, and its plural, of the templates and of the modules."""
    templates = STARTER / "serve" / "web" / "templates"
    for file, _, message, *_ in extract_from_dir(
        str(templates), method_map=[("**.html", "jinja2")], options_map=OPTIONS
    ):
        yield file, *(message if isinstance(message, tuple) else (message, None))
    for file, _, message, *_ in extract_from_dir(
        str(PACKAGE), method_map=[("**.py", "python")], keywords={"msgid": None}
    ):
        yield file, str(message), None


def fields(text: str) -> set[str]:
    return {part.split(")")[0] for part in text.split("%(")[1:]}


def entries() -> list[Message]:
    catalogues = [read_po(BytesIO(path.read_bytes())) for path in sorted(LOCALE.glob("*.po"))]
    return [entry for catalogue in catalogues for entry in catalogue if entry.id]


def first(text: str | tuple[str, ...] | list[str]) -> str:
    return text if isinstance(text, str) else text[0]


def test_every_text_has_its_chinese() -> None:
    known = WordCatalogue(sorted(LOCALE.glob("*.po"))).texts
    missing = sorted({f"{file}: {text}" for file, text, _ in texts() if text not in known})
    assert not missing, "\n".join(missing)


def test_the_catalogues_hold_nothing_else_and_nothing_twice() -> None:
    used = {text for _, text, _ in texts()}
    keys = [first(entry.id) for entry in entries()]
    assert sorted(set(keys) - used) == []
    assert sorted(key for key, count in Counter(keys).items() if count > 1) == []


def test_both_languages_name_the_same_fields() -> None:
    assert entries()
    for entry in entries():
        english = entry.id if isinstance(entry.id, str) else entry.id[-1]
        assert fields(english) == fields(first(entry.string)), entry.id


def test_every_text_can_be_filled() -> None:
    """A per cent sign stands for itself only twice."""
    texts_of = [text for entry in entries() for text in (first(entry.id), first(entry.string))]
    for text in texts_of:
        filled = text % dict.fromkeys(fields(text), "x")
        assert "%(" not in filled, text


def test_chinese_holds_no_english_sentence() -> None:
    """A text that was copied and not translated."""
    letters = set(string.ascii_letters)
    chinese = [first(entry.string) for entry in entries()]
    assert [text for text in chinese if not any("一" <= c <= "鿿" for c in text) and set(text) & letters] == []
