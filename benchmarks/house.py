"""What the structure of the code measures: ``python3 run.py benchmark house [CHECKOUT …]``, a column a checkout."""

from __future__ import annotations

import argparse
import ast
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
BANNED = {
    *("said", "found", "there", "here", "one", "place", "made", "told", "kept", "words", "usual", "room", "gone"),
    *("tell", "about", "better", "lesson"),
}
"""Names without content: pronouns, adverbs and participles that say nothing of what they hold."""
PUBLIC_KEYS = {"usual", "gone"}
"""Keys of stored rows and of the service's answers, which others read by these names."""
COMPILED = {Path("treeshap") / name for name in ("simd.py", "kernels.py", "one_row.py", "compiling.py")}
"""What numba compiles, or calls to compile it: numba, not an annotation, decides their types."""
ROWS = {Path("reasons", "record.py"), Path("advice", "suggestion_files.py")}
"""Modules that declare stored rows, as types."""
LAZY = ("__init__.py", "api", "cli")
"""Where imports may stand inside functions: the package's public names, the public verbs, the command line."""


def trees(root: Path) -> Mapping[Path, ast.Module]:
    """Module path within ``perfml`` → its syntax tree; definitions that a wheel carries are left out."""
    package = root / "perfml"
    paths = [path.relative_to(package) for path in sorted(package.rglob("*.py")) if "starter" not in path.parts[:-1]]
    return {path: ast.parse((package / path).read_text(encoding="utf-8")) for path in paths}


def bindings(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every name that a module binds, with its line: assigned, a parameter, an attribute, a function, a class, an alias."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr, node.lineno
        elif isinstance(node, ast.alias) and node.asname:
            yield node.asname, node.lineno


def banned_names(modules: Mapping[Path, ast.Module]) -> list[str]:
    """``module:line name`` of every binding of a name without content."""
    return [
        f"{path}:{line} {name}"
        for path, tree in modules.items()
        for name, line in bindings(tree)
        if name.strip("_").lower() in BANNED and not (name in PUBLIC_KEYS and _is_answer(path))
    ]


def _is_answer(path: Path) -> bool:
    return path.parts[:2] == ("service", "answers") or path in ROWS


def declared_twice(modules: Mapping[Path, ast.Module]) -> dict[str, list[str]]:
    """Class or type alias → the modules that declare it, where there are several."""
    places: dict[str, list[str]] = {}
    for path, tree in modules.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(str(path))
        for node in tree.body:
            if isinstance(node, ast.Assign) and isinstance(target := node.targets[0], ast.Name) and _alias(target.id):
                places.setdefault(target.id, []).append(str(path))
    return {name: modules for name, modules in sorted(places.items()) if len(modules) > 1}


def _alias(name: str) -> bool:
    return name[0].isupper() and not name.isupper()


def untyped(modules: Mapping[Path, ast.Module]) -> list[str]:
    """``module:line name`` of every public function, method, field and alias whose type contains ``Any``."""
    return [
        f"{path}:{node.lineno} {name}"
        for path, tree in modules.items()
        if path not in COMPILED
        for name, node, types in _declared_types(tree.body)
        if any(isinstance(part, ast.Name) and part.id == "Any" for kind in types for part in ast.walk(kind))
    ]


def _declared_types(body: Sequence[ast.stmt]) -> Iterator[tuple[str, ast.stmt, list[ast.expr]]]:
    """Name, node and types of the public declarations of a module or class, and of the classes within it."""
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from _declared_types(node.body)
            yield node.name, node, node.bases
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _public(node.name):
            arguments = node.args
            parameters = [
                *arguments.posonlyargs,
                *arguments.args,
                *arguments.kwonlyargs,
                arguments.vararg,
                arguments.kwarg,
            ]
            types = [node.returns, *(parameter.annotation for parameter in parameters if parameter is not None)]
            yield node.name, node, [kind for kind in types if kind is not None]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and _public(node.target.id):
            yield node.target.id, node, [node.annotation]
        elif isinstance(node, ast.Assign) and isinstance(target := node.targets[0], ast.Name) and _alias(target.id):
            yield target.id, node, [node.value]


def _public(name: str) -> bool:
    return not name.startswith("_") or name.endswith("__")


def imports_in_functions(modules: Mapping[Path, ast.Module]) -> list[tuple[Path, int]]:
    """Module and line of each import inside a function."""
    return [
        (path, node.lineno)
        for path, tree in modules.items()
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]


def positional(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many parameters may be given by position, ``self`` and ``cls`` not counted."""
    parameters = [parameter.arg for parameter in [*function.args.posonlyargs, *function.args.args]]
    return len(parameters) - (parameters[:1] in (["self"], ["cls"]))


def many_positional(modules: Mapping[Path, ast.Module]) -> tuple[list[str], int]:
    """Functions that take four or more parameters by position, and the number of all functions."""
    functions = [
        (path, node)
        for path, tree in modules.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return [f"{path}:{node.lineno} {node.name}" for path, node in functions if positional(node) >= 4], len(functions)


def fullest_folder(modules: Mapping[Path, ast.Module]) -> tuple[str, int]:
    """The folder with the most modules, ``__init__`` not counted."""
    ((folder, count),) = Counter(str(path.parent) for path in modules if path.name != "__init__.py").most_common(1)
    return folder, count


def measures(root: Path) -> dict[str, str]:
    """Measure → value, for one checkout."""
    modules = trees(root)
    lines = {path: len((root / "perfml" / path).read_text(encoding="utf-8").splitlines()) for path in modules}
    lazy = imports_in_functions(modules)
    outside = [path for path, _ in lazy if path.parts[0] not in LAZY]
    many, functions = many_positional(modules)
    folder, count = fullest_folder(modules)
    longest = max(lines, key=lambda path: lines[path])
    pages = [path for path in (root / "docs").rglob("*.md") if "decisions" not in path.parts]
    return {
        "modules, median length": f"{len(modules)}, {median(n for n in lines.values() if n >= 3):.0f}",
        "longest module": f"{longest} ({lines[longest]})",
        "fullest folder": f"{folder} ({count})",
        "imports in functions": f"{len(lazy)}",
        "… outside the edges": f"{len(outside)}",
        "functions with 4 or more positional parameters": f"{len(many)} of {functions} ({len(many) / functions:.1%})",
        "class names or aliases declared twice": f"{len(declared_twice(modules))}",
        "names without content": f"{len(banned_names(modules))}",
        "public declarations with the type Any": f"{len(untyped(modules))}",
        "pages of documentation (decision records)": f"{len(pages)} ({len(list((root / 'docs' / 'decisions').glob('*.md')))})",
    }


def main() -> None:
    """Print a table with a column a checkout."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkouts", type=Path, nargs="*", default=[ROOT])
    parser.add_argument("--list", action="store_true", help="list what is counted in the first checkout")
    options = parser.parse_args()
    columns = {str(path): measures(path) for path in options.checkouts}
    table = Table("measure", *columns)
    for measure in next(iter(columns.values())):
        table.add_row(measure, *(values[measure] for values in columns.values()))
    console = Console()
    console.print(table)
    if options.list:
        modules = trees(options.checkouts[0])
        counted = [
            *banned_names(modules),
            *untyped(modules),
            *many_positional(modules)[0],
            *map(str, declared_twice(modules).items()),
        ]
        counted += [
            f"{path}:{line} import" for path, line in imports_in_functions(modules) if path.parts[0] not in LAZY
        ]
        console.print("\n".join(counted), highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main()
