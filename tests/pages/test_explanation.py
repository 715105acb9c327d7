"""Why this result, as a person meets it in the viewer."""

from time import sleep

import pytest
from streamlit.testing.v1 import AppTest

from core.encoders import encoder
from core.errors import NoTokens
from core.workbench import Workbench
from tests.fixtures.screens import TOP, run, words


@pytest.fixture
def viewer(filled, monkeypatch):
    monkeypatch.chdir(TOP)
    workbench = Workbench(filled)

    def opened(text, kind="image", why=True):
        space = workbench.open("colours").space
        id_ = space.ids[0 if kind == "image" else space.n_images]
        script = (
            "from core.types import Part, Query\n"
            "from pages.parts import item, session, state\n"
            "session.store(state.COLLECTION, 'colours')\n"
            f"query = Query((Part({text!r}),), kinds=({kind!r},))\n"
            f"item.open({id_!r}, among=[{id_!r}, 'x'], query=query)\n"
        )
        app = run(AppTest.from_string(script, default_timeout=60))
        assert not app.toggle(key="_why").value
        if why:
            app.toggle(key="_why").set_value(True)
            run(app)
        return app

    return opened


def test_it_is_told_when_asked_for(viewer):
    assert "Contribution of each word" not in words(viewer("a red square", why=False))
    app = viewer("a red square")
    shown = words(app)
    assert "Contribution of each word" in shown
    assert "Texts nearest to this image" in shown
    assert "the probability that an unrelated item is at least as similar" in shown
    assert "more similar to it than the query" in shown
    assert "Ranked just" in shown
    assert "Its cosine is" in shown
    assert "Nearest images" not in shown


def test_a_word_and_the_strength_of_colour_can_be_chosen(viewer):
    app = viewer("a red square")
    [pills] = app.get("button_group")
    assert list(pills.options) == ["Whole query", "red", "square"]
    assert "cosine of each patch" in words(app)
    pills.set_value("red")
    run(app)
    assert "mean cosine of the word" in words(app)
    app.slider(key="_why_strength").set_value(0)
    run(app)


def test_a_text_that_answers_has_words_and_no_map(viewer):
    app = viewer("red", kind="text")
    assert "Contribution of each word" in words(app)
    assert not app.get("slider")


def test_user_text_never_becomes_markup(viewer):
    app = viewer("red <b>bold</b> *star*")
    assert "<b>" not in "".join(m.value for m in app.markdown)
    assert "**star" not in words(app)


def test_an_encoder_without_places_gets_a_sentence(viewer, monkeypatch):
    def refuse(self, given):
        raise NoTokens("toy")

    for verb in ("image_tokens", "text_tokens"):
        monkeypatch.setattr(type(encoder.load("toy")), verb, refuse)
    app = viewer("red")
    assert "has no patch or text tokens" in words(app).replace("\\", "")
    assert "Ranked just" in words(app)


def test_a_reranker_of_tokens_offers_to_store_them(filled, monkeypatch):
    monkeypatch.chdir(TOP)
    app = AppTest.from_file(str(TOP / "app.py"), default_timeout=60)
    run(app, collection="colours", q="red", rerank="max_sim")
    assert "sextant tokens NAME" in words(app)
    assert "0 of 65 items have token vectors" in words(app)
    app.button(key="_tokens").click()
    run(app)
    workbench = Workbench(filled)
    [job] = [j for j in workbench.jobs.all() if j.verb == "add_tokens"]
    for _ in range(100):
        if workbench.jobs.get(job.id).state != "running":
            break
        sleep(0.2)
    run(app)
    assert "65 of 65 items have token vectors" in words(app)
    assert "sextant tokens NAME" not in words(app)
    assert "_tokens" not in {b.key for b in app.button}
