"""A damaged collection beside a healthy one: its sentence is shown where it is chosen."""

from shutil import rmtree

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.types import Item, Passport
from core.workbench import Workbench
from tests.fixtures.screens import TOP, cards, run, words

pytestmark = pytest.mark.hardening
PAGES = ("explore/search", "explore/map", "measure/geometry", "measure/evaluate")
NAME = "a damaged one"  # the first by its name
SENTENCE = f"The collection '{NAME}' cannot be read: its table"
SLOW = [pytest.param(how, marks=pytest.mark.slow) for how in ("passports gone", "vectors_* gone")]


@pytest.fixture(params=["items gone", "intakes cut", *SLOW])
def damaged(filled, request):
    """A home in which one collection is damaged."""
    collection, item = Workbench(filled).home.create(NAME), Item("text", b"a", "a")
    folders = set(filled.glob("*"))
    collection.add([item])
    collection.write_vectors(Passport("toy", "w", "p", 4), [item.id], np.eye(1, 4, dtype="f4"))
    collection.artifacts.write_ingest_report({"refused": []})
    (folder,) = set(filled.glob("*")) - folders
    table, _, how = request.param.partition(" ")
    (table,) = folder.glob(f"{table}.lance")
    for file in (table / "data").iterdir() if how == "cut" else ():
        file.write_bytes(file.read_bytes()[:40])
    if how == "gone":
        rmtree(table)
    return filled


@pytest.fixture
def app(monkeypatch):
    monkeypatch.chdir(TOP)
    return AppTest.from_file(str(TOP / "app.py"), default_timeout=90)


def said(app):
    return words(app).replace("\\", "")


def test_a_first_visit_opens_one_that_can_be_read(app, damaged):
    assert cards(run(app, q="red"))[0]["rank"] == "1"
    assert app.selectbox(key="_collection").value == "colours"
    assert SENTENCE not in said(app)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_says_what_is_wrong_and_lets_choose_another(app, damaged, page):
    run(app.switch_page(f"pages/{page}.py"), collection=NAME)
    assert SENTENCE in said(app) and f"sextant check '{NAME}'" in said(app)
    assert str(damaged) not in said(app)
    app.selectbox(key="_collection").select("colours").run()
    assert not app.exception and SENTENCE not in said(app)


def test_its_card_has_the_sentence_and_the_others_are_whole(app, damaged, request):
    run(app.switch_page("pages/explore/collections.py"), collection=NAME)
    text = said(app)
    assert f"**{NAME}**" in text and "**colours**" in text and "32 images" in text
    assert "### Add data" in text and str(damaged) not in text
    if "vectors" not in request.node.name:
        assert SENTENCE in text


def choose(app, action):
    """Pick from the menu of its card; the dialog it opens is in this run only."""
    next(m for m in app.get("menu_button") if m.key == f"_menu_{NAME}").click(action)
    return run(app)


def test_it_can_be_checked_and_deleted_there(app, damaged, request):
    run(app.switch_page("pages/explore/collections.py"), collection=NAME)
    assert "The table '" in said(choose(app, "Check"))
    assert ("_do_repair" in [button.key for button in app.button]) == mendable(request)
    choose(app, "Delete")
    assert f"Deletes **{NAME}** with" in said(app)


def mendable(request):
    return "items" not in request.node.name and "passports" not in request.node.name


def check():
    from pages.parts.collections import cards

    cards._check("a damaged one")


def delete():
    from pages.parts import state
    from pages.parts.collections import cards

    for card in state.workbench().cards():
        if card.name == "a damaged one":
            cards._delete(card)


def test_repair_and_deletion_act(damaged, request):
    if mendable(request):
        dialog = run(AppTest.from_function(check))
        dialog.button(key="_do_repair").click()
        assert "everything fits" in said(run(dialog))
    dialog = run(AppTest.from_function(delete))
    dialog.text_input(key="_confirm").set_value(NAME)
    run(dialog).button(key="_do_delete").click()
    run(dialog)
    assert NAME not in Workbench(damaged).names()
