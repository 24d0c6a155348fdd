"""What a person reads in one language has no words of the other in it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import jinja2
import pytest
from jinja2 import nodes

from perfml.messages import Language, templates

ROOT = Path(__file__).parent.parent
GLOSSARY = ROOT / "docs" / "glossary.md"
READ_BY_PEOPLE = ("evidence", "messages", "reasons", "report", "service", "scoring")
"""Folders of ``perfml`` whose Chinese string constants are texts; elsewhere they are data, or words to match."""
SAME_IN_CHINESE = {
    *("AUC", "UUID", "Jaccard", "Wilson", "nDCG", "SQL", "SSH", "Python", "perfml"),
    *("Excel", "CSV", "JSON", "SHAP", "UTC", "localhost", "Markdown"),
}
"""Names and abbreviations that are written alike in both languages."""
HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
LATIN = re.compile(r"[A-Za-z][A-Za-z_]+")
QUOTED = re.compile(r"`[^`]*`|“[^”]*”|\{[^{}]*\}|/v1/[\w./{}-]*")
"""Names of commands, files, columns and addresses in backticks or quotes, and fields of templates."""


def foreign(text: str, language: Language) -> list[str]:
    """The words of the other language in ``text``, without those in quotes and those that are the same in both."""
    if language == "en":
        return HAN.findall(QUOTED.sub(" ", text))
    return [word for word in LATIN.findall(QUOTED.sub(" ", text)) if word not in SAME_IN_CHINESE]


def of_messages() -> Iterator[tuple[str, Language, str]]:
    for code, texts in templates().items():
        for language, text in texts.items():
            yield f"message {code}", language, text


def of_definitions() -> Iterator[tuple[str, Language, str]]:
    """The keys ``en`` and ``zh`` of the files in ``features/`` and ``models/``."""
    for folder in ("features", "models"):
        for path in sorted((ROOT / folder).iterdir()):
            for match in re.finditer(r'\b(en|zh) = "([^"\n]*)"', path.read_text(encoding="utf-8")):
                yield f"{folder}/{path.name}", "zh" if match[1] == "zh" else "en", match[2]


def of_report() -> Iterator[tuple[str, Language, str]]:
    """Both texts of every ``t("English", "中文")`` of the report's pages."""
    for path in sorted((ROOT / "perfml" / "report").rglob("*.j2")):
        tree = jinja2.Environment(autoescape=True).parse(path.read_text(encoding="utf-8"))
        for call in tree.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name == "t":
                for language, argument in zip(("en", "zh"), call.args, strict=False):
                    if isinstance(argument, nodes.Const):
                        yield f"report/{path.name}:{call.lineno}", "zh" if language == "zh" else "en", argument.value


def of_modules() -> Iterator[tuple[str, Language, str]]:
    """Every Chinese string constant of the modules that write for people, docstrings left out."""
    for path in sorted(path for folder in READ_BY_PEOPLE for path in (ROOT / "perfml" / folder).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            text = node.value if isinstance(node, ast.Constant) and id(node) not in documentation else None
            if isinstance(text, str) and HAN.search(text):
                yield str(path.relative_to(ROOT)), "zh", text


SOURCES: Mapping[str, Callable[[], Iterator[tuple[str, Language, str]]]] = {
    "messages": of_messages,
    "definitions": of_definitions,
    "report": of_report,
    "modules": of_modules,
}


def test_what_is_counted_as_foreign() -> None:
    """So that the tests below can fail."""
    assert foreign("模型 model 的 AUC", "zh") == ["model"]
    assert foreign("列 `events` 与“counterpart_id”、{column}", "zh") == []
    assert foreign("risk 风险", "en") == ["风", "险"]
    assert foreign("a course on “沟通”", "en") == []


@pytest.mark.parametrize("source", SOURCES)
def test_no_text_has_words_of_the_other_language(source: str) -> None:
    texts = list(SOURCES[source]())
    assert len(texts) > 20
    mixed = [(where, text, foreign(text, language)) for where, language, text in texts if foreign(text, language)]
    assert mixed == []


RETIRED = {"门槛": "检验", "证据": "依据", "现役": "在用版本"}
"""A second Chinese name that a term once had -> the one of the glossary."""


def test_a_term_has_one_chinese_name() -> None:
    """That of the glossary, which texts use too."""
    names = {line.split("|")[-2].strip() for line in GLOSSARY.read_text(encoding="utf-8").splitlines() if "|" in line}
    names = {name for cell in names for name in cell.split("、")}
    texts = [(where, text) for source in SOURCES.values() for where, language, text in source() if language == "zh"]
    for retired, name in RETIRED.items():
        assert name in names and retired not in names
        assert [(where, text) for where, text in texts if retired in text] == []
        assert any(name in text for _, text in texts)
