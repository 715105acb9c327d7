"""Finding one's way: the bar, every page by a click, Back and Forward, the next page of results."""

import re

import pytest

from tests.fixtures.browser import NARROW_FIRST, settled

PAGES = (
    "Map",
    "Geometry",
    "Evaluate",
    "Collections",
    "Repair",
    "Methods",
    "Measurements",
    "Formats",
    "Search",
)


def go(page, name):
    """To a page as a visitor goes there: by the bar, or by the menu of a narrow screen."""
    link = page.get_by_role("link", name=name, exact=True)
    if not page.get_by_test_id("stTopNav").is_visible():
        page.locator(".st-key-_menu button").click()
        link = page.get_by_role("menuitem", name=name)
    elif not link.is_visible():
        page.get_by_role("button", name="More", exact=True).click()
        link = page.get_by_role("menuitem", name=name)
    link.click()
    page.wait_for_url(re.compile(f"/{name.lower()}" if name != "Search" else r"/\?"))
    settled(page)


def query(page):
    return page.locator(".st-key-_q input").input_value()


@pytest.mark.parametrize("width", NARROW_FIRST)
def test_every_page_is_reached_by_a_click(visit, width):
    page = visit("methods?collection=colours&map=pca", width=width)
    for name in PAGES:
        go(page, name)
        menu = page.locator(".st-key-_menu button")
        assert not menu.is_visible() or name in menu.inner_text()
        assert page.get_by_test_id("stException").count() == 0
        overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert overflow <= 0, f"{name} is wider than the screen"
    assert "collection=colours" in page.url


def test_back_and_forward_open_every_state_again(visit):
    page = visit("?collection=colours")
    box, card = page.locator(".st-key-_q input"), page.locator(".card")
    box.press_sequentially("red", delay=30)
    page.wait_for_url(re.compile("q=red"))
    page.get_by_role("button", name=re.compile(r"^1\. .*red square")).wait_for()
    settled(page)
    states = [("", page.url.partition("&")[0]), ("red", page.url)]
    card.first.get_by_role("button", name=re.compile(r"^1\. ")).or_(card.first).first.click()
    page.get_by_role("dialog").get_by_role("button", name="More like this").first.click()
    page.wait_for_url(re.compile("also="))
    settled(page)
    states.append(("", page.url))
    page.locator(".st-key-paging").get_by_role("button", name="Next page").click()
    page.wait_for_url(re.compile("page=2"))
    settled(page)
    page.wait_for_function("document.querySelector('[data-testid=stMain]').scrollTop < 250")
    states.append(("", page.url))
    go(page, "Map")
    for text, address in reversed(states):
        page.go_back()
        page.wait_for_url(address)
        settled(page)
        assert query(page) == text
    for text, address in states[1:]:
        page.go_forward()
        page.wait_for_url(address)
        settled(page)
        assert query(page) == text
    page.go_forward()
    page.wait_for_url(re.compile("/map"))
    settled(page)
