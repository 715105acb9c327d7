"""The map in a browser: points are where the core says, and what is done there selects them."""

import io
import re

import numpy as np
import pytest
from PIL import Image

from core.report import inside, read_selection
from tests.fixtures.browser import Tabs, drag, served, settled
from tests.fixtures.points import NAME, fill

LINK = f"map?collection={NAME}&map=pca"
COLORS = {"image": (1, 136, 163), "text": (211, 123, 13)}
NO_GL = """{
  const get = HTMLCanvasElement.prototype.getContext;
  HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
    return kind === "webgl2" ? null : get.call(this, kind, ...rest);
  };
}"""


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    return fill(tmp_path_factory.mktemp("points"), 1000)


@pytest.fixture(scope="module")
def map_site(filled):
    with served(filled[0]) as address:
        yield address


@pytest.fixture
def visit_map(browser, map_site):
    tabs = Tabs(browser, map_site)
    yield tabs
    tabs.close()
    assert not tabs.faults, "\n".join(tabs.faults)


def drawn(page, change=lambda: None):
    """Wait until all points are drawn (again); (places, colors, selection) as addresses."""
    stage = page.locator(".stage[data-drawn$=' 1']")
    stage.wait_for()
    before = stage.get_attribute("data-drawn"), stage.get_attribute("data-view")
    change()
    page.wait_for_timeout(400)
    settled(page)
    stage.wait_for()
    after = stage.get_attribute("data-drawn"), stage.get_attribute("data-view")
    assert change.__name__ == "<lambda>" or before != after
    return after[0].split(" ")[:3]


def on_screen(page, xy):
    """Places in the window of coordinates of the layout, and the stage's box."""
    stage = page.locator(".stage")
    x, y, scale = map(float, stage.get_attribute("data-view").split())
    box = stage.bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    return (xy - (x, y)) * (scale, -scale) + middle, box


def check_points(page, layout):
    """Points that stand alone have their color, and there is nothing where no point is."""
    places, box = on_screen(page, layout.xy)
    pixels = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB")).astype(int)
    low = np.array([box["x"], box["y"]]) + 12
    high = low + np.array([box["width"] - 84, box["height"] - 24])  # without the tools
    clear = ((places > low) & (places < high)).all(axis=1)
    gaps = np.linalg.norm(places[:, None] - places, axis=2) + 1e9 * np.eye(len(places))
    alone = np.flatnonzero(clear & (gaps.min(axis=1) > 13) & (np.arange(len(places)) < 500))
    assert len(alone) >= 10
    for row in alone[:40]:
        x, y = np.rint(places[row] - 0.5).astype(int)
        away = np.abs(pixels[y - 1 : y + 2, x - 1 : x + 2] - COLORS["image"]).sum(axis=2).min()
        assert away < 130, f"row {row} is not at {x}, {y}"
    rng = np.random.default_rng(0)
    empty = rng.uniform(low, high, (400, 2))
    far = np.linalg.norm(empty[:, None] - places, axis=2).min(axis=1) > 12
    assert far.sum() > 20
    for x, y in empty[far].astype(int):
        assert (pixels[y, x] == 255).all(), f"something is at {x}, {y}"


def bits(page, address, n):
    """The selected points, as the browser has them."""
    data = page.evaluate(
        "async (a) => [...new Uint8Array(await (await fetch(a)).arrayBuffer())]", address
    )
    return np.unpackbits(np.array(data[16:], np.uint8), bitorder="little")[:n].astype(bool)


def size(response):
    """Bytes of a response as it was sent; a browser does not keep the body of a long one."""
    return int(response.headers["content-length"])


def test_points_are_where_the_core_says_also_after_pan_and_zoom(visit_map, filled):
    page = visit_map(LINK)
    drawn(page)
    check_points(page, filled[1])
    _, box = on_screen(page, filled[1].xy)
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def move():
        page.mouse.move(*middle)
        page.mouse.wheel(0, -200)
        drag(page, [middle, (middle[0] + 60, middle[1] - 40)])

    drawn(page, move)
    check_points(page, filled[1])
    lose = "(c) => window.gl = c.getContext('webgl2').getExtension('WEBGL_lose_context')"
    page.locator(".stage canvas").first.evaluate(lose)
    page.evaluate("gl.loseContext()")
    page.wait_for_timeout(200)
    page.evaluate("gl.restoreContext()")
    page.wait_for_timeout(600)
    check_points(page, filled[1])


def test_without_webgl_the_points_are_there_too(visit_map, filled, browser):
    page = visit_map("methods?collection=points")
    page.context.add_init_script(NO_GL)
    page.goto(LINK)
    settled(page)
    drawn(page)
    assert page.locator(".stage canvas").first.evaluate("(c) => c.getContext('2d') !== null")
    check_points(page, filled[1])


def test_a_selection_is_what_the_core_finds_and_its_link_restores_it(visit_map, filled):
    layout, page = filled[1], visit_map(LINK)
    places, colors, chosen = drawn(page)
    assert not chosen
    _, box = on_screen(page, layout.xy)
    at = np.array([[0.2, 0.2], [0.55, 0.15], [0.6, 0.7], [0.25, 0.6]])
    outline = at * (box["width"], box["height"]) + (box["x"], box["y"])

    def lasso():
        drag(page, [*outline.tolist(), outline[0].tolist()], "Alt")

    *same, chosen = drawn(page, lasso)
    assert same == [places, colors]
    found = bits(page, chosen, 1000)
    near = on_screen(page, layout.xy)[0]
    wanted = inside(near, outline)
    assert 50 < wanted.sum() < 950
    assert (found ^ wanted).sum() <= 3  # points on the line, as far as a mouse can follow it
    link = page.url
    assert "selected=" in link
    assert len(link) < 2000
    text = re.search("selected=([^&]+)", link)[1]
    assert read_selection(text)
    other = visit_map(f"map{link.partition('/map')[2]}&color=label")
    assert drawn(other)[2] == chosen
    page.locator(".stage").focus()
    assert not drawn(page, lambda: page.keyboard.press("Escape"))[2]
    assert "selected=" not in page.url


def test_points_cross_once_and_colors_alone(visit_map):
    page, sizes = visit_map("methods?collection=points"), []
    page.on("response", lambda r: sizes.append(len(r.body())) if "/media/" in r.url else None)
    page.goto(LINK)
    places, colors, _ = drawn(page)
    page.wait_for_timeout(500)
    crossed = [8016, 1016, 1016]  # places, colors, and those by label ahead
    assert sorted(sizes) == sorted(crossed)
    page.locator(".st-key-_color").get_by_role("combobox").click()
    page.get_by_role("option", name="Label", exact=True).click()
    page.locator(".legend").get_by_text("group 3").wait_for()
    again = drawn(page)
    assert again[0] == places
    assert again[1] != colors
    assert len(sizes) == len(crossed)
    page.get_by_test_id("stTopNav").get_by_role("link", name="Search").click()
    page.locator(".st-key-_q").wait_for()
    settled(page)
    page.go_back()
    page.wait_for_url(re.compile("/map"))
    assert drawn(page) == again
    assert len(sizes) == len(crossed)


def test_pointer_and_keyboard_show_and_open_items(visit_map, filled):
    page = visit_map(LINK)
    drawn(page)
    places, _ = on_screen(page, filled[1].xy)
    gaps = np.linalg.norm(places[:, None] - places, axis=2) + 1e9 * np.eye(1000)
    row = int(gaps[500:].min(axis=1).argmax()) + 500
    page.mouse.move(*places[row])
    card = page.locator(".map .card.shown")
    card.get_by_text(f"caption {row}").wait_for()
    page.mouse.click(*places[row])
    dialog = page.get_by_role("dialog")
    dialog.get_by_text(f"caption {row}").first.wait_for()
    settled(page)
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    stage = page.locator(".stage")
    stage.focus()
    drawn(page, lambda: page.keyboard.press("ArrowLeft"))
    card.wait_for()
    page.keyboard.press("Enter")
    dialog.wait_for()


def test_the_legend_and_the_switch_hide_points(visit_map):
    page = visit_map(LINK)
    drawn(page)

    def colored(kind):
        shot = Image.open(io.BytesIO(page.locator(".stage").screenshot()))
        pixels = np.asarray(shot.convert("RGB")).astype(float)[:, :-84]  # without the tools
        hues = pixels - pixels.mean(axis=2, keepdims=True)
        hue = np.array(COLORS[kind]) - np.mean(COLORS[kind])
        long = np.linalg.norm(hues, axis=2)
        return int(((long > 30) & (hues @ hue > 0.9 * long * np.linalg.norm(hue))).sum())

    assert colored("image") > 500 < colored("text")
    page.locator(".legend").get_by_role("button", name="images").click()
    page.wait_for_timeout(300)
    assert colored("image") < 60
    page.locator(".legend").get_by_role("button", name="images").click()
    page.get_by_role("button", name="Texts", exact=True).click()
    page.wait_for_timeout(300)
    assert colored("text") < 60 < 500 < colored("image")


def test_names_select_hidden_points_do_not_count_and_the_link_has_the_view(visit_map, filled):
    page = visit_map(LINK)
    drawn(page)
    _, box = on_screen(page, filled[1].xy)
    names = "[...sextantMaps.values()][0].nameBoxes"
    page.wait_for_function(f"{names}.length")
    x0, y0, x1, y1 = page.evaluate(f"{names}[0].box")
    page.mouse.click(box["x"] + (x0 + x1) / 2, box["y"] + (y0 + y1) / 2)
    page.locator(".st-key-map_selection").wait_for()
    page.locator(".legend").get_by_role("button", name="texts").click()
    low, high = np.array([[0.2, 0.2], [0.6, 0.7]]) * (box["width"], box["height"])
    corner = np.array([box["x"], box["y"]])
    ends = [tuple(corner + low), tuple(corner + high)]
    found = bits(page, drawn(page, lambda: drag(page, ends, "Shift"))[2], 1000)
    wanted = inside(on_screen(page, filled[1].xy)[0], rectangle(*ends))
    assert (found[:500] ^ wanted[:500]).sum() <= 3 < found[:500].sum()
    assert not found[500:].any()
    drawn(page, lambda: page.mouse.wheel(0, -300))
    assert "view=" in page.url
    other = visit_map(f"map{page.url.partition('/map')[2]}")
    drawn(other)
    views = [p.locator(".stage").get_attribute("data-view").split() for p in (page, other)]
    assert np.allclose(*np.array(views, float), rtol=1e-4, atol=1e-3)


def rectangle(low, high):
    return [low, (high[0], low[1]), high, (low[0], high[1])]


def test_what_is_selected_on_the_second_map_is_selected_on_both(visit_map):
    page = visit_map(f"{LINK}&beside=gap")
    stages = page.locator(".stage[data-drawn$=' 1']")
    stages.nth(1).wait_for()

    def chosen():
        """The selection that each map has drawn."""
        return [stage.get_attribute("data-drawn").split(" ")[2] for stage in stages.all()]

    assert chosen() == ["", ""]
    page.locator(".st-key-_color").get_by_role("combobox").click()
    page.get_by_role("option", name="Label", exact=True).click()
    for at in (0, 1):
        page.locator(".legend").nth(at).get_by_text("group 3").wait_for()
    box = stages.nth(1).bounding_box()
    at = np.array([[0.2, 0.3], [0.6, 0.3], [0.6, 0.7], [0.2, 0.7]])
    corners = (at * (box["width"], box["height"]) + (box["x"], box["y"])).tolist()
    for points, key in ((corners[::2], "Shift"), ([*corners, corners[0]], "Alt")):
        drag(page, points, key)
        page.locator(".st-key-map_selection").wait_for()
        settled(page)
        page.wait_for_function(
            "[...sextantMaps.values()].every((map) => map.chosen?.includes(1) && !map.moving)"
        )
        a, b = (bits(page, address, 1000) for address in chosen())
        assert (a == b).all() and 10 < a.sum() < 990
        stages.nth(1).focus()
        page.keyboard.press("Escape")
        page.wait_for_function("[...sextantMaps.values()].every((map) => !map.chosen)")
        settled(page)


def test_options_show_what_is_set_when_first_opened_after_a_second_run(visit_map):
    page = visit_map(f"{LINK}&gap=remove")
    drawn(page)
    page.keyboard.press("r")  # runs the page again
    page.wait_for_timeout(500)
    settled(page)
    page.locator(".st-key-_map_options button").click()
    options = page.get_by_test_id("stPopoverBody")
    options.locator("[role=radio][aria-checked=true]", has_text="Removed").wait_for()
    assert options.get_by_label("Lines to true neighbors").first.is_checked()


def test_a_map_does_not_glide_where_motion_is_reduced(visit_map):
    page = visit_map(LINK)
    drawn(page)
    count = """() => { const map = [...sextantMaps.values()][0], shift = map.shift.bind(map);
      map.steps = 0; map.shift = (...to) => { map.steps++; shift(...to); } }"""
    page.evaluate(count)
    steps = []
    for motion in ("no-preference", "reduce"):
        page.emulate_media(reduced_motion=motion)
        page.evaluate("[...sextantMaps.values()][0].steps = 0")
        drawn(page, lambda: page.get_by_role("button", name="Zoom in").click())
        steps.append(page.evaluate("[...sextantMaps.values()][0].steps"))
    assert steps[0] > steps[1] == 1


def test_two_fingers_zoom(visit_map):
    page = visit_map(LINK, width=390)
    drawn(page)
    page.locator(".stage").scroll_into_view_if_needed()
    box = page.locator(".stage").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch = page.context.new_cdp_session(page)
    before = float(page.locator(".stage").get_attribute("data-view").split()[2])
    for kind, apart in (("touchStart", 30), *(("touchMove", 30 + 10 * k) for k in range(1, 7))):
        fingers = [{"x": x - apart, "y": y, "id": 0}, {"x": x + apart, "y": y, "id": 1}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_timeout(400)
    after = float(page.locator(".stage").get_attribute("data-view").split()[2])
    assert after / before == pytest.approx(3, rel=0.15)


@pytest.mark.slow
def test_a_million_points(browser, tmp_path):
    home, layout = fill(tmp_path, 1_000_000)
    with served(home) as address:
        tabs = Tabs(browser, address, 300_000)
        page, sizes = tabs("methods?collection=points"), []
        page.on("response", lambda r: sizes.append(size(r)) if "/media/" in r.url else None)
        page.goto(LINK)
        places, colors, _ = drawn(page)
        assert sum(sizes) < 10e6
        sizes.clear()
        _, box = on_screen(page, layout.xy[:1])
        corners = np.array([[0.4, 0.4], [0.6, 0.4], [0.6, 0.6], [0.4, 0.6]])
        corners = np.rint(corners * (box["width"], box["height"]) + (box["x"], box["y"]))
        drag(page, corners[[0, 2]].tolist(), "Shift")
        page.locator(".st-key-map_selection").wait_for()
        *same, chosen = drawn(page)
        assert same == [places, colors]
        assert sum(sizes) < 0.2e6
        found, places = bits(page, chosen, 1_000_000), on_screen(page, layout.xy)[0]
        assert (found ^ inside(places, corners)).sum() <= 0.01 * found.sum()
        restored = tabs(f"map{page.url.partition('/map')[2]}&color=label")
        assert drawn(restored)[2] == chosen
        tabs.close()
        assert not tabs.faults
