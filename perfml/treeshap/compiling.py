"""Functions that numba compiles once for a processor, kept on disk, and thrown away when any line of this package changes.

numba's own cache looks at the file of the function alone: a kernel would outlive the vector operations it was compiled with.
The compiled code lies in ``NUMBA_CACHE_DIR`` where that is set, else in ``__pycache__`` beside the source, else in the user's
cache folder: the first that can be written to. Where none can each process compiles for itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from numba import njit
from numba.core.caching import (
    CompileResultCacheImpl,
    FunctionCache,
    InTreeCacheLocator,
    UserProvidedCacheLocator,
    UserWideCacheLocator,
)
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


def _stamped(locator: type) -> Any:
    return type(locator.__name__, (locator,), {"get_source_stamp": lambda _: _stamp()})


_LOCATORS = [_stamped(each) for each in (UserProvidedCacheLocator, InTreeCacheLocator, UserWideCacheLocator)]


class _Files(CompileResultCacheImpl):
    _locator_classes = _LOCATORS


_CACHE: Any = type("_Cache", (FunctionCache,), {"_impl_class": _Files})


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function at its first call, or take it from disk; it runs without the interpreter's lock."""
    made: Any = njit(nogil=True, error_model="numpy")(function)
    with suppress(RuntimeError):  # numba says so where there is no folder to write to
        made._cache = _CACHE(function)
    out: Callable[P, R] = made
    return out


def operation(function: Callable[..., Any]) -> Callable[..., Any]:
    """An operation of the processor, written in LLVM's terms; numbers that are known while compiling come as literals."""
    out: Callable[..., Any] = intrinsic(prefer_literal=True)(function)
    return out
