"""What the check says of models is what training says, without learning anything."""

from pathlib import Path

import pytest

from perfml import Project
from perfml.evidence.check import CheckReport
from perfml.evidence.features import build
from perfml.learning.dataset import table
from perfml.messages import render
from tests.thin import Thin

SMALL = Thin(people=40, events=6, leavers=30)


def project(root: Path, **models: str) -> Project:
    (root / "models").mkdir(parents=True)
    (root / "perfml.toml").write_text('name = "x"')
    for name, text in models.items():
        (root / "models" / f"{name}.toml").write_text(text)
    return Project(root, home=root / "home")


def lines(report: CheckReport) -> list[str]:
    """What can be computed, what cannot and what is a problem, in English."""
    return [*(render(task, "en") for task in (*report.can, *report.cannot)), *report.problems]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return SMALL.write(tmp_path_factory.mktemp("small"))


@pytest.mark.slow
def test_each_horizon_is_judged_by_its_cases(company: Path, tmp_path: Path) -> None:
    text = "[population]\nevery = 'quarter'\n[backtest]\nmin_positives = 8\n[label]\nhorizons_days = [91, 1200]"
    report = project(tmp_path, attrition=text, low_performance="[label]\nlow_at_most = 0").check(company)
    assert report.ready and "model attrition within 91 days" in lines(report)
    cannot = "\n".join(lines(report))
    assert "model attrition within 1200 days: no label has matured" in cannot
    assert "model low_performance within 182 days: 0 of " in cannot


@pytest.mark.slow
def test_one_pass_over_the_log_serves_all_models(
    company: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes = []
    monkeypatch.setattr(table, "build", lambda *given, **options: passes.append(given) or build(*given, **options))
    checked = project(tmp_path, low_performance="[population]\nevery = 'quarter'")
    assert len(checked.folder.models) == 2
    report = checked.check(company)
    judged = " ".join(lines(report))
    assert report.ready and "model attrition" in judged and "model low_performance" in judged
    assert len(passes) == 1


@pytest.mark.slow
def test_eligibility_decides_too_and_may_use_the_position(company: Path, tmp_path: Path) -> None:
    text = "[population]\nevery = 'quarter'\neligible = \"{}\"\n[backtest]\nmin_positives = 4\n[label]\nhorizons_days = [182]"
    for number, (eligible, line) in enumerate(
        {
            "role_family = 'sales' and tenure_days > 28": "model attrition within 182 days",
            "role_family = 'nobody'": "model attrition within 182 days: none of ",
            "level < 'x'": "models/attrition.toml",
        }.items()
    ):
        report = project(tmp_path / str(number), attrition=text.format(eligible)).check(company)
        assert any(line in known for known in lines(report)), (eligible, report)


@pytest.mark.slow
def test_any_event_of_the_log_can_be_predicted(company: Path, tmp_path: Path) -> None:
    text = (
        'zh = "x"\nen = "x"\n[population]\nevery = "quarter"\n[backtest]\nmin_positives = 4\n[label]\nkind = "event"\n'
        'kinds = ["{}"]\nzh = "x"\nen = "x"\nhorizons_days = [91]\n{}'
    )
    for number, (kind, where, line) in enumerate(
        (
            ("login", "", "model mine within 91 days"),
            (
                "sick_leave",
                "",
                "model mine: no event of kind 'sick_leave' is in the log; the most frequent kinds are: ",
            ),
            ("login", "where = 'value > 1e9'", "model mine: no event of kind 'login' with value > 1e9 is in the log"),
            (
                "login",
                "where = 'hours > 3'",
                "models/mine.toml [label.where]: 'hours' is no fact of an event; use one of: kind, value",
            ),
        )
    ):
        opened = project(tmp_path / str(number), mine=text.format(kind, where))
        (tmp_path / str(number) / "models" / "mine.md").write_text("# card")
        report = opened.check(company)
        assert any(each.startswith(line) for each in lines(report)), (line, report)


@pytest.mark.slow
def test_a_definition_that_cannot_be_used_is_a_problem_whatever_the_data_are(company: Path, tmp_path: Path) -> None:
    report = project(
        tmp_path,
        attrition="[population]\neligible = 'tenure_dayz > 3'",
        low_performance="[monotone]\nlast_ratings = 1",
        mine='kind = "course_match"\nzh = "x"\nen = "x"',
    ).check(company)
    assert not report.ready
    for problem in (
        "models/attrition.toml [population.eligible]: no evidence is called 'tenure_dayz'",
        "models/low_performance.toml [monotone]: no evidence is called 'last_ratings'",
        "models/mine.md: is missing",
    ):
        assert any(line.startswith(problem) for line in report.problems), report.problems
