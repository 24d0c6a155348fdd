"""The commands of access, for people and for programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from perfml import cli


def call(home: Path, *arguments: str) -> str:
    result = CliRunner().invoke(cli.app, ["access", *arguments, "--home", str(home)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.slow
def test_grants_tokens_and_revocation(tmp_path: Path) -> None:
    link = json.loads(call(tmp_path, "setup-link", "--by", "ops", "--json"))
    assert link["kind"] == "setup_link" and link["secret"].startswith("perfml_")
    assert "department:South" in call(tmp_path, "grant", "anna", "hr", "--unit", "department:South", "--by", "ops")
    assert "仅显示一次" in call(tmp_path, "token", "anna", "--by", "ops", "--action", "read_risk")
    listed = json.loads(call(tmp_path, "list", "--json"))
    (account,) = listed["accounts"]
    assert [(each["role"], each["units"], each["by"]) for each in account["grants"]] == [
        ("hr", ["department:South"], "ops")
    ]
    assert [each["kind"] for each in listed["credentials"]] == ["setup_link", "token"]
    assert "secret" not in json.dumps(listed)
    token = listed["credentials"][1]
    assert (token["actions"], token["account"]) == (["read_risk"], "anna")
    call(tmp_path, "revoke", token["id"], "--credential", "--by", "ops")
    ended = json.loads(call(tmp_path, "revoke", "anna", "--by", "ops", "--json"))
    assert ended["credentials_ended"] == 0, "the token had ended before"
    assert "anna" in call(tmp_path, "list")
