"""Every text of the report's pages stands in both languages, with the same numbers."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import jinja2
import pytest
from jinja2 import nodes

import perfml.report

FOLDER = Path(perfml.report.__file__).parent / "page"
CHINESE = re.compile("[\u4e00-\u9fff（）：；。、《》]")


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name}


def texts(path: Path) -> list[tuple[str, str, set[str]]]:
    """English, Chinese and the names of the numbers of each call ``t("English", "中文", name=…)`` with literal texts."""
    tree = jinja2.Environment().parse(path.read_text(encoding="utf-8"))
    calls = [call for call in tree.find_all(nodes.Call) if isinstance(call.node, nodes.Name) and call.node.name == "t"]
    return [
        (en.value, zh.value, {keyword.key for keyword in call.kwargs})
        for call in calls
        for en, zh in [call.args]
        if isinstance(en, nodes.Const) and isinstance(zh, nodes.Const)
    ]


@pytest.mark.parametrize("name", ["summary", "conversations", "advice", "models", "methods", "dashboard"])
def test_both_languages_say_the_same_numbers(name: str) -> None:
    pairs = texts(FOLDER / f"{name}.html.j2")
    assert len(pairs) > 5
    for en, zh, numbers in pairs:
        assert fields(en) == fields(zh) == numbers, en
        assert CHINESE.search(zh) and not CHINESE.search(en), zh
