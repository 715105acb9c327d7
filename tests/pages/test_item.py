"""What one can do with an item in the viewer: ask with it, and see which labels suit it."""

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from streamlit.testing.v1 import AppTest

from core.types.query import Part
from core.workbench import Workbench
from tests.fixtures.screens import TOP, run, words


@pytest.fixture
def viewer(filled, monkeypatch):
    """The viewer of the first picture; a change of page is a sentence."""
    monkeypatch.chdir(TOP)
    monkeypatch.setattr("pages.parts.item.st.switch_page", lambda page: None)

    def opened(row=0, collection="colours", **asked):
        id_ = Workbench(filled).open(collection).space.ids[row]
        script = (
            "from pages.parts import item, session, state\n"
            f"session.store(state.COLLECTION, {collection!r})\n"
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


def test_an_item_is_saved_where_more_than_its_vector_is_stored(viewer, filled, tmp_path):
    path = tmp_path / "vectors.parquet"
    columns = {
        "id": ["a", "b"],
        "kind": ["image"] * 2,
        "vector": np.eye(8, dtype="f4")[:2].tolist(),
    }
    parquet.write_table(pa.table(columns), path)
    Workbench(filled).ingest("vectors", path, encoder="toy")
    _, app = viewer()
    assert [button.label for button in app.get("download_button")] == ["Save"]
    _, app = viewer(collection="vectors")
    assert not app.get("download_button") and "only its vector is stored" in words(app)


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
