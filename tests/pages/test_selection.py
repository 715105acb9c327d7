"""Selected results, the table, and two rankings or encoders side by side: all by a link."""

import pytest
from streamlit.testing.v1 import AppTest

from core.types.item import Passport
from core.workbench import Workbench
from tests.fixtures.screens import TOP, cards, components, run, words


@pytest.fixture
def app(filled, monkeypatch):
    monkeypatch.chdir(TOP)
    return AppTest.from_file(str(TOP / "app.py"), default_timeout=60)


@pytest.fixture
def ids(filled):
    """Three images."""
    return list(Workbench(filled).open("colours").space.ids[:3])


def galleries(app):
    return components(app, "sextant_gallery")


def test_a_selection_is_in_the_link_without_what_is_gone(app, ids):
    run(app, collection="colours", q="red", picked=[*ids, "gone"])
    assert "**3 selected**" in words(app)
    assert galleries(app)[0]["picked"] == ids
    app.button(key="_unpick").click()
    run(app)
    assert "picked" not in app.query_params and "selected" not in words(app)


def test_selected_items_are_tagged_and_the_tag_is_removed(app, filled, ids):
    bench, other = Workbench(filled), "wrong <b>"
    bench.tag("colours", other, [(bench.open("colours").space.ids[9],)])
    run(app, collection="colours", q="red", picked=ids)
    app.selectbox(key="_tag").set_value(other)
    run(app)
    app.button(key="_tag_add").click()
    run(app)
    assert {(id_,) for id_ in ids} < {tag.ids for tag in bench.tags("colours")}
    app.button(key="_tag_remove").click()
    run(app)
    assert len(bench.tags("colours")) == 1


def test_deleting_asks_first(app, filled, ids):
    run(app, collection="colours", q="red", picked=ids)
    assert set(ids) <= set(Workbench(filled).open("colours").space.ids)
    app.button(key="_delete_picked").click()
    run(app)
    assert not set(ids) & set(Workbench(filled).open("colours").space.ids)
    assert "picked" not in app.query_params
    app.button(key="_undo").click()
    run(app)
    assert set(ids) <= set(Workbench(filled).open("colours").space.ids)


def test_the_selection_is_measured_on_its_own_page(app, ids):
    run(app, collection="colours", q="red", picked=ids)
    app.button(key="_measure").click()
    run(app)
    assert app.query_params["a.items"]
    assert "3 items" in words(app) or any("3 items" in b.label for b in app.button)


def test_a_table_has_the_results_in_the_order_of_their_ranks(app):
    run(app, collection="colours", q="red", view="table", k="12")
    table = app.dataframe[0].value
    assert table["rank"].tolist() == list(range(1, 13))
    assert table["caption"][0].startswith("a red square")
    assert list(table) == [
        "image",
        "rank",
        "caption",
        "cosine",
        "p",
        "labels",
        "name",
        "size",
        "warm",
    ]
    assert not cards(app)
    run(app, view="nonsense")
    assert cards(app)


def test_two_rankings_show_how_each_result_moved(app):
    run(app, collection="colours", q="red", vs="ranking.words", k="12")
    a, b = (grid["cards"] for grid in galleries(app))
    assert [card["rank"] for card in a] == [card["rank"] for card in b]
    ranks = {card["id"]: int(card["rank"]) for card in a}
    for card in b:
        moved = ranks.get(card["id"], 0) - int(card["rank"])
        expected = f"↑{moved}" if moved > 0 else f"↓{-moved}" if moved else "="
        assert card["move"] == (expected if card["id"] in ranks else "new")
    others = {card["id"] for card in b}
    assert [card["move"] for card in a] == ["" if c["id"] in others else "gone" for c in a]
    run(app, vs="ranking.nonsense")
    assert len(galleries(app)) == 1


def test_two_encoders_show_the_same_query(app, filled):
    bench = Workbench(filled)
    space = bench.open("colours").space
    other = Passport("nobody/knows", "", "", space.d)
    bench.home.open("colours").write_vectors(other, space.ids, space.vectors[:, ::-1])
    image = space.ids[0]
    run(app, collection="colours", also=f"item:{image}", vs="encoder.nobody/knows")
    a, b = (grid["cards"] for grid in galleries(app))
    assert [card["id"] for card in a] == [card["id"] for card in b]
    assert {card["move"] for card in b} == {"="}
    run(app, also="", q="red", vs="encoder.nobody/knows")
    assert "nobody/knows" in words(app) and len(galleries(app)) == 1
