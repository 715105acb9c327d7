"""A first visit in a real browser: bring pictures in, search, look closer, lasso."""

import re

import pytest
from PIL import Image

from core.types.item import Item
from core.workbench import Workbench
from tests.fixtures.browser import RUN_ENDED, SLOW, chromium, served, settled
from tests.fixtures.files import encoded, jsonl, zip_of

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]
COLOURS = {
    "red": (220, 30, 30),
    "green": (40, 180, 40),
    "blue": (30, 60, 220),
    "white": (250, 250, 250),
}


@pytest.fixture(scope="module")
def served_home(tmp_path_factory):
    """The home that is served."""
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="module")
def server(served_home):
    """The app as `sextant serve` starts it, on a home of its own."""
    with served(served_home, SEXTANT_ROOT=str(served_home)) as address:
        yield address


@pytest.fixture(scope="module")
def page(server):
    """One tab, open for the whole visit."""
    with chromium() as browser:
        tab = browser.new_page(viewport={"width": 1440, "height": 900})
        tab.set_default_timeout(SLOW)
        yield tab


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """40 pictures of four colours with captions, and one file that only says it is a picture."""
    files, rows = {"broken.png": "no picture at all"}, [{"image": "broken.png", "caption": "?"}]
    for number in range(40):
        word = list(COLOURS)[number % 4]
        image = Image.new("RGB", (64, 48), COLOURS[word])
        image.paste((128, 128, 128), (0, 0, 4 + number, 8))
        files[f"{number}.png"] = encoded(image)
        rows.append(
            {"image": f"{number}.png", "caption": f"a {word} card, {number}", "label": word}
        )
    return zip_of(
        tmp_path_factory.mktemp("zip") / "cards.zip", {**files, "items.jsonl": jsonl(*rows)}
    )


def test_a_first_visit_may_be_a_deep_link(page, server):
    page.goto(f"{server}/evaluate")
    page.get_by_role("button", name=re.compile("demo", re.I)).first.wait_for()
    assert page.get_by_text("Page not found").count() == 0


def test_an_empty_home_says_what_to_do(page, server):
    page.goto(server)
    page.get_by_role("button", name=re.compile("demo", re.I)).first.wait_for()


def test_pictures_come_in_and_refusals_are_named(page, server, archive):
    page.goto(f"{server}/collections")
    page.locator("input[type=file]").first.set_input_files(archive)
    page.get_by_text("cards.zip").first.wait_for()
    for label, value in (("Collection", "cards"), ("Encoder", "toy")):
        box = page.get_by_role("combobox", name=re.compile(label)).last
        box.click()
        box.fill(value)
        box.press("Enter")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_text("Ingest report: cards").wait_for()
    page.get_by_text("40 images").first.wait_for()
    refused = page.get_by_test_id("stMetric").filter(has_text="Not read")
    assert refused.inner_text().split() == ["Not", "read", "1"]


def test_a_text_finds_its_pictures_and_the_link_keeps_the_question(page, server):
    page.goto(f"{server}/?collection=cards")
    settled(page)
    box = page.get_by_placeholder("Search by text")
    box.fill("red")
    box.press("Enter")
    first = page.get_by_role("button", name=re.compile(r"^1\. .*red card"))
    first.wait_for()
    page.get_by_text(re.compile("match")).first.wait_for()
    page.wait_for_url(re.compile("red"))
    address = page.url
    page.goto(address)
    page.get_by_role("button", name=re.compile(r"^1\. .*red card")).wait_for()


def test_a_hit_opens_and_leads_on(page):
    page.get_by_role("button", name=re.compile(r"^1\. .*red card")).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text(re.compile("a red card")).first.wait_for()
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")


def test_a_click_while_the_collection_changes_opens_the_item_which_stays_open(
    page, server, served_home
):
    """The run of such a click draws the whole page again before it gets to the results."""
    page.goto(f"{server}/?collection=cards&q=red")
    card = page.get_by_role("button", name=re.compile(r"^1\. .*red card"))
    card.wait_for()
    page.locator(RUN_ENDED).wait_for()
    Workbench(served_home).home.open("cards").add([Item("text", b"another card", "late")])
    card.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text(re.compile("a red card")).first.wait_for()
    Workbench(served_home).home.open("cards").add([Item("text", b"one more card", "later")])
    dialog.get_by_role("button", name="Next").click()
    dialog.get_by_text("2 of").wait_for()
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    page.locator(RUN_ENDED).wait_for()
    assert not dialog.is_visible()


def test_what_is_typed_draws_the_answers_only_and_the_rest_when_it_has_changed(
    page, server, served_home
):
    page.goto(f"{server}/?collection=cards&q=red")
    box = page.get_by_placeholder("Search by text")
    page.get_by_role("button", name=re.compile(r"^1\. .*red card")).wait_for()
    box.fill('"blue" + 0.2*"white"')
    page.get_by_role("button", name=re.compile(r"^1\. .*blue card")).wait_for()
    page.locator(".st-key-chip_1").wait_for()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Save this query").click()
    page.keyboard.press("Escape")
    Workbench(served_home).home.open("cards").add([Item("text", b"a new card", "new")])
    Workbench(served_home).home.create("another")
    box.fill("green")
    page.get_by_role("button", name=re.compile(r"^1\. .*green card")).wait_for()
    page.get_by_role("combobox", name=re.compile("Collection")).click()
    page.get_by_role("option", name="another").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Save", exact=True).click()
    page.locator(".st-key-saved").get_by_role("button", name=re.compile("blue")).first.click()
    page.get_by_role("button", name=re.compile(r"^1\. .*blue card")).wait_for()
    assert page.get_by_text("Traceback").count() == 0
