"""The bar on every page: a link to a collection that does not exist is answered with that."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.fixtures.screens import TOP, cards, run, words

PAGES = sorted(
    path.relative_to(TOP).as_posix()
    for path in (TOP / "pages").glob("*/*.py")
    if path.parent.name != "parts"
)


@pytest.fixture
def app(monkeypatch):
    monkeypatch.chdir(TOP)
    return AppTest.from_file(str(TOP / "app.py"), default_timeout=60)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: Path(page).stem)
def test_a_link_to_no_collection_shows_nothing_of_another(app, filled, page):
    app.switch_page(page)
    run(app, collection="colour", q="red")
    assert "No collection is called 'colour'\\. Did you mean 'colours'?" in words(app)
    assert app.query_params["collection"] == "colour"
    assert [box.key for box in app.selectbox] == ["_instead"]
    assert cards(app) == [] and not app.metric and not app.dataframe


def test_another_collection_can_be_chosen_in_its_place(app, filled):
    run(app, collection="colour", q="red", encoder="nobody")
    app.selectbox(key="_instead").select("colours").run()
    assert not app.exception
    assert cards(app)[0]["rank"] == "1"
    assert app.query_params["collection"] == "colours"


def test_a_link_to_a_collection_is_no_obstacle_to_the_first_one(app):
    run(app, collection="colour")
    assert "No collection is called 'colour'\\. There are none yet" in words(app)
    assert "Build the demo" in [button.label for button in app.button]
