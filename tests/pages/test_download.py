"""Answers as a file: made when it is saved, of what is there at that moment."""

import csv
import io

from streamlit.testing.v1 import AppTest

from core.store.home import Home
from tests.fixtures.screens import TOP, cards, run


def test_answers_are_saved_though_somebody_deleted_one_meanwhile(filled, monkeypatch):
    files = {}
    monkeypatch.chdir(TOP)
    monkeypatch.setattr(
        "pages.parts.controls.st.download_button",
        lambda label, data, name, *_, **__: files.update({name: data}),
    )
    app = AppTest.from_file(str(TOP / "app.py"), default_timeout=60)
    app.session_state["_export_all"] = True  # open
    shown = cards(run(app, collection="colours", q="red", k="12"))
    whole = list(csv.DictReader(io.StringIO(files["results-images.csv"]())))
    assert [row["name"] for row in whole] == [card["name"] for card in shown]
    Home(filled).open("colours").delete_items([shown[1]["id"]])
    saved = list(csv.DictReader(io.StringIO(files["results-images.csv"]())))
    about = ("kind", "name", "labels", "file", "size", "warm")
    gone = {**whole[1], **dict.fromkeys(about, "")}
    assert whole[0]["file"].endswith(whole[0]["name"]) and whole[0]["warm"] == "True"
    assert len(saved) == 12 and saved == [whole[0], gone, *whole[2:]]
