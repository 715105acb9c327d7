"""A collection that an earlier starter encoded."""

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from core import TOP, encoders
from core.encoders.toy import Toy
from core.workbench import Workbench
from pages.parts import state
from tests.fixtures.screens import build, cards, run, words


@pytest.fixture
def app(home, monkeypatch):
    """Search over the colors, whose vectors are those of another starter than the one at hand."""
    monkeypatch.chdir(TOP)
    build(home.parent)
    toy = encoders.load("toy")
    old, new = (replace(toy.passport, model="starter", weights=of) for of in ("old", "new"))
    collection = Workbench(home).home.open("colours")
    space = collection.space(toy.passport)
    collection.write_vectors(old, space.ids, space.vectors, listed=False)
    collection.succeed(toy.passport, old)
    starter = Toy(name="starter", passport=new)
    monkeypatch.setattr(encoders, "load", lambda name, backend="auto": starter)
    return AppTest.from_file(str(TOP / "app.py"), default_timeout=60)


def test_it_opens_and_is_encoded_again_on_one_click(app):
    run(app, collection="colours")
    assert len(cards(app)) == 24
    assert "encoded by an earlier version of the starter" in words(app)
    assert "waits until this collection is encoded again" in words(app)
    [button] = [b for b in app.button if b.label == "Encode again"]
    button.click().run()
    assert not app.exception
    [job] = [job for job in state.workbench().jobs.all() if job.verb == "encode_again"]
    assert job.wait(60).state == "done"
    run(app)
    assert "Encode again" not in [b.label for b in app.button]
    assert state.workbench().passport("colours").weights == "new"
    run(app, q="red")
    assert cards(app)[0]["name"].startswith("red")
