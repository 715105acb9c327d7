"""Search in a browser: query box, bands, cards, selection, table, side by side, the viewer."""

import re

import pytest

from tests.fixtures.browser import NARROW_FIRST, settled
from tests.fixtures.screens import picture


def box(page):
    return page.locator(".st-key-_q input")


def cards(page):
    return page.locator(".card .open")


def wait_for_first(page, word):
    page.get_by_role("button", name=re.compile(rf"^1\. .*{word}")).first.wait_for()
    settled(page)


def camera(page):
    return page.locator(".st-key-_box input[type=file]")


@pytest.mark.parametrize("width", NARROW_FIRST)
def test_everything_of_search_is_reached(visit, width):
    page = visit("?collection=colours", width=width)
    page.get_by_role("button", name="Search by an image").wait_for()
    page.keyboard.press("/")
    page.keyboard.type("red", delay=40)
    wait_for_first(page, "red")
    columns = {round(c.bounding_box()["x"]) for c in page.locator(".card").all()[:6]}
    assert len(columns) >= 2
    for name in ("Filters", "Ranking: Plain", "add", "Compare", "Save", "Export"):
        button = page.get_by_test_id("stMain").get_by_role("button", name=name, exact=False).first
        button.scroll_into_view_if_needed()
        shown = button.bounding_box()
        assert shown["x"] >= 0 and shown["x"] + shown["width"] <= width, name
    page.get_by_role("button", name="Ranking: Plain").click()
    page.get_by_text("Fewer hubs", exact=True).click()
    page.wait_for_url(re.compile("hubs=nnn"))
    page.get_by_role("button", name="Ranking: Fewer hubs").wait_for()
    page.keyboard.press("Escape")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_an_image_joins_the_query_by_camera_drop_and_paste(visit, tmp_path):
    page = visit("?collection=colours")
    (tmp_path / "mine.png").write_bytes(picture("green"))
    (tmp_path / "broken.png").write_bytes(picture("green")[:60])
    camera(page).set_input_files(tmp_path / "mine.png")
    wait_for_first(page, "green")
    camera(page).set_input_files(tmp_path / "broken.png")
    page.get_by_test_id("stAlert").get_by_text("broken.png").wait_for()
    page.locator(".st-key-_drop_0 button").first.click()
    page.locator(".st-key-chips").wait_for(state="hidden")
    for event, field in (("drop", "dataTransfer"), ("paste", "clipboardData")):
        page.evaluate(
            """([event, field, bytes]) => {
              const files = new DataTransfer();
              files.items.add(new File([new Uint8Array(bytes)], "x.png", { type: "image/png" }));
              const happened = new Event(event, { bubbles: true, cancelable: true });
              Object.defineProperty(happened, field, { value: files });
              document.querySelector("[data-testid=stMain]").dispatchEvent(happened);
            }""",
            [event, field, list(picture("blue"))],
        )
        wait_for_first(page, "blue")
        page.locator(".st-key-_drop_0 button").first.click()
        page.locator(".st-key-chips").wait_for(state="hidden")


def test_selected_results_are_in_the_link_tagged_and_compared(visit):
    page = visit("?collection=colours&q=red")
    wait_for_first(page, "red")
    for n in (0, 1):
        page.locator(".pick input").nth(n).check()
        page.get_by_text(f"{n + 1} selected").wait_for()
    again = visit(page.url.rpartition("/")[2], width=390)
    bar = again.locator(".st-key-selection")
    bar.get_by_text("2 selected").wait_for()
    again.locator(".pick input:checked").nth(1).wait_for()
    bar.get_by_role("button", name="Tag").click()
    tag = again.get_by_role("combobox", name="Tag")
    tag.fill("chosen")
    tag.press("Enter")
    again.get_by_role("button", name="Add tag").click()
    again.get_by_text("2 items tagged chosen.").wait_for()
    again.keyboard.press("Escape")
    bar.get_by_role("button", name="Compare").click()
    again.get_by_role("dialog").get_by_text("Cosine similarity").wait_for()


def test_links_open_a_table_and_two_rankings(visit):
    page = visit("?collection=colours&q=red&view=table")
    page.get_by_test_id("stDataFrame").first.wait_for()
    assert not cards(page).count()
    page = visit("?collection=colours&q=red&vs=ranking.words")
    page.locator(".st-key-_side_b_image .card .open").first.wait_for()
    moved = page.locator(".st-key-_side_b_image .numbers")
    assert re.search(r"[↑↓=]|new", moved.first.inner_text())


def test_the_viewer_has_the_caption_first_and_follows_the_arrow_keys(visit):
    page = visit("?collection=colours&q=red")
    wait_for_first(page, "red")
    cards(page).first.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.get_by_text(re.compile("Rank 1 ·")).wait_for()
    caption = page.locator(".st-key-viewed_caption").bounding_box()
    assert caption["y"] < dialog.locator("img").first.bounding_box()["y"]
    settled(page)  # a key that is pressed while the item is still drawn goes to what it replaces
    page.keyboard.press("ArrowRight")
    dialog.get_by_text(re.compile("Rank 2 ·")).wait_for()
    settled(page)
    page.keyboard.press("ArrowLeft")
    dialog.get_by_text(re.compile("Rank 1 ·")).wait_for()
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
