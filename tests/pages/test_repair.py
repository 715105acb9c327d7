"""Repair: before, after, kept and used by the other pages; and links that make no sense."""

import re

import pytest
from streamlit.testing.v1 import AppTest

from core.workbench import Workbench
from tests.fixtures.screens import TOP, run, words

PAGE = "pages/improve/repair.py"


@pytest.fixture
def app(monkeypatch, filled):
    monkeypatch.chdir(TOP)
    app = AppTest.from_file(str(TOP / "app.py"), default_timeout=60)
    app.run()
    app.switch_page(PAGE)
    return app


def button(app, label):
    return next(b for b in app.button if b.label == label)


def test_without_steps_it_shows_held_out_recall_and_what_to_do(app):
    run(app, collection="colours")
    assert {m.label for m in app.metric} >= {"Text → image: recall@10", "Image → text: mAP"}
    assert "Choose a repair above" in words(app)


def test_a_recipe_is_judged_kept_and_used_on_other_pages(app, filled):
    run(app, collection="colours", step=["per_modality_centering", "nnn"], **{"nnn.k": "4"})
    said = [box.value for boxes in (app.success, app.warning, app.info) for box in boxes]
    assert re.search(r"(mAP text → image .*points|No rank of).*held\\?-out pairs", said[0])
    assert "Text → image, recall@1" in words(app)
    button(app, "Keep with the collection").click()
    run(app)
    (name,) = Workbench(filled).recipes(Workbench(filled).open("colours"))
    assert app.query_params["recipe"] == name
    app.switch_page("pages/explore/search.py")
    run(app, q="red")
    assert next(s for s in app.selectbox if s.key == "_recipe").value == name
    assert "This query" in words(app)


def test_a_suggestion_fills_in_the_steps(app):
    run(app, collection="colours")
    button(app, "Suggest").click()
    run(app)
    assert any("recipes compared" in box.label for box in app.expander)


@pytest.mark.parametrize(
    "link",
    [
        {"step": "nosuch"},
        {"step": "whitening", "whitening.exponent": "99"},
        {"step": "whitening", "whitening.keep": "x"},
        {"step": ["nnn", "csls", "gap_shift"]},
        {"recipe": "nosuch"},
        {"step": "procrustes", "moved": "x", "side": "x"},
    ],
    ids=str,
)
def test_a_link_that_makes_no_sense_falls_back(app, link):
    run(app, collection="colours", **link)
    assert "Repair" in words(app)


def test_a_collection_without_pairs_says_what_to_add(app):
    run(app, collection="nothing yet")
    assert "nothing yet is empty" in words(app)
