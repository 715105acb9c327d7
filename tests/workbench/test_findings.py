"""Findings stored with a collection: the same numbers, for one state of the vectors only."""

from dataclasses import replace

import numpy as np
import pytest

from core.errors import Cancelled, InputError, UnknownName
from core.measure import DIAGNOSTICS, FIGURES
from core.store import Home
from core.types import Item, Passport
from core.workbench import Workbench, tasks
from core.workbench import findings as stored
from tests.fixtures.items import text
from tests.fixtures.spaces import paired

TOY = Passport("planted", "w", "p", 16)
N = 120


@pytest.fixture
def bench(home):
    """A collection of images with a caption and one of three labels each."""
    space = paired(N, 16)
    images = [Item("image", b"i%d" % i, f"{i}.png", labels=(f"l{i % 3}",)) for i in range(N)]
    texts = [text(f"caption {i}") for i in range(N)]
    pets = Home(home).create("pets")
    pets.add([*images, *texts], [(i.id, t.id) for i, t in zip(images, texts, strict=True)])
    pets.write_vectors(TOY, [i.id for i in (*images, *texts)], space.vectors)
    return Workbench(home)


def plain(findings):
    return [finding.to_dict() for finding in findings]


def test_stored_findings_equal_fresh_ones(bench, home):
    opened = bench.open("pets")
    fresh, lacks = bench.measure(opened.space)
    steps = []
    bench.measure_all(opened, progress=lambda *step: steps.append(step))
    assert steps[0] == (0, len(steps) - 1)
    assert steps[-1][0] == steps[-1][1] == len(DIAGNOSTICS.all()) + len(FIGURES)
    again = Workbench(home).open("pets")
    found = bench.stored_findings(again)
    assert not found.missing
    names = {name: sentence for name, sentence in found.lacks.items() if name not in FIGURES}
    assert names == lacks
    each = [bench.findings(again, name) for name in DIAGNOSTICS.all()]
    assert plain(f for findings, _ in each for f in findings) == plain(fresh)
    for name, figure in FIGURES.items():
        assert found.figures[name].to_dict() == figure(opened.space).to_dict()


def test_a_diagnostic_that_refuses_the_space_keeps_no_other_from_being_measured(bench, monkeypatch):
    def refuse(space):
        raise InputError("The groups do not differ.")

    part = DIAGNOSTICS.get("alignment")
    refuse.__module__ = part.function.__module__  # a part is named after its file
    monkeypatch.setitem(DIAGNOSTICS.all(), "alignment", replace(part, function=refuse))
    opened = bench.open("pets")
    found = bench.measure_all(opened)
    assert not found.missing
    assert found.lacks["alignment"] == "The groups do not differ."
    assert bench.measure(opened.space, ["alignment", "mean_cosine"])[1] == {
        "alignment": "The groups do not differ."
    }


def test_nothing_is_measured_twice(bench, monkeypatch):
    opened = bench.open("pets")
    bench.measure_all(opened)
    monkeypatch.setattr(stored, "_measure", None)
    assert not bench.measure_all(bench.open("pets")).missing
    assert bench.findings(bench.open("pets"), "hubness")[0]


def test_a_run_that_was_cancelled_resumes(bench):
    def stop(done, total):
        if done == 3:
            raise Cancelled

    opened, parts = bench.open("pets"), []
    with pytest.raises(Cancelled):
        bench.measure_all(opened, progress=stop, on_part=parts.append)
    found = bench.stored_findings(opened)
    assert len(found.missing) == len(DIAGNOSTICS.all()) + len(FIGURES) - 3
    bench.measure_all(opened, on_part=parts.append)
    assert len(parts) == len(set(parts)) == len(DIAGNOSTICS.all()) + len(FIGURES)


def test_other_vectors_labels_or_pairs_have_other_findings(bench):
    bench.measure_all(bench.open("pets"))
    space = bench.open("pets").space
    collection = bench.home.open("pets")
    collection.write_vectors(TOY, space.ids, np.roll(space.vectors, 1, axis=0), replace=True)
    assert len(bench.stored_findings(bench.open("pets")).missing) > 30
    collection.write_vectors(TOY, space.ids, space.vectors, replace=True)
    assert not bench.stored_findings(bench.open("pets")).missing
    collection.delete_items(space.ids[:1])
    assert len(bench.stored_findings(bench.open("pets")).missing) > 30


def test_the_code_that_measures_counts(bench, monkeypatch):
    bench.measure_all(bench.open("pets"))
    monkeypatch.setattr(stored, "_code", lambda: "another")
    assert len(bench.stored_findings(bench.open("pets")).missing) > 30


def test_a_glance_reads_no_vectors_and_says_when_it_is_old(bench, home, monkeypatch):
    assert bench.glance("pets") is None
    found = bench.measure_all(bench.open("pets"))
    monkeypatch.setattr("core.store.collection.assemble_space", None)
    glance = Workbench(home).glance("pets")
    assert glance.current
    assert glance.recall.to_dict() == found.findings["pair_recall"][0].to_dict()
    assert glance.fine == sum(f.verdict == "good" for f in found.all) > 0
    bench.home.open("pets").add([text("new")])
    assert not bench.glance("pets").current


def test_what_changes_no_vector_keeps_the_findings_and_renews_their_version(bench):
    bench.measure_all(bench.open("pets"))
    second = Passport("second", "w", "p", 16)
    space = bench.open("pets").space
    bench.home.open("pets").write_vectors(second, space.ids, space.vectors)
    assert not bench.glance("pets").current
    assert bench.glance("pets", "second") is None
    bench.measure_all(bench.open("pets"))
    assert bench.glance("pets").current


def test_only_diagnostics_have_findings(bench):
    with pytest.raises(UnknownName):
        bench.findings(bench.open("pets"), "spectra")


def test_new_vectors_are_measured_in_a_job(bench):
    tasks.start(bench, "add_encoder", "x", name="pets", encoder="toy").wait()
    job = bench.jobs.latest("measure_all", {"name": "pets", "encoder": "toy", "recipe": ""}).wait()
    assert (job.state, job.result) == ("done", None)
    assert bench.glance("pets", "toy").current


def test_what_is_tagged_is_left_out_with_the_texts_that_then_have_no_image(bench):
    opened = bench.open("pets")
    ids, pairs = opened.space.ids, opened.space.pairs
    image, caption = (ids[row] for row in pairs[5])
    bench.tag("pets", "wrong caption", [(image, caption)])
    bench.tag("pets", "spam", [ids[pairs[9, 0]]])
    left = bench.without_tags(opened, ("wrong caption",)).space
    assert len(left.pairs) == N - 1
    assert image in left.row
    assert caption not in left.row
    left = bench.without_tags(opened, ("wrong caption", "spam")).space
    assert (left.n_images, left.n, len(left.pairs)) == (N - 1, 2 * N - 3, N - 2)
    with pytest.raises(UnknownName):
        bench.without_tags(opened, ("wrong",))
