"""A module imports only from its own floor or from lower ones, and every module has a floor."""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "perfml"
FLOORS = {
    0: (
        "_version",
        "arrays",
        "dated_files",
        "dates",
        "errors",
        "files",
        "harmless",
        "home_reads",
        "json_types",
        "messages",
        "progress",
        "sentences",
        "workers",
    ),
    1: ("disclosure", "project", "store"),
    2: ("evidence",),
    3: ("mapping", "treeshap"),
    4: ("learning",),
    5: ("reasons",),
    6: ("trust",),
    7: ("scoring",),
    8: ("access", "advice"),
    9: ("goals", "network", "outgoing"),
    10: ("api", "report", "service"),
    11: ("__init__",),
    12: ("terminal", "cli", "demo"),
}
FLOOR_OF = {folder: floor for floor, rooms in FLOORS.items() for folder in rooms}


def room_of(path: Path) -> str:
    inside = path.relative_to(PACKAGE)
    return inside.parts[0] if len(inside.parts) > 1 else inside.stem


def imports(path: Path) -> set[str]:
    """Rooms of perfml that a module imports when it is loaded or used; imports for types alone do not count."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(node)
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and isinstance(branch.test, ast.Name) and branch.test.id == "TYPE_CHECKING"
        for node in ast.walk(branch)
    }
    imported = set()
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{a.name}" for a in node.names] if node.module == "perfml" else [node.module]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] == "perfml":
                imported.add(parts[1] if len(parts) > 1 and parts[1] in FLOOR_OF else "__init__")
    return imported


def modules() -> list[Path]:
    return [path for path in sorted(PACKAGE.rglob("*.py")) if "starter" not in path.relative_to(PACKAGE).parts]


def test_every_module_has_a_floor() -> None:
    assert {room_of(path) for path in modules()} <= set(FLOOR_OF)


def test_arrows_fall_one_way() -> None:
    rising = [
        f"{path.relative_to(PACKAGE)} imports {folder}"
        for path in modules()
        for folder in imports(path)
        if FLOOR_OF[folder] > FLOOR_OF[room_of(path)]
    ]
    assert rising == []
