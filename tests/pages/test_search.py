"""The frame and Search, as a person meets them: empty, filled, and by a link someone sent."""

import gc
import re
import tomllib

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.errors import StoreError
from core.store import Collection
from core.types.item import Passport
from core.workbench import Workbench, tasks
from pages.parts import charts, gallery, state
from tests.fixtures.screens import TOP, cards, components, picture, run, words

IMAGE = "stored_image"  # of the query, in the session


@pytest.fixture
def app(monkeypatch):
    monkeypatch.chdir(TOP)
    return AppTest.from_file(str(TOP / "app.py"), default_timeout=60)


def test_a_first_visit_says_what_to_do_next(app):
    run(app)
    assert "No collection yet" in words(app)
    assert [b.label for b in app.button][:2] == ["Build the demo", "Add your own data"]


def test_an_empty_collection_says_what_to_do_next(app, filled):
    run(app, collection="nothing yet")
    assert "nothing yet is empty" in words(app)
    assert "Add items" in [b.label for b in app.button]


def test_without_a_question_there_are_pictures_and_suggestions_and_no_encoder(
    app, filled, monkeypatch
):
    def load(name, backend="auto"):
        raise AssertionError("the page waited for the encoder before anything was asked")

    warmed = []
    monkeypatch.setattr("core.encoders.load", load)
    monkeypatch.setattr("core.workbench.tasks.warm_search", lambda bench, *of: warmed.append(of))
    run(app, collection="colours")
    run(app)
    assert warmed == [("colours", None)]  # beside the page, once
    assert len(cards(app)) == 24
    assert all(card["image"] for card in cards(app))
    tries = [b for b in app.button if b.key.startswith("_try_")]
    assert tries and all(len(b.label.split()) == 1 for b in tries)


def test_a_collection_of_texts_needs_no_choice_of_kinds(app, filled, tmp_path):
    file = tmp_path / "captions.txt"
    file.write_text("a red square\na blue square\n")
    Workbench(filled).ingest("captions", file, encoder="toy")
    run(app, collection="captions")
    assert len(cards(app)) == 2
    assert "_kinds" not in [group.key for group in app.get("button_group")]
    run(app, q="red")
    assert cards(app)[0]["caption"] == "a red square"


def test_without_a_question_only_the_chosen_kind_is_shown_and_the_other_offered(app, filled):
    run(app, collection="colours", **{"has.name": "square"})
    assert not cards(app)
    assert "No image passes the filters." in words(app)
    app.button(key="_other_kind").click()
    run(app)
    assert cards(app) and not any(card["image"] for card in cards(app))
    assert app.query_params["kinds"] == "Texts"


def test_a_link_with_a_query_shows_its_answers_and_its_null(app, filled):
    app.session_state["_signs"] = True  # open
    run(app, collection="colours", q="red", k="12")
    found = cards(app)
    assert len(found) == 12
    assert [card["rank"] for card in found] == [str(i + 1) for i in range(12)]
    assert all("red" in card["labels"] for card in found[:4])
    assert found[0]["caption"].startswith("a red square")
    assert all(
        re.match(r"p [<=] 0\.\d+", card["note"]) or card["note"] == "p = 1.00" for card in found
    )
    assert "This query" in words(app)
    [drawn] = components(app, "sextant_histogram")
    assert sum(drawn["counts"]) == 32
    assert len(drawn["hits"]) == 12
    [signs] = components(app, "sextant_vital_signs")
    assert "Alignment" in [sign["title"] for sign in signs["signs"]]
    assert all(sign["sentence"].endswith(".") for sign in signs["signs"])


@pytest.mark.parametrize(
    "asked",
    [
        {"k": "0"},
        {"k": "x"},
        {"kinds": "Sounds"},
        {"page": "99"},
        {"page": "-1"},
        {"is.label": ["red", "nonsense"]},
        {"range.size": ["1", "9999"]},
        {"range.size": "50"},
        {"range.size": ["x", "y"]},
        {"is.warm": "perhaps"},
        {"encoder": "nobody"},
    ],
    ids=str,
)
def test_nonsense_in_a_link_falls_back(app, filled, asked):
    run(app, collection="colours", q="red", **asked)
    assert app.text_input(key="_q").value == "red"


def test_typing_a_query_answers_and_writes_the_link(app, filled):
    run(app, collection="colours")
    app.text_input(key="_q").set_value("blue")
    run(app)
    assert "blue" in cards(app)[0]["labels"]
    assert app.query_params["q"] == "blue"
    app.text_input(key="_q").set_value("")
    run(app)
    assert "q" not in app.query_params


def test_texts_and_both(app, filled):
    run(app, collection="colours", q="red", kinds="Texts")
    assert {card["kind"] for card in cards(app)} == {"text"}
    run(app, kinds="Both")
    assert [card["kind"] for card in cards(app)] == ["image"] * 24 + ["text"] * 24
    assert len(components(app, "sextant_histogram")) == 2


def test_filters_in_a_link_narrow_the_answers(app, filled):
    run(app, collection="colours", q="red", **{"is.label": ["blue", "green"], "not.label": "large"})
    assert {card["labels"][0] for card in cards(app)} <= {"blue", "green", "<i>small</i>"}
    assert len(cards(app)) == 2
    assert "1–2 of 2" in words(app)


def test_a_range_in_a_link_narrows_the_answers(app, filled):
    run(app, collection="colours", q="red", **{"is.label": "red", "range.size": ["60", "80"]})
    assert len(cards(app)) == 2
    assert "Filters · 2" in [block.proto.popover.label for block in app.get("popover")]


def test_filters_on_yes_and_no(app, filled):
    run(app, collection="colours", q="red", **{"is.warm": "yes"})
    assert len(cards(app)) == 8
    assert all({"red", "yellow"} & set(card["labels"]) for card in cards(app))


def test_filters_that_nothing_passes_give_a_sentence(app, filled):
    run(app, collection="colours", q="red", **{"is.label": "blue", "not.label": "blue"})
    assert not cards(app)
    assert "No images to search: no item passes the filters." in words(app)


def test_pages_go_on_where_the_last_one_ended(app, filled):
    run(app, collection="colours", q="red", k="12", page="2")
    assert [card["rank"] for card in cards(app)][:2] == ["13", "14"]
    app.text_input(key="_q").set_value("green")
    run(app)
    assert cards(app)[0]["rank"] == "1"
    assert "page" not in app.query_params


def test_a_page_turned_as_another_query_is_typed_does_not_scroll_it(app, filled):
    """The browser still sends the page of the query before."""
    run(app, collection="colours", q="red", k="12")
    app.session_state["stored_page_turned"] = True
    run(app)
    assert any("scrollIntoView" in h.proto.body for h in app.get("html"))
    app.session_state["stored_page_turned"] = True
    app.text_input(key="_q").set_value("green")
    run(app)
    assert not any("scrollIntoView" in h.proto.body for h in app.get("html"))


def test_more_like_this_leaves_the_item_itself_out(app, filled):
    first = Workbench(filled).open("colours").space.ids[0]
    run(app, collection="colours", also=f"item:{first}")
    assert first not in [card["id"] for card in cards(app)]
    assert app.button(key="_drop_0")
    app.button(key="_drop_0").click()
    run(app)
    assert "also" not in app.query_params


def test_an_image_is_a_query(app, filled):
    app.session_state[IMAGE] = picture("green")
    run(app, collection="colours")
    assert "green" in cards(app)[0]["labels"]
    assert "your image" in words(app)


@pytest.mark.parametrize(("size", "reason"), [(60, "truncated"), (0, "the file is empty")])
def test_an_image_that_cannot_be_read_is_refused_and_the_earlier_one_stays(
    filled, monkeypatch, size, reason
):
    monkeypatch.chdir(TOP)

    def page():
        import streamlit as st

        from pages.parts import problems, query

        query.give_image(st.session_state["bytes"], "mine.png")
        problems.show(query.rejected_image())

    app = AppTest.from_function(page)
    app.session_state["bytes"] = picture("green")[:size]
    run(app)
    sentence = words(app).replace("\\", "")
    assert "mine.png" in sentence and reason in sentence
    assert IMAGE not in app.session_state
    app.session_state[IMAGE] = picture("blue")
    run(app)
    kept = " The earlier image is still part of the query."
    assert words(app).replace("\\", "") == sentence + kept
    assert app.session_state[IMAGE] == picture("blue")


def test_the_query_is_still_there_after_a_look_at_another_page(app, filled):
    run(app, collection="colours", q="red")
    app.switch_page("pages/about/methods.py")
    run(app)
    app.switch_page("pages/explore/search.py")
    run(app)
    assert app.text_input(key="_q").value == "red"
    assert app.query_params["q"] == "red"
    assert app.query_params["collection"] == "colours"


def test_user_text_never_becomes_markup(app, filled):
    run(app, collection="colours", q="red", kinds="Both")
    assert any("<b>red</b>" in card["caption"] for card in cards(app))
    for element in (*app.markdown, *app.caption, *app.button):
        text = getattr(element, "label", None) or element.value
        assert not re.search(r"(?<!\\)<b>|(?<!\\)\]\(java", text)


def test_the_bar_shows_the_encoder_with_its_passport(app, filled):
    run(app, collection="colours")
    [badge] = [m for m in app.markdown if "toy" in m.value and "passport" in (m.help or "").lower()]
    assert "mean colour" in badge.help


def test_the_viewer_shows_an_item_in_full(filled, monkeypatch):
    monkeypatch.chdir(TOP)
    id_ = Workbench(filled).open("colours").space.ids[0]
    script = (
        "from pages.parts import item, session, state\n"
        "session.store(state.COLLECTION, 'colours')\n"
        f"item.open({id_!r}, among=[{id_!r}, 'x'])\n"
    )
    app = run(AppTest.from_string(script, default_timeout=60))
    assert any("square of" in text.value for text in app.text)
    assert "Nearest images" in words(app)
    assert {"More like this", "Previous", "Next"} <= {b.label for b in app.button}
    assert app.button(key="_walk_Left").disabled
    assert any(f"also=item%3A{id_}" in code.value for code in app.code)


def test_more_like_this_in_a_grid_asks_for_the_item(filled, monkeypatch):
    """The component's click arrives in the middle of a run, after the query box was drawn."""
    monkeypatch.chdir(TOP)
    id_ = Workbench(filled).open("colours").space.ids[0]
    clicks = iter([("like", id_)])
    monkeypatch.setattr("pages.parts.gallery.show", lambda *a, **k: next(clicks, ("", "")))
    app = AppTest.from_file(str(TOP / "app.py"), default_timeout=60)
    run(app, collection="colours", q="red")
    assert app.query_params["also"] == f"item:{id_}"
    assert app.text_input(key="_q").value == ""


def test_a_second_encoder_can_be_chosen_and_says_when_it_is_not_at_hand(app, filled):
    workbench = Workbench(filled)
    space = workbench.open("colours").space
    other = Passport("nobody/knows", "", "", space.d)
    workbench.home.open("colours").write_vectors(other, space.ids, space.vectors[:, ::-1])
    run(app, collection="colours")
    assert app.selectbox(key="_encoder").options == ["toy", "nobody/knows"]
    app.selectbox(key="_encoder").set_value("nobody/knows")
    run(app)
    assert app.query_params["encoder"] == "nobody/knows"
    assert app.text_input(key="_q").disabled
    assert "'nobody/knows'" in words(app)


def test_vectors_of_an_unknown_model_are_searched_by_item(app, home, tmp_path):
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    vectors = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
    table = pa.table(
        {
            "id": [f"i{n}" for n in range(40)],
            "kind": ["image"] * 20 + ["text"] * 20,
            "pair": [str(n % 20) for n in range(40)],
            "text": [""] * 20 + [f"text {n}" for n in range(20)],
            "vector": list(vectors),
        }
    )
    pq.write_table(table, tmp_path / "mine.parquet")
    Workbench(home).ingest("mine", tmp_path / "mine.parquet", encoder="nobody/knows")
    run(app, collection="mine")
    assert app.text_input(key="_q").disabled
    assert "Searching by item" in words(app)
    run(app, also="item:i3")
    assert cards(app)


def test_the_palettes_of_figures_and_theme_are_the_same():
    theme = tomllib.loads((TOP / "assets" / "theme.toml").read_text("utf-8"))["theme"]
    assert tuple(theme["chartCategoricalColors"]) == charts.PALETTE
    assert tuple(theme["chartSequentialColors"]) == charts.SEQUENTIAL
    assert tuple(theme["chartDivergingColors"]) == charts.DIVERGING


def test_every_page_file_is_in_the_page_list():
    listed = set(re.findall(r'"(pages/[^"]+\.py)"', (TOP / "app.py").read_text("utf-8")))
    there = {
        path.relative_to(TOP).as_posix()
        for path in (TOP / "pages").rglob("*.py")
        if "parts" not in path.parts and path.name != "__init__.py"
    }
    assert listed == there


def test_what_is_asked_first_was_made_ready_beside_the_page(filled, monkeypatch):
    bench, queries = Workbench(filled), []
    monkeypatch.setattr(bench, "search", lambda opened, query: queries.append((opened, query)))
    tasks.warm_search(bench, "colours", None)
    assert [(opened.name, query.kinds) for opened, query in queries] == [("colours", ("image",))]


def test_what_cannot_be_made_ready_is_told_to_who_asks(filled):
    assert tasks.warm_search(Workbench(filled), "nothing yet", None) is None


def test_numbers_to_save_are_made_when_they_are_saved(app, filled, monkeypatch):
    computed = []
    rows = gallery.rows
    monkeypatch.setattr(st, "download_button", st.download_button.__wrapped__)
    monkeypatch.setattr(gallery, "rows", lambda hits: lambda: computed.append(1) or rows(hits)())
    assert not run(app, collection="colours", q="red").get("download_button")
    app.session_state["_export_all"] = True  # open
    labels = {b.label for b in run(app).get("download_button")}
    assert {"The images on this page", "The best 32 images"} <= labels and not computed


@pytest.mark.parametrize("reads", [0, 1, 2, 3])
def test_a_store_that_breaks_while_the_page_is_drawn_is_a_sentence(app, filled, monkeypatch, reads):
    """However often it was read before: for the page, for what follows the text, for answers."""
    left = [None] * reads

    def version(collection):
        if not left:
            raise StoreError("The collection cannot be read: the disk is gone.")
        return left.pop() or "a version"

    monkeypatch.setattr(Collection, "version", version)
    run(app, collection="colours", q="red")
    assert "the disk is gone" in words(app)


def test_garbage_is_set_aside_once_for_the_vectors_of_a_collection(filled, monkeypatch):
    bench, frozen = Workbench(filled), []
    bench.home.create("others")
    monkeypatch.setattr(gc, "freeze", lambda: frozen.append(1))
    monkeypatch.setattr(state, "ready", lambda: True)
    st.cache_resource.clear()

    def page():
        import streamlit as st

        from pages.parts import session, state

        session.store("collection", st.session_state["name"])
        session.store("encoder", st.session_state["model"])
        state.settle()

    app = AppTest.from_function(page)
    for name, model in (("colours", "toy"), ("colours", "starter"), ("others", "toy")):
        app.session_state["name"], app.session_state["model"] = name, model
        assert not app.run().exception
    assert len(frozen) == 1
