"""What is shipped: the version, the two locks, the wheel."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import perfml

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
RUNTIME, FULL = "requirements.lock", "requirements-dev.lock"


def entries(lock: str) -> list[str]:
    """The lock's requirements, each joined with its continuation lines."""
    text = (ROOT / lock).read_text("utf-8").replace("\\\n", " ")
    return [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def locked(lock: str) -> dict[str, set[str]]:
    """Name to the versions locked; one package may have several, for different Pythons."""
    versions: dict[str, set[str]] = {}
    for entry in entries(lock):
        requirement = Requirement(entry.split("--hash")[0].strip())
        versions.setdefault(canonicalize_name(requirement.name), set()).add(str(requirement.specifier))
    return versions


def test_the_changelog_is_at_the_packages_version() -> None:
    versions = re.findall(r"^## \[(\d[^]]*)\] - \d{4}-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
    assert versions[0] == perfml.__version__


@pytest.mark.parametrize("lock", [RUNTIME, FULL])
def test_every_locked_package_has_one_exact_version_and_hashes(lock: str) -> None:
    form = re.compile(r"[A-Za-z0-9._-]+==[^\s;]+( ; [^\\]+?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*")
    assert entries(lock)
    assert [entry[:80] for entry in entries(lock) if not form.fullmatch(entry)] == []


@pytest.mark.parametrize("lock", [RUNTIME, FULL])
def test_a_lock_names_no_index_no_host_and_no_place_on_a_machine(lock: str) -> None:
    text = (ROOT / lock).read_text("utf-8")
    assert not re.search(r"://|^\s*-(?!-hash|c requirements)|index|find-links|#\s+.*(?<!\w)/\w", text, re.M | re.I)


def test_the_runtime_lock_is_the_full_lock_without_the_extras() -> None:
    full = locked(FULL)
    assert {name: full.get(name) for name in locked(RUNTIME)} == locked(RUNTIME)


def test_every_declared_dependency_is_locked_at_a_version_it_allows() -> None:
    extras = [line for lines in PROJECT["optional-dependencies"].values() for line in lines]
    for lock, lines in ((RUNTIME, PROJECT["dependencies"]), (FULL, PROJECT["dependencies"] + extras)):
        versions = locked(lock)
        for requirement in map(Requirement, lines):
            if requirement.name != PROJECT["name"]:  # dev names the other extras
                pins = versions[canonicalize_name(requirement.name)]
                assert all(requirement.specifier.contains(pin.removeprefix("==")) for pin in pins), requirement


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    (path,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path_factory.mktemp("dist")))
    return zipfile.ZipFile(path)


@pytest.mark.slow
def test_the_wheel_carries_the_library_and_its_types(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    sources = {path.relative_to(ROOT).as_posix() for path in (ROOT / "perfml").rglob("*.py")}
    assert sources | {"perfml/py.typed"} <= names
    # nothing else at the top: a wheel that ships a folder `models` overwrites that of another one
    assert {name.split("/")[0] for name in names} == {"perfml", f"perfml-{perfml.__version__}.dist-info"}


@pytest.mark.parametrize("folder", ["features", "models", "serve", "notebooks"])
def test_the_wheel_carries_the_starter_project(wheel: zipfile.ZipFile, folder: str) -> None:
    in_checkout = {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*") if path.is_file()}
    shipped = {name.removeprefix("perfml/starter/") for name in wheel.namelist() if "/starter/" in name}
    generated = re.compile(r"__pycache__|\.ipynb_checkpoints|\.DS_Store")
    assert {name for name in in_checkout if not generated.search(name)} <= shipped
    assert "perfml.toml" in shipped


PAGES = """
import perfml
from pathlib import Path
from starlette.testclient import TestClient
from perfml.service.app import create_app
client = TestClient(create_app(Path("home")), base_url="http://localhost")
print(Path(perfml.__file__).parent.parent.name, client.get("/static/perfml.css").status_code)
for language in ("en", "zh"):
    answer = client.get("/hr/work", headers={"Accept-Language": language})
    print(answer.status_code, "<h1>待办</h1>" in answer.text)
"""


@pytest.mark.slow
def test_the_wheel_serves_its_pages_in_both_languages(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    """Templates, style and words are those of the wheel, in a folder that is no project."""
    wheel.extractall(tmp_path / "installed")
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "installed")}
    command = [sys.executable, "-P", "-W", "ignore", "-c", PAGES]
    answers = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert answers.stdout.splitlines() == ["installed 200", "200 False", "200 True"]


def test_the_wheel_leaves_out_what_is_made_while_working(wheel: zipfile.ZipFile) -> None:
    assert not [name for name in wheel.namelist() if re.search(r"\.pyc$|\.duckdb|\.parquet|\.ipynb_checkpoints", name)]


def test_the_command_is_perfml(wheel: zipfile.ZipFile) -> None:
    (entry_points,) = (name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    assert "perfml = perfml.cli:main" in wheel.read(entry_points).decode()
