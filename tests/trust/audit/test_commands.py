"""The commands of the audit log."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks._audit_faults import make_log
from perfml import cli
from perfml.store.audit.acting import PURPOSE_VARIABLE
from perfml.store.opening import FILE
from perfml.trust.audit.history import history_of
from perfml.trust.audit.seeing import record_seen


def run(home: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli.app, ["audit", *arguments, "--home", str(home)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


@pytest.mark.slow
def test_verify_checkpoint_show_and_erase(tmp_path: Path) -> None:
    make_log(tmp_path, rounds=4)
    code, out = run(tmp_path, "checkpoint", "--json")
    assert code == 0
    signed = json.loads(out)
    assert Path(signed["file"]).is_file()
    code, out = run(tmp_path, "verify", "--json")
    assert code == 0
    assert (json.loads(out)["whole"], json.loads(out)["covered"]) == (True, signed["size"])
    assert "完整" in run(tmp_path, "verify")[1]
    code, out = run(tmp_path, "show", "E1", "--json")
    assert {event["actor"] for event in json.loads(out)} == {"hr0", "hr1"}
    assert "weekly talk" in run(tmp_path, "show", "E1")[1]
    code, out = run(tmp_path, "erase", "E1", "--by", "王强", "--reason", "asked to be erased in writing", "--json")
    assert (code, json.loads(out)) == (0, {"erased": "E1"})
    assert "nothing is recorded" in run(tmp_path, "show", "E1")[1]
    assert run(tmp_path, "verify")[0] == 0


@pytest.mark.slow
def test_what_is_wrong_is_named_in_both_languages(tmp_path: Path) -> None:
    make_log(tmp_path, rounds=4)
    with sqlite3.connect(tmp_path / FILE) as db:
        db.execute("delete from audit where number > 9")
    code, out = run(tmp_path, "verify")
    assert code == 1
    assert "cut off" in out and "截断" in out
    code, out = run(tmp_path, "verify", "--json")
    assert code == 1
    assert not json.loads(out)["whole"]


def test_the_purpose_of_a_command_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PURPOSE_VARIABLE, "works council asked")
    record_seen(tmp_path, "person", ["E1"])
    assert history_of(tmp_path, "E1")[0].purpose == "works council asked"
