"""Words of the pages: English stands in the templates, Chinese in catalogues beside them (``serve/web/locale/*.po``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from gettext import NullTranslations
from io import BytesIO
from pathlib import Path

from babel.messages.pofile import read_po

from perfml.messages import Language

LANGUAGES: tuple[Language, ...] = ("en", "zh")
HTML_LANGUAGE: Mapping[Language, str] = {"en": "en", "zh": "zh-Hans"}


def msgid(text: str) -> str:
    """Mark a text of a Python module as one that the catalogues translate."""
    return text


class WordCatalogue(NullTranslations):
    """The Chinese of each English text; a text that is missing stays English."""

    def __init__(self, paths: Iterable[Path]) -> None:
        """Read ``paths``, the later over the earlier."""
        super().__init__()
        entries = (entry for path in paths for entry in _entries(path.read_bytes()))
        self.texts = {text: translation for texts, translation in entries for text in texts}

    def gettext(self, message: str) -> str:
        """The translation of ``message``."""
        return self.texts.get(message, message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """Chinese has one form for every number."""
        return self.texts.get(msgid1, msgid1 if n == 1 else msgid2)


def language_of(chosen: str | None, accepted: str) -> Language:
    """The language of a visitor: the one chosen, else the first of ``Accept-Language`` that there is.

    >>> language_of(None, "fr-CH, zh-Hans;q=0.9, en;q=0.5"), language_of("en", "zh"), language_of(None, "")
    ('zh', 'en', 'en')
    """
    wished = [chosen or "", *(part.partition(";")[0].strip().lower() for part in accepted.split(","))]
    for wish in wished:
        for language in LANGUAGES:
            if wish.partition("-")[0] == language:
                return language
    return "en"


@lru_cache(maxsize=4)
def _entries(content: bytes) -> tuple[tuple[tuple[str, ...], str], ...]:
    """The English forms of each text of a catalogue, and its Chinese; parsed once a process, which takes longer than the rest of
    an application."""
    entries = []
    for entry in read_po(BytesIO(content)):
        english, chinese = (
            (text,) if isinstance(text, str) else tuple(text or ("",)) for text in (entry.id, entry.string)
        )
        if english[0] and chinese[0] and not entry.fuzzy:
            entries.append((english, chinese[0]))
    return tuple(entries)
