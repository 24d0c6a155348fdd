"""A small reader of Dockerfiles, and rules in the manner of hadolint's."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Instruction:
    """One instruction, its lines joined."""

    keyword: str
    text: str

    def form(self) -> list[str]:
        """The arguments of an exec form."""
        arguments: list[str] = json.loads(self.text)
        return arguments


def read(path: Path) -> list[Instruction]:
    """The instructions of a Dockerfile."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    pairs = [line.split(maxsplit=1) for line in joined.splitlines() if line.strip()]
    return [Instruction(keyword=keyword.upper(), text=text.strip()) for keyword, text in pairs]


def last_stage(instructions: list[Instruction]) -> list[Instruction]:
    """The instructions of the stage that becomes the image."""
    begins = max(number for number, each in enumerate(instructions) if each.keyword == "FROM")
    return instructions[begins:]


def environment(instructions: list[Instruction]) -> dict[str, str]:
    """The variables of the last stage."""
    pairs = (pair for each in last_stage(instructions) if each.keyword == "ENV" for pair in each.text.split())
    return dict(pair.split("=", 1) for pair in pairs)


def faults(instructions: list[Instruction]) -> list[str]:
    """What is wrong with a Dockerfile."""
    wrong = []
    arguments = dict(each.text.split("=", 1) for each in instructions if each.keyword == "ARG" and "=" in each.text)
    stages = {each.text.split()[-1] for each in instructions if each.keyword == "FROM" and " AS " in each.text}
    for each in instructions:
        text = each.text
        match each.keyword:
            case "FROM":
                image = re.sub(r"\$\{(\w+)\}", lambda name: arguments.get(name[1], ""), text.split()[0])
                if image not in stages and not re.search(r":\d[\w.-]*(@sha256:[0-9a-f]{64})?$", image):
                    wrong.append(f"DL3006 the base {image!r} has no tag that stays")
            case "ADD":
                wrong.append("DL3020 ADD instead of COPY")
            case "RUN":
                if "apt-get install" in text and "--no-install-recommends" not in text:
                    wrong.append("DL3015 apt-get without --no-install-recommends")
                if "apt-get" in text and "rm -rf /var/lib/apt/lists/*" not in text:
                    wrong.append("DL3009 the lists of apt-get stay")
                if "apt-get" in text and "--yes" not in text:
                    wrong.append("DL3014 apt-get asks")
                if "pip install" in text and "--require-hashes" not in text:
                    wrong.append("DL3013 pip without hashes")
                if re.search(r"\b(sudo|curl|wget|ssh)\b", text) or "| sh" in text:
                    wrong.append("DL3004 something is fetched or run as somebody else")
                if "chmod 777" in text or "chmod -R 777" in text:
                    wrong.append("rights for everyone")
            case "WORKDIR" if not text.startswith("/"):
                wrong.append("DL3000 WORKDIR is relative")
            case "COPY" if "--chown" not in text and re.search(r"--from=\w+ \S+ \S+$", text) is not None:
                wrong.append("COPY --from without --chown")
            case "ENTRYPOINT" | "CMD" if not text.startswith("["):
                wrong.append("DL3025 a shell form swallows signals")
            case "ENV" | "ARG" if re.search(r"(?i)(password|secret|token|_key|_url)\w*=\S", text):
                wrong.append("DL3044 a secret in a layer")
    stage = last_stage(instructions)
    users = [each.text for each in stage if each.keyword == "USER"]
    if not users or re.fullmatch(r"(root|0)(:.*)?", users[-1]) or not re.fullmatch(r"\d+:\d+", users[-1]):
        wrong.append("DL3002 the last USER is root, or no number")
    if sum(each.keyword == "HEALTHCHECK" for each in stage) != 1:
        wrong.append("no HEALTHCHECK")
    if any(each.keyword == "COPY" and re.search(r"(^|\s)\.\s", each.text) for each in instructions):
        wrong.append("COPY of everything")
    return wrong
