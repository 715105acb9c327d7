"""Adding data on the Collections page: the preview, its report, and what comes again."""

from time import monotonic, sleep

import pytest
from streamlit.testing.v1 import AppTest

from core.workbench import Workbench
from tests.fixtures.files import folder_of, jsonl, png
from tests.fixtures.screens import TOP, run, words

TABLE = "image,caption,alt\n0.png,one,eins\n1.png,two,zwei\n"


@pytest.fixture
def source(home, tmp_path, monkeypatch):
    """A folder with two images, a table and a file of another type, that the app may read."""
    monkeypatch.setenv("SEXTANT_ROOT", str(tmp_path))
    monkeypatch.setattr("core.workbench.ingest.DEFAULT_ENCODER", "toy")
    files = {"0.png": png(0), "1.png": png(1), "table.csv": TABLE, "notes.docx": "x"}
    return folder_of(tmp_path / "birds", files)


@pytest.fixture
def page(source, monkeypatch):
    monkeypatch.chdir(TOP)
    app = AppTest.from_file(str(TOP / "app.py"), default_timeout=90)
    app.switch_page("pages/explore/collections.py")
    return run(app)


def widget(kind, key):
    return next(w for w in kind if w.key == key)


def click(app, label):
    """The last button of that label: a dialog's comes after the page's."""
    [b for b in app.button if b.label == label][-1].click()
    return run(app)


def until_done(home):
    end = monotonic() + 60
    while any(job.state == "running" for job in Workbench(home).jobs.all()):
        assert monotonic() < end
        sleep(0.05)
    jobs = [job for job in Workbench(home).jobs.all() if job.verb == "ingest"]
    assert {job.state for job in jobs} == {"done"}, [job.sentence for job in jobs]


def fill_in(app, path):
    widget(app.text_input, "_path_0").set_value(path)
    return app


def rows(app):
    (table,) = [d.value for d in app.dataframe]
    return table


def test_a_preview_shows_the_first_rows_and_adds_them_as_read_there(page, home):
    click(fill_in(page, "birds"), "Preview")
    assert "2 records" in words(page)
    assert "alt (attribute)" in words(page) and "notes" in words(page)
    assert rows(page)["_captions"].tolist() == ["one", "two"]
    assert rows(page)["_image"].str.startswith("data:image/webp").all()
    assert Workbench(home).names() == ()
    page.session_state["_caption_columns"] = ["alt"]  # a dialog is open in its first run only
    click(page, "Preview")
    assert rows(page)["_captions"].tolist() == ["eins", "zwei"]
    widget(page.button, "_preview").click()
    widget(page.button, "_add_previewed").click()
    run(page)
    until_done(home)
    bench = Workbench(home)
    space = bench.open("birds").space
    texts = {item.text for item in bench.items("birds", space.ids[space.n_images :])}
    assert texts == {"eins", "zwei"}


def test_a_wrong_form_is_a_sentence_beside_the_choice_of_another(page):
    page.session_state["_form"] = "parquet"
    click(fill_in(page, "birds/table.csv"), "Preview")
    assert "table" in "".join(w.value for w in page.warning)
    assert widget(page.selectbox, "_form").value == "parquet"


def test_what_is_added_later_has_a_link_of_its_own_and_what_is_gone_can_be_deleted(
    page, home, source
):
    bench = Workbench(home)
    bench.ingest("birds", source, encoder="toy")
    (source / "0.png").unlink()
    table = jsonl({"image": "2.png", "caption": "three"}, {"image": "1.png", "caption": "two"})
    folder_of(source, {"2.png": png(2), "items.jsonl": table})
    click(fill_in(run(page), "birds"), "Add")
    until_done(home)
    assert {m.label: m.value for m in run(page).metric}.items() >= {
        "Images added": "1",
        "Unchanged": "2",
        "Gone or changed": "1",
    }.items()
    (link,) = [e.proto for e in page.get("page_link") if "Search this image" in e.proto.label]
    assert "is.added=" in link.query_string
    assert bench.card("birds").images == 3
    click(page, "Delete it")
    until_done(home)
    assert bench.card("birds").images == 2
    assert "deleted" in words(run(page))
