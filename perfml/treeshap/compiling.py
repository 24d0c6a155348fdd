"""Functions that numba compiles once for a processor and stores on disk until any source file of this package changes.

numba's own cache depends on the function's file alone: a kernel would outlive the vector operations it was compiled with.
The compiled code lies in ``NUMBA_CACHE_DIR`` if that is set, else in ``__pycache__`` beside the source, else in the user's
cache folder: the first that is writable. If none is, each process compiles.
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
    """A hash of all source files of this package and those below it."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _stamped(locator: type) -> Any:
    return type(locator.__name__, (locator,), {"get_source_stamp": lambda _: _stamp()})


_LOCATORS = [_stamped(each) for each in (UserProvidedCacheLocator, InTreeCacheLocator, UserWideCacheLocator)]


class _Files(CompileResultCacheImpl):
    _locator_classes = _LOCATORS


_CACHE: Any = type("_Cache", (FunctionCache,), {"_impl_class": _Files})


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function at its first call, or load it from disk; it runs without the interpreter's lock."""
    dispatcher: Any = njit(nogil=True, error_model="numpy")(function)
    with suppress(RuntimeError):  # raised where no folder is writable
        stored = _CACHE(function)
        # compared before the rest of an index is unpickled, which may name a module that is no longer there
        stored._cache_file._version += f" {_stamp()}"
        dispatcher._cache = stored
    out: Callable[P, R] = dispatcher
    return out


def operation(function: Callable[..., Any]) -> Callable[..., Any]:
    """An operation of the processor, written in LLVM's terms; compile-time constants are passed as literals."""
    out: Callable[..., Any] = intrinsic(prefer_literal=True)(function)
    return out
