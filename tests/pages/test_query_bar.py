"""Composed questions on the page: chips with sliders, what is added and taken out."""

import pytest
from streamlit.testing.v1 import AppTest

from core.workbench import Workbench
from pages.parts import query
from tests.fixtures.screens import TOP, cards, components, picture, run, words


@pytest.fixture
def app(filled, monkeypatch):
    monkeypatch.chdir(TOP)
    return AppTest.from_file(str(TOP / "app.py"), default_timeout=60)


def first_labels(app, n=4):
    return {card["labels"][0] for card in cards(app)[:n]}


def chips(app):
    return {popover.proto.popover.label for popover in app.get("popover")}


def test_one_text_has_no_chips(app):
    run(app, collection="colours", q="red")
    assert not [s for s in app.slider if s.key.startswith("_weight")]
    assert first_labels(app) == {"red"}


def test_a_formula_has_a_chip_and_a_slider_for_each_part(app):
    run(app, collection="colours", q='"red" - 0.5*"blue"')
    assert [app.slider(key=f"_weight_{i}").value for i in (0, 1)] == [1.0, -0.5]
    assert {"red", "− 0.5 × blue"} <= chips(app)
    assert "red" in first_labels(app)


def test_a_slider_moves_the_answers_and_the_link(app):
    run(app, collection="colours", q='"red" + 0.1*"blue"')
    assert first_labels(app) == {"red"}
    app.slider(key="_weight_1").set_value(2.0)
    run(app)
    app.slider(key="_weight_0").set_value(0.1)
    run(app)
    assert app.query_params["q"] == '0.1*"red" + 2*"blue"'
    assert first_labels(app) == {"blue"}


def test_a_slider_at_nothing_takes_the_part_out(app):
    run(app, collection="colours", q='"red" + "blue"')
    app.slider(key="_weight_1").set_value(0.0)
    run(app)
    assert app.text_input(key="_q").value == "red"
    assert app.query_params["q"] == "red"


def test_less_of_a_text_is_added_beside_the_box(app):
    run(app, collection="colours", q="red")
    app.selectbox(key="_sign").set_value("Subtract")
    app.text_input(key="_more_text").set_value("white <b>")
    app.button(key="_more_add").click()
    run(app)
    assert app.query_params["also"] == '-"white <b>"'
    assert app.query_params["q"] == "red"
    assert len([s for s in app.slider if s.key.startswith("_weight")]) == 2


def test_an_image_and_a_text_are_mixed_and_the_mix_is_part_of_the_link(app):
    app.session_state["stored_image"] = picture("green")
    run(app, collection="colours", q="red")
    assert "your image" in chips(app)
    assert len([s for s in app.slider if s.key.startswith("_weight")]) == 2
    app.segmented_control(key="_mix").set_value("slerp")
    run(app)
    assert app.query_params["mix"] == "slerp"
    app.button(key="_drop_1").click()
    run(app)
    assert "your image" not in chips(app)


def test_a_link_says_that_its_query_had_an_uploaded_image(app):
    app.session_state["stored_image"] = picture("green")
    run(app, collection="colours", q="red")
    assert app.query_params["uploaded"] == "1"
    assert not app.info
    other = AppTest.from_file(str(TOP / "app.py"), default_timeout=60)
    run(other, collection="colours", q="red", uploaded="1")
    assert [box.value for box in other.info] == [query.MISSING_IMAGE]
    other.button(key="_no_image").click()
    run(other)
    assert not other.info
    assert "uploaded" not in other.query_params
    assert cards(other)


def test_the_camera_offers_files_by_their_endings(app):
    run(app, collection="colours")
    (bar,) = components(app, "sextant_query_bar")
    assert {".jpg", ".png", ".tiff"} <= set(bar["types"])
    assert not [ending for ending in bar["types"] if not ending[1:].isalnum()]


def test_only_less_is_no_question_but_a_sentence(app):
    run(app, collection="colours", also='-"red"')
    assert "at least one part that is not subtracted" in words(app)


@pytest.mark.parametrize("q", ['"red" +', "item:nobody", '1e9*"red"', "img:"])
def test_a_formula_that_cannot_be_read_gets_a_sentence(app, q):
    run(app, collection="colours", q=q)
    assert app.warning or app.error or cards(app)


def test_evaluate_states_what_a_hub_correction_gains(app, filled):
    app.switch_page("pages/measure/evaluate.py")
    run(app, collection="colours")
    app.selectbox(key="_hubs").set_value("nnn")
    run(app)
    assert app.query_params["hubs"] == "nnn"
    bench = Workbench(filled)
    evaluation = bench.evaluate(bench.open("colours"), hub_correction="nnn")
    assert evaluation.sentence in words(app).replace("\\", "")


def test_trials_on_labels_run_when_they_are_asked_for(app):
    app.switch_page("pages/measure/evaluate.py")
    run(app, collection="colours")
    assert not app.dataframe
    for name in ("edits", "labels"):
        app.button(key=f"_measure_{name}").click()
        run(app)
    assert "128 swaps" in words(app)
    assert "Zero-shot accuracy" in [metric.label for metric in app.metric]


def test_a_page_beyond_the_last_is_the_first(app):
    run(app, collection="colours", q="red", page="999")
    assert first_labels(app) == {"red"}
    assert "page" not in app.query_params
