"""Policy files that people edit: checked when they are read, refused with file and line."""

from __future__ import annotations

import shutil
from pathlib import Path

import cedarpy
import pytest

from perfml.access.actions import OF_A_GROUP, OF_A_PERSON, OF_THE_SERVICE, Action
from perfml.access.authorize import Access
from perfml.access.policies import FOLDER, load_policies, schema
from perfml.access.principals import Role
from perfml.errors import DefinitionError
from perfml.project.folder import ProjectFolder
from perfml.project.starter import STARTER

SHIPPED = sorted((STARTER / FOLDER).glob("*.cedar"))


def copied(folder: Path, name: str, old: str, new: str) -> list[Path]:
    for path in SHIPPED:
        shutil.copy(path, folder)
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    return sorted(folder.glob("*.cedar"))


def test_the_shipped_policies_are_valid() -> None:
    for path in SHIPPED:
        text = path.read_text(encoding="utf-8")
        assert cedarpy.validate_policies(text, schema()).validation_passed, path.name
    assert {role.value for role in Role} <= {path.stem for path in SHIPPED}, "a file for each role"


def test_every_action_is_about_one_kind_of_subject() -> None:
    assert set(Action) == OF_A_PERSON | OF_A_GROUP | OF_THE_SERVICE
    assert len(OF_A_PERSON) + len(OF_A_GROUP) + len(OF_THE_SERVICE) == len(Action)


@pytest.mark.parametrize(
    ("name", "old", "new", "where", "problem"),
    [
        ("hr.cedar", "permit (", "permt (", "hr.cedar:3", "is not Cedar"),
        ("hr.cedar", '@id("hr.lists")\npermit (', '@id("hr.lists")\npermit principal (', "hr.cedar:46", "is not Cedar"),
        ("hr.cedar", '"read_risk"', '"read_rsk"', "hr.cedar:3", "unrecognized action"),
        ("manager.cedar", "resource.levels", "resource.depth", "manager.cedar:3", "depth"),
        ("auditor.cedar", '@id("auditor.oversight")\n', "", "auditor.cedar", "no @id"),
        ("auditor.cedar", "auditor.oversight", "hr.people", "hr.cedar", "stands in auditor.cedar as well"),
        ("purposes.cedar", '== "pay"', '== "tea"', "", "is permitted for the purpose 'pay'"),
        ("purposes.cedar", "unless { context has purpose };", "unless { true };", "", "purpose None"),
    ],
)
def test_a_wrong_file_is_refused_with_its_line(
    tmp_path: Path, *, name: str, old: str, new: str, where: str, problem: str
) -> None:
    paths = copied(tmp_path, name, old, new)
    with pytest.raises(DefinitionError, match=problem) as refusal:
        load_policies(paths)
    assert where in refusal.value.where


def test_a_project_replaces_a_file_by_its_own(tmp_path: Path) -> None:
    (tmp_path / "perfml.toml").write_text('name = "mine"\n')
    own = tmp_path / FOLDER
    own.mkdir(parents=True)
    (own / "auditor.cedar").write_text(
        '@id("none.here")\nforbid (principal, action == Action::"read_audit", resource);\n'
    )
    files = Access(tmp_path / "home", ProjectFolder(tmp_path)).folder.files(FOLDER, ".cedar")
    assert [path.name for path in files] == [path.name for path in SHIPPED]
    assert [path for path in files if path.is_relative_to(tmp_path)] == [own / "auditor.cedar"]
