"""Nothing is promoted without a name, a sentence and every gate; what was promoted stays in use."""

from __future__ import annotations

from pathlib import Path

import pytest

from perfml.errors import ModelError
from perfml.learning.registry.artifacts import CANDIDATE, CHAMPION, pointed
from perfml.learning.registry.model_store import FittedModels, Model, load, save
from perfml.learning.registry.promotion import promote, promotions
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
