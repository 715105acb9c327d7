"""axe-core finds nothing serious on any page, light or dark; the keyboard opens an item."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.fixtures.browser import SCHEMES, settled

LINKS = {
    "light": ("?q=red", "map?map=pca", "geometry", "evaluate", "collections"),
    "dark": ("geometry",),
}
TRIES = 5


def serious(page):
    """What axe-core counts as serious or critical in a page at rest, one line each.

    A run that begins meanwhile, as with each diagnostic that is done, fades what it may replace.
    """
    for _ in range(TRIES):
        found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        nodes = [
            f"{rule['id']} ({rule['impact']}): {node['target']} {node['html'][:200]}"
            for rule in found
            if rule["impact"] in ("serious", "critical")
            for node in rule["nodes"]
        ]
        if not nodes:
            break
        page.wait_for_timeout(1_000)
        settled(page)
    return nodes


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_deep_link_opens_without_a_serious_finding(visit, scheme):
    page = visit("?collection=colours", scheme=scheme)
    found = {}
    for link in LINKS[scheme]:
        page.goto(f"/{link}{'&' if '?' in link else '?'}collection=colours")
        settled(page)
        assert page.get_by_text("Page not found").count() == 0
        assert page.get_by_test_id("stException").count() == 0
        found[link] = serious(page)
    assert not any(found.values()), "\n".join(f"{link}: {x}" for link in found for x in found[link])


def test_the_keyboard_searches_and_opens_a_result(visit):
    page = visit("?collection=colours")
    box = page.locator(".st-key-_q input")
    for _ in range(20):
        if box.evaluate("box => box === document.activeElement"):
            break
        page.keyboard.press("/")
        page.wait_for_timeout(250)
    page.keyboard.type("red", delay=20)
    page.get_by_role("button", name="1. a red square", exact=False).wait_for()
    page.keyboard.press("Tab")
    for _ in range(25):
        if page.evaluate("document.activeElement?.shadowRoot?.activeElement?.className") == "open":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="More like this").first.wait_for()
    assert not serious(page)
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    page.wait_for_function(
        "document.activeElement?.shadowRoot?.activeElement?.className === 'open'"
    )
