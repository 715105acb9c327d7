"""What the starter can do, and a CLIP model in one click."""

import pytest
from streamlit.testing.v1 import AppTest

from core import TOP
from core.workbench import EncoderSuggestion, Workbench
from pages.parts import encoder_offer, state

CLIP = EncoderSuggestion(encoder_offer.CLIP, 605, "The usual baseline.")


@pytest.fixture
def app(monkeypatch):
    monkeypatch.chdir(TOP)
    state.encoder_suggestions.clear()
    yield AppTest.from_file(str(TOP / "app.py"), default_timeout=90)
    state.encoder_suggestions.clear()


def offer(monkeypatch, *suggestions):
    monkeypatch.setattr(Workbench, "encoder_suggestions", staticmethod(lambda: suggestions))


def test_a_first_visit_offers_clip_with_its_size_where_the_hub_is_reachable(app, monkeypatch):
    offer(monkeypatch, CLIP)
    started = []
    monkeypatch.setattr("core.workbench.tasks.start", lambda *of, **more: started.append(more))
    app.run()
    [button] = [b for b in app.button if b.key == "_demo_clip"]
    assert button.label.replace("\\", "") == "Build the demo with ViT-B-32 (605 MB)"
    button.click().run()
    assert not app.exception
    assert started == [{"name": "demo", "encoder": encoder_offer.CLIP}]


def test_without_the_hub_it_says_what_the_starter_can_do(app, monkeypatch):
    offer(monkeypatch)
    app.run()
    assert not app.exception
    assert not [b for b in app.button if b.key == "_demo_clip"]
    [sentence] = [c.value for c in app.caption if "starter" in c.value]
    assert "hub is not reachable" in sentence
