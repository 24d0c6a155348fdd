"""``perfml init`` copies the starter project, and never over anything."""

from pathlib import Path

import pytest

from perfml.errors import PerfmlError
from perfml.project.folder import ProjectFolder
from perfml.project.starter import STARTER, init


@pytest.mark.slow
def test_the_copy_says_the_same(tmp_path: Path) -> None:
    written = init(tmp_path / "new" / "project")
    assert all(path.is_file() for path in written)
    copy = ProjectFolder(tmp_path / "new" / "project")
    assert copy.definitions == ProjectFolder(STARTER).definitions and copy.models == ProjectFolder(STARTER).models


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    taken = tmp_path / "features" / "goals.sql"
    taken.parent.mkdir()
    taken.write_text("mine", encoding="utf-8")
    with pytest.raises(
        PerfmlError, match=r"goals\.sql: already exists; choose an empty folder; nothing was written"
    ) as caught:
        init(tmp_path)
    assert caught.value.where == str(taken)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [taken] and taken.read_text(
        encoding="utf-8"
    ) == "mine"


def test_other_files_do_not_disturb(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine", encoding="utf-8")
    init(tmp_path)
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == "mine" and (tmp_path / "perfml.toml").is_file()
