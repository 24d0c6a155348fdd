"""The pages of data scientists and auditors: models, checklist, log; nobody's score, and no raw HTML of a card."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from perfml.advice.decision_log import DecisionLog, Intervention
from perfml.service.app import create_app
from perfml.service.web.charts import ChartRow, RangeRow, bars, ranges, trend
from perfml.service.web.markdown import markdown
from perfml.trust.audit.history import newest_entries
from tests.service.company import DAY
from tests.service.conftest import ODD_IDS
from tests.service.web.test_person import plain

OFFERED = [person for person in ODD_IDS if person.strip()]


def test_a_card_is_text() -> None:
    card = "# <script>x</script>\n\n**bold** and `a<b`\n- one *two*\n- three\n  four\n\n[x](javascript:alert(1)) <img src=x>"
    html = markdown(card)
    assert not re.search(r"<(?!/?(h3|p|ul|li|strong|em|code)>)", html)
    assert "<li>three four</li>" in html and "<strong>bold</strong>" in html and "<code>a&lt;b</code>" in html


@pytest.mark.parametrize("text", ["<script>x</script>", '"><svg onload=x>', "&lt;b&gt;"])
def test_a_chart_says_what_its_table_says_and_runs_nothing(text: str) -> None:
    rows = [ChartRow(label=text, value=value, text=f"{value:+}") for value in (2.0, -1.0)]
    spans = [RangeRow(label=text, low=0.1, value=0.2, high=0.4, reference=0.3, cells=("20%", "10% – 40%", "30%"))]
    heads = ("a", "b")
    for chart in (bars(rows, title=text, heads=heads), trend(rows, title=text, heads=heads)):
        assert not re.search(r"<(?!/?(svg|rect|path|text|circle|polyline)\b)", chart.svg)
        assert all(cell in plain(chart.svg) for row in chart.rows for cell in row[1:])
    span = ranges(spans, title=text, heads=("a", "b", "c", "d"))
    assert span.rows[0][1] in plain(span.svg) and "<script" not in span.svg


@pytest.mark.slow
def test_models_say_whether_they_may_be_used_and_name_nobody(client: TestClient) -> None:
    pages = [
        client.get("/models"),
        client.get("/models/attrition"),
        client.get("/governance"),
        client.get("/hr/trends"),
    ]
    assert [page.status_code for page in pages] == [200] * 4
    assert "proven" in pages[0].text and "Gates" in pages[1].text and "卡片" in pages[1].text
    for page in pages:
        assert not any(re.search(rf"\b{name}\b", plain(page.text)) for name in ("张伟", "O'Neil", "H1"))
    assert client.get("/models/none").status_code == 404


@pytest.mark.slow
def test_the_log_says_who_saw_whom_and_that_it_is_whole(client: TestClient, home: Path) -> None:
    client.get("/hr/people/O'Neil")
    page = client.get("/audit")
    text = plain(page.text)
    assert "The log is whole" in text and "see GET /hr/people/{employee_id}" in text and "O'Neil" in text
    newest = newest_entries(home, limit=1)[0]
    assert (newest.event.action, newest.employee_ids) == ("see GET /audit", ("O'Neil",))
    older = client.get("/audit?before=2")
    assert older.status_code == 200 and "O'Neil" not in older.text
    assert client.get("/exports").status_code == 200


@pytest.mark.slow
def test_what_became_of_few_is_not_shown(client: TestClient, home: Path) -> None:
    log = DecisionLog(home)
    offers = [
        Intervention(employee_id=person, kind=kind, offered_on=DAY, status="offered")
        for kind, people in (("conversation", OFFERED), ("mentoring", OFFERED[:2]))
        for person in people
    ]
    log.log(offers, key="k")
    text = plain(client.get("/hr/adoption").text)
    assert f"conversation {len(OFFERED)}" in text and "mentoring not shown: too few people" in text


@pytest.mark.parametrize(
    "path", ["/models", "/hr/work", "/hr/adoption", "/hr/trends", "/governance", "/audit", "/exports"]
)
def test_an_empty_home_has_pages(tmp_path: Path, path: str) -> None:
    client = TestClient(create_app(tmp_path), base_url="http://127.0.0.1:8321")
    assert client.get(path).status_code == 200
