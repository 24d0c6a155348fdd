"""What compose.yaml promises: nothing published but perfml to this machine, no password, no rights that are not needed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FILE = ROOT / "serve" / "compose.yaml"


def compose_of(text: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(text)
    return document


def faults(document: dict[str, Any]) -> list[str]:
    """What is wrong with a set of services."""
    wrong = []
    internal = {name for name, network in document["networks"].items() if (network or {}).get("internal")}
    for name, service in document["services"].items():
        if not service.get("read_only"):
            wrong.append(f"{name}: its file system can be written to")
        if service.get("cap_drop") != ["ALL"] or service.get("cap_add") or service.get("privileged"):
            wrong.append(f"{name}: it keeps rights of root")
        if "no-new-privileges:true" not in service.get("security_opt", ()):
            wrong.append(f"{name}: it may gain rights")
        if not re.fullmatch(r"[1-9]\d*:[1-9]\d*", str(service.get("user", ""))):
            wrong.append(f"{name}: its user is root, or unknown")
        for published in service.get("ports", ()):
            if not str(published).startswith("127.0.0.1:"):
                wrong.append(f"{name}: {published} is open to other machines")
            if name != "perfml":
                wrong.append(f"{name}: {published} is published")
        if name != "perfml" and not set(service["networks"]) <= internal:
            wrong.append(f"{name}: it reaches, or is reached from, outside")
        for limit in ("mem_limit", "cpus", "pids_limit"):
            if limit not in service:
                wrong.append(f"{name}: no {limit}")
        if "healthcheck" not in service and name != "perfml":
            wrong.append(f"{name}: no health check")
        if re.search(r":latest$|/[^:]+$", service["image"]):
            wrong.append(f"{name}: its image has no tag that stays")
        for variable, value in service.get("environment", {}).items():
            secret = re.search(r"PASSWORD|SECRET|TOKEN|KEY|STORE_URL", variable)
            if secret and not (variable.endswith("_FILE") and str(value).startswith("/run/secrets/")):
                wrong.append(f"{name}: {variable} is no file of a secret")
    for secret, where in document["secrets"].items():
        if set(where) != {"file"}:
            wrong.append(f"{secret}: is no file")
    return wrong


def test_nothing_is_wrong_with_it() -> None:
    assert faults(compose_of(FILE.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("read_only: true", "read_only: false", "can be written"),
        ("cap_drop: [ALL]", "cap_drop: []", "rights of root"),
        ('user: "999:999"', 'user: "0:0"', "user is root"),
        ('"127.0.0.1:8321:8321"', '"8321:8321"', "open to other machines"),
        ("    shm_size", '    ports: ["127.0.0.1:5432:5432"]\n    shm_size', "is published"),
        ("POSTGRES_PASSWORD_FILE: /run/secrets/postgres_password", "POSTGRES_PASSWORD: perfml", "no file of a secret"),
        ("    internal: true", "    internal: false", "outside"),
        ("postgres:18-trixie", "postgres:latest", "no tag"),
        ("pids_limit: 256", "init: true", "no pids_limit"),
    ],
)
def test_the_rules_can_fail(old: str, new: str, fault: str) -> None:
    text = FILE.read_text(encoding="utf-8")
    assert old in text
    assert any(fault in each for each in faults(compose_of(text.replace(old, new, 1))))


def test_its_secrets_are_used_and_kept_out_of_the_repository() -> None:
    document = compose_of(FILE.read_text(encoding="utf-8"))
    used = {name for service in document["services"].values() for name in service.get("secrets", ())}
    assert used == set(document["secrets"])
    folders = {(FILE.parent / where["file"]).resolve().parent for where in document["secrets"].values()}
    (folder,) = folders
    assert f"/{folder.relative_to(ROOT).as_posix()}/" in (ROOT / ".gitignore").read_text().splitlines()


def test_mlflow_is_that_of_the_lock() -> None:
    image = compose_of(FILE.read_text(encoding="utf-8"))["services"]["mlflow"]["image"]
    assert f"\nmlflow-skinny=={image.rsplit(':v', 1)[1]} " in (ROOT / "requirements.lock").read_text(encoding="utf-8")


def test_the_proxy_is_the_gateway_of_its_network() -> None:
    document = compose_of(FILE.read_text(encoding="utf-8"))
    (network,) = document["networks"]["front"]["ipam"]["config"]
    assert document["services"]["perfml"]["environment"]["FORWARDED_ALLOW_IPS"] == network["gateway"]
