"""Proofs: files that people hand in. Their type is what their content is; they are kept under their hash and never opened."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from perfml.errors import PerfmlError
from perfml.files import atomic_write, reading
from perfml.trust.disputes.dispute import Proof

SIGNATURES = {"pdf": b"%PDF-", "png": b"\x89PNG\r\n\x1a\n", "jpeg": b"\xff\xd8\xff"}
ENDINGS = {".pdf": "pdf", ".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".txt": "txt", ".csv": "csv"}
MARKUP = re.compile(rb"<\s*(!doctype|html|head|body|script|svg|iframe|img|\?xml|\?php)|^#!", re.IGNORECASE)
"""What makes a text a page or a program."""
CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
CONTROL_TEXT = re.compile(r"[\x00-\x1f\x7f\"]")
LONGEST_NAME = 120


@dataclass(frozen=True, kw_only=True)
class HandedIn:
    """A file as it was handed in."""

    name: str
    content: bytes


def read_file(path: Path, *, max_bytes: int) -> HandedIn:
    """A file to hand in, read no further than it may be large. Raises :class:`PerfmlError` where it cannot be read."""
    with reading(path, remedy="name a file that can be read"), path.open("rb") as file:
        return HandedIn(name=path.name, content=file.read(max_bytes + 1))


def keep_proof(home: Path, handed_in: HandedIn, *, max_bytes: int) -> Proof:
    """Keep a file under ``home/proofs``, readable by its owner alone, and return what it is.

    Raises :class:`PerfmlError` for an empty or larger file, one whose content is none of :data:`ENDINGS`, and one that its name
    says is something else.
    """
    content = handed_in.content
    plain = CONTROL_TEXT.sub("", Path(handed_in.name.replace("\\", "/")).name)[-LONGEST_NAME:]
    where = f"proof {plain!r}"
    if not 0 < len(content) <= max_bytes:
        problem = "is empty" if not content else f"has {len(content):,} bytes, more than {max_bytes:,}"
        raise PerfmlError(problem, where=where, remedy="hand in a smaller file, such as one page of it")
    kind, named = kind_of(content), ENDINGS.get(Path(plain).suffix.lower())
    if kind is None or named is None or (named != kind and {named, kind} != {"txt", "csv"}):
        raise PerfmlError(
            "is not a file of the kind that its name says",
            where=where,
            remedy="hand in a PDF, PNG or JPEG, or a UTF-8 text (.txt, .csv) without markup",
        )
    digest = hashlib.sha256(content).hexdigest()
    path = home / "proofs" / digest
    if not path.exists():
        with atomic_write(path) as temporary:
            temporary.write_bytes(content)
    return Proof(sha256=digest, name=plain, kind=named, size=len(content))


def read_proof(home: Path, proof: Proof) -> bytes:
    """The content of ``proof``. Raises :class:`PerfmlError` where it is missing or altered."""
    path = home / "proofs" / proof.sha256
    with reading(path, remedy="restore it from a backup"):
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != proof.sha256:
            raise ValueError("it was altered")
    return content


def kind_of(content: bytes) -> str | None:
    """What ``content`` is; None for anything that may be opened as a page or a program.

    >>> kind_of(b"%PDF-1.7 ..."), kind_of("订单 31000".encode()), kind_of(b"<html>"), kind_of(b"MZ\\x00")
    ('pdf', 'txt', None, None)
    """
    for kind, signature in SIGNATURES.items():
        if content.startswith(signature):
            return kind
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    return None if CONTROL.search(content) or MARKUP.search(content) else "txt"
