"""The search page says what is likely to match, draws the bands, and lets people move the level."""

import pytest
from streamlit.testing.v1 import AppTest

from core.search import plan
from core.types import MISS
from tests.fixtures.calibrated import calibrate_all
from tests.fixtures.screens import TOP, cards, components, run, words


@pytest.fixture
def app(filled, monkeypatch):
    monkeypatch.chdir(TOP)
    calibrate_all(monkeypatch)
    return AppTest.from_file(str(TOP / "app.py"), default_timeout=60)


def lines(app):
    return [card["above"] for card in cards(app)]


def test_strong_matches_stand_above_likely_ones_and_the_rest(app):
    run(app, collection="colours", q="blue", k="32")
    above = [line for line in lines(app) if line]
    assert above[0] == "strong"
    order = ("strong", "likely from here", "unlikely from here")
    assert above == [line for line in order if line in above]
    assert "P(match) " in words(app)
    [bar] = components(app, "sextant_bands")
    assert sum(band["count"] for band in bar["bands"]) == 32
    assert all(card["note"].startswith("P 0.") or card["note"] == "P 1.00" for card in cards(app))


def test_probably_no_match_is_said_with_how_often_that_is_right(app):
    run(app, collection="colours", q="xyzzy", k="12")
    assert "**Probably no match**" in words(app)
    assert "below this level have none" in words(app)
    assert lines(app) == ["unlikely from here"] + [""] * 11


def test_the_level_is_part_of_the_link(app):
    run(app, collection="colours", q="blue", k="12")
    assert "miss" not in app.query_params
    before = words(app)
    app.select_slider(key="_miss").set_value(0.4)
    run(app)
    assert app.query_params["miss"] == "0.4"
    assert words(app) != before
    run(app, miss="nonsense")
    assert app.select_slider(key="_miss").value == MISS


@pytest.mark.parametrize("written", ["4e-1", "0.4", "0.400", "+.4"])
def test_a_level_may_be_written_in_a_link_as_any_number(app, written):
    run(app, collection="colours", q="blue", k="12", miss=written)
    assert app.select_slider(key="_miss").value == 0.4


@pytest.mark.parametrize("written", ["1e999", "nan", "-inf", "", "ten", "0.9"])
def test_any_other_level_in_a_link_is_the_default(app, written):
    run(app, collection="colours", q="blue", k="12", miss=written)
    assert app.select_slider(key="_miss").value == MISS


def test_without_calibration_the_page_says_best_first(app, monkeypatch):
    monkeypatch.setattr(plan, "calibration", lambda opened, query, kind: None)
    run(app, collection="colours", q="blue", k="12")
    assert "**Best first**" in words(app)
    assert lines(app) == [""] * 12
    assert not app.select_slider
