"""Models on disk: LightGBM text and JSON under a manifest of SHA-256. Never pickle.

LightGBM ends the whole process on a model file that was cut or altered, so every file is compared with the manifest before
it is opened. A version is a folder, written under another name and renamed; ``current`` names the one in use. The version
is the manifest's own hash, so that no file can be changed without changing the version.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm as lgb

from perfml.errors import ModelError
from perfml.evidence.columns import Column
from perfml.files import write_text
from perfml.learning.artifacts import VERSION_LENGTH, current_version, sha256, verified, versions
from perfml.learning.calibration import Affine
from perfml.learning.learner import Risk

__all__ = ["Model", "current_version", "load", "save", "verified", "versions"]


@dataclass(frozen=True)
class Model:
    """A trained model: one :class:`Risk` for each horizon, and everything that is known about it."""

    name: str
    version: str
    risks: Mapping[int, Risk]
    columns: tuple[Column, ...]
    kinds: tuple[str, ...]
    about: Mapping[str, Any]
    """Training dates, rows, spec, and each horizon's back-test, as JSON."""

    def proven(self, horizon_days: int) -> bool:
        """Whether the back-test showed it better than the baseline."""
        return bool(self.about["backtests"][str(horizon_days)]["proven"])


def save(
    home: Path,
    name: str,
    risks: Mapping[int, Risk],
    columns: tuple[Column, ...],
    kinds: tuple[str, ...],
    about: Mapping[str, Any],
    card: str,
) -> Model:
    """Write a new version and make it the current one; the previous one stays whole until then, and stays on disk."""
    folder = home / "models" / name
    folder.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    temporary = folder / f".writing.{os.getpid()}"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        horizons = {}
        for days, risk in risks.items():
            files = [f"within_{days}_days_{i}.txt" for i in range(len(risk.boosters))]
            for file, booster in zip(files, risk.boosters, strict=True):
                (temporary / file).write_text(booster.model_to_string(num_iteration=-1), encoding="utf-8")
            horizons[str(days)] = {
                "files": files,
                "slope": risk.calibration.slope,
                "intercept": risk.calibration.intercept,
                "rounds": risk.rounds,
            }
        described = {
            "name": name,
            "horizons": horizons,
            "columns": [c.to_json() for c in columns],
            "kinds": kinds,
            "about": about,
        }
        (temporary / "model.json").write_text(
            json.dumps(described, ensure_ascii=False, indent=1, default=str), encoding="utf-8"
        )
        (temporary / "card.md").write_text(card, encoding="utf-8")
        manifest = {path.name: sha256(path) for path in sorted(temporary.iterdir())}
        (temporary / "manifest.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        version = sha256(temporary / "manifest.json")[:VERSION_LENGTH]
        for path in temporary.iterdir():
            with path.open("rb") as written:
                os.fsync(written.fileno())
        if not _is_sound(home, name, version):
            shutil.rmtree(folder / version, ignore_errors=True)
            temporary.replace(folder / version)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    write_text(folder / "current", version + "\n")
    return load(home, name, version)


def _is_sound(home: Path, name: str, version: str) -> bool:
    try:
        verified(home, name, version)
    except ModelError:
        return False
    return True


def load(home: Path, name: str, version: str | None = None) -> Model:
    """A verified model, the current version by default."""
    folder = verified(home, name, version)
    described = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    risks = {
        int(days): Risk(
            tuple(lgb.Booster(model_str=(folder / file).read_text(encoding="utf-8")) for file in said["files"]),
            Affine(said["slope"], said["intercept"]),
            said["rounds"],
        )
        for days, said in described["horizons"].items()
    }
    columns = tuple(Column.from_json(raw) for raw in described["columns"])
    return Model(name, folder.name, risks, columns, tuple(described["kinds"]), described["about"])


def _sweep(folder: Path) -> None:
    """Take away what an interrupted run left half written."""
    for path in folder.glob(".writing.*"):
        if not Path(f"/proc/{path.name.rsplit('.', 1)[1]}").exists():
            shutil.rmtree(path, ignore_errors=True)
