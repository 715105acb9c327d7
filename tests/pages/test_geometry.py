"""The overview, while it is measured and after; reviewing pairs."""

import json
import shutil
from pathlib import Path
from threading import Event

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import InputError
from core.measure import concerns
from core.workbench import Workbench, tasks
from pages.parts.geometry import review
from tests.fixtures.screens import components, run, words

TOP = Path(__file__).parents[2]


@pytest.fixture
def app(monkeypatch):
    monkeypatch.chdir(TOP)
    app = AppTest.from_file(str(TOP / "app.py"), default_timeout=90)
    app.switch_page("pages/measure/geometry.py")
    return app


@pytest.fixture
def bench(filled):
    return Workbench(filled)


@pytest.fixture(scope="module")
def stored(built, tmp_path_factory):
    """A home whose collection is measured; once."""
    home = tmp_path_factory.mktemp("measured") / "home"
    shutil.copytree(built, home)
    bench = Workbench(home)
    bench.measure_all(bench.open("colours"))
    return home


@pytest.fixture
def measured(stored, home):
    shutil.copytree(stored, home)
    return Workbench(home)


def button(app, key):
    return next(b for b in app.button if b.key == key)


def charts(app):
    return "".join(c.proto.id for c in app.get("plotly_chart"))


def test_the_first_visit_measures_in_a_job_and_shows_what_there_is(app, bench, monkeypatch):
    begin = Event()

    def work(bench, arguments, tick):
        opened = bench.open(arguments["name"], arguments["encoder"])

        def stop(done, total):
            tick(done, total)
            if done == 3:
                begin.wait(60)

        bench.measure_all(opened, progress=stop)

    monkeypatch.setitem(tasks.VERBS, "measure_all", work)
    run(app, collection="colours")
    assert not [b for b in app.get("download_button") if b.label == "JSON"]
    (job,) = bench.jobs.all()
    arguments = {"name": "colours", "encoder": None, "recipe": ""}
    assert (job.verb, job.arguments) == ("measure_all", arguments)
    begin.set()
    while bench.jobs.get(job.id).state == "running":
        Event().wait(0.05)
    run(app)
    assert "so far" not in words(app)
    assert [b for b in app.get("download_button") if b.label == "JSON"]
    assert len(bench.jobs.all()) == 1


def test_a_repaired_space_is_measured_once(app, measured):
    opened = measured.open("colours")
    measured.keep_recipe(opened, "r", measured.repair(opened, "whitening").recipe)
    run(app, collection="colours", recipe="r")
    (job,) = measured.jobs.all()
    while measured.jobs.get(job.id).state == "running":
        Event().wait(0.05)
    run(app)
    assert "so far" not in words(app)
    assert len(measured.jobs.all()) == 1


def test_a_subset_by_tag_follows_the_tag(app, measured):
    ids = measured.open("colours").space.ids
    measured.tag("colours", "kept", [(id_,) for id_ in ids[:20]])
    run(app, collection="colours", **{"a.is.tag": "kept"})
    assert "20 images" in words(app)
    measured.tag("colours", "kept", [(id_,) for id_ in ids[20:24]])
    run(app)
    assert "24 images" in words(app)


def test_a_measurement_that_failed_or_was_cancelled_is_not_started_again_by_itself(app, bench):
    def fail(tick):
        raise InputError("The disk is full.")

    arguments = {"name": "colours", "encoder": None, "recipe": ""}
    bench.jobs.start("Measuring", fail, verb="measure_all", arguments=arguments).wait()
    run(app, collection="colours")
    assert "The disk is full" in words(app).replace("\\", "")
    assert "Try again" in [b.label for b in app.button]
    assert len(bench.jobs.all()) == 1


def test_the_overview_counts_what_it_lists(app, measured, monkeypatch):
    monkeypatch.setattr("core.measure.verdicts.LEAST", 20)
    monkeypatch.setattr("core.workbench.findings._code", lambda: "with verdicts")
    measured.measure_all(measured.open("colours"))
    run(app, collection="colours")
    found = measured.stored_findings(measured.open("colours"))
    listed = concerns(found.all)
    assert listed
    for verdict, word, color in (("bad", "to mend", "red"), ("watch", "to watch", "orange")):
        assert f":{color}[**{sum(c.verdict == verdict for c in listed)}**] {word}" in words(app)
    assert "Finds the right image in the top 10 for" in words(app)
    drawn = charts(app)
    for name in ("pair_similarities", "plane", "spectra", "hub_tails"):
        assert f"_overview_{name}" in drawn


def test_pairs_are_reviewed_one_after_the_other_and_the_answers_are_tags(app, measured):
    run(app, collection="colours", family=review.REVIEW)
    button(app, "_review_1").click()
    run(app)
    (tag,) = measured.tags("colours")
    assert (tag.name, len(tag.ids)) == (review.WRONG, 2)
    image, text = measured.items("colours", tag.ids)
    assert (image.kind, text.kind) == ("image", "text")
    button(app, "_review_2").click()
    run(app)
    button(app, "_review_3").click()
    run(app)
    assert [t.name for t in measured.tags("colours")] == [review.WRONG, review.FINE]
    assert "1 wrong caption, 1 fine" in words(app)
    for _ in range(2):  # the skipped one, then the one that was fine
        button(app, "_review_undo").click()
        run(app)
    assert [t.name for t in measured.tags("colours")] == [review.WRONG]
    rows = review.rows(measured, "colours")
    assert json.loads(json.dumps(rows))[0]["text"] == text.text
    left = measured.without_tags(measured.open("colours"), (review.WRONG,)).space
    assert len(left.pairs) == len(measured.open("colours").space.pairs) - 1


def test_answers_of_another_visit_count(app, measured):
    run(app, collection="colours", family=review.REVIEW)
    button(app, "_review_1").click()
    run(app)
    (tag,) = measured.tags("colours")
    again = AppTest.from_file(str(TOP / "app.py"), default_timeout=90)
    again.switch_page("pages/measure/geometry.py")
    run(again, collection="colours", family=review.REVIEW)
    assert "1 wrong caption" in words(again)
    assert measured.items("colours", tag.ids[1:])[0].text not in words(again).replace("\\", "")
    assert button(again, "_review_undo").disabled


def test_a_family_is_opened_by_its_name_in_the_link(app, measured):
    run(app, collection="colours", family="Spread")
    assert "_figure_uniformity" in charts(app)


def test_two_parts_differ_clearest_first_on_shared_axes(app, measured):
    run(app, collection="colours", versus="rest", **{"a.is.label": ["red", "blue"]})
    drawn = [c for c in components(app, "sextant_vital_signs") if c["signs"]]
    assert any("other" in sign for c in drawn for sign in c["signs"])
    spec = next(c for c in app.get("plotly_chart") if "_overview_spectra" in c.proto.id)
    names = {trace["name"] for trace in json.loads(spec.proto.spec)["data"]}
    assert {"A images", "B images", "A texts", "B texts"} <= names
