"""Functions that numba compiles once for a processor, kept on disk, and thrown away when any line of this package changes.

numba's own cache looks at the file of the function alone: a kernel would outlive the vector operations it was compiled with.
The compiled code lies in ``__pycache__`` beside the source where that can be written, else in the user's cache folder
(``NUMBA_CACHE_DIR`` names another). Where nothing can be written each process compiles for itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from numba import njit
from numba.core.caching import CompileResultCacheImpl, FunctionCache, InTreeCacheLocator
from numba.core.caching import UserProvidedCacheLocator, UserWideCacheLocator
from numba.extending import intrinsic

P = ParamSpec("P")
R = TypeVar("R")


@cache
def _stamp() -> str:
    """Changes with any source file of this package."""
    found = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        found.update(path.read_bytes())
    return found.hexdigest()


def _stamped(locator: type) -> type:
    return type(locator.__name__, (locator,), {"get_source_stamp": lambda _: _stamp()})


class _Files(CompileResultCacheImpl):  # type: ignore[misc]
    _locator_classes = [_stamped(each) for each in (UserProvidedCacheLocator, InTreeCacheLocator, UserWideCacheLocator)]


class _Cache(FunctionCache):  # type: ignore[misc]
    _impl_class = _Files


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function at its first call, without the interpreter's lock, or take it from disk."""
    made: Any = njit(nogil=True, error_model="numpy")(function)
    try:
        made._cache = _Cache(function)
    except RuntimeError:  # no folder to write to
        pass
    out: Callable[P, R] = made
    return out


def operation(function: Callable[..., Any]) -> Callable[..., Any]:
    """An operation of the processor, written in LLVM's terms; numbers that are known while compiling come as literals."""
    out: Callable[..., Any] = intrinsic(prefer_literal=True)(function)
    return out


def in_cache(function: Callable[..., Any]) -> str:
    """The folder in which the compiled code of a function is kept; empty where there is none."""
    return getattr(function, "_cache", None) and str(function._cache.cache_path or "") or ""  # type: ignore[attr-defined]
