"""The selection on the map is part of its link."""

from streamlit.testing.v1 import AppTest

from core.report import pack_ids
from core.workbench import Workbench
from pages.parts.selection import LINK
from tests.fixtures.screens import TOP, components, run, words


def map_page():
    app = AppTest.from_file(str(TOP / "app.py"), default_timeout=60)
    return app.switch_page("pages/explore/map.py")


def test_a_link_selects_and_a_bad_one_selects_nothing(filled):
    space = Workbench(filled).open("colours").space
    ids = space.ids[:3], space.ids[-2:]
    text = pack_ids(space, [*ids[0], *ids[1]])
    app = run(map_page(), collection="colours", map="pca", **{LINK: text})
    assert "3 images, 2 texts" in words(app)
    app.button(key="_map_clear").click()
    run(app)
    assert LINK not in app.query_params
    app = run(map_page(), collection="colours", map="pca", **{LINK: f"0{text}"})
    assert "Nothing selected" in words(app)


def test_points_are_colored_by_a_tag_and_a_selection_is_labeled_and_that_undone(filled):
    bench = Workbench(filled)
    space = bench.open("colours").space
    bench.tag("colours", "odd", [(id_,) for id_ in space.ids[:3]])
    text = pack_ids(space, space.ids[:2])
    app = run(map_page(), collection="colours", map="pca", colour="is.tag", **{LINK: text, "with": "act"})
    (drawn,) = components(app, "sextant_map")
    assert {group["name"] for group in drawn["groups"]} == {"odd", "no tag"}
    app.selectbox(key="_map_label").set_value("large")
    run(app)
    app.button(key="_map_label_set").click()
    run(app)
    assert bench.open("colours").space.labels[:2] == (("large",), ("large",))
    app.button(key="_map_undo").click()
    run(app)
    assert bench.open("colours").space.labels == space.labels
    assert not [b for b in app.button if b.key == "_map_undo"]
