"""Names have content and stand once, imports stand at the top, and folders and signatures stay small."""

from __future__ import annotations

import ast
from pathlib import Path

from benchmarks import house

ROOT = Path(__file__).parent.parent
MODULES = house.trees(ROOT)
MOST_MODULES = 12
MOST_POSITIONAL = 0.04


def tree(text: str) -> dict[Path, ast.Module]:
    return {Path("module.py"): ast.parse(text)}


def test_what_is_counted() -> None:
    """So that the tests below can fail."""
    assert house.banned_names(tree("def f(said):\n    _found = self.told = 1")) == [
        "module.py:1 said",
        "module.py:2 _found",
        "module.py:2 told",
    ]
    assert house.many_positional(tree("def f(self, a, b, c, d): ...\ndef g(a, b, c, *, d): ...")) == (
        ["module.py:1 f"],
        2,
    )
    assert house.imports_in_functions(tree("import a\ndef f():\n    import b")) == [(Path("module.py"), 3)]
    assert house.untyped(
        tree("Rows = list[Any]\nclass B:\n    c: Any\n    def d(self, *e: Any): ...\ndef _f(g: Any): ...")
    ) == [
        "module.py:1 Rows",
        "module.py:3 c",
        "module.py:4 d",
    ]
    twice = {Path("a.py"): ast.parse("class Gate: ..."), Path("b.py"): ast.parse("Gate = dict")}
    assert house.declared_twice(twice) == {"Gate": ["a.py", "b.py"]}


def test_no_name_is_without_content() -> None:
    assert house.banned_names(MODULES) == []
    tests = sorted((ROOT / "tests").rglob("*.py"))
    modules = {path.relative_to(ROOT): ast.parse(path.read_text(encoding="utf-8")) for path in tests}
    assert house.banned_names(modules) == []


def test_a_class_is_declared_once() -> None:
    assert house.declared_twice(MODULES) == {}


def test_public_declarations_have_precise_types() -> None:
    assert house.untyped(MODULES) == []


def test_few_functions_take_many_positional_parameters() -> None:
    many, functions = house.many_positional(MODULES)
    assert len(many) <= MOST_POSITIONAL * functions, many


def test_no_folder_is_overcrowded() -> None:
    assert house.fullest_folder(MODULES)[1] <= MOST_MODULES


def explained(lines: list[str], number: int) -> bool:
    """Whether a comment stands beside the import at line ``number`` (from 1), above it, or with the imports before it."""
    while not lines[number - 1].strip() or lines[number - 1].lstrip().startswith(("import ", "from ")):
        if "#" in lines[number - 1]:
            return True
        number -= 1
    return lines[number - 1].lstrip().startswith("#")


def test_imports_stand_at_the_top() -> None:
    """But for start-up at the edges, and for what is heavy or optional, where a comment says so."""
    unexplained = []
    for path, line in house.imports_in_functions(MODULES):
        lines = (ROOT / "perfml" / path).read_text(encoding="utf-8").splitlines()
        if path.parts[0] not in house.LAZY and not explained(lines, line):
            unexplained.append(f"{path}:{line}")
    assert unexplained == []
