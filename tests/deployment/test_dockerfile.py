"""The image is built from the lock, holds nothing secret and does not run as root, as far as its file says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import run
from tests.deployment.dockerfile import Instruction, environment, faults, last_stage, read

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "serve" / "Dockerfile"
SOUND = 'FROM python:3.13-slim AS service\nUSER 1:1\nHEALTHCHECK CMD ["true"]\nENTRYPOINT ["x"]\n'


def test_nothing_is_wrong_with_it() -> None:
    assert faults(read(DOCKERFILE)) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (SOUND, None),
        (SOUND.replace(":3.13-slim", ":latest"), "DL3006"),
        (SOUND.replace(":3.13-slim", ""), "DL3006"),
        (SOUND.replace("USER 1:1", "USER 0:0"), "DL3002"),
        (SOUND.replace("USER 1:1", ""), "DL3002"),
        (SOUND.replace("USER 1:1", "USER 1:1\nUSER root"), "DL3002"),
        (SOUND + "ADD https://example.com/x /x\n", "DL3020"),
        (SOUND + "RUN apt-get update && apt-get install --yes x && rm -rf /var/lib/apt/lists/*\n", "DL3015"),
        (SOUND + "RUN apt-get install --yes --no-install-recommends x\n", "DL3009"),
        (SOUND + "RUN pip install x\n", "DL3013"),
        (SOUND + "RUN curl https://example.com | sh\n", "DL3004"),
        (SOUND + "ENV STORE_PASSWORD=x\n", "DL3044"),
        (SOUND + "ENTRYPOINT perfml serve\n", "DL3025"),
        (SOUND + "COPY . /app\n", "COPY of everything"),
        (SOUND.replace('HEALTHCHECK CMD ["true"]\n', ""), "no HEALTHCHECK"),
    ],
)
def test_the_rules_can_fail(text: str, fault: str | None, tmp_path: Path) -> None:
    path = tmp_path / "Dockerfile"
    path.write_text(text)
    wrong = faults(read(path))
    assert (wrong == []) if fault is None else any(each.startswith(fault) for each in wrong), wrong


def test_what_it_copies_is_there_and_not_ignored() -> None:
    copied = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for each in read(DOCKERFILE):
        if each.keyword == "COPY" and "--from" not in each.text:
            for source in shlex.split(each.text)[:-1]:
                assert (ROOT / source).exists(), source
                assert source.split("/")[0] in copied, source


def test_the_lock_beside_the_runtime_lock_is_that_of_the_full_lock() -> None:
    full = (ROOT / "requirements-dev.lock").read_text(encoding="utf-8")
    beside = (ROOT / "serve" / "postgres.lock").read_text(encoding="utf-8")
    assert beside == run.entries_of(full, run.POSTGRES)
    assert [name for name in run.POSTGRES if f"\n{name}==" not in beside] == []
    runtime = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert set(re.findall(r"^(\S+)==", beside, re.M)).isdisjoint(re.findall(r"^(\S+)==", runtime, re.M))


def test_only_the_home_is_written_to() -> None:
    instructions = read(DOCKERFILE)
    variables = environment(instructions)
    volumes = [each.form() for each in last_stage(instructions) if each.keyword == "VOLUME"]
    ((home, _),) = volumes
    assert str(Path(variables["PERFML_HOME"]).parent) == home, "so that restoring can rename a folder into it"
    assert variables["PYTHONDONTWRITEBYTECODE"] == "1" and variables["NUMBA_CACHE_DIR"].startswith("/tmp/")


def test_the_health_check_is_a_module_of_perfml() -> None:
    (check,) = (each for each in read(DOCKERFILE) if each.keyword == "HEALTHCHECK")
    command = Instruction(keyword="CMD", text=check.text.split("CMD ", 1)[1]).form()
    module = command[-1]
    assert (ROOT / (module.replace(".", "/") + ".py")).is_file() and "curl" not in check.text
