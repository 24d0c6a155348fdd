"""The report is whole, escaped, self-contained, and names nobody where the model was not shown to be better."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import html
import html.parser
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import markupsafe
import pyarrow as pa
import pytest

from perfml.advice.courses.match import SCHEMA as COURSES
from perfml.advice.priorities import Ranking, priorities
from perfml.advice.targets.suggestion_rows import SCHEMA as TARGETS
from perfml.errors import ModelError
from perfml.evidence.columns import Column
from perfml.harmless import FORMULA
from perfml.learning.estimators.blend import RiskModel
from perfml.learning.record import Figure, GateRecord
from perfml.learning.registry.model_store import FittedModels, Model
from perfml.messages import Message
from perfml.project.model_spec import ModelSpec
from perfml.report import wording
from perfml.report.contents.advice import Advice
from perfml.report.pictures import Interval
from perfml.report.report import write_report
from perfml.scoring.batches.rows import SCHEMA
from tests.records import backtest_record, baseline_gate, figure, training_record
from tests.service.company import BEYOND, COURSE, TARGET

DAY = dt.date(2024, 7, 1)
NASTY = "<script>alert('1')</script>\"&"
KIND = 'CRM "update" <b>'


def estimates(value: float | None) -> dict[str, Figure]:
    names = ("auc", "average_precision", "precision_at_capacity", "lift_at_capacity", "expected_over_observed")
    return {name: figure(value) for name in names}


def gate(name: str, verdict: str, figure: Message, limit: Message, text: Message) -> GateRecord:
    return GateRecord(name=name, verdict=verdict, figure=figure, limit=limit, text=text)


m = Message.of
FEW = m("gate_too_few_people")
PASSED = [
    gate(
        "permuted labels",
        "pass",
        m("gate_permuted_auc", auc=0.496, se=0.027),
        m("gate_permuted_limit", errors=3.0),
        m("gate_permuted_pass"),
    ),
    gate(
        "single column",
        "pass",
        m("gate_column_auc", column=("crm_count_91d",), auc=0.605),
        m("gate_most", most=0.9),
        m("gate_column_pass"),
    ),
    gate(
        "duplicate people",
        "pass",
        m("gate_duplicates", share=0.0),
        m("gate_most_share", most=0.01),
        m("gate_duplicates_pass"),
    ),
    gate(
        "future canary",
        "pass",
        m("gate_canary", changed=0, columns=247, day="2023-06-01"),
        m("gate_none"),
        m("gate_canary_pass"),
    ),
    gate(
        "stable list",
        "pass",
        m("gate_jaccard", jaccard=0.49, refits=5),
        m("gate_least", least=0.3),
        m("gate_list_pass"),
    ),
    gate("stable reasons", "insufficient", m("not_estimated"), m("gate_least", least=0.5), FEW),
    gate(
        "fairness",
        "pass",
        m("gate_findings", fail=0, passed=12, insufficient=1),
        m("gate_fairness_limit"),
        m("gate_fairness_pass"),
    ),
]
FAILED = gate(
    "single column",
    "fail",
    m("gate_column_auc", column=("crm_count_91d",), auc=0.95),
    m("gate_most", most=0.9),
    m("gate_column_fail", column=("crm_count_91d",)),
)
SEGMENTS = {
    "regrettable": {"zh": "高绩效员工的流失", "en": "Top-rated people", "where": "true"},
    "new": {"zh": "新员工", "en": "New people", "where": "true"},
}


def model(*, proven: bool = True, left_out: tuple[Message, ...] = (), failing: GateRecord | None = None) -> Model:
    """``failing``: a gate other than the baseline's that it fails."""
    spec = ModelSpec.model_validate(
        {
            "segments": SEGMENTS,
            "zh": "主动离职风险",
            "en": "Risk of leaving",
            "label": {"kind": "exit", "horizons_days": [91], "exit_kinds": ["voluntary"]},
        }
    )
    tested = backtest_record(
        91,
        proven=proven,
        model=estimates(0.8),
        baseline=estimates(0.6),
        difference=estimates(0.2),
        bins=[{"n": 20, "expected": 0.1, "observed": 0.15, "low": 0.05, "high": 0.3}] * 10,
        calibration_error=0.0312,
        calibration_error_floor=0.0105,
        by_year=[
            {"year": 2023, "rows": 80, "expected": 8.0, "observed": 10, "expected_over_observed": figure(0.8)},
            {"year": 2024, "rows": 120, "expected": 12.0, "observed": 20, "expected_over_observed": figure(None)},
        ],
        segments={
            "regrettable": {"rows": 60, "positives": 12, "auc": figure(0.7), "expected_over_observed": figure(0.5)},
            "new": {"rows": 0, "positives": 0},
        },
        listed_ratio=[0.8, 1.0, 1.2],
        rows=200,
        positives=30,
        folds=[
            {
                "origin": "2024-01-01",
                "train": ["2022-01-01", "2023-10-01"],
                "test": ["2024-01-01", "2024-01-01"],
                "train_rows": 900,
                "train_positives": 90,
                "test_rows": 200,
                "test_positives": 30,
            }
        ],
    )
    if failing is not None:
        tested = tested.model_copy(update={"proven": False, "text": failing.text})
    record = training_record(
        tested,
        until=DAY,
        spec=spec,
        gates={91: (baseline_gate(proven), *PASSED, *([failing] if failing else []))},
        left_out=left_out,
    )
    columns = (
        Column(
            name="tenure_days",
            evidence="job",
            reason="job",
            reason_zh="岗位与司龄",
            reason_en="Job and tenure",
            zh="在职天数",
            en="days since the hire",
            unit="days",
            direction="neither",
            owner="company",
        ),
        Column(
            name="crm_count_91d",
            evidence="activity",
            reason="activity:crm",
            reason_zh=KIND,
            reason_en=KIND,
            zh=f"近91天{KIND}次数",
            en=f"{KIND} in the last 91 days",
            unit="times",
            direction="higher",
            owner="employee",
        ),
    )
    return Model(
        name="attrition",
        version="abc123def456",
        learnt=FittedModels({91: RiskModel.constant(1, 10)}),
        columns=columns,
        kinds=(),
        record=record,
    )


CAUSES = {"voluntary": 0.234, "involuntary": 0.05, "other": 0.01, "staying": 0.706}


def row(
    person: str,
    status: str = "scored",
    *,
    rank: int | None = None,
    band: str | None = None,
    why: str | None = None,
    segments: tuple[str, ...] = (),
) -> dict[str, Any]:
    value = {"column": "crm_count_91d", "value": 3.0, "usual": 9.0, "zh": "", "en": ""}
    reasons = [
        {"evidence": "activity:crm", "contribution": 0.9, "owner": "employee", "zh": "", "en": "", "values": [value]},
        {"evidence": "other", "contribution": -0.2, "owner": "data", "zh": "其他", "en": "other", "values": []},
    ]
    scored = status == "scored"
    return {
        "employee_id": person,
        "as_of": DAY,
        "model": "attrition",
        "model_version": "abc123def456",
        "horizon_days": 91,
        "probability": 0.234 if scored else None,
        "margin": -1.186 if scored else None,
        "base_value": -1.886 if scored else None,
        "incidence": [{"cause": c, "probability": p} for c, p in CAUSES.items()] if scored else None,
        "segments": list(segments),
        "status": status,
        "rank": rank,
        "band": band,
        "why_not": why,
        "reasons": reasons if scored else None,
    }


def scores(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def some(people: int = 3) -> pa.Table:
    return scores(
        [
            row(NASTY, rank=1, band="act", segments=("regrettable",)),
            *[row(f"E{i:03}", rank=i, band="watch") for i in range(2, people + 1)],
            row(
                "H1",
                "held",
                why=Message.of("hold_quarantine", table="reviews", rule="rating_out_of_scale").model_dump_json(),
            ),
            row("T1", "thin"),
            row("N1", "ineligible"),
            row("N2", "ineligible"),
        ]
    )


def written(tmp_path: Path, **changes: Any) -> str:
    given: dict[str, Any] = {
        "title": f"Report {NASTY}",
        "as_of": DAY,
        "models": [model()],
        "scores": [some()],
        **changes,
    }
    return write_report(tmp_path / "report.html", **given).read_text(encoding="utf-8")


def body(page: str, language: str) -> str:
    """The text of one language, without tags and without the switch."""
    part = page.split(f'<main class="{language}"')[1].split("</main>")[0].partition(">")[2]
    part = re.sub(r'<span class="switch">.*?</span>', "", part)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", part)))


def script(page: str) -> str:
    """The one script of the page."""
    (inner,) = re.findall(r"<script>(.*?)</script>", page, re.S)
    return inner


class Tags(html.parser.HTMLParser):
    """All tags, and whether each that was opened was closed."""

    VOID = frozenset({"meta", "input", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)


@pytest.mark.slow
def test_everything_from_data_is_escaped(tmp_path: Path) -> None:
    nasty = m("no_table", evidence=NASTY, table="goals")
    page = written(tmp_path, notices=[nasty], models=[model(left_out=(nasty,))])
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert page.count("<script") == 1 and NASTY not in script(page)
    assert tags.seen.isdisjoint({"img", "link", "iframe", "object"})
    assert not [name for name, _ in tags.attributes if name.startswith("on")]
    assert ("title", NASTY) in tags.attributes
    assert "&lt;script&gt;" in page
    assert "CRM &#34;update&#34; &lt;b&gt;" in page


@pytest.mark.slow
def test_nothing_is_loaded_from_anywhere(tmp_path: Path) -> None:
    page = written(tmp_path)
    inner = script(page)
    assert not re.search(r"fetch|XMLHttpRequest|import|eval|innerHTML|WebSocket|document\.write", inner)
    page = page.replace(inner, "").replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert not re.search(r"https?://|//\w|@import|url\(|src=", page)
    digest = base64.b64encode(hashlib.sha256(inner.encode()).digest()).decode()
    assert f"content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'\"" in page


@pytest.mark.slow
def test_the_script_knows_the_formulas_that_files_know(tmp_path: Path) -> None:
    (line,) = re.findall(r"const FORMULA = (.*);", script(written(tmp_path)))
    assert json.loads(line) == FORMULA


@pytest.mark.slow
def test_everything_can_be_read_without_the_script(tmp_path: Path) -> None:
    page = written(tmp_path)
    targets = set(re.findall(r'id="([^"]+)"', page))
    assert {link for link in re.findall(r'href="#([^"]+)"', page)} <= targets
    assert all("hidden" in form for form in re.findall(r"<form[^>]*>", page))


@pytest.mark.slow
def test_english_is_shown_first_and_both_languages_say_the_same(tmp_path: Path) -> None:
    page = written(tmp_path)
    assert re.search(r'id="language-en" class="language" checked', page)
    english, chinese = body(page, "en"), body(page, "zh")
    assert not re.search("[\u4e00-\u9fff]", english)
    assert re.findall(r"\d+ 人中约 \d+", chinese) and "about 23 of 100" in english and "100 人中约 23 人" in chinese
    tables = [part.count("<table") for part in page.split("<main")[1:]]
    assert tables[0] == tables[1]


@pytest.mark.slow
def test_chinese_is_complete(tmp_path: Path) -> None:
    """What is left of Latin letters are names: ids, versions, expressions, AUC, Wilson."""
    chinese = body(written(tmp_path, title="报告"), "zh")
    known = {
        "AUC",
        "CSV",
        "Excel",
        "SE",
        "Wilson",
        "perfml",
        "attrition",
        "abc",
        "def",
        "reviews",
        "rating",
        "out",
        "of",
        "scale",
        "true",
        "false",
        "CRM",
        "update",
        "script",
        "alert",
        "quot",
        "lt",
        "gt",
        "amp",
        "b",
        "E",
        "d",
        "H",
        "Jaccard",
    }
    assert set(re.findall("[A-Za-z]+", chinese)) - known == set()


@pytest.mark.slow
def test_it_says_what_it_must_never_decide(tmp_path: Path) -> None:
    page = written(tmp_path)
    assert "never decides pay or dismissal" in body(page, "en")
    assert "绝不用于决定薪酬或解雇" in body(page, "zh")


@pytest.mark.slow
def test_who_was_not_scored_is_counted_with_why(tmp_path: Path) -> None:
    english = body(written(tmp_path), "en")
    assert "Held 1 (broken rows in reviews (rating_out_of_scale): 1)" in english
    assert "Record too thin 1" in english
    assert "Not eligible 2" in english


@pytest.mark.slow
def test_an_unproven_model_names_nobody(tmp_path: Path) -> None:
    people = scores([row("SECRET1"), row("SECRET2")])
    page = written(tmp_path, models=[model(proven=False)], scores=[people])
    assert "SECRET" not in page
    assert "not shown to be more useful than sorting them by days since the hire" in body(page, "en")
    assert "尚不能证明它比按“在职天数”排序更有用" in body(page, "zh")


@pytest.mark.slow
def test_a_model_that_fails_another_gate_names_nobody_and_says_which(tmp_path: Path) -> None:
    page = written(tmp_path, models=[model(failing=FAILED)], scores=[scores([row("SECRET1")])])
    assert "SECRET" not in page
    assert f"No list. “{KIND} in the last 91 days” alone gives the outcome away" in body(page, "en")
    assert f"“近91天{KIND}次数”单独即可泄露结果" in body(page, "zh")


@pytest.mark.slow
def test_no_more_are_listed_than_asked_for(tmp_path: Path) -> None:
    page = written(tmp_path, scores=[some(40)], most_listed=10)
    assert "E014" in page and "E015" not in page, "four to talk to, ten of those to watch"
    assert "26 more people are not shown" in body(page, "en")


@pytest.mark.slow
def test_fifty_people_are_less_than_a_megabyte(tmp_path: Path) -> None:
    assert len(written(tmp_path, scores=[some(50)]).encode()) < 1_000_000


@pytest.mark.slow
@pytest.mark.parametrize("empty", [[], [row("N1", "ineligible")]])
def test_nobody_scored_is_still_a_report(tmp_path: Path, empty: list[dict[str, Any]]) -> None:
    assert "Scored 0" in body(written(tmp_path, scores=[scores(empty)]), "en")


@pytest.mark.slow
def test_figures_that_could_not_be_estimated_are_said_so(tmp_path: Path) -> None:
    trained = model()
    nothing = dict.fromkeys(("model", "baseline", "difference"), estimates(None))
    tested = trained.record.backtests[91].model_copy(update=nothing)
    trained = replace(trained, record=trained.record.model_copy(update={"backtests": {91: tested}}))
    assert "not estimated" in body(written(tmp_path, models=[trained]), "en")


def test_scores_of_another_model_or_date_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    other = scores([row("E1") | {"model_version": "other"}])
    for changed in (
        {"scores": [other]},
        {"as_of": dt.date(2024, 8, 1)},
        {"scores": []},
        {"scores": [some().drop_columns("rank")]},
    ):
        with pytest.raises(ModelError):
            written(tmp_path, **changed)
    assert not out.exists()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("probability", "text"),
    [
        (0.0001, "fewer than 1 of 1,000"),
        (0.0042, "about 4 of 1,000"),
        (0.01, "about 1 of 100"),
        (0.5, "about 50 of 100"),
        (0.999, "more than 99 of 100"),
    ],
)
def test_natural_frequencies(probability: float, text: str) -> None:
    assert wording.natural_frequency(probability, "en") == text


@pytest.mark.slow
def test_what_was_left_out_is_said_in_both_languages(tmp_path: Path) -> None:
    refusal = m(
        "notice_refusal",
        days=182,
        problem=m("no_backtest", days=182, dates=2, cases=665),
        remedy=m("no_backtest_remedy", need=20, embargo=182),
    )
    page = written(
        tmp_path, models=[model(left_out=(m("no_column", evidence="discussion", column=("goals_open",)), refusal))]
    )
    assert "Discussion: there is no column goals_open" in body(page, "en")
    assert "依据 discussion：没有列 goals_open" in body(page, "zh")
    assert "no back-test is possible for 182 days" in body(page, "en")
    assert "无法回测 182 天的风险" in body(page, "zh")
    assert wording.figure(Interval(0.5, None, None), "en") == "0.500"


@pytest.mark.slow
def test_advice_is_shown_in_both_languages_and_left_out_where_none_is_given(tmp_path: Path) -> None:
    trained = model()
    ranking = Ranking.of(some())
    targets = pa.Table.from_pylist([{**TARGET, "en": NASTY, "zh": NASTY}], schema=TARGETS)
    courses = pa.Table.from_pylist([{**COURSE, "title": NASTY}], schema=COURSES)
    advice = Advice.of(targets, courses, [priorities(ranking, trained.record, capacity=2)])
    page = write_report(
        tmp_path / "r.html", title="T", as_of=DAY, models=[trained], scores=[some()], advice=advice
    ).read_text(encoding="utf-8")
    for heading in (
        "Who to talk to: Risk of leaving",
        "Targets that no longer fit",
        "不再合适的目标",
    ):
        assert heading in page
    assert NASTY not in page and str(markupsafe.escape(NASTY)) in page
    plain = write_report(tmp_path / "p.html", title="T", as_of=DAY, models=[trained], scores=[some()])
    assert "Targets that no longer fit" not in plain.read_text(encoding="utf-8")


def two_lists(tmp_path: Path, *, advice: Advice) -> str:
    """A report of two models: E002 is only watched on the first list, and to be talked to on the second."""
    first, second = model(), replace(model(), name="second")
    ranks = {NASTY: 2, "E002": 1, "E003": 3}
    other = scores(
        [row(who, rank=n, band="act" if n == 1 else "watch") | {"model": "second"} for who, n in ranks.items()]
    )
    page = write_report(
        tmp_path / "r.html", title="T", as_of=DAY, models=[first, second], scores=[some(), other], advice=advice
    )
    return page.read_text(encoding="utf-8")


def table_row(page: str, number: int, employee: str) -> str:
    table = page.split(f'<table id="en-table-{number}"')[1].split("</table>")[0]
    (inner,) = re.findall(rf'<tr [^>]*data-id="{employee}".*?</tr>', table, re.S)
    return inner


@pytest.mark.slow
def test_one_row_carries_everything_of_a_person(tmp_path: Path) -> None:
    """Reasons of both lists, targets, the case and the courses stand where the person is helped; all else links to it."""
    own = {"employee_id": "E002", "en": "Move it for E002"}
    beyond = {**TARGET, **own, "goal_id": "g2", "suggestion_id": "t2", "status": "beyond", "beyond": BEYOND, "en": None}
    targets = [{**TARGET, **own}, beyond, {**TARGET, "employee_id": "X9", "en": "Move it for X9"}]
    courses = [{**COURSE, **own, "title": "Course of E002"}, {**COURSE, "employee_id": "X9", "title": "Course of X9"}]
    advice = Advice.of(pa.Table.from_pylist(targets, schema=TARGETS), pa.Table.from_pylist(courses, schema=COURSES))
    page = two_lists(tmp_path, advice=advice)
    main, link = table_row(page, 1, "E002"), table_row(page, 0, "E002")
    for text in ("Move it for E002", "Course of E002", "beyond the policy", "Risk of leaving</a>"):
        assert text in main and text not in link.replace("Reasons and support: Risk of leaving</a>", "")
    assert main.count("<ol") == 2 and "<ol" not in link
    anchor = re.findall(r'<tr id="([^"]+)"', main)[0]
    assert f'href="#{anchor}"' in link
    english = page.split('<main class="en"')[1].split("</main>")[0]
    for once in ("Move it for E002", "Course of E002", "Move it for X9", "Course of X9"):
        assert english.count(once) == 1
    assert f'<a href="#{anchor}">' in english.split('id="en-targets"')[1].split("</section>")[0]
    anchors = re.findall(r'(?<![-\w])id="([^"]+)"', page)
    assert len(anchors) == len(set(anchors)) and set(re.findall(r'href="#([^"]+)"', page)) <= set(anchors)


@pytest.mark.slow
def test_settings_beyond_the_limit_are_counted_and_still_on_the_page(tmp_path: Path) -> None:
    rows = [row(f"E{n:03}", rank=n, band="act" if n < 3 else "watch") for n in range(1, 9)]
    for each in rows[:4]:
        each["reasons"] = [{**each["reasons"][0], "owner": "manager"}, each["reasons"][1]]
    trained = model()
    listed = priorities(Ranking.of(scores(rows)), trained.record, capacity=1)
    page = written(tmp_path, models=[trained], scores=[scores(rows)], advice=Advice.of(priorities=[listed]))
    groups = re.findall(r'data-id="([^"]*)"[^>]*data-list="([^"]*)"', page.split("<main")[1])
    assert groups[:5] == [
        ("E005", "Talk to"),
        ("E001", "Support the setting"),
        ("E002", "Setting, next"),
        ("E003", "Setting, next"),
        ("E004", "Setting, next"),
    ]
    assert "the first 1; 3 more stand below" in body(page, "en") and "其余 3 人列在下方" in body(page, "zh")
    assert 'id="en-attrition-setting-more" value="3"' in page
