"""Questions kept with a collection or asked in this visit: each leads back to its answers."""

import pytest
from streamlit.testing.v1 import AppTest

from core.workbench import Workbench
from tests.fixtures.calibrated import calibrate_all
from tests.fixtures.screens import TOP, cards, picture, run, words


@pytest.fixture
def app(filled, monkeypatch):
    monkeypatch.chdir(TOP)
    calibrate_all(monkeypatch)
    return AppTest.from_file(str(TOP / "app.py"), default_timeout=60)


def test_a_question_is_kept_opened_and_forgotten(app, filled):
    app.session_state["_saved"] = True  # open
    run(app, collection="colours", q='"red" - "blue"', mix="slerp")
    app.button(key="_save_query").click()
    run(app)
    assert Workbench(filled).saved_queries("colours") == ({"q": '"red" - "blue"', "mix": "slerp"},)
    app.text_input(key="_q").set_value("green")
    run(app)
    app.button(key="_saved_0").click()
    run(app)
    assert app.query_params["q"] == '"red" - "blue"'
    assert app.query_params["mix"] == "slerp"
    app.button(key="_forget_0").click()
    run(app)
    assert Workbench(filled).saved_queries("colours") == ()


def test_a_saved_question_brings_its_filters_and_its_level_back(app, filled):
    """What it does not name is as usual again, also a filter that was set since."""
    app.session_state["_saved"] = True  # open
    asked = {"range.size": ["48", "64"], "is.label": ["blue", "red"], "miss": "0.4"}
    run(app, collection="colours", q="red", **asked)
    found = [card["id"] for card in cards(app)]
    assert len(found) == 4
    app.button(key="_save_query").click()
    run(app)
    (saved,) = Workbench(filled).saved_queries("colours")
    assert all(isinstance(value, str) for value in saved.values())
    app.slider(key="_range.size").set_value((32, 80))
    app.multiselect(key="_is.label").set_value([])
    app.multiselect(key="_not.label").set_value(["red"])
    app.select_slider(key="_miss").set_value(0.2)
    app.text_input(key="_q").set_value("green")
    run(app)
    assert [card["id"] for card in cards(app)] != found
    app.button(key="_saved_0").click()
    run(app)
    assert [card["id"] for card in cards(app)] == found
    assert tuple(app.slider(key="_range.size").value) == (48, 64)
    assert app.multiselect(key="_is.label").value == ["blue", "red"]
    assert app.multiselect(key="_not.label").value == []
    assert app.select_slider(key="_miss").value == 0.4
    assert {name: app.query_params[name] for name in asked} == asked
    assert "not.label" not in app.query_params


def test_the_level_is_saved_as_it_is_on_screen(app, filled):
    app.session_state["_saved"] = True  # open
    run(app, collection="colours", q="red")
    app.select_slider(key="_miss").set_value(0.3)
    run(app)
    app.button(key="_save_query").click()
    run(app)
    assert Workbench(filled).saved_queries("colours") == ({"q": "red", "miss": "0.3"},)


def test_a_question_of_an_earlier_version_opens_without_filters(app, filled):
    Workbench(filled).save_query("colours", {"q": "red", "kinds": "Both"})
    app.session_state["_saved"] = True  # open
    app.session_state["stored_image"] = picture("blue")
    run(app, collection="colours", q="green", **{"is.label": "green", "miss": "0.3"})
    app.button(key="_saved_0").click()
    run(app)
    assert app.text_input(key="_q").value == "red"
    assert "your image" not in words(app)
    assert not {"is.label", "miss"} & set(app.query_params)
    assert {card["labels"][0] for card in cards(app)[:4]} == {"red"}


def test_questions_of_this_visit_can_be_asked_again(app):
    app.session_state["_saved"] = True  # open
    run(app, collection="colours", q="red")
    app.text_input(key="_q").set_value("green")
    run(app)
    again = [b for b in app.button if b.key.startswith("_recent_")]
    assert [b.label for b in again] == ["green", "red"]
    again[1].click()
    run(app)
    assert app.query_params["q"] == "red"
