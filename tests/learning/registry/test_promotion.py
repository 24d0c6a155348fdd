"""Nothing is promoted without a name, a sentence and every gate; what was promoted stays in use."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from perfml.errors import ModelError
from perfml.learning.registry.artifacts import CANDIDATE, CHAMPION, pointed, read_record
from perfml.learning.registry.model_store import FittedModels, Model, load, save
from perfml.learning.registry.promotion import Promotion, promote, promotions
from perfml.learning.registry.promotion_log import LOG
from perfml.messages import Message
from tests.learning.registry.test_model_store import COLUMNS, risk
from tests.records import BETTER_THAN_BASELINE, backtest_record, training_record

WHY = "Agreed with the works council on 20 November."


def stored(home: Path, seed: int = 1, proven: bool = True) -> Model:
    text = BETTER_THAN_BASELINE if proven else Message.of("backtest_chance", auc=0.52, low=0.48)
    record = training_record(backtest_record(proven=proven, text=text))
    return save(
        home, "attrition", FittedModels({91: risk(seed)}), columns=COLUMNS, kinds=(), record=record, card="card"
    )


@pytest.mark.slow
def test_the_champion_stays_in_use_while_newer_candidates_come(tmp_path: Path) -> None:
    first = stored(tmp_path)
    assert load(tmp_path, "attrition").version == first.version
    done = promote(tmp_path, "attrition", approver="李娜", reason=WHY)
    second = stored(tmp_path, seed=2)
    assert load(tmp_path, "attrition").version == first.version == pointed(tmp_path, "attrition", CHAMPION)
    assert pointed(tmp_path, "attrition", CANDIDATE) == second.version
    again = promote(tmp_path, "attrition", approver="Sam", reason=WHY)
    assert load(tmp_path, "attrition").version == second.version
    assert again.before == first.version and done.before is None
    assert [p.approver for p in promotions(tmp_path, "attrition")] == ["李娜", "Sam"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("proven", "approver", "reason", "problem"),
    [
        (True, " ", WHY, "nobody approves it"),
        (True, "Sam", "ok", "too short for a reason"),
        (False, "Sam", WHY, r"fails at least one gate at every horizon \(within 91 days: no better than chance"),
    ],
)
def test_refused(tmp_path: Path, proven: bool, approver: str, reason: str, problem: str) -> None:
    stored(tmp_path, proven=proven)
    with pytest.raises(ModelError, match=problem):
        promote(tmp_path, "attrition", approver=approver, reason=reason)
    assert pointed(tmp_path, "attrition", CHAMPION) is None
    assert promotions(tmp_path, "attrition") == []


@pytest.mark.slow
def test_a_damaged_log_names_no_champion(tmp_path: Path) -> None:
    stored(tmp_path)
    promote(tmp_path, "attrition", approver="Sam", reason=WHY)
    log = tmp_path / "models" / "attrition" / LOG
    sound = log.read_bytes()
    for position in range(0, len(sound), 7):
        flipped = bytearray(sound)
        flipped[position] ^= 1 << position % 8
        log.write_bytes(flipped)
        with pytest.raises(ModelError, match=r"promotions\.json.*; restore it"):
            load(tmp_path, "attrition")
    for size in range(0, len(sound), 50):
        log.write_bytes(sound[:size])
        with pytest.raises(ModelError, match=r"promotions\.json.*; restore it"):
            load(tmp_path, "attrition")
    other = tmp_path / "models" / "other"
    other.mkdir()
    (other / LOG).write_bytes(sound)
    with pytest.raises(ModelError, match="belongs to another model"):
        promotions(tmp_path, "other")


@pytest.mark.slow
def test_what_an_earlier_perfml_promoted_stays_promoted(tmp_path: Path) -> None:
    """Its log was written before its pointer: a promotion that was killed in between is none."""
    first, second = stored(tmp_path), stored(tmp_path, seed=2)
    entries = [
        Promotion(model="attrition", version=model.version, approver="Sam", reason=WHY, at="2026-01-01", before=None)
        for model in (first, second)
    ]
    folder = tmp_path / "models" / "attrition"
    (folder / "promotions.jsonl").write_text("".join(json.dumps(vars(entry)) + "\n" for entry in entries))
    (folder / "champion").write_text(first.version + "\n")
    assert load(tmp_path, "attrition").version == first.version
    assert promotions(tmp_path, "attrition") == entries[:1]
    again = promote(tmp_path, "attrition", approver="Sam", reason=WHY)
    assert load(tmp_path, "attrition").version == second.version and again.before == first.version
    assert promotions(tmp_path, "attrition") == [entries[0], again]
    assert not (folder / "champion").exists()


def test_a_version_of_another_model_is_refused(tmp_path: Path) -> None:
    model = stored(tmp_path)
    shutil.copytree(tmp_path / "models" / "attrition", tmp_path / "models" / "other")
    for read in (load, lambda home, name: read_record(home, name, model.version)):
        with pytest.raises(ModelError, match="belongs to another model: attrition"):
            read(tmp_path, "other")
