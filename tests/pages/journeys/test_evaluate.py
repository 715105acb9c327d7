"""Collections and Evaluate in a browser: an upload with its report, then why queries miss."""

import re

import pytest

from tests.fixtures.browser import NARROW_FIRST, settled
from tests.fixtures.screens import picture


def upload(name, data):
    return {"name": name, "mimeType": "image/png", "buffer": data}


def test_an_upload_tells_what_was_read_and_leads_to_its_search(visit):
    page = visit("collections")
    files = [upload(f"{c}.png", picture(c, 60)) for c in ("orange", "pink", "brown")]
    page.locator("input[type=file]").set_input_files([*files, upload("bad.png", b"no image")])
    page.get_by_text("bad.png").first.wait_for()
    for label, text in (("Collection", "dropped"), ("Encoder", "toy")):
        box = page.locator(".st-key-intake").get_by_role("combobox", name=label)
        box.fill(text)
        box.press("Enter")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("link", name="Search these 3 images").wait_for()
    report = page.locator(".st-key-_report")
    assert "1 file not read" in report.inner_text()
    page.get_by_role("link", name="Search these 3 images").click()
    page.wait_for_url(re.compile("collection=dropped"))
    page.locator(".card").nth(2).wait_for()


def test_nothing_readable_leaves_no_collection(visit):
    page = visit("collections")
    page.locator("input[type=file]").set_input_files([upload("bad.png", b"no image")])
    page.get_by_text("bad.png").first.wait_for()
    box = page.locator(".st-key-intake").get_by_role("combobox", name="Encoder")
    box.fill("toy")
    box.press("Enter")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_text("nothing in it can be read").wait_for()
    page.get_by_role("button", name="Dismiss").click()
    page.get_by_text("nothing in it can be read").wait_for(state="detached")
    settled(page)
    assert page.locator(".st-key-_card_colours").count() == 1
    assert page.locator(".st-key-_card_images").count() == 0


@pytest.mark.parametrize("width", NARROW_FIRST)
def test_evaluate_fits_every_width(visit, width):
    page = visit("evaluate?collection=colours&hardest=image_to_text&by=label", width=width)
    page.get_by_text("Where it fails").wait_for()
    page.get_by_text("What a ranking gains here").wait_for()
    settled(page)
    assert page.get_by_test_id("stException").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.get_by_test_id("stButtonGroup").get_by_text("Text → image", exact=True).first.click()
    page.wait_for_url(lambda url: "hardest" not in url)
