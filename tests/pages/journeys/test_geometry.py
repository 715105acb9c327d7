"""From the overview to a family and back, and pairs reviewed by keyboard."""

import re

import pytest

from tests.fixtures.browser import NARROW_FIRST, settled


def measured(page):
    """Wait until the findings are stored: the downloads stand only beside all of them."""
    page.locator(".st-key-_save_geometry_json").wait_for(timeout=90_000)
    settled(page)


@pytest.mark.parametrize("width", NARROW_FIRST)
def test_a_dot_opens_its_family_and_back_returns(visit, width):
    page = visit("geometry?collection=colours", width=width)
    measured(page)
    assert page.locator(".st-key-_headline h4").inner_text().startswith("Finds the right image")
    figures = page.locator(".st-key-_figures .js-plotly-plot")
    figures.nth(3).wait_for()
    assert figures.count() == 4
    dot = page.locator(".family", has_text="Spread").locator(".dot").first
    assert "cosine" in (dot.get_attribute("title") or "").lower() or dot.get_attribute("aria-label")
    dot.click()
    page.wait_for_url(re.compile("family=Spread"))
    page.get_by_role("heading", name="Uniformity").wait_for()
    overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert overflow <= 0
    page.go_back()
    page.wait_for_url(lambda url: "family" not in url)
    page.locator(".st-key-_headline h4").wait_for()


def test_pairs_are_reviewed_by_keyboard(visit):
    page = visit("geometry?collection=colours&family=Review+pairs")
    caption = page.locator(".st-key-_review h5")
    first = caption.inner_text()
    page.locator(".st-key-_review .card img").nth(1).wait_for()
    page.locator(".st-key-_review_1 button").wait_for()
    settled(page)
    page.keyboard.press("1")
    page.get_by_text("Answers: 1 wrong caption").wait_for()
    assert caption.inner_text() != first
    settled(page)
    page.keyboard.press("z")
    page.get_by_text("Answers: 1 wrong caption").wait_for(state="hidden")
    page.wait_for_function(
        "t => document.querySelector('.st-key-_review h5').innerText === t", arg=first
    )
