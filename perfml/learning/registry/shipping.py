"""A verified model on its way to another machine: its files and their manifest, verified again where they arrive."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from perfml.learning.registry.artifacts import verified
from perfml.learning.registry.model_store import Model, load

_LOADED: Final[dict[tuple[str, str], Model]] = {}
"""Models that this process has unpacked, by name and version: a version is the hash of its files."""


@dataclass(frozen=True, kw_only=True)
class ShippedModel:
    """The files of one version."""

    name: str
    version: str
    files: Mapping[str, bytes] = field(repr=False)

    @classmethod
    def of(cls, home: Path, name: str, version: str) -> ShippedModel:
        """Raises :class:`ModelError` for a version that was altered on disk."""
        folder = verified(home, name, version)
        return cls(name=name, version=version, files={path.name: path.read_bytes() for path in folder.iterdir()})

    def model(self) -> Model:
        """The model, loaded once a process. Raises :class:`ModelError` where the files are not those of the version."""
        key = (self.name, self.version)
        if key not in _LOADED:
            with tempfile.TemporaryDirectory() as home:
                folder = Path(home) / "models" / self.name / self.version
                folder.mkdir(parents=True)
                for name, content in self.files.items():
                    (folder / name).write_bytes(content)
                _LOADED[key] = load(Path(home), self.name, self.version)
        return _LOADED[key]
