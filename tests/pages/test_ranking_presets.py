"""Ranking presets: what each sets, and what it gained on the collection's own pairs."""

import pytest
from streamlit.testing.v1 import AppTest

from core.workbench import Workbench, tasks
from tests.fixtures.screens import TOP, run


@pytest.fixture
def app(filled, monkeypatch):
    monkeypatch.chdir(TOP)
    return AppTest.from_file(str(TOP / "app.py"), default_timeout=60)


def about(app):
    radio = app.radio(key="_preset")
    return dict(zip(radio.options, radio.proto.captions, strict=True))


def label(app):
    labels = [popover.proto.popover.label for popover in app.get("popover")]
    return next(label for label in labels if label.startswith("Ranking"))


def test_a_preset_sets_its_options_and_plain_clears_them(app):
    run(app, collection="colours", q="red", rerank="k_reciprocal")
    assert label(app) == "Ranking: Custom"
    app.radio(key="_preset").set_value("words")
    run(app)
    assert app.query_params["words"] == "sum" and "rerank" not in app.query_params
    assert label(app) == "Ranking: Exact words too"
    app.selectbox(key="_hubs").set_value("nnn")
    run(app)
    assert label(app) == "Ranking: Custom"
    app.radio(key="_preset").set_value("plain")
    run(app)
    assert not {"words", "hubs", "rerank"} & set(app.query_params)


def test_gains_are_measured_by_a_job_and_shown_afterwards(app, filled, monkeypatch):
    run(app, collection="colours", q="red")
    assert "token vectors" in about(app)["By parts"]
    assert "with another caption" in about(app)["Exact words too"]
    started = []
    start = tasks.start
    monkeypatch.setattr(tasks, "start", lambda *a, **k: started.append(start(*a, **k)))
    app.button(key="_measure_rankings").click()
    run(app)
    (job,) = started
    assert job.arguments["rankings"] == [{"hub_correction": "nnn"}]
    assert job.wait(60).state == "done"
    run(app)
    bench = Workbench(filled)
    gain = bench.ranking_gain(bench.open("colours"), {"hub_correction": "nnn"})
    assert gain.result in about(app)["Fewer hubs"].replace("\\", "")
    assert not [b for b in app.button if b.key == "_measure_rankings"]


def test_without_pairs_there_is_nothing_to_measure(app, filled):
    bench = Workbench(filled)
    texts = bench.open("colours").space
    bench.delete_items("colours", texts.ids[texts.n_images :])
    run(app, collection="colours", q="red")
    assert "there are none" in about(app)["Fewer hubs"]
    assert not [b for b in app.button if b.key == "_measure_rankings"]
