"""Templates become HTML: one environment for each language, over the project's templates and those that perfml ships."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping
from functools import partial
from gettext import NullTranslations
from pathlib import Path
from secrets import token_urlsafe
from typing import Protocol, cast
from urllib.parse import quote

from babel.dates import format_date, format_timedelta
from babel.numbers import format_decimal, format_percent
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from perfml._version import __version__
from perfml.messages import Language, Message, render
from perfml.messages.values import value_text
from perfml.project.folder import ProjectFolder
from perfml.project.starter import STARTER
from perfml.service.web.catalogues import HTML_LANGUAGE, LANGUAGES, WordCatalogue
from perfml.service.web.markdown import inline, markdown

WEB = "serve/web"
LOCALES: Mapping[Language, str] = {"en": "en_GB", "zh": "zh_Hans_CN"}
NOTHING = "–"
"""What stands where there is no value."""
WHOLE_FROM = 1_000
"""From here on a number of any unit is written without decimals."""


class InBoth(Protocol):
    """A text in both languages."""

    @property
    def zh(self) -> str:
        """In Simplified Chinese."""

    @property
    def en(self) -> str:
        """In English."""


class _Translating(Protocol):
    """What Jinja's extension i18n adds to an environment at run time."""

    def install_gettext_translations(self, translations: NullTranslations, newstyle: bool | None = None) -> None: ...


class Templates:
    """The templates of a project, in both languages."""

    def __init__(self, folder: ProjectFolder) -> None:
        roots = list(dict.fromkeys((folder.root, STARTER)))
        self.assets = Assets(root / WEB / "static" for root in reversed(roots))
        catalogue = WordCatalogue(folder.files(f"{WEB}/locale", ".po"))
        self._translations: Mapping[Language, NullTranslations] = {"en": NullTranslations(), "zh": catalogue}
        loader = FileSystemLoader([str(root / WEB / "templates") for root in roots])
        self._environments = {
            language: self._environment(loader, language, self._translations[language]) for language in LANGUAGES
        }

    def render(self, template: str, language: Language, facts: Mapping[str, object]) -> str:
        """The HTML of ``template`` with ``facts``. Raises :class:`jinja2.TemplateError` for a template that is wrong."""
        return self._environments[language].get_template(template).render(facts)

    def day(self, day: dt.date | None, language: Language) -> str:
        """A day as pages write it."""
        return NOTHING if day is None else format_date(day, "medium", LOCALES[language])

    def translate(self, text: str, language: Language) -> str:
        """A text that :func:`~perfml.service.web.catalogues.msgid` marks, in a language."""
        return self._translations[language].gettext(text)

    def _environment(self, loader: FileSystemLoader, language: Language, translations: NullTranslations) -> Environment:
        environment = Environment(
            loader=loader,
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
        )
        cast(_Translating, environment).install_gettext_translations(translations, newstyle=True)
        environment.globals |= {
            "language": language,
            "html_language": HTML_LANGUAGE[language],
            "asset": self.assets.address,
            "version": __version__,
            "new_key": partial(token_urlsafe, 12),
        }
        locale = LOCALES[language]
        environment.filters |= {
            "segment": partial(quote, safe=""),
            "begin": lambda text: text[:1].upper() + text[1:],
            "markdown": markdown,
            "inline": inline,
            "figure": lambda value: NOTHING if value is None else format_decimal(value, "0.###", locale),
            "both": partial(_in_language, language),
            "day": lambda day: self.day(day, language),
            "month": lambda day: NOTHING if day is None else format_date(day, "MMM y", locale),
            "number": lambda value: NOTHING if value is None else format_decimal(value, "#,##0.##", locale),
            "percent": lambda value: NOTHING if value is None else format_percent(value, "0%", locale),
            "amount": amount,
            "with_unit": partial(value_text, language=language),
            "fine_percent": lambda value: NOTHING if value is None else format_percent(value, "0.0%", locale),
            "long": lambda days: NOTHING if days is None else format_timedelta(dt.timedelta(days=days), locale=locale),
        }
        return environment


def amount(value: float | None) -> str:
    """A number of any unit.

    >>> amount(1234567.8), amount(9.64), amount(60.0), amount(None)
    ('1,234,568', '9.64', '60', '–')
    """
    if value is None:
        return NOTHING
    return f"{value:,.0f}" if abs(value) >= WHOLE_FROM else f"{value:.2f}".rstrip("0").rstrip(".")


def _in_language(language: Language, text: InBoth | Message | Mapping[str, str] | str | None) -> str:
    """A text in the language of the page; a text that is the same in both stays as it is."""
    if text is None:
        return ""
    if isinstance(text, str):
        return text
    if isinstance(text, Message):
        return render(text, language)
    if isinstance(text, Mapping):
        return text[language]
    return text.zh if language == "zh" else text.en


class Assets:
    """Style, script and pictures: read once, named by their content, so that a browser may keep them."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self._files: dict[str, tuple[bytes, str]] = {}
        for folder in folders:
            for path in sorted(folder.glob("*.*")):
                content = path.read_bytes()
                self._files[path.name] = (content, hashlib.sha256(content).hexdigest()[:12])

    def get(self, name: str) -> tuple[bytes, str] | None:
        """The content of a file and its hash."""
        return self._files.get(name)

    def address(self, name: str) -> str:
        """Where a page finds a file. Raises :class:`KeyError` for one that is not there."""
        return f"/static/{name}?v={self._files[name][1]}"
