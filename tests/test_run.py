"""run.py: what it installs and when, what it refuses, and that the README names only verbs it has."""

import ast
import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
RUN = ROOT / "run.py"


def load(path: Path) -> Any:
    """run.py as a module; every path in it follows from where it stands."""
    spec = importlib.util.spec_from_file_location("run_under_test", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Checkout:
    """A copy of run.py under a folder name with a space and Chinese in it, whose commands are recorded, not run."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        (folder / "run.py").write_bytes(RUN.read_bytes())
        (folder / "requirements.lock").write_text("duckdb==2.0.0\n", "utf-8")
        (folder / "requirements-dev.lock").write_text("duckdb==2.0.0\nruff==0.17.6\n", "utf-8")
        self.folder = folder
        self.fails: Callable[[list[str]], bool] = lambda arguments: False
        self.calls: list[list[str]] = []
        self.run: Any = load(folder / "run.py")
        self.run.call = self.call
        self.run.check_lightgbm = lambda: None

    def call(self, *command: str | Path, output: object = None) -> int:
        arguments = [str(part) for part in command]
        self.calls.append(arguments)
        if "venv" in arguments:
            self.run.site_packages().mkdir(parents=True, exist_ok=True)
            self.run.BIN.mkdir(exist_ok=True)
            self.run.PYTHON.touch()
        return int(self.fails(arguments))

    def ensure(self, level: str) -> list[str]:
        """The locks that this call installs from."""
        self.calls.clear()
        self.run.ensure(level)
        return [Path(arguments[-1]).name for arguments in self.calls if arguments[-1].endswith(".lock")]


@pytest.fixture(params=["uv", "pip"])
def checkout(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    checkout = Checkout(tmp_path / "检查 out")
    monkeypatch.setattr(checkout.run.shutil, "which", lambda name: "/bin/uv" if request.param == "uv" else None)
    return checkout


def test_installs_once(checkout: Checkout) -> None:
    assert checkout.ensure("runtime") == ["requirements.lock"]
    assert checkout.ensure("runtime") == []
    assert checkout.calls == []


def test_checks_hashes(checkout: Checkout) -> None:
    checkout.ensure("full")
    (installing,) = (arguments for arguments in checkout.calls if arguments[-1].endswith(".lock"))
    assert "--require-hashes" in installing


def test_the_full_environment_serves_every_verb(checkout: Checkout) -> None:
    assert checkout.ensure("runtime") == ["requirements.lock"]
    assert checkout.ensure("full") == ["requirements-dev.lock"]
    assert checkout.ensure("runtime") == []


def test_a_changed_lock_is_installed_into_the_same_environment(checkout: Checkout) -> None:
    checkout.ensure("full")
    (checkout.run.VENV / "kept").touch()
    (checkout.folder / "requirements-dev.lock").write_text("duckdb==2.0.1\n", "utf-8")
    assert checkout.ensure("runtime") == ["requirements-dev.lock"]
    assert (checkout.run.VENV / "kept").exists()


def test_an_interrupted_install_begins_again_from_nothing(checkout: Checkout) -> None:
    checkout.fails = lambda arguments: arguments[-1].endswith(".lock")
    with pytest.raises(checkout.run.Failure, match="exit code 1"):
        checkout.ensure("runtime")
    (checkout.run.VENV / "half").touch()
    checkout.fails = lambda arguments: False
    assert checkout.ensure("runtime") == ["requirements.lock"]
    assert not (checkout.run.VENV / "half").exists()


def test_another_python_needs_another_environment(checkout: Checkout) -> None:
    checkout.ensure("runtime")
    (checkout.run.VENV / "old").touch()
    stamp = checkout.run.STAMP.read_text("utf-8")
    checkout.run.STAMP.write_text(stamp.replace(sys.version.split()[0], "3.11.0rc1"), "utf-8")
    assert checkout.ensure("runtime") == ["requirements.lock"]
    assert not (checkout.run.VENV / "old").exists()


def test_an_environment_made_by_somebody_else_is_not_thrown_away(checkout: Checkout) -> None:
    checkout.run.VENV.mkdir()
    (checkout.run.VENV / "theirs").touch()
    assert checkout.ensure("runtime") == ["requirements.lock"]
    assert (checkout.run.VENV / "theirs").exists()


def test_the_missing_openmp_runtime_is_named_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = load(RUN)
    error = "Traceback\nOSError: libgomp.so.1: cannot open shared object file: No such file or directory\n"
    monkeypatch.setattr(run.sys, "platform", "linux")
    monkeypatch.setattr(run.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 1, "", error))
    with pytest.raises(run.Failure, match=r"libgomp\.so\.1[^\n]*\n.*apt-get install libgomp1"):
        run.check_lightgbm()


def test_a_python_without_pip_is_told_the_remedy(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkout.run.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(checkout.run.Failure, match="apt-get install python3-venv"):
        checkout.ensure("runtime")


def test_test_runs_every_check_and_fails_if_one_does(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(checkout.folder)
    checkout.ensure("full")
    checkout.calls.clear()
    assert checkout.run.main(["test"]) == 0
    assert sorted(arguments[2] for arguments in checkout.calls) == ["mypy", "pytest", "ruff", "ruff"]
    checkout.calls.clear()
    assert checkout.run.main(["test", "--fast"]) == 0
    assert sorted(arguments[2] for arguments in checkout.calls) == ["mypy", "pytest", "ruff", "ruff"]
    assert ["-m", "not slow and not data"] in [arguments[-2:] for arguments in checkout.calls]
    checkout.calls.clear()
    checkout.fails = lambda arguments: "mypy" in arguments
    assert checkout.run.main(["test"]) == 1
    assert len(checkout.calls) == 4


def test_test_with_arguments_is_pytest(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(checkout.folder)
    monkeypatch.setattr(checkout.run, "hand_over", lambda *command: command[1:])
    assert checkout.run.main(["test", "-k", "snapshot"]) == ("-m", "pytest", "-k", "snapshot")


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="the launcher is a shell script")
def test_perfml_starts_from_anywhere_and_hands_its_exit_code_on(tmp_path: Path) -> None:
    checkout = tmp_path / "检查 out"
    (checkout / "perfml").mkdir(parents=True)
    (checkout / "perfml" / "__init__.py").touch()
    cli = "import sys\ndef main():\n    print('perfml', sys.argv[1:])\n    sys.exit(7)\n"
    (checkout / "perfml" / "cli.py").write_text(cli, "utf-8")
    (checkout / "run.py").write_bytes(RUN.read_bytes())
    run = load(checkout / "run.py")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", run.VENV], check=True)
    run.link()
    (tmp_path / "perfml.py").write_text("raise SystemExit('the wrong perfml')", "utf-8")
    child = subprocess.run([run.PERFML, "demo", "两 words"], cwd=tmp_path, capture_output=True, text=True)
    assert (child.returncode, child.stdout) == (7, "perfml ['demo', '两 words']\n"), child.stderr


@pytest.mark.slow
@pytest.mark.parametrize("version", [(2, 7, 18), (3, 10, 13), (3, 14, 0)])
def test_another_python_is_refused_in_words(version: tuple[int, ...]) -> None:
    pretend = f"import sys, runpy; sys.version_info = {version}; runpy.run_path({str(RUN)!r}, run_name='__main__')"
    child = subprocess.run([sys.executable, "-c", pretend, "demo"], capture_output=True, text=True)
    assert child.returncode == 1
    assert child.stderr.startswith("perfml runs on Python 3.11, 3.12 and 3.13; this is ")


def test_an_old_python_can_read_as_far_as_the_refusal() -> None:
    assert ast.parse(RUN.read_text("utf-8"), feature_version=(3, 7)).body  # SyntaxError where it cannot


def test_supports_what_the_package_declares() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["requires-python"]
    supported = load(RUN).SUPPORTED
    assert declared == f">=3.{supported[0][1]},<3.{supported[-1][1] + 1}"


def test_needs_nothing_but_python() -> None:
    tree = ast.parse(RUN.read_text("utf-8"))
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in imported} <= sys.stdlib_module_names


def test_an_unknown_verb_is_answered_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    run = load(RUN)
    assert run.main(["tset"]) == 2
    assert "'tset' is not a verb; use one of: demo, perfml, test" in capsys.readouterr().err


def test_help_names_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    run = load(RUN)
    assert run.main(["--help"]) == 0
    assert set(re.findall(r"python3 run\.py (\w+)", capsys.readouterr().out)) == set(run.VERBS)


def test_a_benchmark_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert load(RUN).main(["benchmark", "no-such"]) == 1
    assert "name one of the benchmarks" in capsys.readouterr().err


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_the_pages_name_only_verbs_that_exist(page: str) -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / page).read_text("utf-8"), re.M | re.S)
    verbs = re.findall(r"python3 run\.py(?: +(\S+))?", "\n".join(blocks))
    assert verbs, f"{page} shows no command"
    assert set(verbs) <= set(load(RUN).VERBS)
