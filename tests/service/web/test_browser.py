"""The first ten minutes of each persona in a real browser: both languages, telephone and desk, with the rules of axe-core.

Pictures of every page are kept under ``build/screenshots``, for people to look at.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.service.web.conftest import ServedCompany, Visitor, sign_in

pytestmark = pytest.mark.slow
SCREENSHOTS = Path(__file__).parents[3] / "build" / "screenshots"
SCREENS = {"telephone": 390, "desk": 1280}
SERIOUS = ("serious", "critical")
PERSONAS = ("hr", "manager", "employee", "data scientist", "auditor", "administrator")


@pytest.fixture(
    scope="module",
    params=[
        (persona, language, screen)
        for persona in PERSONAS
        for language, screen in (("en", "desk"), ("zh", "telephone"))
    ],
    ids="-".join,
)
def visitor(request: pytest.FixtureRequest, browser: Browser, served_company: ServedCompany) -> Iterator[Visitor]:
    """One sign-in for all tests of a persona on a screen."""
    persona, language, screen = request.param
    yield from sign_in(browser, served_company, persona, language=language, width=SCREENS[screen])


def look(page: Page, name: str) -> list[str]:
    """Keep a picture of the page; return what hinders somebody with a screen reader, a keyboard or a small screen."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)
    violations = Axe().run(page).response["violations"]
    barriers = [
        f"{page.url}: {each['id']}: {each['help']}: {each['nodes'][0]['html'][:160]}"
        for each in violations
        if each["impact"] in SERIOUS
    ]
    if page.evaluate("document.documentElement.scrollWidth > window.innerWidth + 1"):
        barriers.append(f"{page.url}: wider than the screen")
    return barriers


def ways(page: Page) -> dict[str, None]:
    """The addresses that the head of a page leads to, in order."""
    return dict.fromkeys(link.get_attribute("href") or "" for link in page.locator(".top nav a").all())


def test_the_first_ten_minutes(visitor: Visitor, request: pytest.FixtureRequest) -> None:
    """Every page of the menu, and the first person or run of its list, opens, reads well and complains of nothing."""
    page = visitor.open("/")
    case = request.node.callspec.id.replace(" ", "_")
    menu = ways(page)
    assert menu, "there is somewhere to go"
    for address in list(menu):  # the first pages of groups lead to the others
        menu |= ways(visitor.open(address))
    barriers = []
    for address in menu:
        visitor.open(address)
        barriers += look(page, f"{case}{address.partition('?')[0].replace('/', '_')}")
        people = [
            link.get_attribute("href") or ""
            for link in page.locator("main a[href*='/people/'], main a[href^='/team/'], main a[href^='/runs/']").all()
        ]
        for person in people[:1]:
            visitor.open(person)
            barriers += look(page, f"{case}{address.partition('?')[0].replace('/', '_')}_person")
    assert not barriers, "\n".join(barriers)
    assert visitor.complaints == []


def test_the_language_is_chosen_on_every_page(visitor: Visitor) -> None:
    page = visitor.open("/")
    before, address = page.locator("html").get_attribute("lang"), page.url
    page.locator("form[action='/language'] button").click()
    assert page.url == address
    assert {before, page.locator("html").get_attribute("lang")} == {"en", "zh-Hans"}


def test_a_keyboard_is_enough(visitor: Visitor) -> None:
    page = visitor.open("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")
