"""Compiled code that an earlier state of the package left on disk."""

from __future__ import annotations

import pickle
from pathlib import Path

import numba
import pytest

from perfml.treeshap.compiling import compiled


@pytest.mark.slow
def test_an_index_that_names_what_is_gone_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before a class moved, its kernels were stored with the module it was in."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))

    def twice(number: float) -> float:
        return 2 * number

    assert compiled(twice)(3.0) == 6.0
    (index,) = tmp_path.rglob("*.nbi")
    index.write_bytes(pickle.dumps(numba.__version__) + b"cperfml.treeshap.gone\nGone\n.")
    assert compiled(twice)(3.0) == 6.0
    (code,) = tmp_path.rglob("*.nbc")
    written = code.stat().st_mtime_ns
    assert compiled(twice)(3.0) == 6.0 and code.stat().st_mtime_ns == written, "it is loaded, not compiled again"
