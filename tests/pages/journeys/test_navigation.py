"""Finding one's way: the bar, every page by a click, Back and Forward, the next page of results."""

import re

import pytest

from tests.fixtures.browser import WIDTHS, settled

PAGES = {
    "Map": "Nothing selected",
    "Geometry": "Effective rank",
    "Evaluate": re.compile("recall@10", re.I),
    "Collections": "Add data",
    "Methods": "The methods behind every number",
    "Measurements": "Bold: the 95 % confidence interval",
}


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
    return page.get_by_placeholder("Search by text").input_value()


def first(page):
    return page.locator(".st-key-_results_image .card").first.inner_text()


@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_is_reached_by_a_click(visit, width):
    page = visit("methods?collection=colours&map=pca", width=width)
    for name, content in PAGES.items():
        go(page, name)
        page.get_by_text(content).first.wait_for()
        menu = page.locator(".st-key-_menu button")
        assert not menu.is_visible() or menu.inner_text().endswith(name)
        overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert overflow <= 0, f"{name} is wider than the screen"
    go(page, "Search")
    page.get_by_placeholder("Search by text").wait_for()
    assert "collection=colours" in page.url


def test_back_and_forward_open_every_state_again(visit):
    page = visit("?collection=colours")
    box, card = page.get_by_placeholder("Search by text"), page.locator(".card")
    box.press_sequentially("red", delay=30)
    page.wait_for_url(re.compile("q=red"))
    page.get_by_role("button", name=re.compile(r"^1\. .*red square")).wait_for()
    settled(page)
    states = [("", page.url.partition("&")[0]), ("red", page.url)]
    card.first.get_by_role("button", name=re.compile(r"^1\. ")).or_(card.first).first.click()
    page.get_by_role("dialog").get_by_role("button", name="More like this").click()
    page.wait_for_url(re.compile("also="))
    settled(page)
    states.append(("", page.url))
    page.locator(".st-key-paging").get_by_role("button", name="Page 2", exact=True).click()
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
    page.get_by_text(PAGES["Map"]).wait_for()


@pytest.mark.parametrize("link", ["", "map", "geometry", "evaluate", "collections", "methods"])
def test_a_deep_link_opens_without_errors(visit, link):
    page = visit(f"{link}?collection=colours")
    assert page.get_by_text("Page not found").count() == 0
