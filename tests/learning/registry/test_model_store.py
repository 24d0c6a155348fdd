"""Models on disk: whole, verified, never half written."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pytest

from perfml.errors import ModelError
from perfml.evidence.columns import Column
from perfml.files import INTERRUPTED_SECONDS
from perfml.learning.estimators.blend import Hyperparameters, RiskModel
from perfml.learning.estimators.calibration import Affine
from perfml.learning.estimators.splines import fit_path
from perfml.learning.registry.artifacts import VERSION_LENGTH, sha256
from perfml.learning.registry.model_store import (
    FittedModels,
    Model,
    current_version,
    load,
    save,
    verified,
)
from tests.records import training_record

TEXTS = {"reason_zh": "", "reason_en": "", "zh": "", "en": "", "unit": ""}
COLUMNS = tuple(
    Column(name=f"列{i}", evidence="e", reason="e", direction="neither", owner="employee", **TEXTS) for i in range(3)
)


def risk(seed: int = 1) -> RiskModel:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(300, 3))
    y = (x[:, 0] + rng.normal(size=300) > 0).astype(float)
    booster = lgb.train({"objective": "binary", "verbosity": -1, "num_leaves": 4}, lgb.Dataset(x, y), 5)
    return RiskModel(
        boosters=(booster, booster),
        splines=fit_path(x, y)[0],
        share=0.6,
        calibration=Affine(0.8, -0.1),
        hyperparameters=Hyperparameters(rounds=5),
    )


def stored(home: Path, seed: int = 1) -> Model:
    return save(
        home,
        "attrition",
        FittedModels({91: risk(seed)}, {"other": {91: RiskModel.constant(3, 300)}}),
        columns=COLUMNS,
        kinds=("评审",),
        record=training_record(),
        card="card",
    )


@pytest.mark.slow
def test_comes_back_as_it_was(tmp_path: Path) -> None:
    model = stored(tmp_path)
    x = np.random.default_rng(2).normal(size=(20, 3))
    np.testing.assert_array_equal(model.risks[91].margin(x), risk().margin(x))
    contributions = model.risks[91].contributions(x)
    np.testing.assert_allclose(contributions.sum(axis=1), model.risks[91].margin(x), atol=1e-9)
    assert model.learnt.competing["other"][91].margin(x) == pytest.approx(np.log(3.5 / 297.5))
    assert model.columns == COLUMNS
    assert model.kinds == ("评审",)
    assert model.proven(91) and model.record == training_record()


@pytest.mark.slow
def test_same_content_is_the_same_version_and_other_content_another(tmp_path: Path) -> None:
    first, again, other = stored(tmp_path), stored(tmp_path), stored(tmp_path, seed=9)
    assert first.version == again.version != other.version
    assert current_version(tmp_path, "attrition") == other.version
    assert load(tmp_path, "attrition", first.version).version == first.version


@pytest.mark.slow
@pytest.mark.parametrize("file", ["within_91_days_0.txt", "model.json", "card.md", "manifest.json"])
@pytest.mark.parametrize("damage", ["cut", "changed", "gone"])
def test_any_damage_is_refused_before_lightgbm_sees_it(tmp_path: Path, file: str, damage: str) -> None:
    path = tmp_path / "models" / "attrition" / stored(tmp_path).version / file
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(content[: len(content) // 2] if damage == "cut" else content.replace(content[:1], b"#", 1))
    with pytest.raises(ModelError, match=r"altered|missing") as error:
        load(tmp_path, "attrition")
    assert file in error.value.where or file == "manifest.json"
    stored(tmp_path)  # what the error says: train again
    assert load(tmp_path, "attrition").risks


def test_untrained_says_how_to_train(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="perfml train attrition"):
        verified(tmp_path, "attrition")


@pytest.mark.slow
def test_a_run_killed_while_writing_leaves_the_previous_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = stored(tmp_path)
    written: list[str] = []

    def killed(self: Path, target: Path) -> Path:
        written.append(str(target))
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        stored(tmp_path, seed=5)
    monkeypatch.undo()
    assert written
    assert load(tmp_path, "attrition").version == before.version
    assert json.loads((verified(tmp_path, "attrition") / "model.json").read_text())["name"] == "attrition"


def test_what_a_killed_training_left_is_removed_and_what_another_one_writes_is_not(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "attrition"
    running, left = folder / ".writing.1", folder / ".writing.2"
    for path in (running, left):
        path.mkdir(parents=True)
        (path / "model.json").write_text("{}")
    long_ago = time.time() - 2 * INTERRUPTED_SECONDS
    for path in (left / "model.json", left):
        os.utime(path, (long_ago, long_ago))
    stored(tmp_path)
    assert running.is_dir() and not left.exists()


def test_a_version_of_another_perfml_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "models" / "attrition" / stored(tmp_path).version
    described = json.loads((path / "model.json").read_text())
    described["about"] = described.pop("record")
    (path / "model.json").write_text(json.dumps(described))
    manifest = json.loads((path / "manifest.json").read_text()) | {"model.json": sha256(path / "model.json")}
    (path / "manifest.json").write_text(json.dumps(manifest))
    version = sha256(path / "manifest.json")[:VERSION_LENGTH]
    path.rename(path.with_name(version))
    with pytest.raises(ModelError, match="written by another version of perfml: run `perfml train attrition` again"):
        load(tmp_path, "attrition", version)
