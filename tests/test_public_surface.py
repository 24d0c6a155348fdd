"""What `import perfml` offers, and what it must not load."""

from __future__ import annotations

import subprocess
import sys

import pytest

import perfml


def test_names_are_listed_and_there() -> None:
    assert sorted(perfml.__all__) == perfml.__all__
    assert all(getattr(perfml, name) is not None for name in perfml.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = perfml.Nothing


@pytest.mark.slow
def test_import_is_light() -> None:
    heavy = "{'lightgbm', 'sklearn', 'pandas', 'duckdb', 'shap'} & set(sys.modules)"
    output = subprocess.run(
        [sys.executable, "-c", f"import sys, perfml; print({heavy})"], capture_output=True, text=True, check=True
    )
    assert output.stdout.strip() == "set()"
