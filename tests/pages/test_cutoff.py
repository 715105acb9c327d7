"""The search page says what matches, draws the cut, and lets people move it."""

import re

import pytest
from streamlit.testing.v1 import AppTest

from tests.fixtures.screens import TOP, cards, run, words


@pytest.fixture
def app(filled, monkeypatch):
    monkeypatch.chdir(TOP)
    return AppTest.from_file(str(TOP / "app.py"), default_timeout=60)


def test_matches_stand_above_the_cut(app):
    run(app, collection="colours", q="blue square", k="12", expected="0.3")
    assert "**4 matches**" in words(app)
    shown = cards(app)
    assert [bool(card["above"]) for card in shown] == [False] * 4 + [True] + [False] * 7
    assert shown[4]["above"].startswith("Cutoff: cosine 0.")


def test_nothing_matches_and_the_page_says_why(app):
    run(app, collection="colours", q="xyzzy", k="12")
    assert "**No match**" in words(app)
    assert re.search(r"p [<=>] [\d.]+ for the best hit", words(app).replace("\\", ""))
    assert [bool(card["above"]) for card in cards(app)] == [True] + [False] * 11


def test_the_level_is_part_of_the_link(app):
    run(app, collection="colours", q="xyzzy", k="12")
    assert "expected" not in app.query_params
    app.select_slider(key="_expected").set_value(10.0)
    run(app)
    assert app.query_params["expected"] == "10.0"
    moved = [bool(card["above"]) for card in cards(app)]
    assert "**No match**" not in words(app)
    run(app, expected="10.0")
    assert [bool(card["above"]) for card in cards(app)] == moved
    run(app, expected="nonsense")
    assert "**No match**" in words(app)


@pytest.mark.parametrize("written", ["1e1", "10", "10.000", "+10"])
def test_a_level_may_be_written_in_a_link_as_any_number(app, written):
    run(app, collection="colours", q="xyzzy", k="12", expected=written)
    assert "**No match**" not in words(app)


@pytest.mark.parametrize("written", ["1e999", "nan", "-inf", "", "ten"])
def test_what_is_no_number_in_a_link_is_the_usual_level(app, written):
    run(app, collection="colours", q="xyzzy", k="12", expected=written)
    assert "**No match**" in words(app)
