"""Repair: before, after, kept and used by the other pages; and links that make no sense."""

import csv
import io
import json
import re
import shlex
import threading
import time

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.cli import main
from core.workbench import Workbench
from tests.fixtures.screens import TOP, components, run, words

PAGE = "pages/improve/repair.py"


@pytest.fixture
def app(monkeypatch, filled):
    monkeypatch.chdir(TOP)
    app = AppTest.from_file(str(TOP / "app.py"), default_timeout=60)
    app.run()
    app.switch_page(PAGE)
    return app


def button(app, label):
    return next(b for b in app.button if b.label == label)


def settled(app, home, **asked):
    """Run until the work behind the page has ended."""
    run(app, **asked)
    for _ in range(60):
        jobs = [job for job in Workbench(home).jobs.all() if job.state == "running"]
        if not jobs:
            break
        time.sleep(0.5)
    return run(app)


def test_without_steps_it_shows_held_out_recall_and_what_to_do(app, filled):
    settled(app, filled, collection="colours")
    assert {m.label for m in app.metric} >= {"Text → image: recall@10", "Image → text: mAP"}
    assert re.search("Recommended by|let Sextant compare", words(app))


def test_a_recipe_is_judged_kept_and_used_on_other_pages(app, filled):
    steps = ["per_modality_centering", "nnn"]
    settled(app, filled, collection="colours", step=steps, **{"nnn.k": "4"})
    said = [box.value for boxes in (app.success, app.warning, app.info) for box in boxes]
    assert re.search(r"(mAP text → image .*points|No rank of).*held\\?-out pairs", said[0])
    assert "Text → image, recall@1" in words(app)
    button(app, "Keep with the collection").click()
    run(app)
    (name,) = Workbench(filled).recipes(Workbench(filled).open("colours"))
    assert app.query_params["recipe"] == name
    app.switch_page("pages/explore/search.py")
    run(app, q="red")
    assert next(s for s in app.selectbox if s.key == "_recipe").value == name
    assert "This query" in words(app)


@pytest.fixture
def saved(monkeypatch):
    """The files that the pages offer, by name."""
    button, files = st.download_button, {}

    def download_button(label, data, file_name=None, *more, **settings):
        files[file_name] = data
        return button(label, data, file_name, *more, **settings)

    monkeypatch.setattr(st, "download_button", download_button)
    return files


def test_the_command_in_a_download_gives_its_numbers(app, filled, saved, capsys):
    def printed(line):
        assert main(shlex.split(line)[1:]) == 0, capsys.readouterr().err
        return json.loads(capsys.readouterr().out)

    def opened():
        return Workbench(filled).open("colours")

    bench = Workbench(filled)
    steps = "per_modality_centering,whitening:exponent=1"
    bench.keep_recipe(opened(), "my recipe", bench.repair(opened(), steps).recipe)
    (text,) = (id_ for id_ in opened().space.ids if "<b>" in bench.items("colours", [id_])[0].text)
    bench.tag("colours", "odd", [(text,)])
    app.switch_page("pages/measure/evaluate.py")
    chosen = {"recipe": "my recipe", "without": "odd", "hubs": "nnn", "by": "size"}
    run(app, collection="colours", **chosen)
    button(app, "Measure").click()
    run(app)
    for name in ("evaluation.json", "by-label.json"):
        page = json.loads(saved[name])
        assert "--recipe 'my recipe'" in page["command"] and "--without-tag odd" in page["command"]
        assert ("nnn" in page["command"]) == (name == "evaluation.json")
        found = printed(page["command"])
        assert {key: found[key] for key in page} == page
    groups = list(csv.DictReader(io.StringIO(saved["groups.csv"]().removeprefix("\ufeff"))))
    by = printed(groups[0]["command"])["by_group"]["text_to_image"]
    assert [(g["group"], g["value"]) for g in by["groups"]] == [
        (row["group"], float(row["recall@10"])) for row in groups
    ]
    app.switch_page("pages/measure/geometry.py")
    run(app, collection="colours", recipe="my recipe", family="Spread", **{"a.is.label": "red"})
    page = json.loads(saved["geometry.json"]())
    assert "'my recipe'" in page["command"]
    found = {(f["name"], f["scope"]): f for f in printed(page["command"])["findings"]}
    assert page["findings"] == [found[f["name"], f["scope"]] for f in page["findings"]]
    assert page["findings"]


def test_a_suggestion_fills_in_the_steps(app, filled):
    settled(app, filled, collection="colours")
    button(app, "Suggest").click()
    settled(app, filled)
    assert any("recipes compared" in box.label for box in app.expander)


def test_a_query_that_moved_shows_its_results_before_and_after(app, filled):
    settled(app, filled, collection="colours", step="procrustes")
    grids = [data["cards"] for data in components(app, "sextant_gallery")]
    queries, before, after = grids
    assert [c["badge"] for c in queries].count("results below") == 1
    assert [c["rank"] for c in before] == [c["rank"] for c in after] == list(map(str, range(1, 11)))
    assert {c["kind"] for c in before} == {"image"}
    rank = next(c["note"] for c in queries if c["badge"])
    own = [c["rank"] for c in before if c["badge"] == "its own"]
    assert f"rank {own[0]} before" in rank
    assert not any(c["badge"] for c in after)  # lost: no longer among the first ten


def test_a_file_that_is_no_recipe_for_these_vectors_is_refused(app, filled):
    settled(app, filled, collection="colours")
    bench = Workbench(filled)
    opened = bench.open("colours")
    file = bench.recipe_bytes(opened, bench.repair(opened, "whitening").recipe)
    for data, sentence in (
        (b"junk", "not a recipe file"),
        (file.replace(b"toy", b"toi"), "toi"),
    ):
        app.file_uploader[0].set_value(("mine.safetensors", data, "application/octet-stream"))
        run(app)
        button(app, "Keep this recipe").click()
        run(app)
        assert any(sentence in w.value for w in app.warning)
    assert bench.recipes(opened) == ()


def test_a_running_fit_shows_its_progress_and_can_be_cancelled(app, filled, monkeypatch):
    begun = threading.Event()

    def slow(opened, steps, *, progress):
        begun.set()
        while True:
            progress(1, 4)
            time.sleep(0.05)

    monkeypatch.setattr(Workbench, "repair", staticmethod(slow))
    monkeypatch.setattr("pages.parts.repair.work.PATIENCE_S", 0.2)
    run(app, collection="colours", step="whitening")
    assert begun.wait(10) and "Measuring repairs of colours" in words(app)
    button(app, "Cancel").click()
    settled(app, filled)
    assert "Cancelled." in words(app) and button(app, "Run it again")


@pytest.mark.parametrize(
    "link",
    [
        {"step": "whitening", "whitening.exponent": "99"},
        {"step": "whitening", "whitening.keep": "x"},
        {"step": ["nnn", "csls", "gap_shift"]},
        {"recipe": "nosuch"},
        {"step": "procrustes", "moved": "x", "side": "x"},
    ],
    ids=str,
)
def test_a_link_that_makes_no_sense_falls_back(app, link):
    run(app, collection="colours", **link)
    assert "Repair" in words(app)


def test_steps_of_a_link_may_be_written_as_on_the_command_line(app):
    run(app, collection="colours", step="gap_shift,nnn:k=4")
    assert next(box for box in app.multiselect if box.key == "_step").value == ["gap_shift", "nnn"]
    assert next(box for box in app.number_input if box.key == "_nnn.k").value == 4


@pytest.mark.parametrize(
    ("steps", "wrong"),
    [("nosuch", "nosuch"), ("nnn:k=many", "many"), ("nnn,gap_shift", "nnn corrects")],
)
def test_steps_of_a_link_that_are_none_are_told(app, steps, wrong):
    run(app, collection="colours", step=steps)
    assert [box.value for box in app.warning if wrong in box.value]


def test_a_collection_without_pairs_says_what_to_add(app):
    run(app, collection="nothing yet")
    assert "nothing yet is empty" in words(app)
