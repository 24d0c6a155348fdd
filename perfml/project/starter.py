"""Where the definitions that perfml ships stand, in a checkout and in an installed wheel alike."""

from __future__ import annotations

import shutil
from pathlib import Path

from perfml.errors import PerfmlError

PACKAGE = Path(__file__).resolve().parent.parent
STARTER = next(root for root in (PACKAGE / "starter", PACKAGE.parent) if (root / "features").is_dir())
CONTENT = ("features", "models", "serve", "notebooks")
LEFT = frozenset({"__pycache__", "Dockerfile", "compose.yaml", "postgres.lock"})
"""What is not copied: traces of Python, and what of ``serve`` builds a container from a checkout."""


def init(target: Path) -> list[Path]:
    """Copy the starter project into ``target``, which must not hold one yet; return the files written.

    Raises :class:`PerfmlError` where a file would be overwritten.
    """
    sources = [STARTER / "perfml.toml"]
    for folder in CONTENT:
        files = (path for path in (STARTER / folder).rglob("*") if path.is_file())
        sources += sorted(path for path in files if not LEFT & {*path.relative_to(STARTER).parts})
    targets = [target / source.relative_to(STARTER) for source in sources]
    taken = [str(path) for path in targets if path.exists()]
    if taken:
        raise PerfmlError("already exists", where=taken[0], remedy="choose an empty folder; nothing was written")
    for source, path in zip(sources, targets, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, path)
    return targets
