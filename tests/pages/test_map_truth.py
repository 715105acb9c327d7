"""The map says how far it can be trusted, and leads from an opened item to its true neighbors."""

from streamlit.testing.v1 import AppTest

from core.report import pack_ids
from core.workbench import Workbench
from tests.fixtures.screens import TOP, components, run, words


def test_quality_fade_and_lines_go_with_a_layout_and_an_old_link_opens(filled):
    space = Workbench(filled).open("colours").space
    app = AppTest.from_file(str(TOP / "app.py"), default_timeout=60)
    app = app.switch_page("pages/explore/map.py")
    app.session_state["stored_map_opened"] = space.ids[0]
    run(app, collection="colours", map="pca", gap="remove", fade="1")
    assert "Trustworthiness" in words(app)
    assert "random places" in words(app)
    lines = "\n".join(e.proto.help for e in app.caption).splitlines()
    found = [line for line in lines if "found by distance" in line]
    assert len(found) == 3 and all("random places 0." in line for line in found)
    (drawn,) = components(app, "sextant_map")
    assert drawn["fade"]
    assert drawn["lines"]
    run(app, collection="colours", map="gap_view", gap="none", fade="0", lines="0")
    (drawn,) = components(app, "sextant_map")
    assert not drawn["fade"]
    assert not drawn["lines"]


def test_lines_between_pairs_are_those_of_the_selected_items(filled):
    space = Workbench(filled).open("colours").space
    app = AppTest.from_file(str(TOP / "app.py"), default_timeout=60)
    app = app.switch_page("pages/explore/map.py")
    (drawn,) = components(run(app, collection="colours", map="pca"), "sextant_map")
    assert not drawn["lines"]
    (every,) = components(run(app, pairs="1"), "sextant_map")
    (some,) = components(run(app, selected=pack_ids(space, space.ids[:1])), "sextant_map")
    assert every["lines"] and some["lines"] and every["lines"] != some["lines"]
