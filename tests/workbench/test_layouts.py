"""Layouts are stored, stay put when items are added, and know how far they can be trusted."""

from dataclasses import replace

import numpy as np
import pytest

from core.errors import Cancelled, UnknownName
from core.measure import PROJECTIONS
from core.store import Home
from core.types import Passport
from core.workbench import Workbench, tasks
from tests.fixtures.items import text
from tests.fixtures.spaces import directions

ONE, TWO = (Passport(name, "w", "p", 16) for name in ("one", "two"))
N = 60


@pytest.fixture
def pets(home):
    """Texts with vectors of two encoders."""
    made = Home(home).create("pets")
    add(made, 0, N)
    return made


def add(collection, start, stop):
    texts = [text(f"caption {i}") for i in range(start, stop)]
    collection.add(texts, [])
    ids = [item.id for item in texts]
    for seed, passport in enumerate((ONE, TWO)):
        collection.write_vectors(passport, ids, directions(100, 16, seed)[start:stop])


def test_few_new_items_are_placed_and_the_others_stay(pets, home):
    bench = Workbench(home)
    before = bench.layout(bench.open("pets"), "fastrp")
    add(pets, N, N + 10)
    opened = Workbench(home).open("pets")
    assert not bench.has_layout(opened, "fastrp")
    after = bench.layout(opened, "fastrp")
    assert after.space.n == N + 10
    at = [after.space.row[id_] for id_ in before.space.ids]
    np.testing.assert_array_equal(after.xy[at], before.xy)
    assert np.isfinite(after.xy).all()
    anew = bench.layout(opened, "fastrp", anew=True)
    assert not np.array_equal(anew.xy[at], before.xy)
    np.testing.assert_array_equal(bench.layout(opened, "fastrp").xy, anew.xy)


def test_many_new_items_are_laid_out_with_the_others(pets, home):
    bench = Workbench(home)
    bench.layout(bench.open("pets"), "fastrp")
    add(pets, N, N + 30)
    opened = Workbench(home).open("pets")
    fresh = PROJECTIONS.get("fastrp")(opened.space)
    np.testing.assert_array_equal(bench.layout(opened, "fastrp").xy, fresh)


def test_items_whose_vectors_were_replaced_are_laid_out_again(pets, home):
    bench = Workbench(home)
    before = bench.layout(bench.open("pets"), "fastrp")
    pets.write_vectors(ONE, before.space.ids, directions(N, 16, 7), replace=True)
    opened = Workbench(home).open("pets")
    after = bench.layout(opened, "fastrp")
    np.testing.assert_array_equal(after.xy, PROJECTIONS.get("fastrp")(opened.space))
    assert not np.array_equal(after.xy, before.xy)


def test_vectors_of_other_weights_under_the_same_name_are_laid_out_again(pets, home):
    bench = Workbench(home)
    before = bench.layout(bench.open("pets"), "fastrp")
    newer = replace(ONE, weights="newer")
    pets.write_vectors(newer, before.space.ids, directions(N, 16, 7), listed=False)
    pets.succeed(ONE, newer)
    opened = Workbench(home).open("pets")
    after = bench.layout(opened, "fastrp")
    np.testing.assert_array_equal(after.xy, PROJECTIONS.get("fastrp")(opened.space))


def test_a_layout_like_another_encoders_lies_over_it_and_is_one_of_its_own(pets, home):
    bench = Workbench(home)
    one, two = (bench.open("pets", name) for name in ("one", "two"))
    first = bench.layout(one, "umap", gap="keep")
    alone = bench.layout(two, "umap", gap="keep")
    beside = bench.layout(two, "umap", like=first, gap="keep")
    assert alone.label == "umap/gap=keep"
    assert beside.label.startswith("umap/gap=keep/like=")
    assert not np.array_equal(alone.xy, beside.xy)
    at = [first.space.row[id_] for id_ in two.space.ids]

    def apart(xy):
        return np.linalg.norm(xy - first.xy[at], axis=1).mean()

    assert apart(beside.xy) < apart(alone.xy)
    assert bench.has_layout(two, "umap", like=first, gap="keep")


def test_the_job_stores_the_layout_with_its_quality(pets, home):
    bench = Workbench(home)
    arguments = {"name": "pets", "method": "fastrp", "encoder": "one", "settings": {}}
    job = tasks.start(bench, "layout", "FastRP", **arguments).wait()
    assert (job.state, job.error) == ("done", "")
    opened = bench.open("pets", "one")
    layout = bench.layout(opened, "fastrp")
    known = bench.known_map_quality(opened, layout)
    fresh = bench.map_quality(opened, bench.layout(opened, "fastrp", anew=True))
    assert known.sentence == fresh.sentence
    for name in ("rows", "trustworthiness", "continuity", "recall", "reconstruction", "random"):
        np.testing.assert_allclose(getattr(known, name), getattr(fresh, name), atol=1e-6)
    assert (known.k, known.ks) == (fresh.k, fresh.ks)


def test_the_job_of_a_second_map_starts_from_the_first(pets, home):
    bench = Workbench(home)
    one, two = (bench.open("pets", name) for name in ("one", "two"))
    first = bench.layout(one, "umap")
    given = {"name": "pets", "method": "umap", "settings": {}, "encoder": "two"}
    job = tasks.start(bench, "layout", "UMAP", **given, like={"encoder": "one", "settings": {}})
    assert job.wait().state == "done"
    assert bench.has_layout(two, "umap", like=first) and not bench.has_layout(two, "umap")


def test_stability_needs_a_layout_with_another_seed(pets, home):
    bench = Workbench(home)
    opened = bench.open("pets")
    bench.layout(opened, "fastrp")
    assert bench.seed_stability(opened, "fastrp") is None
    bench.layout(opened, "fastrp", seed=1)
    share, chance = bench.seed_stability(opened, "fastrp")
    assert chance < share <= 1


def test_a_cancelled_layout_leaves_nothing_and_settings_are_checked(pets, home):
    bench = Workbench(home)
    opened = bench.open("pets")

    def stop(done, total):
        raise Cancelled

    with pytest.raises(Cancelled):
        bench.layout(opened, "umap", progress=stop)
    assert not bench.has_layout(opened, "umap")
    with pytest.raises(UnknownName, match="setting of fastrp"):
        bench.layout(opened, "fastrp", perplexity=3)
