"""The pages that the demo's tour names, in a real browser: each opens for its account, shows what the sentence says, and is free
of barriers in both languages."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from perfml.demo.tour.work import PERSONAS
from tests.service.web.conftest import ServedCompany, sign_in
from tests.service.web.test_browser import SCREENS, look

pytestmark = pytest.mark.slow
EMPTY = (
    "perfml goals",
    "perfml indicators",
    "perfml process-debt",
    "perfml what-if",
    "perfml feedback-network",
    "perfml export",
)
"""What a page without anything computed tells a visitor to run."""


@pytest.mark.parametrize(("language", "screen"), [("en", "desk"), ("zh", "telephone")])
@pytest.mark.parametrize("persona", PERSONAS)
def test_every_stop_opens_for_its_account(
    browser: Browser, served_company: ServedCompany, persona: str, language: str, screen: str
) -> None:
    stops = [stop for stop in served_company.stops if stop.persona == persona]
    assert stops
    for visitor in sign_in(browser, served_company, persona, language=language, width=SCREENS[screen]):
        barriers = []
        for stop in stops:
            page = visitor.open(stop.address)
            text = page.inner_text("main")
            assert not [command for command in EMPTY if command in text], (stop.address, text)
            barriers += look(page, f"tour-{persona}-{language}{stop.address.replace('/', '_')}")
        assert not barriers, "\n".join(barriers)
        assert visitor.complaints == []


@pytest.mark.parametrize(("language", "heading"), [("en", "Internal openings"), ("zh", "内部岗位")])
def test_hr_reads_the_openings_of_the_same_person(
    browser: Browser, served_company: ServedCompany, language: str, heading: str
) -> None:
    person = served_company.accounts["employee"].split()[-1]
    for visitor in sign_in(browser, served_company, "hr", language=language, width=SCREENS["desk"]):
        page = visitor.open(f"/hr/people/{person}")
        assert heading in page.inner_text("main")
        assert page.locator("main .card h3", has_text="P0").count() == 0, "titles, not ids"
        assert not look(page, f"tour-hr-{language}_person")
    for visitor in sign_in(browser, served_company, "manager", language=language, width=SCREENS["desk"]):
        assert heading not in visitor.open(f"/team/{person}").inner_text("main")


def test_each_stop_is_one_sentence(served_company: ServedCompany) -> None:
    assert {stop.persona for stop in served_company.stops} == set(PERSONAS)
    for stop in served_company.stops:
        assert stop.text.endswith(".") and stop.text.count(". ") == 0, stop.text
