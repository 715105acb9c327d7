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
    app = run(
        map_page(), collection="colours", map="pca", color="is.tag", **{LINK: text, "with": "act"}
    )
    (drawn,) = components(app, "sextant_map")
    assert {group["name"] for group in drawn["groups"]} == {"odd", "no tag"}
    bench.tag("colours", "even", [(id_,) for id_ in space.ids[3:6]])
    (drawn,) = components(run(app), "sextant_map")
    assert {group["name"] for group in drawn["groups"]} == {"odd", "even", "no tag"}
    app.selectbox(key="_map_label").set_value("large")
    run(app)
    app.button(key="_map_label_set").click()
    run(app)
    assert bench.open("colours").space.labels[:2] == (("large",), ("large",))
    app.button(key="_map_undo").click()
    run(app)
    assert bench.open("colours").space.labels == space.labels
    assert not [b for b in app.button if b.key == "_map_undo"]


def test_a_selection_has_a_name_and_what_is_special_about_it_and_is_compared(filled):
    bench = Workbench(filled)
    space = bench.open("colours").space
    red = [id_ for id_, labels in zip(space.ids, space.labels, strict=True) if "red" in labels]
    bench.tag("colours", "blue ones", [(id_,) for id_ in space.ids[20:32]])
    app = run(map_page(), collection="colours", map="pca", **{LINK: pack_ids(space, red)})
    assert "**red" in words(app)  # the name
    table = app.dataframe[0].value
    assert "red" in set(table["what"]) and table["here"][0] == 100 and table["others"][0] < 20
    run(app, **{"with": "compare", "against": "=blue ones"})
    assert "cosine of the two means" in words(app)
    app.button(key="_keep_a").click()
    run(app)
    assert "Nothing selected" in words(app)
    app.button(key="_saved_0").click()
    run(app)
    assert "=blue ones" in app.query_params[LINK] and "**blue ones**" in words(app)


def test_a_selection_is_saved_and_searched_in(filled):
    space = Workbench(filled).open("colours").space
    text = pack_ids(space, space.ids[:5])
    app = run(map_page(), collection="colours", map="pca", **{LINK: text, "with": "act"})
    app.text_input(key="_save_as").set_value(" few ")
    run(app)
    app.button(key="_save_selection").click()
    run(app)
    assert "=few" in app.query_params[LINK] and "5 items tagged few" in words(app)
    app.switch_page("pages/explore/search.py")
    run(app, q="red", within="1")
    found = {card["id"] for data in components(app, "sextant_gallery") for card in data["cards"]}
    assert found == set(space.ids[:5])
    app = AppTest.from_file(str(TOP / "app.py"), default_timeout=60)
    app.switch_page("pages/explore/search.py")  # by the link alone
    run(app, collection="colours", q="red", within="1", **{LINK: f"0{text}"})
    assert not app.checkbox and "within" not in app.query_params


def test_clusters_are_found_listed_and_select(filled):
    app = run(map_page(), collection="colours", map="pca", clusters_by="means")
    (drawn,) = components(app, "sextant_map")
    assert drawn["names"]
    app.button(key="_cluster_0").click()
    run(app)
    assert "Nothing selected" not in words(app) and app.query_params[LINK]
    run(app, color="clusters")
    (drawn,) = components(app, "sextant_map")
    assert drawn["groups"] and len(drawn["groups"]) <= 14


def test_a_query_is_on_the_map_with_its_hits_and_a_path_between_two(filled):
    app = run(map_page(), collection="colours", map="pca", q='"red" + "blue"')
    (drawn,) = components(app, "sextant_map")
    assert [mark[2] for mark in drawn["marks"]] == ["red", "blue"]
    assert len(drawn["lit"]) == 24 and len(drawn["path"]) == 33
    app.button(key="_select_hits").click()
    run(app)
    assert "24 images" in words(app)
    app = run(map_page(), collection="colours", map="pca", q='"red" + img:nothing')
    (drawn,) = components(app, "sextant_map")
    assert not drawn["marks"] and "nothing" in words(app)


def test_a_second_map_stands_beside_with_lines_to_what_moved(filled):
    app = run(map_page(), collection="colours", map="pca", beside="gap")
    first, second = components(app, "sextant_map")
    assert first["n"] == second["n"] and second["lines"] and first["places"] != second["places"]
    run(app, beside="encoder:gone")
    assert len(components(app, "sextant_map")) == 1
