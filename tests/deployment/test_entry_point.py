"""The command of the image, started here as there: nothing writable but the home, no right of root, ended by SIGTERM."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from perfml import Project
from perfml.service.serving.health_check import is_answering
from tests.deployment.dockerfile import environment, last_stage, read

ROOT = Path(__file__).parents[2]
IMAGE = {"/opt/perfml/bin/python": sys.executable, "/opt/perfml/app": str(ROOT)}
START_SECONDS, END_SECONDS = 60, 15


def command() -> list[str]:
    """ENTRYPOINT and CMD, with the Python of this machine."""
    stage = last_stage(read(ROOT / "serve" / "Dockerfile"))
    parts = [
        part for keyword in ("ENTRYPOINT", "CMD") for each in stage if each.keyword == keyword for part in each.form()
    ]
    return [IMAGE.get(part, part) for part in parts]


CLOSE = (
    'mount --make-rprivate / && for each in "$1" "$2"; do mount --bind "$each" "$each" || exit 9; done'
    ' && mount -o remount,bind,ro / && shift 2 && exec setpriv --bounding-set=-all --inh-caps=-all --no-new-privs "$@"'
)


def closed(*writable: Path) -> list[str]:
    """What a command is preceded by so that it may write to these two folders alone, without any right of root; nothing where
    this machine does not let anybody close the rest."""
    prefix = ["unshare", "--mount", "sh", "-c", CLOSE, "sh", *map(str, writable)]
    probe = [
        "sh",
        "-c",
        f"touch {writable[0]}/.probe && rm {writable[0]}/.probe && ! touch {writable[0].parent}/.probe",
    ]
    can = (
        shutil.which("unshare") and subprocess.run([*prefix, *probe], capture_output=True, check=False).returncode == 0
    )
    return prefix if can else []


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


class Serving:
    """A running service."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process, self.port, self.log = process, port, log

    def ask(self, path: str, **headers: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]


@contextmanager
def serving(tmp_path: Path, *, open_to_others: bool = True) -> Iterator[Serving]:
    """The service by the image's command and environment, where only the home can be written to."""
    home, project, log = tmp_path / "home", tmp_path / "project", tmp_path / "log"
    project.mkdir()
    (project / "perfml.toml").write_text('name = "mine"\n')
    if open_to_others:
        Project(project, home=home).grant("anna", "administrator", by="test")
    home.mkdir(exist_ok=True)
    port = free_port()
    variables = environment(read(ROOT / "serve" / "Dockerfile"))
    variables |= {
        "PERFML_HOME": str(home),
        "PERFML_PORT": str(port),
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
    }
    variables |= {"PYTHONPATH": str(ROOT), "PERFML_ALLOW_HOST": "perfml.example.com"}
    if not open_to_others:
        variables |= {"PERFML_HOST": "127.0.0.1"}
        del variables["PERFML_ALLOW_HOST"]
    (tmp_path / "tmp").mkdir()
    variables |= {"TMPDIR": str(tmp_path / "tmp")}
    with log.open("wb") as out:
        whole = [*closed(home, tmp_path / "tmp"), *command()]
        process = subprocess.Popen(whole, cwd=project, env=variables, stdout=out, stderr=subprocess.STDOUT)
        try:
            for _ in range(10 * START_SECONDS):
                if is_answering(port) or process.poll() is not None:
                    break
                time.sleep(0.1)
            assert process.poll() is None, log.read_text(encoding="utf-8")
            yield Serving(process, port, log)
        finally:
            process.kill()
            process.wait()


@pytest.mark.slow
def test_it_answers_and_ends_gracefully(tmp_path: Path) -> None:
    """What was begun before SIGTERM is answered, nothing new is taken, and the process ends within seconds."""
    with serving(tmp_path) as service:
        assert service.ask("/v1/health", Host="perfml.example.com") == 401
        assert service.ask("/v1/health", Host="other.example.com") == 400
        begun = socket.create_connection(("127.0.0.1", service.port), timeout=20)
        body = b'{"employee_id": "E1"}'
        head = f"POST /v1/interventions HTTP/1.1\r\nHost: perfml.example.com\r\nContent-Length: {len(body)}\r\n"
        begun.sendall(f"{head}Authorization: Bearer none\r\nContent-Type: application/json\r\n\r\n".encode() + body[:5])
        time.sleep(0.5)
        service.process.send_signal(signal.SIGTERM)
        time.sleep(1)
        with pytest.raises(OSError):
            service.ask("/v1/health")
        begun.sendall(body[5:])
        assert begun.recv(1000).startswith(b"HTTP/1.1 401 ")
        begun.close()
        assert service.process.wait(END_SECONDS) in (0, -signal.SIGTERM)
        lines = service.lines()
    written = {path.name for path in (tmp_path / "project").iterdir()}
    assert written == {"perfml.toml"}
    answered = [line for line in lines if line["logger"] == "perfml.requests"]
    assert {line["route"] for line in answered} >= {"/v1/interventions"}
    assert all(len(str(line["request_id"])) == 32 and float(str(line["milliseconds"])) >= 0 for line in answered)


@pytest.mark.slow
def test_it_does_not_start_where_nobody_could_be_let_in(tmp_path: Path) -> None:
    variables = environment(read(ROOT / "serve" / "Dockerfile")) | {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}
    variables |= {"PERFML_HOME": str(tmp_path / "home")}
    for hosts, reason in (
        ({}, "other machines"),
        ({"PERFML_ALLOW_HOST": "perfml.example.com"}, "nobody is administrator"),
    ):
        ended = subprocess.run(
            command(), env=variables | hosts, cwd=tmp_path, capture_output=True, text=True, timeout=60
        )
        assert ended.returncode == 1 and reason in ended.stderr, ended.stderr


@pytest.mark.slow
def test_it_answers_as_it_did_at_this_machine_alone(tmp_path: Path) -> None:
    with serving(tmp_path, open_to_others=False) as service:
        assert service.ask("/v1/health") == 200
