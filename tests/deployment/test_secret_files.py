"""Secrets come from files that a container mounts."""

from __future__ import annotations

from pathlib import Path

import pytest

from perfml.cli.operation.secret_files import read_secret_files
from perfml.errors import PerfmlError


def test_a_file_sets_its_variable(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("k" * 32 + "\n", encoding="utf-8")
    environment = {"PERFML_EXPORT_KEY_FILE": str(tmp_path / "key"), "OTHER_FILE": "x", "PERFML_AUDIT_KEY_FILE": ""}
    read_secret_files(environment)
    assert environment["PERFML_EXPORT_KEY"] == "k" * 32
    assert not {"OTHER", "PERFML_AUDIT_KEY"} & environment.keys()


@pytest.mark.parametrize("content", [None, " \n"])
def test_a_file_without_a_secret_is_refused_and_not_shown(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "key").write_text(content, encoding="utf-8")
    with pytest.raises(PerfmlError, match="PERFML_X_FILE"):
        read_secret_files({"PERFML_X_FILE": str(tmp_path / "key")})
