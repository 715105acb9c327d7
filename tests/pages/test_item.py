"""What one can do with an item in the viewer: ask with it, and see which labels suit it."""

import pytest
from streamlit.testing.v1 import AppTest

from core.types.query import Part
from core.workbench import Workbench
from tests.fixtures.screens import TOP, run, words


@pytest.fixture
def viewer(filled, monkeypatch):
    """The viewer of the first picture; a change of page is a sentence."""
    monkeypatch.chdir(TOP)
    monkeypatch.setattr("pages.parts.item.st.switch_page", lambda page: None)

    def opened(row=0, **asked):
        id_ = Workbench(filled).open("colours").space.ids[row]
        script = (
            "from pages.parts import item, session, state\n"
            "session.store(state.COLLECTION, 'colours')\n"
            f"item.open({id_!r})\n"
        )
        return id_, run(AppTest.from_string(script, default_timeout=60), **asked)

    return opened


@pytest.mark.parametrize(("key", "sign"), [("_add_item", ""), ("_less_item", "-")])
def test_an_item_is_put_beside_what_is_asked(viewer, key, sign):
    id_, app = viewer(q="red")
    app.button(key=key).click()
    run(app)
    assert app.query_params["also"] == f"{sign}item:{id_}"
    assert app.query_params["q"] == "red"


def test_a_second_item_joins_the_first(viewer):
    other, _ = viewer(1)
    id_, app = viewer(also=f"0.5*item:{other}")
    app.button(key="_less_item").click()
    run(app)
    assert app.query_params["also"] == f"0.5*item:{other} - item:{id_}"


def test_labels_are_ranked_when_the_box_is_opened(viewer, filled):
    id_, app = viewer()
    assert not app.table or "Most probable" not in app.table[-1].value
    app.session_state["_labels"] = True
    run(app)
    table = app.table[-1].value
    assert list(table) == [
        "Most probable",
        "Probability",
        "Fréchet mean",
        "Expected squared distance",
    ]
    best = (
        Workbench(filled).rank_labels(Workbench(filled).open("colours"), Part(item=id_)).likeliest
    )
    assert table["Most probable"].tolist()[0].replace("\\", "") == best[0].label
    assert "The most probable of 10 labels is" in words(app).replace("\\", "")
    assert "<i>" not in "".join(m.value for m in app.markdown)


def test_a_text_has_no_labels_to_rank(viewer, filled):
    _, app = viewer(Workbench(filled).open("colours").space.n_images)
    assert "_labels" not in app.session_state
