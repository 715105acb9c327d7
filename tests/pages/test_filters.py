"""Filters: attributes of every type and size, on every page, with whatever is typed or linked."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.workbench import Workbench
from tests.fixtures.files import folder_of, jsonl
from tests.fixtures.screens import COLOURS, TOP, cards, picture, run, words

SEARCH, GEOMETRY = "pages/explore/search.py", "pages/measure/geometry.py"
EVALUATE = "pages/measure/evaluate.py"
FIRST_ID = 1294030472427835390
ODD = ("9" * 40, "-1e400", "0.1", "nan", "none", "x" * 5000, "<b>$x$")


def attributes(at):
    """One value of each type, near each of its ends."""
    return {
        "post": FIRST_ID + at, "max": 2**63 - 1 - at, "min": -(2**63) + at, "beyond": 10**25 + at,
        "huge": (-1) ** at * 1.7e308, "tiny": at * 1e-300, "close": 1e15 + at / 8,
        "share": at / 5000, "count": at % 3, "one": 7, "some": at if at % 3 else None,
        "flag": at % 2 == 0, "mixed": [1, "one", 2.5, True][at % 4], "word": f"w{at}",
        "long": "x" * 5000 + str(at), "empty": "", "a.b": at, "from": at, "kind": "photo",
        "<b>x</b> [l](u) $y$ :red[z]": f"<i>{at}</i>",
    }  # fmt: skip


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """A home with a collection of such attributes."""
    folder = tmp_path_factory.mktemp("odd")
    rows = [
        {"image": f"{c}.png", "captions": [f"a {c} square"], "labels": [c], **attributes(at)}
        for at, c in enumerate(COLOURS)
    ]
    images = {f"{c}.png": picture(c) for c in COLOURS}
    items = folder_of(folder / "items", {**images, "items.jsonl": jsonl(*rows)})
    Workbench(folder / "home").ingest("odd", items / "items.jsonl", encoder="toy")
    return folder / "home"


@pytest.fixture
def open_page(odd, monkeypatch):
    """Open a page of that home by a link."""
    monkeypatch.setenv("SEXTANT_HOME", str(odd))
    monkeypatch.chdir(TOP)

    def opened(page, **asked):
        app = AppTest.from_file(str(TOP / "app.py"), default_timeout=60)
        app.switch_page(page)
        return run(app, **asked)

    return opened


@pytest.mark.parametrize(
    "page",
    sorted(
        path.relative_to(TOP).as_posix()
        for path in (TOP / "pages").glob("*/*.py")
        if path.parent.name != "parts"
    ),
    ids=lambda page: Path(page).stem,
)
def test_every_page_opens_with_attributes_of_every_type(open_page, page):
    assert (
        "odd" in open_page(page, q="a red square", map="pca").selectbox(key="_collection").options
    )


@pytest.mark.parametrize(("page", "of"), [(SEARCH, ""), (GEOMETRY, "a.")])
def test_whatever_is_typed_filters_or_is_rejected_with_a_sentence(open_page, page, of):
    app = open_page(page, q="a red square")
    typed = [w.key for w in app.text_input if w.key.startswith((f"_{of}from.", f"_{of}to."))]
    assert {key.rpartition(".")[2] for key in typed} == {
        *("post", "max", "min", "huge", "tiny", "close")
    }
    for text in ODD:
        for key in typed:
            app.text_input(key=key).set_value(text)
        run(app)
        if text in ODD[3:]:
            assert "The range of 'close' is " in words(app)
            assert "allowed\\: two numbers" in words(app)
    for widget in app.multiselect:
        widget.set_value(widget.options)
    run(app)


@pytest.mark.parametrize("page", [SEARCH, GEOMETRY])
def test_whatever_a_link_says_opens(open_page, page):
    of = "" if page == SEARCH else "a."
    names = [*attributes(1), "label", "name", "text", "nosuch"]
    for texts in (["1e400", "-1e400"], ["9" * 400], ["", "x"]):
        kinds = ("range", "from", "to", "is", "not", "has")
        open_page(page, **{f"{of}{kind}.{name}": texts for kind in kinds for name in names})


def test_an_id_of_19_digits_finds_its_item(open_page):
    app = open_page(SEARCH, q="a red square")
    for end in ("from", "to"):
        app.text_input(key=f"_{end}.post").set_value(str(FIRST_ID + 3))
    run(app)
    assert [card["labels"] for card in cards(app)] == [[COLOURS[3]]]
    assert app.query_params["from.post"] == str(FIRST_ID + 3)
    table = open_page(SEARCH, q="a red square", view="table").dataframe[0].value
    assert set(table["post"]) == {str(FIRST_ID + at) for at in range(len(COLOURS))}
    link = {f"{end}.post": str(FIRST_ID + 4) for end in ("from", "to")}
    assert [card["labels"] for card in cards(open_page(SEARCH, q="red", **link))] == [[COLOURS[4]]]


def test_a_slider_of_small_decimals_has_small_steps(open_page):
    slider = open_page(SEARCH).slider(key="_range.share")
    assert (slider.min, slider.max, slider.step) == (0, 0.0014, 1e-5)


def test_recall_by_attributes_of_every_type(open_page):
    app = open_page(EVALUATE)
    for name in app.selectbox(key="_by").options:
        app.selectbox(key="_by").select(name)
        run(app)
