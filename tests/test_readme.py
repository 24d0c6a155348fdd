"""What the README and the docstrings say to type is typed here."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
import shlex
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import typer

import perfml
from perfml import cli
from perfml.advice.suggestion_files import suggestion_file
from perfml.demo.tour import steps
from tests.exports.company import company
from tests.exports.makers import mark_and_zeros
from tests.simulated import END, MODELS, MONTHLY_FEW_ROUNDS, ONE_HORIZON, Simulated, quick_project

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, flags=re.S)
COMMANDS = [line for language, block in BLOCKS if language == "sh" for line in block.splitlines()]
MODULES = [
    name
    for _, name, _ in pkgutil.walk_packages(perfml.__path__, "perfml.")
    if ".starter" not in name and not name.endswith("migrations.env")
]


@pytest.mark.parametrize("name", ["perfml", *MODULES])
def test_docstring_examples(name: str) -> None:
    failed, _ = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert failed == 0


def test_the_two_commands_come_first() -> None:
    assert COMMANDS[:2] == ["python3 run.py demo", "python3 run.py test"]


def test_perfml_commands_run_in_their_order(
    company_of_500: Simulated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (export := tmp_path / "export").mkdir()
    mark_and_zeros(company(tmp_path / "small"), export)
    typed = [shlex.split(line)[3:] for line in COMMANDS if line.startswith("python3 run.py perfml ")]
    assert typed and {arguments[0] for arguments in typed} <= set(typer.main.get_command(cli.app).commands)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PERFML_HOME", str(tmp_path / "home"))
    person = company_of_500.rows["attrition"][0]["employee_id"]
    quick = quick_project(tmp_path / "quick")
    for arguments in typed:
        examples = {"EXPORT": str(company_of_500.data), "EMPLOYEE_ID": person}
        examples |= {"NAME": "李娜", "SENTENCE": "Agreed with the works council."}
        if "PROJECT" in arguments:  # the lines that begin with an export as it is
            examples |= {"EXPORT": str(export), "PROJECT": str(tmp_path / "project")}
            own = [] if arguments[0] in ("map", "check") else ["--home", str(tmp_path / "first")]
        else:
            own = ["--project", str(quick)]
        arguments = [examples.get(word, word) for word in arguments] + own
        if arguments[0] == "decide":
            path = suggestion_file(tmp_path / "home", "course_match")[1]
            arguments[1] = pq.read_table(path, filters=[("status", "=", "suggested")])["suggestion_id"][0].as_py()
        if arguments[0] == "serve":
            arguments.append("--help")  # it would serve for ever; tests/service starts it for real
        if arguments[0] == "train":
            arguments += ["--until", END.isoformat()]
        monkeypatch.setattr(sys, "argv", ["perfml", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert not ended.value.code, (arguments, capsys.readouterr())
        if arguments[0] == "map":
            (tmp_path / "project" / "models").mkdir()
            (tmp_path / "project" / "models" / "attrition.toml").write_text(MONTHLY_FEW_ROUNDS)
    assert (tmp_path / "scores.csv").is_file() and (tmp_path / "list.xlsx").is_file()


def test_python_example_runs(company_of_500: Simulated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, learner = [block for language, block in BLOCKS if language == "python"]
    monkeypatch.chdir(quick_project(tmp_path / "quick"))
    names: dict[str, object] = {}
    exec(code.replace('"EXPORT"', repr(str(company_of_500.data))), names)  # what a reader would paste
    assert len(names["frame"]) > 400
    assert set(names["scores"]["status"]) >= {"scored"}
    features = names["frame"].select_dtypes("number")
    exec(learner, names | {"frame_of_features": features, "left": features["tenure_days"] > 900})


def test_every_run_verb_is_one_that_run_knows() -> None:
    verbs = {shlex.split(line)[2] for line in COMMANDS if line.startswith("python3 run.py")}
    known = set(re.findall(r"^  python3 run\.py (\w+)", (ROOT / "run.py").read_text(encoding="utf-8"), flags=re.M))
    assert verbs <= known
    assert (ROOT / "evaluation" / "run.py").is_file()
    assert (ROOT / "benchmarks" / "evidence.py").is_file()
    assert (ROOT / "benchmarks" / "learner.py").is_file()


@pytest.mark.slow
def test_demo_does_the_whole_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    definitions = quick_project(tmp_path / "definitions")
    for path in (definitions / "models").iterdir():  # the shipped horizons, learnt with few rounds on quarters
        path.write_text(path.read_text().replace(ONE_HORIZON, ""))
    monkeypatch.setattr(steps, "STARTER", definitions)
    monkeypatch.setattr(sys, "argv", ["perfml", "demo", "--out", str(tmp_path), "--employees", "160"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    output = capsys.readouterr().out
    assert not ended.value.code, output
    assert "perfml serve --local-login --home" in " ".join(output.split())[-600:]
    for address in ("/indicators", "/hr/policies", "/feedback-network", "/ahead", "/process-debt", "/me/ahead"):
        assert f"127.0.0.1:8321{address} " in output, address
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "主动离职风险" in page and "Risk of leaving" in page
    assert not re.search(r"(?:src|href)=[\"']https?:", page)
    for model in MODELS:
        assert (tmp_path / f"{model}.xlsx").is_file()
        assert (tmp_path / "var" / "models" / model / "candidate").is_file()
    assert not (tmp_path / "company" / "truth.parquet").exists()
