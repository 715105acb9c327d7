"""Hub corrections and rerankers on the Search page: what they changed is told."""

import re
import shutil

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import core.search
from core.improve import parse_way
from core.improve.hub_corrections import HUB_CORRECTIONS
from core.search.index import faiss_ivf
from core.search.rerankers import RERANKERS
from core.types.item import Item, Passport
from core.types.query import Part, Query
from core.types.tokens import Pooling
from core.workbench import Workbench
from tests.fixtures.screens import TOP, build, components, run, words
from tests.fixtures.spaces import unit


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return build(tmp_path_factory.mktemp("built"))


@pytest.fixture
def app(built, monkeypatch):
    monkeypatch.setenv("SEXTANT_HOME", str(built))
    monkeypatch.chdir(TOP)
    return AppTest.from_file(str(TOP / "app.py"), default_timeout=60)


def test_without_either_nothing_is_said_of_changes(app):
    run(app, collection="colours", q="red", k="12")
    assert "Compared with cosine alone" not in words(app)


def plant_a_hub(home):
    """Of pictures that are all a little red one is near to every caption; returns its id."""
    bench, rng = Workbench(home), np.random.default_rng(0)
    toy = bench.passport("colours")
    colours = bench.open("colours").space
    (best,) = bench.search(bench.open("colours"), Query((Part("red"),), ("image",), k=1)).hits
    red = colours.vectors[colours.row[best.id]]
    away = unit(rng.normal(size=(101, toy.d)))
    away = unit(away - (away @ red)[:, None] * red)
    hub, texts = unit(red + away[0]), unit(away[0] + 0.2 * away[1:61])
    pictures = unit(red + away[61:])
    items = [Item("image", f"{i}".encode(), f"{i}") for i in range(40)]
    asking = [Item("text", f"text {i}".encode(), "a thing") for i in range(60)]
    one = Item("image", b"hub", "hub")
    ids = [item.id for item in (one, *items, *asking)]
    planted = bench.home.create("planted")
    planted.add([one, *items, *asking])
    planted.write_vectors(toy, ids, np.concatenate([[hub], pictures, texts]))
    return one.id


def test_a_link_with_a_hub_correction_tells_what_left_the_page(app, built, tmp_path, monkeypatch):
    home = tmp_path / "home"
    shutil.copytree(built, home)
    monkeypatch.setenv("SEXTANT_HOME", str(home))
    hub = plant_a_hub(home)
    run(app, collection="planted", q="red", k="24", hubs="csls", rerank="k_reciprocal")
    told = re.search(r"Compared with cosine alone, (\d+) of 24 hits on this page", words(app))
    shown, left = [grid["cards"] for grid in components(app, "sextant_gallery")]
    assert len(shown) == 24
    assert len(left) == int(told.group(1)) > 0
    assert {card["id"] for card in shown}.isdisjoint(card["id"] for card in left)
    assert all(int(card["rank"]) <= 24 for card in left)
    assert hub in [card["id"] for card in left]


def test_the_methods_page_has_all_of_them_with_their_sources(app):
    app.switch_page("pages/about/methods.py")
    run(app)
    text = words(app).replace("\\", "")
    for part in (*HUB_CORRECTIONS.all().values(), *RERANKERS.all().values()):
        assert part.title in text
        assert part.source[:30] in text


def test_tokens_come_first_only_where_they_are_stored(app, built, tmp_path, monkeypatch):
    """A choice where there are any, else a sentence on how to make them; a link is told why not."""
    home = tmp_path / "home"
    shutil.copytree(built, home)
    monkeypatch.setenv("SEXTANT_HOME", str(home))
    run(app, collection="colours", q="red", k="12")
    assert "sextant tokens NAME" in words(app)
    assert all(box.key != "_first" for box in app.selectbox)
    assert next(b for b in app.button if b.key == "_tokens").label == "Store token vectors"
    run(app, first="muvera")
    assert "sextant tokens NAME" in words(app)
    Workbench(home).add_tokens(Workbench(home).open("colours"), pooling=Pooling("kmeans", keep=4))
    run(app)
    assert next(box for box in app.selectbox if box.key == "_first").value == "muvera"
    text = words(app).replace("\\", "")
    assert "Experimental" in text
    assert Pooling("kmeans", keep=4).sentence in text
    assert next(b for b in app.button if b.key == "_tokens").label == "Replace token vectors"
    next(box for box in app.selectbox if box.key == "_pooling").set_value("kmeans keep 4").run()
    assert all(b.key != "_tokens" for b in app.button)  # all have these
    next(box for box in app.selectbox if box.key == "_first").set_value("").run()
    assert "Experimental" not in words(app)


def test_approximate_search_is_a_choice_in_a_large_collection(app, monkeypatch):
    run(app, collection="colours", q="red", k="12")
    assert all(box.key != "_first" for box in app.selectbox)
    monkeypatch.setattr(core.search, "pays", lambda space: True)
    monkeypatch.setattr(faiss_ivf, "FEWEST", 1)
    run(app, q="blue")
    next(box for box in app.selectbox if box.key == "_first").set_value("ivf").run()
    assert app.query_params["first"] == "ivf"
    assert "Exact search of all 32 items" in words(app).replace("\\", "")  # it is small after all


def test_an_answer_follows_attributes_that_are_no_part_of_the_space(tmp_path, monkeypatch):
    """Items that come again with other attributes have the same vectors under the same ids."""
    monkeypatch.setenv("SEXTANT_HOME", str(tmp_path))
    monkeypatch.chdir(TOP)
    pets = Workbench(tmp_path).home.create("pets")
    texts = [f"pet {i}".encode() for i in range(4)]

    def add(*years):
        items = [
            Item("text", text, "a pet", attributes={"year": year})
            for text, year in zip(texts, years, strict=True)
        ]
        pets.add(items)
        ids = [item.id for item in items]
        pets.write_vectors(Passport("none", "", "", 4), ids, np.eye(4, dtype=np.float32))
        return ids

    def page():
        import streamlit as st

        from core.types.query import Filter, Part, Query
        from pages.parts import session, state

        session.store("collection", "pets")
        new = Filter("year", "in", (2001,))
        parts = (Part(item=st.session_state["item"]),)
        st.text(len(state.search(Query(parts, ("text",), (new,))).hits))

    ids = add(2001, 2001, 2001, 2000)
    app = AppTest.from_function(page)
    app.session_state["item"] = ids[0]
    assert app.run().text[0].value == "2"
    pets.delete_items(ids)
    add(2001, 2001, 2001, 2001)
    assert app.run().text[0].value == "3"


def test_a_query_prefers_values_where_the_kept_codes_have_attributes(
    app, built, tmp_path, monkeypatch
):
    home = tmp_path / "home"
    shutil.copytree(built, home)
    monkeypatch.setenv("SEXTANT_HOME", str(home))

    def first_labels():
        cards = components(app, "sextant_gallery")[0]["cards"]
        return [card["labels"][0] for card in cards[:4]]

    run(app, collection="colours", q="red", kinds="image", prefer="label = blue")
    assert "Prefer" not in [box.label for box in app.multiselect]
    assert first_labels() == ["red"] * 4
    bench = Workbench(home)
    bench.keep_way(bench.open("colours"), parse_way("attributes:weight=4"))
    run(app, collection="colours", q="red", kinds="image", prefer="label = blue")
    assert "blue" in first_labels()
    (prefer,) = [box for box in app.multiselect if box.label == "Prefer"]
    assert prefer.value == ["label = blue"]
    prefer.set_value([]).run()
    assert first_labels() == ["red"] * 4
