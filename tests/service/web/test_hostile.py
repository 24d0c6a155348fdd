"""Five hundred pieces of HTML and script as names, course titles and comments: a real browser runs none of them."""

from __future__ import annotations

from itertools import cycle, islice, product
from pathlib import Path

import pyarrow as pa
import pytest
from playwright.sync_api import Browser

from perfml.advice.courses.match import SCHEMA as COURSES
from perfml.advice.suggestion_files import keep_suggestions
from perfml.evidence.population.facts import PEOPLE
from perfml.scoring.people.files import keep_people
from tests.service.company import COURSE, DAY, keep, scored, train
from tests.service.web.conftest import serve_home

pytestmark = pytest.mark.slow
CALL = "window.ran=(window.ran||0)+1"
TAGS = (
    "<script>{call}</script>",
    "<img src=x onerror='{call}'>",
    '"><svg onload="{call}">',
    "'><body onload='{call}'>",
    "<a href='javascript:{call}'>x</a>",
    "<iframe srcdoc='<script>parent.{call}</script>'></iframe>",
    "<input autofocus onfocus='{call}'>",
    "<details open ontoggle='{call}'>x</details>",
    "</textarea><script>{call}</script>",
    "</title><script>{call}</script>",
    "<math><mtext><script>{call}</script></mtext></math>",
    "<style>*{{background:url(javascript:{call})}}</style>",
    "<meta http-equiv=refresh content='0;url=javascript:{call}'>",
    "<form action='javascript:{call}'><button autofocus>x</button></form>",
    "{{{{ ''.__class__ }}}}{{% raw %}}<script>{call}</script>",
    "<div hx-get='/' hx-trigger='load' hx-on:htmx:load='{call}'>x</div>",
    "<video><source onerror='{call}'></video>",
    "<marquee onstart='{call}'>x</marquee>",
    "javascript:{call}//",
    "\u003cscript>{call}\u003c/script>",
)
WRAPPED = ("{0}", "a{0}b", "李{0}", "{0}{0}", " {0}", "<!--{0}-->{0}", "&lt;{0}", "]]>{0}", "%3C{0}", "\\{0}",
           "<p>{0}", "'{0}", '"{0}', "`{0}", "${{{0}}}", "<{0}", "<b>{0}</b>", "\t{0}", "{0}\u202e", "\ufeff{0}",
           "<table>{0}", "<noscript>{0}</noscript>", "<xmp>{0}", "<plaintext>{0}", "<select>{0}",
           "{0}</b>", "x={0}", "{0};", "({0})")  # fmt: skip
ALL = (outer.format(tag.format(call=CALL)) for outer, tag in product(WRAPPED, TAGS))
PAYLOADS = list(dict.fromkeys(ALL))[:500]


@pytest.fixture
def hostile_home(tmp_path: Path) -> Path:
    """A company in which everybody's name, and every course, is an attack."""
    version = train(tmp_path, "attrition", {91: True})
    ids = [f"E{number}" for number in range(len(PAYLOADS))]
    keep(tmp_path, "attrition", version, [scored(each, n, band="act") for n, each in enumerate(ids, 1)])
    columns: dict[str, list[object]] = {name: [None] * len(ids) for name in PEOPLE.names}
    columns |= {"employee_id": list(ids), "name": list(PAYLOADS), "manager_name": list(PAYLOADS)}
    columns |= {"department": list(islice(cycle(PAYLOADS[:40]), len(ids))), "manager_id": list(ids)}
    keep_people(pa.table(columns, schema=PEOPLE), tmp_path, as_of=DAY)
    courses = [
        {**COURSE, "suggestion_id": f"c{n}", "employee_id": each, "title": text, "tag": text, "zh": text, "en": text}
        for n, (each, text) in enumerate(zip(ids, PAYLOADS, strict=True))
    ]
    keep_suggestions(pa.Table.from_pylist(courses, schema=COURSES), tmp_path, policy="course_match", as_of=DAY)
    return tmp_path


def test_nothing_of_it_runs(browser: Browser, hostile_home: Path) -> None:
    assert len(set(PAYLOADS)) == 500
    with serve_home(hostile_home) as address:
        page = browser.new_page(base_url=address)
        page.on("dialog", lambda dialog: pytest.fail(dialog.message))
        page.add_init_script("window.ran = 0")
        page.goto("/hr?capacity=500")
        assert page.evaluate("window.ran") == 0
        shown = page.locator(".person .who").all_inner_texts()
        assert len(shown) > 400 and any("<script>" in text for text in shown), "they are shown as they are"
        for person in range(0, 500, 25):
            answer = page.goto(f"/hr/people/E{person}")
            assert answer is not None and answer.status == 200
            assert page.evaluate("window.ran") == 0
        without_policy = browser.new_page()
        without_policy.set_content(f"<script>{CALL}</script>")
        assert without_policy.evaluate("window.ran") == 1, "so that the test can fail"
