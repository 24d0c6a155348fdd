"""Tables of goals on the terminal: their heads are in the language of their sentences."""

from __future__ import annotations

import pytest

from perfml.goals.tree.alignment import GroupAlignment
from perfml.messages import Language
from perfml.terminal.work.goals import alignment_table


@pytest.mark.parametrize(("language", "head"), [("en", "people"), ("zh", "人数")])
def test_alignment(language: Language, head: str, capsys: pytest.CaptureFixture[str]) -> None:
    sales = GroupAlignment(people=7, goals=9, aligned=0.5, orphan=0.3, broken=0.2, circle=0.0, insufficient=0.0)
    alignment_table({"sales": sales}, language)
    lines = capsys.readouterr().out
    assert head in lines and "50%" in lines and ("people" in lines) == (language == "en")
