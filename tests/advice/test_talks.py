"""A brief and a card say what is on record, each line with its row, and praise nobody for nothing."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from pathlib import Path

import pytest

from perfml.advice.talks.brief import OneToOneBrief, one_to_one_brief
from perfml.advice.talks.card import development_card
from perfml.advice.talks.lines import SourceRow, TalkLine
from perfml.advice.talks.strengths import praised
from perfml.project.folder import ProjectFolder
from perfml.project.starter import STARTER
from perfml.project.trust.talks_spec import TalksSpec
from perfml.scoring.personal.record import personal_record
from perfml.scoring.personal.standing import RecordReading
from tests.scoring.personal.company import DAY, company, keep

SPEC = ProjectFolder(STARTER).policy_of(TalksSpec)[1]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which nothing is changed."""
    folder = tmp_path_factory.mktemp("talks")
    keep(company(folder / "data"), folder / "home")
    return folder / "home"


def brief(home: Path, person: str = "e1") -> OneToOneBrief:
    return one_to_one_brief(home, person, spec=SPEC)


def texts(lines: tuple[TalkLine, ...]) -> list[str]:
    return [line.text.en for line in lines]


def test_goals_are_reviewed_with_their_changes(shared: Path) -> None:
    running, ended = brief(shared).goals[0], brief(shared).goals[1:]
    assert (running.target, running.actual, running.status) == (Decimal("150.0"), Decimal("40.5"), "behind")
    assert (running.reached, running.elapsed) == (Decimal("0.270"), Decimal("0.484"))
    (change,) = running.changes
    assert (change.old_target, change.new_target, change.effective_on) == (100, 150, dt.date(2026, 9, 10))
    assert change.discussed is False, "the last feedback was given on 1 September"
    assert ended == (), "a goal that ended more than 92 days ago"


def test_what_is_the_managers_to_mend(shared: Path) -> None:
    lines = brief(shared).to_mend
    assert texts(lines) == [
        "feedback owed: the last on record is of 2026-09-01, 30 days ago",
        "revenue: changed on 2026-09-10 (target 100 → 150, weight 100 % → 100 %), and no feedback on record since: talk"
        + " about it",
    ]
    assert [source.key for source in lines[0].sources] == ["v2"]


def test_success_factors_stand_on_rows(shared: Path) -> None:
    lines = brief(shared).success_factors
    assert texts(lines) == [
        "rating rose from 3 to 4",
        "review of 2026-07-15: “主动承担，值得肯定。”",
        "review of 2026-01-15: “按期完成目标。”",
        "praised by colleagues in the last 91 days, times on record: 1; last on 2026-09-20",
    ]
    assert lines[-1].sources[0].key is None, "who praised is not to be told from the key"
    assert brief(shared).nothing_on_record is None


def test_without_a_row_nobody_is_praised(shared: Path) -> None:
    other = brief(shared, "e2")
    assert other.success_factors == ()
    assert other.nothing_on_record is not None and "observation" in other.nothing_on_record.en


@pytest.mark.parametrize(
    "sentence", ["工作不够扎实，值得肯定的不多。", "Not reliable.", "Would be excellent if on time.", "Attended.", ""]
)
def test_a_sentence_that_denies_praises_nobody(sentence: str) -> None:
    assert list(praised(sentence, SPEC)) == []
    assert list(praised("Excellent. " + sentence, SPEC)) == ["Excellent."]


def every_line(value: object) -> list[TalkLine]:
    if isinstance(value, TalkLine):
        return [value]
    if isinstance(value, tuple):
        return [line for each in value for line in every_line(each)]
    fields = getattr(type(value), "model_fields", {})
    return [line for name in fields for line in every_line(getattr(value, name))]


def test_every_line_names_rows_that_are_held_about_the_person(shared: Path) -> None:
    record = personal_record(shared, "e1", reading=RecordReading.of("manager"))
    held = {(table.name, row.key, row.day) for table in record.tables for row in table.rows}
    for answer in (brief(shared), development_card(shared, "e1", spec=SPEC)):
        lines = every_line(answer)
        assert len(lines) > 5
        for line in lines:
            assert line.sources
            assert {(s.table, s.key, s.day) for s in line.sources} <= held


def test_the_card_has_its_five_parts(shared: Path) -> None:
    card = development_card(shared, "e1", spec=SPEC)
    assert [line.text.zh for line in card.reviews] == [
        "截至 2026-06-30 的考核：4，“主动承担，值得肯定。”",
        "截至 2025-12-31 的考核：3，“按期完成目标。”",
    ]
    assert [line.text.zh for line in card.gaps] == ["记录的差距：谈判，依据原文“报价让步过快。”"]
    assert card.gaps[0].sources == (
        SourceRow(
            table="gap_tags", title=card.gaps[0].sources[0].title, key="e1 谈判 2026-07-15", day=dt.date(2026, 7, 15)
        ),
    )
    assert texts(card.courses) == ["course begun on 2026-08-01, not finished: 谈判入门"], "finished later"
    assert len(card.projects) == 1 and card.strengths


def test_nothing_is_foretold_and_nobody_else_is_named(shared: Path) -> None:
    for answer in (brief(shared), development_card(shared, "e1", spec=SPEC)):
        text = answer.model_dump_json()
        assert not re.search(r"probab|risk|likel|离职|概率|风险", text)
        assert '"e2"' not in text and "boss" not in text


def test_a_disputed_row_supports_nothing(tmp_path: Path) -> None:
    from perfml import Project

    data, home = company(tmp_path / "data"), tmp_path / "home"
    keep(data, home)
    Project(home=home).dispute("e1", table="reviews", key="r2", right={"rating": "5"}, by="e1", data=data)
    assert "rating rose" not in " ".join(texts(brief(home).success_factors))
    Project(home=home).opt_out("e1", by="e1")
    out = brief(home)
    assert out.withheld is not None and not every_line(out) and out.nothing_on_record is None
    assert out.as_of == DAY
