"""Secrets from files, as containers mount them: ``PERFML_AUDIT_KEY_FILE`` names the file that holds ``PERFML_AUDIT_KEY``."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from pathlib import Path

from perfml.errors import PerfmlError
from perfml.files import reading

PREFIX, SUFFIX = "PERFML_", "_FILE"


def read_secret_files(environment: MutableMapping[str, str] = os.environ) -> None:
    """Set each ``PERFML_…`` whose file ``PERFML_…_FILE`` names. Raises :class:`PerfmlError` where both are set, and for a file
    that cannot be read or is empty.

    >>> environment = {"PERFML_X": "1", "PERFML_X_FILE": "x"}
    >>> read_secret_files(environment)
    Traceback (most recent call last):
    perfml.errors.PerfmlError: PERFML_X: is set, and so is PERFML_X_FILE; unset one of them
    """
    named = [name for name in environment if name.startswith(PREFIX) and name.endswith(SUFFIX) and environment[name]]
    for variable in named:
        name, path = variable.removesuffix(SUFFIX), Path(environment[variable])
        if environment.get(name):
            raise PerfmlError(f"is set, and so is {variable}", where=name, remedy="unset one of them")
        with reading(path, remedy=f"correct {variable}"):
            text = path.read_text(encoding="utf-8").strip()
        if not text:
            raise PerfmlError("is empty", where=str(path), remedy=f"write the secret into it, or unset {variable}")
        environment[name] = text
