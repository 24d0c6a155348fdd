"""Every message has words in both languages, made from the same fields."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from string import Formatter

import pytest

import perfml
from perfml.messages import Message, render, templates

PACKAGE = Path(perfml.__file__).parent


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name}


@pytest.mark.parametrize("code", sorted(templates()))
def test_both_languages_say_the_same(code: str) -> None:
    texts = templates()[code]
    assert set(texts) == {"en", "zh"}
    assert all(texts.values())
    assert fields(texts["en"]) == fields(texts["zh"])


@pytest.mark.slow
def test_every_code_that_is_used_has_a_template_and_every_template_is_used() -> None:
    used, beginnings, endings = set(), set(), set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and node.value in templates():
                used.add(node.value)
            if isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):  # f"check_{name}"
                beginnings.add(str(node.values[0].value))
            if isinstance(node, ast.JoinedStr) and isinstance(node.values[-1], ast.Constant):  # f"{code}_remedy"
                endings.add(str(node.values[-1].value))
    families = tuple(name for name in beginnings if re.fullmatch(r"[a-z]+_(?:[a-z]+_)*", name))
    paired = {code + ending for code in used for ending in endings if ending.startswith("_")}
    assert {code for code in set(templates()) - used - paired if not code.startswith(families)} == set()


def test_a_code_without_a_template_is_refused() -> None:
    with pytest.raises(KeyError, match="no_such_code"):
        Message.of("no_such_code")


def test_columns_are_called_by_their_names_and_messages_may_hold_messages() -> None:
    inner = Message.of("gate_column_fail", column=("tenure_days", "last_rating"))
    assert render(inner, "zh", names={"tenure_days": "司龄"}).startswith("司龄 + last_rating 单独即可泄露结果")
    assert render(Message.of("drift_watch", findings=inner), "en").startswith("watch: tenure_days + last_rating alone")
    assert Message.model_validate_json(inner.model_dump_json()) == inner
